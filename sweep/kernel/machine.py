"""Everything that leans on the inner workings of Numba and LLVM, which may change with any version of theirs.

`tests/test_machine.py` has a test for each function here: what breaks first says where.
"""

import functools
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import llvmlite
import llvmlite.binding
import numba
from numba import config
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

from sweep.errors import FailedError

if llvmlite.binding.llvm_version_info >= (21,):
    # LLVM asks whether a loop computes a checksum, along all paths of its arithmetic: with a long body, for ever.
    llvmlite.binding.set_option("", "-disable-loop-idiom-hashrecognize")

_DIGEST = hashlib.sha256().digest_size

inlined = numba.njit(inline="always", error_model="numpy")
"""Decorator of parts of functions that `jit` compiles: they become one piece of code, under the name of the whole."""


class _Cache(FunctionCache):
    """Code on disk, loaded without all that Numba can compile, whose import takes five times as long."""

    def load_overload(self, sig, target_context):
        """Load code; it needs Numba's memory management and nothing else, since it calls no function of Numba's."""
        rtsys.initialize(target_context)
        try:
            return self._load_overload(sig, target_context)
        except Exception:  # a damaged file may raise anything; its code is compiled again
            with suppress(OSError):
                self.flush()

    def save_overload(self, sig, data):
        """Keep code; where that fails, as on a full disk, it is compiled again another time."""
        with suppress(Exception):
            super().save_overload(sig, data)


@functools.cache
def _made_of() -> bytes:
    """All that compiled code is made of, besides a plan: this package's source and the compiler's version."""
    sources = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return b"".join([*sources, numba.__version__.encode(), llvmlite.__version__.encode()])


def name_of(name: str, text: str = "") -> str:
    """Name that `jit` gives to a function, with a digest of all that it is made of."""
    return f"{name}_{hashlib.sha256(text.encode() + _made_of()).hexdigest()[:20]}"


def on_disk():
    """Names of the functions of this package that have been compiled, be it for another CPU."""
    return {path.name.partition("-")[0].rpartition(".")[2] for path in _folder().glob("*.nbi")}


def _folder() -> Path:
    """Folder of compiled code, as Numba chooses it."""
    return Path(FunctionCache(_made_of.__wrapped__).cache_path)


def kept(name: str, text: str, make: Callable[[], bytes]) -> bytes:
    """Return bytes that are made of a text and of this package, from the folder of compiled code if they are there.

    Parameters
    ----------
    name, text
        What tells them apart, as in `name_of`.
    make
        Makes them.
    """
    file = _folder() / f"{name_of(name, text)}.bin"
    with suppress(OSError):
        content = file.read_bytes()
        if hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST]:
            return content[_DIGEST:]
    made = make()
    unfinished = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(hashlib.sha256(made).digest() + made)
        unfinished.replace(file)
    except OSError:  # no room there: it is made again next time
        with suppress(OSError):
            unfinished.unlink()
    return made


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
            if config.DISABLE_JIT:
                raise FailedError("training takes compiled code; unset NUMBA_DISABLE_JIT")
            compiled.compile(signature)
            compiled.disable_compile()
        return compiled

    return decorate


def cpu_features() -> str:
    """Features of the CPU that Numba compiles for: "+avx2,+fma,…"."""
    chosen = getattr(config, "CPU_FEATURES", None)
    return str(llvmlite.binding.get_host_cpu_features().flatten() if chosen is None else chosen)


def array_parts(context, builder, kind, value):
    """(pointer to the data, length of each axis) of an array in code under construction.

    Parameters
    ----------
    context, builder, kind, value
        As Numba hands them to the code generation of an intrinsic: `kind` is the array's type.
    """
    array = context.make_array(kind)(context, builder, value)
    return array.data, [builder.extract_value(array.shape, axis) for axis in range(kind.ndim)]


def nothing(context):
    """Value that an intrinsic without a result gives."""
    return context.get_dummy_value()


def align_stack(builder):
    """Align the stack of the function under construction to 64 bytes, the largest vector register.

    LLVM keeps there what the registers do not hold, and aligns it by itself only where a function has arrays of its
    own. Elsewhere it is aligned to 16 bytes, and such a place most often lies across two lines of the cache.
    """
    attributes = builder.function.attributes
    attributes.add("nounwind")  # llvmlite writes none at all where there is no other
    attributes.alignstack = 64
