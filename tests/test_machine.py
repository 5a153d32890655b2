"""The inner workings of Numba and LLVM that the kernel leans on: where one has changed, its test says which."""

# mypy: allow-untyped-calls, allow-untyped-decorators, allow-untyped-defs

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np
import pytest
from numba import types
from numba.extending import intrinsic

from sweep.kernel import machine
from sweep.kernel.compiled import _once


def test_an_intrinsic_finds_the_data_and_the_shape_of_an_array() -> None:
    """`context.make_array` in `array_parts`, `context.get_dummy_value` in `nothing`."""

    @intrinsic
    def put_shape(_, array):
        def lower(context, builder, signature, values):
            data, (rows, columns) = machine.array_parts(context, builder, signature.args[0], values[0])
            number = builder.add(builder.mul(rows, rows.type(100)), columns)
            builder.store(builder.sitofp(number, data.type.pointee), data)
            return machine.nothing(context)

        return types.none(array), lower

    @numba.njit
    def call(array):
        put_shape(array)

    array = np.full((3, 5), -1.0)
    call(array)
    assert array.ravel().tolist() == [305.0] + [-1.0] * 14


def test_a_function_aligns_its_stack() -> None:
    """`alignstack` in llvmlite, and that Numba keeps it."""

    @intrinsic
    def align(_):
        def lower(context, builder, signature, values):
            machine.align_stack(builder)
            return machine.nothing(context)

        return types.none(), lower

    @numba.njit
    def call():
        align()

    call()
    (code,) = call.inspect_llvm().values()
    assert "alignstack=64" in code


TWO_UNITS = """
from sweep.kernel.compiled import kernel
from sweep.kernel.plan import fitting
model = dict(hidden=2, activation="sigmoid", output="sigmoid", loss="mse", optimizer="gd", shortcut=False, bias=True)
ends = dict(soft_targets=True, stop_loss=False, stop_error=True, early_stop=True, online=False, sums=False)
kernel(fitting(n_inputs=6, n_rows=64, bits="01", **model, **ends)).code
"""


def test_llvm_comes_to_an_end_of_a_long_loop(tmp_path: Path) -> None:
    """`-disable-loop-idiom-hashrecognize`: without it compiling this kernel, half a second's work, has no end."""
    where = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", TWO_UNITS], env=where, timeout=120, check=False)
    assert ended.returncode == 0


TWO_RUNS = """
import sys
import sweep
grid = dict(gate="XOR", hidden=2, learning_rate=1, seeds=2)
print(sweep.run({"grid": grid}).runs["final_loss"].sum(), "numba.np.arraymath" in sys.modules)
"""


def test_code_on_disk_is_loaded_without_what_numba_can_compile(tmp_path: Path) -> None:
    """`Dispatcher._cache`, `FunctionCache._load_overload` and `rtsys.initialize`."""
    where = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", TWO_RUNS]
    compiled, loaded = (subprocess.check_output(command, env=where, text=True).split() for _ in range(2))
    assert compiled == [loaded[0], "True"]
    assert loaded[1] == "False"


def test_what_two_threads_want_at_a_time_is_compiled_once() -> None:
    begun = threading.Barrier(2)
    made = []

    @_once
    def make() -> list[int]:
        time.sleep(0.01)  # for the other to come meanwhile
        made.append(1)
        return made

    def want() -> list[int]:
        begun.wait()
        return make()

    with ThreadPoolExecutor(2) as pool:
        assert [pool.submit(want) for _ in range(2)][1].result() == [1]
    assert made == [1]


def test_numba_tells_for_which_features_it_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """NUMBA_CPU_FEATURES as Numba read it, "" included; else those of this CPU."""
    for chosen in ("", "+avx2"):
        monkeypatch.setattr(numba.config, "CPU_FEATURES", chosen)
        assert machine.cpu_features() == chosen
    monkeypatch.setattr(numba.config, "CPU_FEATURES", None)
    here = llvmlite.binding.get_host_cpu_features()
    assert {f"+{name}" for name, has in here.items() if has} <= set(machine.cpu_features().split(","))


def test_names_tell_apart_what_code_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Source of the package, versions of the compiler and the text; `numba.njit` takes the name that it is given."""

    def name(text: str = "") -> str:
        def function(x):
            return x

        return str(machine.jit(text=text)(function).py_func.__qualname__)

    names = {name(), name("a"), name("b")}
    assert name() in names
    for module in (machine.numba, machine.llvmlite):
        machine._made_of.cache_clear()
        monkeypatch.setattr(module, "__version__", "0")
        names.add(name())
    machine._made_of.cache_clear()
    assert len(names) == 5


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine, "_folder", lambda: tmp_path / "code")
    return tmp_path / "code"


def test_bytes_are_made_once_and_again_where_they_are_damaged(folder: Path) -> None:
    made = iter([b"one", b"two", b"three"])
    assert [machine.kept("code", text, lambda: next(made)) for text in "aab"] == [b"one", b"one", b"two"]
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    assert machine.kept("code", "a", lambda: next(made)) == b"three"
    assert machine.kept("code", "a", lambda: b"") == b"three"


def test_bytes_are_made_where_none_can_be_kept(folder: Path) -> None:
    folder.write_text("no folder")
    assert [machine.kept("code", "a", lambda: b"made") for _ in range(2)] == [b"made"] * 2
    assert folder.read_text() == "no folder"
