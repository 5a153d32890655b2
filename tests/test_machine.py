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
from llvmlite import ir

from sweep.kernel import machine
from sweep.kernel.compiled import _once


def test_an_intrinsic_finds_the_data_and_the_shape_of_an_array() -> None:
    """`extending.intrinsic` with parameters of its own; `make_array` and `get_dummy_value` of its context."""

    def put_shape(_, array):
        pass

    def emit(context, builder, text, kinds, values):
        data, (rows, columns) = machine.array_parts(context, builder, kinds[0], values[0])
        number = builder.add(builder.mul(rows, rows.type(100)), columns)
        builder.store(builder.fadd(builder.sitofp(number, data.type.pointee), data.type.pointee(float(text))), data)

    compiled = machine.intrinsic(put_shape, emit)

    @numba.njit
    def call(array):
        compiled("0.5", array)

    array = np.full((3, 5), -1.0)
    call(array)
    assert array.ravel().tolist() == [305.5] + [-1.0] * 14


def test_an_intrinsic_aligns_the_stack() -> None:
    """`alignstack` in llvmlite, and that Numba keeps it."""
    compiled = machine.intrinsic(lambda _: None, lambda *_: None)

    @numba.njit
    def call():
        compiled("")

    call()
    (code,) = call.inspect_llvm().values()
    assert "alignstack=64" in code


POINTERS = [ir.DoubleType().as_pointer()] * 2


def loop_body() -> ir.IRBuilder:
    """A builder at the start of a loop's body."""
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), [ir.DoubleType()]), "loop")
    return ir.IRBuilder(function.append_basic_block())


def test_instructions_of_another_chain_fill_the_time_that_one_waits() -> None:
    """Chains of four products, one after the other, alternate; the end of the block stays its end."""
    builder = loop_body()
    (x,) = builder.function.args
    chains = [[x], [x]]
    for chain in chains:
        for _ in range(4):
            chain.append(builder.fmul(chain[-1], x))
    end = builder.ret_void()
    machine.arrange(builder.block)
    first, second = (chain[1:] for chain in chains)
    assert builder.block.instructions == [i for pair in zip(first, second, strict=True) for i in pair] + [end]


def test_what_is_beyond_the_window_does_not_come_before_it() -> None:
    builder = loop_body()
    (x,) = builder.function.args
    chain = [x]
    for _ in range(2 * machine._WINDOW):
        chain.append(builder.fmul(chain[-1], x))
    late = [builder.fmul(value, x) for value in (x, chain[1])]
    machine.arrange(builder.block)
    assert [builder.block.instructions.index(i) - machine._WINDOW for i in late] == [1, 2]


def test_reads_and_writes_of_one_memory_keep_their_order() -> None:
    """`operands`, `AllocaInstr`, `GEPInstr` and `CastInstr` of llvmlite; memory that nobody else knows is apart."""
    builder = loop_body()
    places = [builder.bitcast(builder.gep(builder.alloca(ir.DoubleType()), [ir.IntType(64)(0)]), x) for x in POINTERS]
    given = builder.inttoptr(ir.IntType(64)(64), POINTERS[0]), builder.inttoptr(ir.IntType(64)(72), POINTERS[0])
    for one, other in (places, given):
        slow = builder.load(one)
        for _ in range(5):
            slow = builder.fdiv(slow, slow)
        builder.store(slow, one)
        builder.load(one)
        builder.load(other)
    machine.arrange(builder.block)
    order = [(i.opname, i.operands[-1]) for i in builder.block.instructions if i.opname in ("load", "store")]
    own = [each for each in order if each[1] in places]
    assert [each for each in own if each[1] is places[0]] == [(op, places[0]) for op in ("load", "store", "load")]
    assert own.index(("load", places[1])) == 1
    memory = [each for each in order if each[1] in given]
    assert memory == [("load", given[0]), ("store", given[0]), ("load", given[0]), ("load", given[1])]


def test_nothing_is_written_where_something_is_to_be_read_first() -> None:
    builder = loop_body()
    (x,) = builder.function.args
    place = builder.alloca(ir.DoubleType())
    read = builder.load(builder.gep(place, [builder.fptosi(builder.fdiv(x, x), ir.IntType(64))]))
    write = builder.store(x, place)
    machine.arrange(builder.block)
    assert builder.block.instructions[-2:] == [read, write]


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
