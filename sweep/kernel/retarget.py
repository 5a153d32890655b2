"""The kernel for other machines: WebAssembly, other processors, graphics processors; the same bits on each.

The traced functions add their instructions to a module of any triple, and LLVM, as llvmlite brings it, makes machine
code of it. Where a target has no fused multiply-add, an exact one is added (Boldo & Melquiond 2008, "Emulation of FMA
and correctly rounded sums: proved algorithms using rounding to odd"): for x y + z,

    p + r = x y,   s + t = z + r,   u + v = p + s       each exactly                       (1)
    x y + z = RN(u + RO(t + v))                                                        (2)

where RN rounds to nearest and RO to odd. It is exact unless an exponent is extreme; there the module calls `slow`,
which whoever loads the module gives to it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir

from sweep.kernel.descent import advance, evaluate
from sweep.kernel.lanes import Storage, Table, canonical
from sweep.kernel.model import answer, logit
from sweep.kernel.plan import Plan

_F64, _I64 = ir.DoubleType(), ir.IntType(64)
_KINDS = {"n": _I64, "d": _F64, "T": _F64.as_pointer(), "S": _F64.as_pointer()}
_LEAST_PRODUCT, _LARGEST = 1e-250, 1e290
"""Between these, no step of (1) and (2) overflows, and r is exact."""


class Target(NamedTuple):
    """A machine to compile for.

    Attributes
    ----------
    triple, cpu, features : str
        As LLVM names them.
    has_fma : bool
        Whether `fma` is an instruction, or a function of the system; else one is added.
    """

    triple: str
    cpu: str = ""
    features: str = ""
    has_fma: bool = True


TARGETS = {
    "wasm32": Target("wasm32-unknown-unknown", features="+bulk-memory", has_fma=False),
    "aarch64": Target("aarch64-unknown-linux-gnu"),
    "x86-64": Target("x86_64-unknown-linux-gnu", "x86-64"),
    "AVX2": Target("x86_64-unknown-linux-gnu", "haswell"),
    "nvptx64": Target("nvptx64-nvidia-cuda", "sm_70"),
}


def respond(plan: Plan, n_points: Any, X: Any, state: Any, outputs_out: Any) -> None:
    """Write the model's output p, equation (2) of `model`, at each row of X.

    Parameters
    ----------
    plan : Plan
    n_points : int
    X : (n_points, N) float64
    state : (n_state * width,) float64, lanes
    outputs_out : (n_points * width,) float64, lanes
    """
    w = [state[j] for j in range(plan.n_params)]

    def point(m: Any) -> None:
        z = logit(plan, w, [X[m, i] for i in range(plan.n_inputs)])
        outputs_out[m] = canonical(answer(plan, z))

    outputs_out.repeat(n_points, point)


_FUNCTIONS = {
    "advance": (advance.traced, "nTSSSSSdd"),
    "evaluate": (evaluate.traced, "TSSddSSS"),
    "respond": (respond, "nTSS"),
}
"""Exported functions; of each parameter: n int64, d float64, T a table of numbers, S storage of lanes."""


def text(plan: Plan, target: Target) -> str:
    """The plan's functions as LLVM's text, not optimised."""
    module = ir.Module("kernel")
    module.triple = target.triple
    for name, (traced, kinds) in _FUNCTIONS.items():
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_KINDS[kind] for kind in kinds]), name)
        builder = ir.IRBuilder(function.append_basic_block())
        arguments: list[Any] = []
        for kind, value in zip(kinds, function.args, strict=True):
            match kind:
                case "T":
                    arguments.append(Table(builder, value, ir.Constant(_I64, plan.n_inputs)))
                case "S":
                    arguments.append(Storage(builder, value, plan.width, align=8))
                case _:
                    arguments.append(value)
        traced(plan, *arguments)
        builder.ret_void()
    if not target.has_fma:
        add_fma(module)
    return str(module)


def compiled(plan: Plan, target: Target) -> bytes:
    """A plan's machine code: an object file; for wasm32 a module, for nvptx64 the assembler's text.

    Parameters
    ----------
    plan : Plan
        Of any width: as many models a call.
    target : Target

    Returns
    -------
    bytes
        With the functions `advance`, `evaluate` and `respond`, whose arrays are pointers to float64.
    """
    code = emitted(text(plan, target), target)
    return with_exports(code, list(_FUNCTIONS)) if target.triple.startswith("wasm") else code


def emitted(source: str, target: Target) -> bytes:
    """LLVM's text as an object file, or for nvptx64 as the assembler's text."""
    machine, module = optimised(source, target)
    if target.triple.startswith("nvptx"):
        return str(machine.emit_assembly(module)).encode("ascii")
    return bytes(machine.emit_object(module))


def optimised(source: str, target: Target) -> tuple[Any, Any]:
    """The target machine and the optimised module of LLVM's text."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = llvm.parse_assembly(source)
    module.verify()
    machine = llvm.Target.from_triple(target.triple).create_target_machine(
        target.cpu, target.features, opt=3, reloc="static", codemodel="small"
    )
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    return machine, module


def add_fma(module: ir.Module) -> None:
    """Define `fma`, which LLVM calls where the target has no such instruction."""
    kind = ir.FunctionType(_F64, [_F64] * 3)
    slow, fma = ir.Function(module, kind, "slow"), ir.Function(module, kind, "fma")
    entry, fast, rare, zero, extreme = (fma.append_basic_block() for _ in range(5))
    x, y, z = fma.args

    b = ir.IRBuilder(entry)
    magnitude = ir.Function(module, ir.FunctionType(_F64, [_F64]), "llvm.fabs.f64")
    larger = ir.Function(module, ir.FunctionType(_F64, [_F64] * 2), "llvm.maximum.f64")
    p = b.fmul(x, y)
    product, *sizes = (b.call(magnitude, [value]) for value in (p, x, y, z))
    largest = product
    for size in sizes:
        largest = b.call(larger, [largest, size])
    least, most = b.fcmp_ordered(">", product, _F64(_LEAST_PRODUCT)), b.fcmp_ordered("<", largest, _F64(_LARGEST))
    b.cbranch(b.and_(least, most), fast, rare)
    b = ir.IRBuilder(rare)
    b.cbranch(b.or_(*(b.fcmp_ordered("==", value, _F64(0.0)) for value in (x, y))), zero, extreme)
    b = ir.IRBuilder(zero)
    b.ret(b.fadd(p, z))
    b = ir.IRBuilder(extreme)
    b.ret(b.call(slow, [x, y, z]))

    b = ir.IRBuilder(fast)
    s, t = _exact_sum(b, z, _rest_of_product(b, x, y, p))
    u, v = _exact_sum(b, p, s)
    b.ret(b.fadd(u, _odd_sum(b, t, v)))


def _exact_sum(b: ir.IRBuilder, x: Any, y: Any) -> tuple[Any, Any]:
    """(s, e): s = RN(x + y), s + e = x + y (Knuth 1969)."""
    s = b.fadd(x, y)
    w = b.fsub(s, x)
    return s, b.fadd(b.fsub(x, b.fsub(s, w)), b.fsub(y, w))


def _rest_of_product(b: ir.IRBuilder, x: Any, y: Any, p: Any) -> Any:
    """x y − p for p = RN(x y) (Dekker 1971)."""

    def halves(value: Any) -> tuple[Any, Any]:
        shifted = b.fmul(_F64(134217729.0), value)  # 2²⁷ + 1
        high = b.fsub(shifted, b.fsub(shifted, value))
        return high, b.fsub(value, high)

    (xh, xl), (yh, yl) = halves(x), halves(y)
    rest = b.fsub(b.fmul(xh, yh), p)
    for left, right in ((xh, yl), (xl, yh), (xl, yl)):
        rest = b.fadd(rest, b.fmul(left, right))
    return rest


def _odd_sum(b: ir.IRBuilder, x: Any, y: Any) -> Any:
    """RO(x + y): where the sum is not exact, that neighbour of it whose last bit is set."""
    s, error = _exact_sum(b, x, y)
    bits = b.bitcast(s, _I64)
    is_even = b.icmp_signed("==", b.and_(bits, _I64(1)), _I64(0))
    away = b.icmp_signed("==", b.fcmp_ordered(">", error, _F64(0.0)), b.fcmp_ordered(">", s, _F64(0.0)))
    odd = b.add(bits, b.select(away, _I64(1), _I64(-1)))
    inexact = b.fcmp_ordered("!=", error, _F64(0.0))
    return b.bitcast(b.select(b.and_(is_even, inexact), odd, bits), _F64)


# --- a WebAssembly module of an object file ---------------------------------------------------------------------------


class _Reader:
    """The bytes of a module from a place on (WebAssembly Core Specification, §5)."""

    def __init__(self, data: bytes, at: int, end: int):
        self.data, self.at, self.end = data, at, end

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at, value, shift = self.at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    def name(self) -> str:
        return self.part().data.decode("ascii")

    def part(self) -> "_Reader":
        n = self.number()
        self.at += n
        return _Reader(self.data[self.at - n : self.at], 0, n)

    def parts(self) -> Iterator[tuple[int, "_Reader"]]:
        """Sections: a number for their kind, and what they hold."""
        while self.at < self.end:
            kind = self.number()
            yield kind, self.part()


_EXPORT, _CODE = 7, 10
_SYMBOL_TABLE, _FUNCTION, _DATA, _SECTION = 8, 0, 1, 3
_UNDEFINED, _EXPLICIT_NAME = 0x10, 0x40


def with_exports(code: bytes, names: Sequence[str]) -> bytes:
    """The object file as a module that exports these functions; what only a linker reads is left out."""
    sections = list(_Reader(code, 8, len(code)).parts())
    numbers = next(filter(None, map(_functions, (part for kind, part in sections if kind == 0))))
    exports = b"".join(_sized(name.encode()) + bytes([_FUNCTION]) + _number(numbers[name]) for name in names)
    module = code[:8]
    for kind, part in sections:
        if kind == _CODE:
            module += bytes([_EXPORT]) + _sized(_number(len(names)) + exports)
        if kind:
            module += bytes([kind]) + _sized(part.data)
    return module


def _functions(custom: _Reader) -> dict[str, int]:
    """The number of each function that the symbol table of a "linking" section names (Tool Conventions, Linking)."""
    found: dict[str, int] = {}
    if custom.name() != "linking":
        return found
    custom.number()
    for kind, table in custom.parts():
        for _ in range(table.number() if kind == _SYMBOL_TABLE else 0):
            sort, flags = table.number(), table.number()
            if sort in (_DATA, _SECTION):
                raise ValueError("a kernel of numbers in memory, which only a linker can place")
            number = table.number()
            if not flags & _UNDEFINED or flags & _EXPLICIT_NAME:
                name = table.name()
                if sort == _FUNCTION:
                    found[name] = number
    return found


def _number(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _number(rest) if rest else bytes([low])


def _sized(data: bytes) -> bytes:
    return _number(len(data)) + data
