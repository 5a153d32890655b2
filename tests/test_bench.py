"""The benchmark without its clock: peers train as the reference does, and tables say what was measured."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import reference as ref

from bench import check, tables
from bench.instructions import _differences
from bench.peers.batched_numpy import BatchedNumPy
from bench.peers.python_loop import PythonLoop
from bench.peers.scalar_numba import ScalarNumba
from bench.problem import Problem, Sample, experiment_of
from bench.roof import Reached, Roof, needs_of, shares, steady_load
from bench.timing import Row, Way, in_turn, rows
from bench.ways import ALL, trained

README = Path(__file__).parents[1] / "README.md"


def problem(name: str, every: int, n_seeds: int, max_epochs: int, **grid: object) -> Problem:
    changes = {"train": {"max_epochs": max_epochs}, "grid": grid}
    return Problem.of(experiment_of(name, changes), Sample(every, n_seeds))


FOUR_INPUTS = ["0" * 15 + "1", "0000000011111111", "parity-4", "1" * 16]
PROBLEMS = {
    "two inputs": lambda: problem("logistic", 23, 2, 60, learning_rate=[1, 30, 1e300]),
    "four inputs": lambda: problem("four-inputs", 1, 1, 30, gate=FOUR_INPUTS, learning_rate=30),
    "a network": lambda: problem("xor-2-2-1", 2, 2, 700, learning_rate=[5, 10, 20]),
    "five inputs": lambda: problem("parity-5", 1, 2, 300, learning_rate=[3, 10], init="normal(0, 3)"),
    "online": lambda: problem("online", 1, 2, 400, gate="00000001", learning_rate=[3, 10]),
    "Adam": lambda: problem("adam", 1, 2, 400, learning_rate=[0.03, 0.1]),
    "real rows": lambda: problem("real-rows", 1, 2, 40, hidden=3, learning_rate=[1, 3]),
    "one epoch": lambda: problem("million", 1, 3, 1, seeds=100),
}


def of_reference(problem: Problem) -> list[int]:
    """Epochs of every run, from the reference's starts as well."""
    (grid,) = problem.experiment.grids
    model = ref.Model(problem.inputs.shape[1], problem.hidden)
    found = []
    for i, run in enumerate(problem.runs):
        init = grid.values["init"][grid.indices("init", np.array([run]))[0]]
        start = ref.draw(init, int(grid.seed_of(np.array([run]))[0]), model)
        trained = ref.train(
            model,
            start,
            problem.inputs,
            problem.targets[i],
            learning_rate=problem.rates[i],
            max_epochs=problem.max_epochs,
            target_loss=problem.target_loss,
            update="online" if problem.online else "batch",
            **({"optimizer": "adam", "momentum": 0.9, "beta2": 0.999, "epsilon": 1e-8} if problem.adam else {}),
        )
        found.append(trained.epochs)
    return found


@pytest.mark.parametrize("name", PROBLEMS)
def test_peers_end_every_run_where_the_reference_does(name: str) -> None:
    problem = PROBLEMS[name]()
    expected = of_reference(problem)
    assert len(set(expected)) > 1 or name in ("one epoch", "five inputs", "real rows")
    any_network = (ScalarNumba,) if problem.hidden and problem.inputs.shape[1] > 2 else ()
    for kind in (kind for kind in (PythonLoop, BatchedNumPy, *any_network) if kind.can(problem)):
        assert kind(problem)(problem.starts()).tolist() == expected, kind.name
    assert trained(problem.experiment, 1).epochs[problem.runs].tolist() == expected


def test_numpy_in_batches_gives_what_one_batch_does() -> None:
    whole = PROBLEMS["two inputs"]()
    peer = BatchedNumPy(whole)
    assert peer.choose(5) == "batches of 5"
    in_batches = peer(whole.starts())
    assert peer.choose(10**9) == "one batch"
    np.testing.assert_array_equal(in_batches, peer(whole.starts()))


def test_a_sample_is_every_kth_setting_with_its_first_seeds() -> None:
    experiment = experiment_of("logistic")
    runs = Problem.of(experiment, Sample(1000, 3)).runs
    assert runs.tolist() == [0, 1, 2, 100_000, 100_001, 100_002]
    assert Problem.of(experiment).runs.size == experiment.n_runs == 102_400


@pytest.mark.parametrize("workload", ALL, ids=lambda workload: workload.name)
def test_workloads_train_every_epoch(workload: object) -> None:
    assert not experiment_of(workload.name).train.detect_stationary  # type: ignore[attr-defined]


def test_a_steady_load_keeps_every_lane_busy() -> None:
    load = steady_load(ALL[0], 0.0005)
    outcome = trained(load, 1)
    assert set(outcome.epochs) == {load.train.max_epochs}
    assert outcome.n_runs % 64 == 0


def test_what_a_model_epoch_needs() -> None:
    assert needs_of(Problem.of(experiment_of("logistic"))) == (4, 4 * 5 + 3)
    assert needs_of(Problem.of(experiment_of("xor-2-2-1"))) == (12, 4 * (2 * 10 + 1) + 9)
    assert needs_of(Problem.of(experiment_of("four-inputs"))) == (16, 16 * 9 + 5)


def test_a_roof_is_shared_by_what_is_needed() -> None:
    reached = shares("all", (4, 20), 10.0, Roof(sigmoids=80.0, multiply_adds=1000.0))
    assert (reached.share_of_sigmoids, reached.share_of_both) == pytest.approx((0.5, 0.7))
    assert reached.share_of_multiply_adds == pytest.approx(10 * (20 + 4 * 20) / 1000)


def ways() -> list[Way]:
    return [Way("ours", 2, list, "ours"), Way("theirs", 1, list, "ours", share_run=0.25, share_same=0.5, note="a, b")]


def test_ratios_are_of_one_round() -> None:
    ours, theirs = rows("work", 600, ways(), [[1.0, 2.0, 4.0], [30.0, 20.0, 10.0]])
    assert (theirs.ratio_median, theirs.ratio_min, theirs.ratio_max) == (10.0, 2.5, 30.0)
    assert (theirs.seconds_median, theirs.seconds_min, theirs.seconds_max) == (20.0, 10.0, 30.0)
    assert theirs.model_epochs_per_second == 30.0
    assert (ours.ratio_median, ours.rounds) == (1.0, 3)


def test_ways_are_timed_in_turn() -> None:
    calls: list[str] = []
    both = [dataclasses.replace(way, work=lambda name=way.name: calls.append(name)) for way in ways()]  # type: ignore[misc]
    times = in_turn(both, 2)
    assert calls == ["ours", "theirs"] * 2
    assert [len(seconds) for seconds in times] == [2, 2]


def test_tables_are_read_as_they_were_written(tmp_path: Path) -> None:
    measured = rows("work", 600, ways(), [[1.0], [30.0]])
    tables.write_rows(tmp_path / "bench.csv", measured)
    assert tables.read_rows(tmp_path / "bench.csv", Row) == measured
    reached = [Reached("work", 4, 23, 1.5e8, 0.5, 0.75), Reached("more", 12, 93, 1e7, 0.5, 0.75, 0.6, 47.5)]
    tables.write_rows(tmp_path / "roof.csv", reached)
    assert tables.read_rows(tmp_path / "roof.csv", Reached) == reached


def test_what_has_fallen_by_more_than_allowed_is_said() -> None:
    committed = {"near": 10.0, "far": 10.0, "faster": 1.0, "not measured": 3.0}
    said = check.fallen(committed, {"near": 7.01, "far": 6.9, "faster": 5.0, "new": 1.0}, 0.3)
    assert said == ["far: 6.9, committed 10: fallen by 31%"]


def test_more_instructions_are_said() -> None:
    counts = {"a": 50.0, "b": 50.0, "c": None}
    committed = [Reached(name, 4, 23, 1e8, 0.5, 0.7, 0.6, count) for name, count in counts.items()]
    assert check.risen(committed, {"a": 54.0, "b": 56.0, "c": 1.0}, 1.1) == [
        "b: 56.0 instructions of a model-epoch, committed 50.0"
    ]


def test_instructions_are_those_of_the_epochs_alone() -> None:
    dump = "desc: Trigger: Client Request: XOR on 2-2-1: {}\nevents: Ir\ntotals: {}\n"
    other = "desc: Trigger: Program termination\ntotals: 7\n"
    assert _differences([dump.format(300, 9_000), other, dump.format(100, 4_000)]) == {"XOR on 2-2-1": 25.0}


def test_readme_has_the_table_of_the_committed_measurement() -> None:
    if not (tables.RESULTS / "bench.csv").exists():
        pytest.skip("nothing measured yet")
    text = README.read_text()
    assert tables.with_block(text, tables.committed_block()) == text
    assert json.loads((tables.RESULTS / "machine.json").read_text())["rounds"] >= 5


def test_a_readme_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        tables.with_block("no markers", "block")


def test_the_scalar_peer_has_a_kernel_for_every_workload() -> None:
    for workload in ALL:
        problem = Problem.of(experiment_of(workload.name), workload.sample)
        assert ScalarNumba.can(problem)
        assert ScalarNumba(problem).cores >= 1
