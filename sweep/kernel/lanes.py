"""One value of many models: kernels written as the mathematics of one model, compiled for many side by side.

A *traced* function is ordinary Python over values that have + − * / and comparisons. Called from compiled code, it runs
once, at compile time, on `Lanes`: each stands for a vector of float64, one model in each element, and every operation
on it adds one LLVM instruction. Python's own loops are thereby unrolled, its conditions decided. Called from Python,
the same function runs on NumPy arrays: `Kernel.py_func` is the kernel without a compiler.

All arithmetic is IEEE 754 double precision rounded to nearest; nothing is reordered or contracted, and a fused
multiply-add happens where `fma` stands and nowhere else. What a model computes therefore depends neither on its
neighbours, nor on the width of the vector, nor on the CPU.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types

from sweep.kernel import machine

_INT64 = ir.IntType(64)


def _arithmetic(name):
    """Methods x ∘ y and y ∘ x of lanes x: an instruction of LLVM's."""

    def of(lanes, x, y):
        return Lanes(lanes.builder, getattr(lanes.builder, name)(x, y))

    return lambda x, y: of(x, x.vector, x.like(y)), lambda x, y: of(x, x.like(y), x.vector)


def _comparison(symbol):
    return lambda x, y: Mask(x.builder, x.builder.fcmp_ordered(symbol, x.vector, x.like(y)))


class Lanes:
    """A vector of float64 in code under construction.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
    vector : llvmlite.ir.Value
        Of type `<width x double>`.
    """

    def __init__(self, builder, vector):
        self.builder = builder
        self.vector = vector

    @property
    def integers(self):
        """Bits of the vector as `<width x i64>`."""
        return self.builder.bitcast(self.vector, ir.VectorType(_INT64, self.vector.type.count))

    def like(self, value):
        """A number, or a scalar of the code under construction, in every lane."""
        if isinstance(value, Lanes):
            return value.vector
        kind = self.vector.type
        if isinstance(value, ir.Value):
            first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
            return _chosen(self.builder, [0] * kind.count, first, first)
        return ir.Constant(kind, [float(value)] * kind.count)

    def constant(self, integer):
        """An int64 in every lane."""
        n = self.vector.type.count
        return ir.Constant(ir.VectorType(_INT64, n), [integer] * n)

    def from_integers(self, integers):
        """Lanes with these bits."""
        return Lanes(self.builder, self.builder.bitcast(integers, self.vector.type))

    __add__, __radd__ = _arithmetic("fadd")
    __sub__, __rsub__ = _arithmetic("fsub")
    __mul__, __rmul__ = _arithmetic("fmul")
    __truediv__, __rtruediv__ = _arithmetic("fdiv")
    __lt__, __le__, __gt__, __ge__, __eq__ = map(_comparison, ("<", "<=", ">", ">=", "=="))

    def __neg__(self):
        return Lanes(self.builder, self.builder.fneg(self.vector))

    __hash__ = None  # type: ignore[assignment]


class Mask:
    """A vector of truth values in code under construction; a comparison with NaN is false, as in Python."""

    def __init__(self, builder, vector):
        self.builder = builder
        self.vector = vector

    def __and__(self, other):
        return Mask(self.builder, self.builder.and_(self.vector, other.vector))

    def __or__(self, other):
        return Mask(self.builder, self.builder.or_(self.vector, other.vector))

    def __invert__(self):
        return Mask(self.builder, self.builder.not_(self.vector))

    def all(self):
        """1 if it is true in every lane, else 0, as an index."""
        bits = ir.IntType(self.vector.type.count)
        each = self.builder.icmp_unsigned("==", self.builder.bitcast(self.vector, bits), bits(-1))
        return Index(self.builder, self.builder.zext(each, _INT64))


def _call(builder, name, kind, vectors):
    """Call one of LLVM's own functions of vectors."""
    name = f"llvm.{name}.v{kind.count}f64"
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(kind, [kind] * len(vectors)), name)
    return Lanes(builder, builder.call(function, vectors))


# --- elementary operations: on lanes an instruction, on numbers and arrays their meaning -----------------------------


class Unfused(np.ndarray):
    """An array for pictures: `fma` on it is a product and a sum, each rounded: a thousand times as fast."""


def _fma_of_numbers(x, y, z):
    if not all(map(math.isfinite, (x, y, z))):
        return z if math.isfinite(x) and math.isfinite(y) else x * y + z
    (a, b), (c, d), (e, f) = (float(v).as_integer_ratio() for v in (x, y, z))
    exact = a * c * f + e * b * d
    try:
        return exact / (b * d * f) if exact else x * y + z  # Python rounds a quotient of integers once
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def fma(x, y, z):
    """x·y + z, rounded once."""
    lanes = next((v for v in (x, y, z) if isinstance(v, Lanes)), None)
    if lanes is not None:
        return _call(lanes.builder, "fma", lanes.vector.type, [lanes.like(v) for v in (x, y, z)])
    if any(isinstance(v, Unfused) for v in (x, y, z)):
        return x * y + z
    if all(isinstance(v, float) for v in (x, y, z)):
        return np.float64(_fma_of_numbers(float(x), float(y), float(z)))
    with np.errstate(invalid="ignore", over="ignore"):
        return np.vectorize(_fma_of_numbers, otypes=[float])(x, y, z)


def sqrt(x):
    """√x, correctly rounded."""
    if isinstance(x, Lanes):
        return _call(x.builder, "sqrt", x.vector.type, [x.vector])
    with np.errstate(invalid="ignore"):
        return np.sqrt(x)


def select(condition, x, y):
    """x where the condition holds, y elsewhere."""
    if isinstance(condition, Mask):
        undefined = ir.Constant(ir.VectorType(ir.DoubleType(), condition.vector.type.count), ir.Undefined)
        lanes = Lanes(condition.builder, undefined)
        return Lanes(lanes.builder, lanes.builder.select(condition.vector, lanes.like(x), lanes.like(y)))
    chosen = np.where(condition, x, y)[()]  # a number where all three are
    return chosen.view(Unfused) if isinstance(condition, Unfused) else chosen


def flip(x, sign):
    """x, its sign changed where the sign bit of `sign` is set: `sign` is −0.0 for "change" and +0.0 for "keep"."""
    if isinstance(x, Lanes):
        return x.from_integers(x.builder.xor(x.integers, sign.integers))
    return np.where(np.signbit(sign), -x, x)


def absolute(x):
    """|x|."""
    if isinstance(x, Lanes):
        return x.from_integers(x.builder.and_(x.integers, x.constant(0x7FFF_FFFF_FFFF_FFFF)))
    return np.abs(x)


def canonical(x):
    """x, every NaN as the one with the bits 0x7FF8…0: which of them arithmetic gives depends on the CPU."""
    if isinstance(x, Lanes):
        is_nan = x.builder.fcmp_unordered("uno", x.vector, x.vector)
        return x.from_integers(x.builder.select(is_nan, x.constant(0x7FF8_0000_0000_0000), x.integers))
    return np.where(np.isnan(x), np.nan, x)


def scale(x, shifted):
    """x·2ⁿ by adding n to the exponent of x; n is the integer in the low bits of `shifted` = n + 1.5·2⁵².

    x and x·2ⁿ are normal numbers: the caller sees to it.
    """
    if isinstance(x, Lanes):
        n = x.builder.shl(shifted.integers, x.constant(52))
        return x.from_integers(x.builder.add(x.integers, n))
    return np.ldexp(x, (np.asarray(shifted) - 6755399441055744.0).astype(int))


def split(x):
    """(m, k) with x = m·2ᵏ and 1 ≤ m < 2, for a positive normal x."""
    if isinstance(x, Lanes):
        b, bits = x.builder, x.integers
        exponent = b.or_(b.lshr(bits, x.constant(52)), x.constant(0x4330_0000_0000_0000))  # 2⁵² + (k + 1023)
        m = b.or_(b.and_(bits, x.constant(0x000F_FFFF_FFFF_FFFF)), x.constant(0x3FF0_0000_0000_0000))
        return x.from_integers(m), x.from_integers(exponent) - (2.0**52 + 1023)
    m, k = np.frexp(x)
    return 2.0 * m, k - 1.0


def together(values):
    """One value that holds these, 1, 2, 4 or 8 of them, one after the other; an operation on it is one on each."""
    while len(values) > 1 and isinstance(values[0], Lanes):
        b, n = values[0].builder, 2 * values[0].vector.type.count
        pairs = zip(values[::2], values[1::2], strict=True)
        values = [Lanes(b, _chosen(b, range(n), first.vector, second.vector)) for first, second in pairs]
    return values[0] if len(values) == 1 else np.concatenate(values)


def apart(value, n):
    """The n values that `together` has made one of; a number is each of them."""
    if n == 1 or isinstance(value, float):
        return [value] * n
    if not isinstance(value, Lanes):
        return np.split(value, n)
    b, vector, width = value.builder, value.vector, value.vector.type.count // n
    return [Lanes(b, _chosen(b, range(k * width, (k + 1) * width), vector, vector)) for k in range(n)]


def _chosen(builder, order, x, y):
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(ir.IntType(32), len(order)), list(order)))


# --- storage and loops ------------------------------------------------------------------------------------------------


class Index:
    """An integer of the code under construction, to which others may be added, and which others may multiply."""

    def __init__(self, builder, value):
        self.builder = builder
        self.value = value

    def __add__(self, n):
        return Index(self.builder, self.builder.add(self.value, _value(n))) if n != 0 else self

    __radd__ = __add__

    def __mul__(self, n):
        return Index(self.builder, self.builder.mul(self.value, _value(n))) if n != 1 else self

    __rmul__ = __mul__


def _value(i):
    return i.value if isinstance(i, Index) else i if isinstance(i, ir.Value) else ir.Constant(_INT64, i)


class Storage:
    """Lanes in memory: `a[i]` is the i-th, i a Python integer or an index of the code under construction."""

    def __init__(self, builder, pointer, width, align):
        self.builder = builder
        self.pointer = builder.bitcast(pointer, ir.VectorType(ir.DoubleType(), width).as_pointer())
        self.width = width
        self.align = align

    def _at(self, i):
        return self.builder.gep(self.pointer, [_value(i)])

    def __getitem__(self, i):
        return Lanes(self.builder, self.builder.load(self._at(i), align=self.align))

    def __setitem__(self, i, value):
        self.builder.store(self.number(0.0).like(value), self._at(i), align=self.align)

    def local(self, n):
        """Storage for n more lanes of the same width on the stack."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(ir.ArrayType(self.pointer.type.pointee, max(n, 1)))
        place.align = self.width * 8
        return Storage(self.builder, place, self.width, place.align)

    def number(self, value):
        """Lanes that hold a number."""
        kind = self.pointer.type.pointee
        return Lanes(self.builder, ir.Constant(kind, [float(value)] * kind.count))

    def repeat(self, n, body):
        """Run body(i) for i = 0 … n − 1 as a loop of the compiled code; n as for an index."""
        builder, count = self.builder, _value(n)
        before, again, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.cbranch(builder.icmp_signed("<", ir.Constant(_INT64, 0), count), again, after)
        builder.position_at_end(again)
        i = builder.phi(_INT64)
        i.add_incoming(ir.Constant(_INT64, 0), before)
        body(Index(builder, i))
        following = builder.add(i, ir.Constant(_INT64, 1))
        i.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, count), again, after)
        builder.position_at_end(after)


class Table:
    """A 2-d float64 array whose entries serve all lanes alike: `X[m, i]` is a scalar."""

    def __init__(self, builder, pointer, n_columns):
        self.builder = builder
        self.pointer = pointer
        self.n_columns = n_columns

    def __getitem__(self, index):
        row, column = map(_value, index)
        offset = self.builder.add(self.builder.mul(row, self.n_columns), column)
        return self.builder.load(self.builder.gep(self.pointer, [offset]))


class Values(list):
    """`Storage` as a list, whose loops are written out: straight-line code."""

    def local(self, n):
        """See `Storage.local`."""
        return Values([None] * n)

    def repeat(self, n, body):
        """See `Storage.repeat`."""
        for i in range(n):
            body(i)


class PythonStorage:
    """`Storage` outside compiled code: the rows of a NumPy array, copied when read."""

    def __init__(self, array, width):
        self.rows = array.reshape(-1, width)

    def __getitem__(self, i):
        return self.rows[i].copy()

    def __setitem__(self, i, value):
        self.rows[i] = value

    def local(self, n):
        """See `Storage.local`."""
        width = self.rows.shape[1]
        return PythonStorage(np.zeros(n * width), width)

    def number(self, value):
        """See `Storage.number`."""
        return np.full(self.rows.shape[1], value)

    repeat = Values.repeat


def traced(plan_of):
    """Make of a function one for Numba-compiled code; `in_python` of it is for Python, `traced` is the function itself.

    Both are called with a text, a literal where it is compiled, and any of: 1-d float64 arrays, which the function sees
    as `Storage` of `width` lanes; 2-d float64 arrays, which it sees as `Table`; integers; and float64. All arrays are
    C-contiguous. The function returns nothing.

    Parameters
    ----------
    plan_of : callable
        Makes of the text what the function gets as its first argument, which has the attribute `width`.
    """

    def decorate(function):
        def see(context, builder, plan, kind, value):
            if not isinstance(kind, types.Array):
                return value
            if kind.layout != "C":
                raise TypeError(f"{function.__name__} takes C-contiguous arrays, not {kind}")
            data, shape = machine.array_parts(context, builder, kind, value)
            if kind.ndim == 1:
                return Storage(builder, data, plan.width, align=8)
            return Table(builder, data, shape[1])

        def emit(context, builder, text, kinds, values):
            plan = plan_of(text)
            function(plan, *(see(context, builder, plan, *each) for each in zip(kinds, values, strict=True)))

        def in_python(text, *args):
            plan = plan_of(text)
            function(plan, *(PythonStorage(a, plan.width) if getattr(a, "ndim", 0) == 1 else a for a in args))

        compiled = machine.intrinsic(function, emit)
        compiled.in_python, compiled.traced = in_python, function
        return compiled

    return decorate
