"""Equal bytes on any CPU: Numba compiles for processors with fewer instructions, each in a process of its own."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import llvmlite.binding
import pytest

import sweep

EXPERIMENT = {
    "grid": [
        {
            "gate": ["AND", "XOR", "NOR"],
            "learning_rate": [0.01, 1, 40, 1e6],
            "init": ["uniform(-5, 5)", "normal(0, 10)"],
            "seeds": 5,
        },
        {"gate": "XOR", "hidden": 2, "learning_rate": [1, 20], "seeds": 5},
        {
            "gate": "XOR", "hidden": 2, "activation": "tanh", "optimizer": "adam", "encoding": "pm1",
            "learning_rate": [0.05, 100], "seeds": 5,
        },
    ],
    "train": {"max_epochs": 200, "record_every": 100},
}  # fmt: skip
TABLES = ("runs.csv", "summary.csv", "answers.csv", "curves.csv")
REGISTERS = {"SSE": "xmm", "AVX": "ymm", "AVX-512": "zmm", "fma": "vfmadd"}
TARGETS = {
    "x86-64": ({"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""}, {"SSE"}),
    "AVX2": ({"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma"}, {"SSE", "AVX", "fma"}),
}
TRAIN = f"""
import json, sys
import sweep
from sweep.engine import training

made = []
kernel = training.kernel
training.kernel = lambda plan: made.append(kernel(plan)) or made[-1]
sweep.run(json.loads(sys.argv[1]), sys.argv[2], jobs=1, figures=False)
code = "".join(made[0].code[0].inspect_asm().values())
print(json.dumps([name for name, text in {REGISTERS}.items() if text in code]))
"""

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        platform.machine().lower() not in ("x86_64", "amd64"),
        reason=f"{platform.machine()}: the targets compared here are those of x86-64 processors",
    ),
]


def features() -> dict[str, bool]:
    return dict(llvmlite.binding.get_host_cpu_features())


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[set[str], Path]]:
    """Target → what its code uses, and the directory of its result."""
    targets: dict[str, dict[str, str]] = {name: setting for name, (setting, _) in TARGETS.items()}
    if features().get("avx512f"):
        targets["host"] = {}
    if not (features().get("avx2") and features().get("fma")):
        del targets["AVX2"]
    folder = tmp_path_factory.mktemp("targets")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_CPU")}
    processes = {}
    for name, setting in targets.items():
        command = [sys.executable, "-c", TRAIN, json.dumps(EXPERIMENT), str(folder / name)]
        environment = {**inherited, **setting, "NUMBA_CACHE_DIR": str(folder / f"{name} cache")}
        processes[name] = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    done: dict[str, tuple[set[str], Path]] = {}
    for name, process in processes.items():
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        done[name] = set(json.loads(output)), folder / name
    return done


def here(out: Path) -> dict[str, bytes]:
    sweep.run(EXPERIMENT, out, figures=False)
    return {name: (out / name).read_bytes() for name in TABLES}


@pytest.mark.parametrize("target", TARGETS)
def test_code_for_a_smaller_cpu_gives_the_same_bytes(
    target: str, compiled: dict[str, tuple[set[str], Path]], tmp_path: Path
) -> None:
    if target not in compiled:
        pytest.skip(f"this processor has no {target}")
    used, result = compiled[target]
    assert used == TARGETS[target][1]
    for name, expected in here(tmp_path).items():
        assert (result / name).read_bytes() == expected


def test_code_for_a_cpu_with_avx_512_gives_the_same_bytes(compiled: dict[str, tuple[set[str], Path]]) -> None:
    if "host" not in compiled:
        pytest.skip("this processor has no AVX-512")
    used, result = compiled["host"]
    assert "AVX-512" in used
    for name in TABLES:
        assert (result / name).read_bytes() == (compiled["x86-64"][1] / name).read_bytes()


def test_the_experiment_has_all_kinds_of_runs() -> None:
    runs = sweep.run(EXPERIMENT).runs
    assert set(runs["status"]) == {"converged", "stationary", "max_epochs"}
    assert runs["final_loss"].nunique() > 100
