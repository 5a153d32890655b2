"""Experiment files made at random, valid and broken: each is run, or refused with a message that names the key.

Some of those that are valid are reported as well. `make torture` tries 10,000 of them, and reports 300.
"""

import os
import re
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import sweep
from sweep.spec.experiment import load
from sweep.spec.keys import KEYS, Train

N_FILES = int(os.environ.get("TORTURE_FILES", "60"))
N_REPORTS = int(os.environ.get("TORTURE_REPORTS", "3"))
MAX_RUNS = 60

KEYS_OF_GRID = [*KEYS, "seeds", "weights"]
ODD = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.text(max_size=8),
    st.just([]),
    st.lists(st.one_of(st.integers(-3, 3), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.sampled_from(["from", "to", "num", "scale", "count", "x"]), st.integers(-2, 5), max_size=3),
)
NAMES = st.one_of(
    st.text(max_size=12),
    st.text("$\\_^{}%&#<>\"' ab\n\t\x00\x1b\u00e9\u8868\U0001f600", max_size=6),
    st.sampled_from(["mine", "$$", "\\frac", "$\\notacommand$", "x" * 101, "XOR", "run", "n"]),
)
EXTREMES = st.one_of(
    st.sampled_from([1e300, 1e-300, 1e308, 1e-320, 5e-324, 10**400, -1e300, 0, 1, 0.1, float("inf"), float("nan")]),
    st.floats(1e-300, 1e300),
)
WEIGHTS = st.lists(st.one_of(EXTREMES, st.sampled_from(["x", "y", "x1"]), NAMES), min_size=3, max_size=3)
SENSIBLE: dict[str, st.SearchStrategy[Any]] = {
    "gate": st.sampled_from(["AND", "XOR", ["OR", "0110"], "all-2", ["parity-3"], "mine", ["AND", "0001"]]),
    "encoding": st.sampled_from(["01", "pm1", ["01", "pm1"]]),
    "hidden": st.sampled_from([0, 0, 0, 2, [0, 2]]),
    "activation": st.sampled_from(["sigmoid", "tanh"]),
    "loss": st.sampled_from(["bce", "mse"]),
    "learning_rate": st.sampled_from([1, 0.1, [0.1, 1e300], {"from": 0.1, "to": 10, "num": 3, "scale": "log"}]),
    "init": st.sampled_from(["normal(0, 1)", "zeros", "uniform(-1, 1)", ["zeros", "constant(1)"], "normal(0, -1)"]),
    "init_scale": st.sampled_from([1, 0.5, [1, 2]]),
    "seeds": st.sampled_from([1, 3, {"from": 4, "count": 2}, {"from": 2**32 - 1, "count": 2}, 0]),
}


@st.composite
def grids(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly sensible, and in every third one something odd."""
    grid = {key: draw(SENSIBLE[key]) for key in ("gate", "learning_rate")}
    for key in draw(st.lists(st.sampled_from(sorted(SENSIBLE)), max_size=4, unique=True)):
        grid[key] = draw(SENSIBLE[key])
    if draw(st.integers(0, 2)) == 0:
        key = draw(st.one_of(st.sampled_from(KEYS_OF_GRID), st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1)))
        grid[key] = draw(ODD)
    if draw(st.integers(0, 4)) == 0:
        grid |= {"gate": "AND", "init": "given", "seeds": 1, "weights": draw(WEIGHTS)}
        grid |= {name: draw(st.lists(EXTREMES, max_size=3)) for name in grid["weights"] if isinstance(name, str)}
    if draw(st.integers(0, 4)) == 0:
        grid[draw(st.sampled_from(["learning_rate", "init_scale", "momentum", "epsilon"]))] = draw(EXTREMES)
    if draw(st.integers(0, 9)) == 0:
        del grid[draw(st.sampled_from(sorted(grid)))]
    return grid


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = {"grid": draw(st.one_of(grids(), st.lists(grids(), max_size=2)))}
    train: dict[str, Any] = {"max_epochs": draw(st.sampled_from([1, 5, 30]))}
    if draw(st.integers(0, 3)) == 0:
        train[draw(st.sampled_from([*Train.model_fields, "epochs"]))] = draw(st.one_of(ODD, st.integers(0, 30)))
    if draw(st.integers(0, 3)) == 0:
        train[draw(st.sampled_from(["target_loss", "target_error"]))] = draw(EXTREMES)
    document["train"] = train
    if draw(st.booleans()):
        name = draw(st.one_of(st.just("mine"), NAMES))
        rows = draw(st.sampled_from([[[0, 1, 1], [1, 0, 0]], [[0, 1]], [[1e300, -1, 1], [0, 1e-300, 0]], [[0, 2]], []]))
        document["tables"] = {name: {"rows": rows}}
        if isinstance(document["grid"], dict) and draw(st.booleans()):
            document["grid"]["gate"] = [name, "AND"]
    if draw(st.integers(0, 9)) == 0:
        document[draw(st.sampled_from(["question", "name", "columns", "runs", "grids"]))] = draw(ODD)
    return document


def toml(value: Any) -> str:
    """A value as TOML, which may be none that TOML has."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return "".join(('"', *(f"\\u{ord(c):04x}" if ord(c) < 65536 else f"\\U{ord(c):08x}" for c in value), '"'))
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return f"{{{', '.join(f'{toml(key)} = {toml(item)}' for key, item in value.items())}}}"
    return repr(value)


@given(
    document=documents(), cut=st.one_of(st.none(), st.none(), st.none(), st.integers(0, 400)), odd=st.text(max_size=2)
)
@settings(deadline=None, max_examples=N_FILES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_file_is_run_or_refused(document: dict[str, Any], cut: int | None, odd: str) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in document.items())
    if cut is not None:
        text = text[:cut] + odd + text[cut + 1 :]
    with tempfile.TemporaryDirectory() as name:
        file, out = Path(name, "made.toml"), Path(name, "out")
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            experiment = load(file)
        except sweep.SweepError as error:
            refused(str(error), file, document)
            with pytest.raises(sweep.SweepError):
                sweep.run(file, out, jobs=1, figures=False)
            assert not out.exists()
            return
        if experiment.n_runs > MAX_RUNS or experiment.train.max_epochs > 1000:
            return
        result = sweep.run(file, out, jobs=1, figures=False)
        assert len(result.runs) == experiment.n_runs
        assert not result.runs["final_loss"].isna().any()


@given(document=documents())
@settings(deadline=None, max_examples=N_REPORTS, suppress_health_check=list(HealthCheck))
@pytest.mark.filterwarnings("ignore:Glyph .* missing", "ignore:overflow encountered:RuntimeWarning")
def test_what_is_valid_is_run_and_reported(document: dict[str, Any]) -> None:
    try:
        experiment = load(document)
    except sweep.SweepError:
        assume(False)
    assume(experiment.n_runs <= MAX_RUNS and experiment.train.max_epochs <= 1000)
    with tempfile.TemporaryDirectory() as name:
        result = sweep.run(document, name, jobs=1)
        assert "report.html" in result.manifest["files"]
        for path in Path(name).rglob("*.svg"):
            ElementTree.parse(path)


def refused(message: str, file: Path, document: dict[str, Any]) -> None:
    """It names the file and, unless it is no TOML at all, a key."""
    named = re.compile(r"not (valid|usable) TOML|not UTF-8|grid|train|tables|question|name|columns|runs|key")
    for line in message.splitlines():
        assert line.startswith(f"{file}: ")
        assert named.search(line.removeprefix(str(file))) or "… and" in line, line
        assert "Traceback" not in line
