"""`sweep zoom`: the experiment of a smaller window."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import sweep
from sweep.cli import app
from sweep.commands.zoom import zoomed
from sweep.errors import ExperimentError
from sweep.spec.experiment import load

PLANE: dict[str, Any] = {
    "name": "plane",
    "question": 'Where "here" is it stable?',
    "grid": {
        "gate": "rows",
        "hidden": 2,
        "output": "linear",
        "loss": "mse",
        "learning_rate": {"from": 0.01, "to": 100, "num": 5, "scale": "log"},
        "init_scale": {"from": 1, "to": 2, "num": 3},
    },
    "train": {"max_epochs": 20, "last_losses": 4},
    "tables": {"rows": {"rows": [[0.25, 1, 0], [1, -0.5, 2.5]]}},
}


def test_a_window_of_a_plane(tmp_path: Path) -> None:
    result = sweep.run(PLANE)
    file = tmp_path / "next.toml"
    file.write_text(zoomed(result, (1.25, 1.5), (0.5, 2)))
    found = load(file)
    assert found.name == "plane_zoom"
    assert found.question == PLANE["question"]
    assert found.train == result.experiment.train
    grid = found.grids[0]
    assert list(grid.values["init_scale"]) == [1.25, 1.375, 1.5]
    assert list(grid.values["learning_rate"]) == pytest.approx([0.5, 0.5 * 4**0.25, 1, 4**0.75 / 2, 2])
    assert len(sweep.run(file, tmp_path / "out", figures=False).runs) == 15
    assert zoomed(sweep.run(file, tmp_path / "out", figures=False), (1.25, 1.3), (1, 2)).count("[") > 5


def test_runs_on_the_edge_of_a_window_are_those_of_the_plane(tmp_path: Path) -> None:
    result = sweep.run(PLANE)
    file = tmp_path / "next.toml"
    file.write_text(zoomed(result, (1, 2), (0.01, 1)))
    inner = sweep.run(file, tmp_path / "out", figures=False).runs
    losses = result.runs.set_index(["learning_rate", "init_scale"])["final_loss"]
    again = inner.set_index(["learning_rate", "init_scale"])["final_loss"]
    assert again[0.01].tolist() == losses[0.01].tolist()


@pytest.mark.parametrize(("number", "grid"), [(1, {}), (0, {"init_scale": 1})])
def test_what_is_no_plane_is_refused(number: int, grid: dict[str, Any]) -> None:
    result = sweep.run({**PLANE, "grid": {**PLANE["grid"], **grid}})
    with pytest.raises(ExperimentError):
        zoomed(result, (1, 2), (1, 2), number)


def test_the_command_writes_a_file_and_never_over_one(tmp_path: Path) -> None:
    sweep.run(PLANE, tmp_path / "plane", figures=False)
    command = ["zoom", str(tmp_path / "plane"), "1", "1.5", "0.1", "1", "--out", str(tmp_path / "next.toml")]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert load(tmp_path / "next.toml").n_runs == 15
    assert CliRunner().invoke(app, command).exit_code != 0
    bad = [*command[:5], "-1", *command[6:8], str(tmp_path / "other.toml")]
    assert CliRunner().invoke(app, bad).exit_code == 2
    assert not (tmp_path / "other.toml").exists()
