"""What final weights answer to the rows of a Boolean table: the column `answers`, and its counts by setting."""

import csv
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import reference as ref

import sweep
from sweep.commands.replay import replay
from sweep.engine.outcome import Outcome
from sweep.errors import DamagedError
from sweep.results.tables import Answers, runs_table
from sweep.spec.experiment import load
from sweep.store.chunk_store import ChunkStore
from sweep.store.files import Tree

SIX = [[0, 1, 1], [1, 1, 0], [1, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]]
"""Rows of a Boolean table in an order of its own, two of them twice with different targets."""
EXPERIMENTS: dict[str, dict[str, Any]] = {
    "networks": {"gate": "XOR", "hidden": [0, 2], "activation": ["sigmoid", "relu"], "learning_rate": [0.5, 3]},
    "long tables": {"gate": ["parity-5", "majority-7"], "hidden": 7, "shortcut": True, "learning_rate": 2},
    "linear": {"gate": ["AND", "XOR"], "output": "linear", "loss": "mse", "encoding": "pm1", "learning_rate": 0.2},
    "own table": {"gate": ["six", "OR"], "update": ["batch", "online"], "learning_rate": 1},
    "without biases": {"gate": ["NAND", "0110100110010110"], "bias": False, "hidden": [0, 3], "learning_rate": 1},
}


def trained(name: str) -> sweep.Result:
    grid = {**EXPERIMENTS[name], "seeds": 6}
    grids = [grid]
    if "activation" in grid:
        grids = [{**grid, "hidden": 0, "activation": "sigmoid"}, {**grid, "hidden": 2}]
        del grids[0]["activation"]
    tables = {"six": {"rows": SIX}} if name == "own table" else {}
    return sweep.run({"grid": grids, "train": {"max_epochs": 40}, "tables": tables}, say=print)


def answered(result: sweep.Result, run: int) -> str:
    """What NumPy says of the final weights of a run."""
    again = replay(result, run)
    settings = result.experiment.setting(run)
    names = ("hidden", "activation", "output", "loss", "shortcut")
    inputs = again.outputs.filter(regex=r"^x\d+$").to_numpy(float)
    model = ref.Model(inputs.shape[1], **{name: settings[name] for name in names})
    return "".join("01"[int(output > 0.5)] for output in ref.outputs(model, again.final_weights, inputs))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_answers_are_those_of_the_final_weights(name: str) -> None:
    result = trained(name)
    expected = [answered(result, run) for run in result.runs["run"]]
    assert result.runs["answers"].tolist() == expected
    assert len(set(expected)) > 2


def test_a_tie_is_answered_0() -> None:
    """Without biases, the logit of row 0…0 is 0, and the output ½."""
    result = sweep.run(
        {"grid": {"gate": "NAND", "bias": False, "learning_rate": 1, "seeds": 9}, "train": {"max_epochs": 5}}
    )
    assert {text[0] for text in result.runs["answers"]} == {"0"}
    zeros = sweep.run({"grid": {"gate": "XOR", "init": "zeros", "learning_rate": 1}, "train": {"max_epochs": 5}})
    assert zeros.runs["answers"].tolist() == ["0000"]


def test_real_tables_and_runs_that_diverge_have_no_answers() -> None:
    tables = {
        "real": {"rows": [[0.5, 0], [1, 1]]},
        "soft": {"rows": [[0, 0.5], [1, 1]]},
        "bits": {"rows": [[0, 0], [1, 1]]},
    }
    grid = {"gate": [*tables, "AND"], "learning_rate": 1, "seeds": 2}
    runs = sweep.run({"grid": grid, "tables": tables, "train": {"max_epochs": 3}}, say=print).runs
    lengths = runs.groupby("gate", observed=True)["answers"].agg(lambda texts: sorted({len(text) for text in texts}))
    assert lengths.to_dict() == {"real": [0], "soft": [0], "bits": [2], "AND": [4]}
    wild = {"gate": "AND", "output": "linear", "loss": "mse", "learning_rate": [0.1, 1e3]}
    ends = sweep.run({"grid": wild, "train": {"max_epochs": 500}}).runs
    assert ends["status"].eq("diverged").tolist() == ends["answers"].eq("").tolist() == [False, True]


def test_answers_are_counted_by_setting(tmp_path: Path) -> None:
    grid = {"gate": ["XOR", "AND"], "hidden": 2, "learning_rate": [1, 10], "seeds": 30}
    result = sweep.run({"grid": grid, "train": {"max_epochs": 300}}, tmp_path, figures=False)
    with (tmp_path / "answers.csv").open(newline="") as file:
        found = [
            (row["gate"], float(row["learning_rate"]), row["answers"], int(row["n"]), int(row["n_converged"]))
            for row in csv.DictReader(file)
        ]
    expected = []
    for (gate, rate), runs in result.runs.groupby(["gate", "learning_rate"], observed=True, sort=False):
        counts = runs.groupby("answers", observed=True)["status"].agg(
            ["size", lambda status: (status == "converged").sum()]
        )
        ordered = sorted(counts.itertuples(name=None), key=lambda row: (-row[1], row[0]))
        expected += [(gate, rate, *row) for row in ordered]
    assert found == expected
    assert len(found) > 8


def test_counts_are_the_same_wherever_outcomes_are_cut() -> None:
    experiment = load({"grid": {"gate": ["XOR", "11"], "learning_rate": [1, 2], "seeds": 5}})
    rng = np.random.default_rng(0)
    outcome = Outcome.room(experiment, np.arange(20))
    outcome.answers[:] = rng.choice([b"0110", b"01", b""], 20)
    outcome.status[:] = rng.choice([0, 3], 20)

    def counted(cuts: list[int]) -> list[dict[str, Any]]:
        counts = Answers(experiment)
        ends = itertools.pairwise([0, *cuts, 20])
        parts = [outcome[first:last] for first, last in ends]
        pieces = [piece for part in parts for piece in counts.add(runs_table(experiment, part), part)]
        return [row for piece in (*pieces, *counts.rest()) for row in piece.to_pylist()]

    whole = counted([])
    assert sum(row["n"] for row in whole) == 20
    for cuts in ([1], [5], [3, 4, 12], list(range(1, 20))):
        assert counted(cuts) == whole


@pytest.mark.parametrize("answers", [b"0120", b"0\x0010", b"0110"])
def test_a_chunk_with_impossible_answers_is_not_read(answers: bytes, tmp_path: Path) -> None:
    experiment = load({"grid": {"gate": "XOR", "learning_rate": 1}, "train": {"max_epochs": 7}})
    store = ChunkStore.of(experiment, experiment.grids[0], Tree(tmp_path))
    outcome = Outcome.room(experiment, np.arange(1))
    outcome.status[:], outcome.epochs[:], outcome.final_loss[:] = 3, 7, 0.7
    outcome.answers[:] = b"0010"
    assert store.read_chunk(store.write_chunk(0, outcome)).answers.tolist() == [b"0010"]
    outcome.answers[:] = answers
    if answers == b"0110":
        outcome.status[:], outcome.final_loss[:] = 1, np.inf
    with pytest.raises(DamagedError, match="not a chunk \\(an impossible answer\\)"):
        store.read_chunk(store.write_chunk(0, outcome))


def test_answers_are_read_as_text(tmp_path: Path) -> None:
    experiment = {
        "runs": "both",
        "grid": {"gate": ["XOR", "AND"], "learning_rate": [1, 1e200], "hidden": 1, "seeds": 4},
    }
    written = sweep.run({**experiment, "train": {"max_epochs": 20}}, tmp_path, figures=False)
    read = sweep.read(tmp_path).runs["answers"]
    assert read.tolist() == written.runs["answers"].tolist()
    texts = pd.read_csv(tmp_path / "runs.csv", dtype={"answers": str}, keep_default_na=False)["answers"]
    assert texts.tolist() == pd.read_parquet(tmp_path / "runs.parquet")["answers"].tolist() == read.tolist()
