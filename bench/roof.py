"""The roof of the hardware: sigmoids and multiply-adds per second on one core, and how near the kernel comes.

Most of a small model's epoch are sigmoids, most of a large one's multiply-adds. There is a roof for either: a loop of
nothing but the project's own sigmoid, and one of fused multiply-adds, in as many chains as keep a core busy. The
kernel's load is steady: models that never converge, a multiple of its width, so that every lane is busy.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np

from bench.problem import Problem, experiment_of
from bench.timing import seconds_of
from bench.ways import ALL, Workload, trained
from sweep.kernel.functions import sigmoid
from sweep.kernel.lanes import fma, traced
from sweep.kernel.plan import natural_width
from sweep.spec.experiment import Experiment

_WIDTH = natural_width()
_CHAINS = 6
"""Pairs of vectors that do not wait for one another."""
_N_SIGMOIDS, _N_FMAS = 200_000, 5_000_000
"""Rounds of a timing: a good part of a second."""
_OPERATIONS_OF_SIGMOID = 20
"""Operations of floating-point and integer units in a sigmoid, its division counted as one."""
_STEADY_RUNS, _FEW_STEADY_RUNS, _LEAST_EPOCHS = 4096, 128, 100
"""Runs of a steady load; fewer where they would have fewer than so many epochs."""
_STEADY_SIGMOIDS = 120_000_000


class Loop(NamedTuple):
    """Width that the loops are compiled for."""

    width: int


@functools.cache
def _loop(text: str) -> Loop:
    return Loop(int(text))


def _repeated(of_chain: Callable[[Any], Any]) -> Any:
    """A traced function (n, x): x[c] ← f(x[c]) n times for each of the chains."""

    @traced(_loop)
    def repeat(_, n, x):  # type: ignore[no-untyped-def]
        kept = x.local(_CHAINS)
        for c in range(_CHAINS):
            kept[c] = x[c]

        def once(_):  # type: ignore[no-untyped-def]
            for c in range(_CHAINS):
                kept[c] = of_chain(kept[c])

        x.repeat(n, once)
        for c in range(_CHAINS):
            x[c] = kept[c]

    text = str(_WIDTH)

    @numba.njit(error_model="numpy")
    def run(n, x):  # type: ignore[no-untyped-def]
        repeat(text, n, x)

    return run


def _both_of_sigmoid(x: Any) -> Any:
    """x ← σ(x) + 2 (1 − σ(x)), which takes both numbers that the sigmoid gives and settles near 1.2."""
    p, rest = sigmoid(x)  # type: ignore[no-untyped-call]
    return fma(rest, 2.0, p)  # type: ignore[no-untyped-call]


def _multiply_add(x: Any) -> Any:
    return fma(x, 0.5, 1.0)  # type: ignore[no-untyped-call]


class Roof(NamedTuple):
    """Per second, on one core."""

    sigmoids: float
    multiply_adds: float


class Reached(NamedTuple):
    """One workload's models under a steady load on one core, as roof.csv has it.

    Attributes
    ----------
    workload
    sigmoids, multiply_adds
        Of one model-epoch; see `needs_of`.
    model_epochs_per_second
    share_of_sigmoids
        Of the sigmoids that the roof allows: the time of a model-epoch's bare sigmoids over its whole time.
    share_of_both
        The same, with the time of its bare multiply-adds added to that of the sigmoids.
    share_of_multiply_adds
        Of the multiply-adds that the roof allows, every operation of a sigmoid counted as one of them.
    instructions
        Of one model-epoch, as Callgrind counts them; None without it.
    """

    workload: str
    sigmoids: int
    multiply_adds: int
    model_epochs_per_second: float
    share_of_sigmoids: float
    share_of_both: float
    share_of_multiply_adds: float | None = None
    instructions: float | None = None


def measure(rounds: int) -> tuple[Roof, list[Reached]]:
    """The roof and what is reached of it: the best of so many rounds taken in turn, as noise only ever slows down."""
    loops = {
        "sigmoids": (_repeated(_both_of_sigmoid), _N_SIGMOIDS),
        "multiply_adds": (_repeated(_multiply_add), _N_FMAS),
    }
    x = np.linspace(0.5, 1.5, _CHAINS * _WIDTH)
    work: dict[str, Callable[[], object]] = {name: functools.partial(loop, n, x) for name, (loop, n) in loops.items()}
    steady = {workload: steady_load(workload) for workload in steady_workloads()}
    work |= {workload.name: functools.partial(trained, load, 1) for workload, load in steady.items()}
    for warm in work.values():
        warm()
    best = {name: min(times) for name, times in _times(work, rounds).items()}
    roof = Roof(*(_CHAINS * _WIDTH * n / best[name] for name, (_, n) in loops.items()))
    reached = []
    for workload, load in steady.items():
        per_second = load.n_runs * load.train.max_epochs / best[workload.name]
        reached.append(shares(workload.title, needs_of(Problem.of(load)), per_second, roof))
    return roof, reached


def _times(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, once in work.items():
            times[name].append(seconds_of(once))
    return times


def shares(title: str, needs: tuple[int, int], per_second: float, roof: Roof) -> Reached:
    """Compare so many model-epochs per second with the roof, each needing so many sigmoids and multiply-adds."""
    sigmoids, multiply_adds = needs[0] / roof.sigmoids, needs[1] / roof.multiply_adds
    operations = (needs[1] + _OPERATIONS_OF_SIGMOID * needs[0]) / roof.multiply_adds
    seconds = sigmoids, sigmoids + multiply_adds, operations
    return Reached(title, *needs, per_second, *(per_second * share for share in seconds))


def steady_workloads() -> list[Workload]:
    """Workloads whose needs are known: gradient descent on all rows at once, for more than one epoch."""
    return [workload for workload in ALL[:-1] if Problem.of(experiment_of(workload.name)).is_plain]


def steady_load(workload: Workload, epochs_share: float = 1.0) -> Experiment:
    """Models of a workload's kind that all train from the first to the last epoch."""
    experiment = experiment_of(workload.name)
    problem = Problem.of(experiment)
    n_inputs, boolean = problem.inputs.shape[1], not experiment.tables
    sigmoids = int(_STEADY_SIGMOIDS * epochs_share) // problem.n_units
    runs = _STEADY_RUNS if sigmoids >= _STEADY_RUNS * _LEAST_EPOCHS * epochs_share else _FEW_STEADY_RUNS
    grid = {"learning_rate": 1e-6, "init": "normal(0, 1)", "seeds": runs}
    if boolean:
        grid["gate"] = f"parity-{n_inputs}" if n_inputs > 2 else "XOR"
    return experiment_of(workload.name, {"grid": grid, "train": {"max_epochs": sigmoids // runs}})


def needs_of(problem: Problem) -> tuple[int, int]:
    """Sigmoids, and other products and sums, of a model-epoch.

    With M rows, N inputs, H hidden units and P parameters, a product and the sum it goes into counted as one:
    M (H + 1) sigmoids; and M (2N + 1) + P for the logits, the gradient's sums and the update of logistic regression,
    M (H (2N + 6) + 1) + P for those of a network. The kernel leaves out some of them, where an input is known to be 0.
    """
    n_rows, n_inputs = problem.inputs.shape
    hidden = problem.hidden
    if hidden:
        return n_rows * (hidden + 1), n_rows * (hidden * (2 * n_inputs + 6) + 1) + hidden * (n_inputs + 2) + 1
    return n_rows, n_rows * (2 * n_inputs + 1) + n_inputs + 1
