"""Everything that leans on the inner workings of Numba and LLVM, which may change with any version of theirs.

`tests/test_machine.py` has a test for each function here: what breaks first says where.
"""

import functools
import hashlib
import inspect
from pathlib import Path

import llvmlite
import llvmlite.binding
import numba
from llvmlite import ir
from numba import config, extending, types
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

if llvmlite.binding.llvm_version_info >= (21,):
    # LLVM asks whether a loop computes a checksum, along all paths of its arithmetic: with a long body, for ever.
    llvmlite.binding.set_option("", "-disable-loop-idiom-hashrecognize")

inlined = numba.njit(inline="always", error_model="numpy")
"""Decorator of parts of functions that `jit` compiles: they become one piece of code, under the name of the whole."""


class _Cache(FunctionCache):
    """Code on disk, loaded without all that Numba can compile, whose import takes five times as long."""

    def load_overload(self, sig, target_context):
        """Load code; it needs Numba's memory management and nothing else, since it calls no function of Numba's."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


@functools.cache
def _made_of() -> bytes:
    """All that compiled code is made of, besides a plan: this package's source and the compiler's version."""
    sources = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return b"".join([*sources, numba.__version__.encode(), llvmlite.__version__.encode()])


def name_of(name, text=""):
    """Name that `jit` gives to a function, with a digest of all that it is made of."""
    return f"{name}_{hashlib.sha256(text.encode() + _made_of()).hexdigest()[:20]}"


def on_disk():
    """Names of the functions of this package that have been compiled, be it for another CPU."""
    folder = Path(FunctionCache(_made_of.__wrapped__).cache_path)
    return {path.name.partition("-")[0].rpartition(".")[2] for path in folder.glob("*.nbi")}


def jit(signature=None, text=""):
    """Compile a function that releases the GIL and is cached on disk, under a name of its own for all it is made of.

    Numba's cache tells functions apart by name, signature and what they close over, and notices changes of the file
    that defines them only; and the linker knows them by name alone. Without names of their own, code that froze a
    constant of another file would outlive its change, and code of two plans that was cached by two processes would meet
    under one name in a third.

    Parameters
    ----------
    signature : numba signature, optional
        Compile for it at once; by default compile when called.
    text : str
        What else tells apart functions of the same name: the text of a plan.
    """

    def decorate(function):
        function.__name__ = function.__qualname__ = name_of(function.__name__, text)
        compiled = numba.njit(nogil=True, error_model="numpy")(function)
        compiled._cache = _Cache(function)
        if signature:
            compiled.compile(signature)
            compiled.disable_compile()
        return compiled

    return decorate


@functools.cache
def _features_here() -> str:
    return str(llvmlite.binding.get_host_cpu_features().flatten())


def cpu_features() -> str:
    """Features of the CPU that Numba compiles for: "+avx2,+fma,…"."""
    chosen = getattr(config, "CPU_FEATURES", None)
    return _features_here() if chosen is None else str(chosen)


def array_parts(context, builder, kind, value):
    """(pointer to the data, length of each axis) of an array in code under construction.

    Parameters
    ----------
    context, builder, kind, value
        As Numba hands them to the code generation of an intrinsic: `kind` is the array's type.
    """
    array = context.make_array(kind)(context, builder, value)
    return array.data, [builder.extract_value(array.shape, axis) for axis in range(kind.ndim)]


def align_stack(builder):
    """Align the stack of the function under construction to 64 bytes, the largest vector register.

    LLVM keeps there what the registers do not hold, and aligns it by itself only where a function has arrays of its
    own. Elsewhere it is aligned to 16 bytes, and such a place most often lies across two lines of the cache.
    """
    attributes = builder.function.attributes
    attributes.add("nounwind")  # llvmlite writes none at all where there is no other
    attributes.alignstack = 64


def intrinsic(function, emit):
    """Make a function for compiled code, without a result, with the parameters of another after a literal text.

    Parameters
    ----------
    function : callable
        Whose name and parameters it has; the text takes the place of the first.
    emit : callable
        emit(context, builder, text, kinds, values) writes its code; of each other argument the type and the value.
    """

    @functools.wraps(function)
    def typed(_, text, *args):
        def lower(context, builder, signature, values):
            align_stack(builder)
            earlier = len(builder.function.blocks)
            emit(context, builder, text.literal_value, signature.args[1:], values[1:])
            for block in builder.function.blocks[earlier:]:
                arrange(block)
            return context.get_dummy_value()

        return types.none(text, *(types.intp if isinstance(a, types.Integer) else a for a in args)), lower

    first, *others = inspect.signature(function).parameters.values()
    typed.__signature__ = inspect.Signature([first.replace(name="context"), first.replace(name="text"), *others])
    return extending.intrinsic(prefer_literal=True)(typed)


_WINDOW = 96
"""Instructions from which `arrange` takes the next: a CPU looks at fewer, more would not leave their results room."""
_MULTIPLIER, _ADDER, _OTHER = range(3)
_COSTS = {
    "fmul": (_MULTIPLIER, 0.5, 4),
    "call": (_MULTIPLIER, 0.5, 4),
    "fdiv": (_MULTIPLIER, 2.0, 14),
    "fadd": (_ADDER, 0.5, 3),
    "fsub": (_ADDER, 0.5, 3),
    "select": (_ADDER, 0.5, 2),
}
"""Unit that an instruction occupies, cycles for which a register does so, and cycles until its result is there."""
_REGISTER = 8


def arrange(block):
    """Put instructions of a block into the order in which a CPU that looks far ahead would begin them.

    A CPU starts what is ready among the next hundred instructions or so. Where chains of the same kind stand side by
    side, as the sigmoids of several rows do, these are all multiplications for a while and all sums for another, and
    one kind of unit waits for the other. Here each instruction follows that could begin first, be it further on.
    """
    head = [i for i in block.instructions if i.opname == "phi"]
    end = [block.terminator] if block.is_terminated else []
    body = block.instructions[len(head) : len(block.instructions) - len(end)]
    missing, users = [], [[] for _ in body]
    for k, needed in enumerate(_needs(body)):
        missing.append(len(needed))
        for j in needed:
            users[j].append(k)
    ready, free, order = [0.0] * len(body), [0.0] * 3, []
    costs = [_COSTS.get(i.opname, (_OTHER, 0.0, 0)) for i in body]
    candidates = [k for k in range(len(body)) if k < _WINDOW and not missing[k]]
    for n in range(_WINDOW, _WINDOW + len(body)):
        begin, k = min((max(ready[k], free[costs[k][0]]), k) for k in candidates)
        unit, cycles, latency = costs[k]
        free[unit] = begin + cycles * getattr(body[k].type, "count", 0) / _REGISTER
        order.append(body[k])
        candidates.remove(k)
        for user in users[k]:
            missing[user] -= 1
            ready[user] = max(ready[user], begin + latency)
        candidates += [j for j in users[k] if j < n and not missing[j]]
        candidates += [n] if n < len(body) and not missing[n] else []
    block.instructions[:] = head + order + end


def _needs(body):
    """Places of the instructions that each of a block waits for; those that read or write one memory keep their order.

    Memory of the function's own is told apart by where it comes from; all other memory is one.
    """
    place = {id(i): k for k, i in enumerate(body)}
    written, read = {}, {}
    for k, i in enumerate(body):
        needs = {place[id(value)] for value in i.operands if id(value) in place}
        if i.opname in ("load", "store"):
            origin = i.operands[-1]
            while isinstance(origin, (ir.GEPInstr, ir.CastInstr)):
                origin = origin.operands[0]
            name = origin.name if isinstance(origin, ir.AllocaInstr) else ""
            needs |= {written[name]} if name in written else set()
            if i.opname == "store":
                needs |= set(read.pop(name, ()))
                written[name] = k
            else:
                read.setdefault(name, []).append(k)
        yield needs
