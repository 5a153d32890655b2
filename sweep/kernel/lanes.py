"""One value of many models: kernels written as the mathematics of one model, compiled for many side by side.

A *traced* function is ordinary Python over values that have + − * / and comparisons. Called from compiled code, it runs
once, at compile time, on `Lanes`: each stands for a vector of float64, one model in each element, and every operation
on it adds one LLVM instruction. Python's own loops are thereby unrolled, its conditions decided. Called from Python,
the same function runs on NumPy arrays: `Kernel.py_func` is the kernel without a compiler.

All arithmetic is IEEE 754 double precision rounded to nearest; nothing is reordered or contracted, and a fused
multiply-add happens where `fma` stands and nowhere else. What a model computes therefore depends neither on its
neighbours, nor on the width of the vector, nor on the CPU.
"""

import functools
from fractions import Fraction

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, builtin_registry, signature
from numba.extending import lower_builtin

_INT64 = ir.IntType(64)


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
        """The same bits as `<width x i64>`."""
        return self.builder.bitcast(self.vector, ir.VectorType(_INT64, self.vector.type.count))

    def like(self, value):
        """A number, or a scalar of the code under construction, in every lane."""
        if isinstance(value, Lanes):
            return value.vector
        kind = self.vector.type
        if isinstance(value, ir.Value):
            return _broadcast(self.builder, value, kind)
        return ir.Constant(kind, [float(value)] * kind.count)

    def constant(self, integer):
        """An int64 in every lane."""
        n = self.vector.type.count
        return ir.Constant(ir.VectorType(_INT64, n), [integer] * n)

    def from_integers(self, integers):
        """Lanes with these bits."""
        return Lanes(self.builder, self.builder.bitcast(integers, self.vector.type))

    def __add__(self, other):
        return Lanes(self.builder, self.builder.fadd(self.vector, self.like(other)))

    def __radd__(self, other):
        return Lanes(self.builder, self.builder.fadd(self.like(other), self.vector))

    def __sub__(self, other):
        return Lanes(self.builder, self.builder.fsub(self.vector, self.like(other)))

    def __rsub__(self, other):
        return Lanes(self.builder, self.builder.fsub(self.like(other), self.vector))

    def __mul__(self, other):
        return Lanes(self.builder, self.builder.fmul(self.vector, self.like(other)))

    def __rmul__(self, other):
        return Lanes(self.builder, self.builder.fmul(self.like(other), self.vector))

    def __truediv__(self, other):
        return Lanes(self.builder, self.builder.fdiv(self.vector, self.like(other)))

    def __rtruediv__(self, other):
        return Lanes(self.builder, self.builder.fdiv(self.like(other), self.vector))

    def __neg__(self):
        return Lanes(self.builder, self.builder.fneg(self.vector))

    def _compare(self, symbol, other):
        return Mask(self.builder, self.builder.fcmp_ordered(symbol, self.vector, self.like(other)))

    def __lt__(self, other):
        return self._compare("<", other)

    def __le__(self, other):
        return self._compare("<=", other)

    def __gt__(self, other):
        return self._compare(">", other)

    def __ge__(self, other):
        return self._compare(">=", other)

    def __eq__(self, other):
        return self._compare("==", other)

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


def _broadcast(builder, scalar, kind):
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None))


# --- elementary operations: on lanes an instruction, on numbers and arrays their meaning -----------------------------


def _fma_of_numbers(x, y, z):
    if not (np.isfinite(x) and np.isfinite(y)):
        return x * y + z
    if not np.isfinite(z):
        return z
    exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
    if not exact:
        return x * y + z
    try:
        return float(exact)
    except OverflowError:
        return np.copysign(np.inf, float(exact > 0) - 0.5)


def fma(x, y, z):
    """x·y + z, rounded once."""
    lanes = next((v for v in (x, y, z) if isinstance(v, Lanes)), None)
    if lanes is not None:
        kind = lanes.vector.type
        name = f"llvm.fma.v{kind.count}f64"
        function = cgutils.get_or_insert_function(lanes.builder.module, ir.FunctionType(kind, [kind] * 3), name)
        return Lanes(lanes.builder, lanes.builder.call(function, [lanes.like(v) for v in (x, y, z)]))
    with np.errstate(invalid="ignore", over="ignore"):
        exact = [_fma_of_numbers(*each) for each in np.broadcast(x, y, z)]
    return np.array(exact).reshape(np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(z)))


def sqrt(x):
    """√x, correctly rounded."""
    if isinstance(x, Lanes):
        kind = x.vector.type
        name = f"llvm.sqrt.v{kind.count}f64"
        function = cgutils.get_or_insert_function(x.builder.module, ir.FunctionType(kind, [kind]), name)
        return Lanes(x.builder, x.builder.call(function, [x.vector]))
    with np.errstate(invalid="ignore"):
        return np.sqrt(x)


def select(condition, x, y):
    """x where the condition holds, y elsewhere."""
    if isinstance(condition, Mask):
        undefined = ir.Constant(ir.VectorType(ir.DoubleType(), condition.vector.type.count), ir.Undefined)
        lanes = Lanes(condition.builder, undefined)
        return Lanes(lanes.builder, lanes.builder.select(condition.vector, lanes.like(x), lanes.like(y)))
    return np.where(condition, x, y)


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


# --- storage and loops ------------------------------------------------------------------------------------------------


class Storage:
    """Lanes in memory: `a[i]` is the i-th, i a Python integer or an index of the code under construction."""

    def __init__(self, builder, pointer, width, align):
        self.builder = builder
        self.pointer = builder.bitcast(pointer, ir.VectorType(ir.DoubleType(), width).as_pointer())
        self.width = width
        self.align = align

    def _at(self, i):
        return self.builder.gep(self.pointer, [i if isinstance(i, ir.Value) else ir.Constant(_INT64, i)])

    def __getitem__(self, i):
        return Lanes(self.builder, self.builder.load(self._at(i), align=self.align))

    def __setitem__(self, i, value):
        lanes = Lanes(self.builder, ir.Constant(self.pointer.type.pointee, ir.Undefined))
        self.builder.store(lanes.like(value), self._at(i), align=self.align)

    def local(self, n):
        """Storage for n more lanes of the same width on the stack."""
        kind = ir.ArrayType(self.pointer.type.pointee, max(n, 1))
        return Storage(self.builder, cgutils.alloca_once(self.builder, kind), self.width, self.width * 8)

    def repeat(self, n, body):
        """Run body(i) for i = 0 … n − 1 as a loop of the compiled code; n as for an index."""
        count = n if isinstance(n, ir.Value) else ir.Constant(_INT64, n)
        with cgutils.for_range(self.builder, count) as loop:
            body(loop.index)


class Table:
    """A 2-d float64 array whose entries serve all lanes alike: `X[m, i]` is a scalar."""

    def __init__(self, builder, pointer, n_columns):
        self.builder = builder
        self.pointer = pointer
        self.n_columns = n_columns

    def __getitem__(self, index):
        row, column = (i if isinstance(i, ir.Value) else ir.Constant(_INT64, i) for i in index)
        offset = self.builder.add(self.builder.mul(row, self.n_columns), column)
        return self.builder.load(self.builder.gep(self.pointer, [offset]))


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

    def repeat(self, n, body):
        """See `Storage.repeat`."""
        for i in range(n):
            body(i)


def traced(plan_of):
    """Decorate a function so that it can be called from Python and from Numba-compiled code.

    The decorated function is called with a text, a literal where it is compiled, and any of: 1-d float64 arrays, which
    it sees as `Storage` of `width` lanes; 2-d float64 arrays, which it sees as `Table`; integers; and float64. All
    arrays are C-contiguous. It returns nothing.

    Parameters
    ----------
    plan_of : callable
        Makes of the text what the function gets as its first argument, which has the attribute `width`.
    """

    def decorate(function):
        @functools.wraps(function)
        def in_python(text, *args):
            plan = plan_of(text)
            is_storage = [isinstance(a, np.ndarray) and a.ndim == 1 for a in args]
            function(plan, *(PythonStorage(a, plan.width) if s else a for a, s in zip(args, is_storage, strict=True)))

        def generic(self, args, kws):
            kinds = [types.intp if isinstance(a, types.Integer) else a for a in args[1:]]
            return signature(types.none, args[0], *kinds)

        members = {"key": in_python, "prefer_literal": True, "generic": generic}
        template = type(f"Traced_{function.__name__}", (AbstractTemplate,), members)
        builtin_registry.register(template)
        builtin_registry.globals.append((in_python, types.Function(template)))

        @lower_builtin(in_python, types.VarArg(types.Any))
        def lower(context, builder, sig, args):
            plan = plan_of(sig.args[0].literal_value)

            def see(numba_type, value):
                if not isinstance(numba_type, types.Array):
                    return value
                if numba_type.layout != "C":
                    raise TypeError(f"{function.__name__} takes C-contiguous arrays, not {numba_type}")
                array = context.make_array(numba_type)(context, builder, value)
                if numba_type.ndim == 1:
                    return Storage(builder, array.data, plan.width, align=8)
                return Table(builder, array.data, cgutils.unpack_tuple(builder, array.shape, 2)[1])

            function(plan, *map(see, sig.args[1:], args[1:]))
            return context.get_dummy_value()

        return in_python

    return decorate
