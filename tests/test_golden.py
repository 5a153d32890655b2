"""Golden bits: a fixed set of runs for each kind of plan gives the same checksums on every machine.

`GOLDEN=all` trains every kind of plan; by default a few are trained, such that any two or three choices occur together.
After an intended change of the arithmetic (see `NUMERICS`), `python tests/golden_runs.py` writes the checksums again.
"""

import ctypes
import itertools
import math
import os
import platform
import random
import re
import shutil
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import golden_runs as golden
import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir
from numpy.typing import NDArray

from sweep.kernel import retarget
from sweep.kernel.compiled import kernel
from sweep.kernel.lanes import fma
from sweep.kernel.retarget import TARGETS

Memory = NDArray[np.float64]
needs_x86 = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="no x86-64 processor")
QEMU = shutil.which("qemu-aarch64")


def wanted(strength: int) -> list[golden.Choice]:
    return golden.choices() if os.environ.get("GOLDEN") == "all" else golden.covering(strength)


def check(choices: Iterable[golden.Choice], train: Callable[[golden.Job], Memory]) -> None:
    """Train each, and compare; who differs is named."""
    expected = golden.stored()
    changed = []
    for choice in choices:
        work = golden.job(choice)
        if golden.checksum(work, train(work)) != expected[golden.name(choice)]:
            changed.append(golden.name(choice))
    assert not changed, f"other bits than in {golden.CHECKSUMS.name}: {'; '.join(changed)}"


def compiled_for(target: retarget.Target) -> Callable[[golden.Job], Memory]:
    return lambda work: golden.trained(work, retarget.compiled(work.plan, target))


def test_every_kind_of_plan_has_a_checksum() -> None:
    assert list(golden.stored()) == [golden.name(choice) for choice in golden.choices()]


def test_some_runs_converge_some_diverge_and_nans_have_one_pattern() -> None:
    nans, ends = set(), set()
    for choice in golden.covering(2):
        work = golden.job(choice)
        memory = golden.trained(work, retarget.compiled(work.plan, golden.here()))
        nans |= {value.tobytes() for value in memory[np.isnan(memory)]}
        at, size = work.parts["converged"]
        other, _ = work.parts["finite"]
        ends |= set(zip(memory[at : at + size].tolist(), memory[other : other + size].tolist(), strict=True))
    assert nans == {struct.pack("=Q", 0x7FF8_0000_0000_0000)}
    assert ends == {(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)}


def test_this_processor() -> None:
    check(wanted(3), compiled_for(golden.here()))


def test_the_kernel_that_sweeps_are_trained_with() -> None:
    def train(work: golden.Job) -> Memory:
        memory, made = work.memory.copy(), dict(zip(("advance", "evaluate"), kernel(work.plan).code, strict=True))
        arrays = {key: memory[at : at + size] for key, (at, size) in work.parts.items()}
        arrays["X"] = arrays["X"].reshape(-1, work.plan.n_inputs)
        *calls, _ = golden.calls(work)
        for function, arguments in calls:
            given = [arrays[a] if isinstance(a, str) else a for a in arguments]
            sides = [np.empty(work.plan.n_rows * golden.N_RUNS)] if function == "evaluate" else []
            made[function](*given, *sides)
        code = retarget.compiled(work.plan, golden.here())
        at, size = work.parts["outputs"]
        memory[at : at + size] = golden.trained(work, code)[at : at + size]  # which the kernel has no function for
        return memory

    check([choice for choice in golden.covering(2) if choice[-1] == "01"][:3], train)


def test_one_model_a_call() -> None:
    def train(work: golden.Job) -> Memory:
        jobs = golden.single(work)
        code = retarget.compiled(jobs[0].plan, golden.here())
        return golden.joined(work, (golden.trained(one, code) for one in jobs))

    check(wanted(2), train)


@needs_x86
def test_x86_64_without_avx() -> None:
    check(wanted(2), compiled_for(TARGETS["x86-64"]))


@needs_x86
@pytest.mark.skipif(not llvm.get_host_cpu_features().get("avx2"), reason="this processor has no AVX2")
def test_avx2() -> None:
    check(wanted(2), compiled_for(TARGETS["AVX2"]))


@pytest.mark.skipif(QEMU is None, reason="no qemu-aarch64 here: apt-get install qemu-user")
def test_aarch64(tmp_path: Path) -> None:
    program = tmp_path / "program"

    def train(work: golden.Job) -> Memory:
        program.write_bytes(golden.program(work, TARGETS["aarch64"]))
        program.chmod(0o755)
        return golden.emulated(program, work)

    check(wanted(2), train)


# --- graphics processors: no such machine, but their code ----------------------------------------------


def test_nvptx64_rounds_each_operation_and_contracts_none() -> None:
    """With each `fma` of the source a call of some other function, there is none in the code."""

    def operations(source: str) -> list[str]:
        code = retarget.emitted(source, TARGETS["nvptx64"]).decode("ascii")
        assert not re.search(r"\.(approx|ftz|full)\b", code)
        return re.findall(r"^\s+((?:add|sub|mul|div|rcp|fma|mad|sqrt)\S*\.f64)\b", code, re.MULTILINE)

    for choice in wanted(2):
        source = retarget.text(golden.single(golden.job(choice))[0].plan, TARGETS["nvptx64"])
        found = operations(source)
        assert all(".rn." in each for each in found), golden.name(choice)
        assert any(each.startswith("fma") for each in found), golden.name(choice)
        others = operations(source.replace("llvm.fma.v1f64", "another"))
        assert others and not any(each.startswith(("fma", "mad")) for each in others), golden.name(choice)


# --- a fused multiply-add where there is none ----------------------------------------------------------


def triples(n: int) -> list[tuple[float, float, float]]:
    """Three numbers each: ordinary ones, near cancellation, with every exponent, zeros and what is not finite."""
    draw = random.Random(1)

    def anything() -> float:
        return float(struct.unpack("d", draw.randbytes(8))[0])

    def normals(*scales: float) -> tuple[float, float, float]:
        x, y, z = (draw.gauss(0, scale) for scale in scales)
        return x, y, z

    ordinary = [normals(1, 1, 1) for _ in range(n)]
    cancelling = [(x, y, -x * y * (1 + draw.choice((0, 2**-52, -(2**-50))))) for x, y, _ in ordinary[: n // 2]]
    ties = [(1 + 2.0**-30, 1 + draw.randrange(-9, 9) * 2.0**-23, 2.0 ** draw.randrange(20, 60)) for _ in range(n // 4)]
    wild = [(anything(), anything(), anything()) for _ in range(n // 2)]
    small = [normals(2.0**-540, 2.0**-530, 2.0**-1070) for _ in range(n // 4)]
    special = [0.0, -0.0, 1.0, -1.5, 5e-324, 1.7e308, math.inf, -math.inf, math.nan]
    return [*ordinary, *cancelling, *ties, *wild, *small, *itertools.product(special, repeat=3)]


def exact_fma(x: float, y: float, z: float) -> float:
    return float(fma(np.float64(x), np.float64(y), np.float64(z)))


def same(x: float, y: float) -> bool:
    return struct.pack("d", x) == struct.pack("d", y) or (math.isnan(x) and math.isnan(y))


def test_the_added_fma_is_exact() -> None:
    """Compiled for this processor, though it may have one of its own."""
    module = ir.Module("fma")
    module.triple = llvm.get_process_triple()
    retarget.add_fma(module)
    double = ctypes.c_double
    n_slow = 0

    def slow(x: float, y: float, z: float) -> float:
        nonlocal n_slow
        n_slow += 1
        return exact_fma(x, y, z)

    kept = ctypes.CFUNCTYPE(double, double, double, double)(slow)
    llvm.add_symbol("slow", ctypes.cast(kept, ctypes.c_void_p).value)
    loaded = golden.Loaded(retarget.emitted(str(module).replace('@"fma"', '@"added_fma"'), golden.here()))
    for x, y, z in triples(20_000):
        assert same(loaded.call("added_fma", [double] * 3, (x, y, z), double), exact_fma(x, y, z)), (x, y, z)
    assert 0 < n_slow < 20_000
