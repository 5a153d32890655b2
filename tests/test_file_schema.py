"""The JSON Schema of experiment files, held against what is read."""

import json
import tomllib
from typing import Any

import jsonschema
import pytest
from conftest import EXPERIMENTS
from typer.testing import CliRunner

from sweep.cli import app
from sweep.commands.new import TEXT
from sweep.commands.schema import schema
from sweep.spec.experiment import load
from sweep.spec.keys import KEYS, RELATIVE

GRID: dict[str, Any] = {"gate": "AND", "learning_rate": 1}


def is_valid(document: dict[str, Any]) -> bool:
    return bool(jsonschema.Draft202012Validator(schema()).is_valid(document))


def test_it_is_a_schema_and_is_printed() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    result = CliRunner().invoke(app, ["schema"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, schema())


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_committed_files_are_valid(path: Any) -> None:
    document = tomllib.loads(path.read_text())
    assert is_valid(document)
    assert is_valid(json.loads(json.dumps(load(path).resolved())))


def test_editors_find_the_schema_of_committed_files() -> None:
    """`sweep schema >docs/experiment.schema.json` writes it again."""
    written = EXPERIMENTS.parent / "docs" / "experiment.schema.json"
    assert json.loads(written.read_text(encoding="utf-8")) == schema()
    for path in EXPERIMENTS.glob("*.toml"):
        directive = path.read_text(encoding="utf-8").partition("\n")[0]
        assert (path.parent / directive.removeprefix("#:schema ")).resolve() == written.resolve()


def test_the_file_to_start_from_is_valid() -> None:
    assert is_valid(tomllib.loads(TEXT))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"grid": {"gate": "AND"}},
        {"grid": GRID, "epochs": 3},
        {"grid": GRID, "train": {"max_epochs": 0}},
        {"grid": GRID, "train": {"epochs": 5}},
        {"grid": {**GRID, "learning_rate": -1}},
        {"grid": {**GRID, "learning_rate": {"from": 1, "to": 2}}},
        {"grid": {**GRID, "activation": "Tanh"}},
        {"grid": {**GRID, "hidden": [1, 33]}},
        {"grid": {**GRID, "gate": 110}},
        {"grid": GRID, "tables": {"t": {"file": "x"}}},
    ],
)
def test_what_is_refused_is_invalid(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        load(document)
    assert not is_valid(document)


def test_every_key_is_described() -> None:
    grid = schema()["$defs"]["grid"]["properties"]
    assert grid.keys() == {*KEYS, RELATIVE, "weights", "seeds"}
    assert all(grid[key]["description"] for key in KEYS)
