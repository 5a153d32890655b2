"""The interface from Python."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import sweep
from sweep.store.files import Tree
from sweep.store.manifest import sealed, unsealed, write_manifest

TABLES = {"runs.csv", "summary.csv", "answers.csv"}
SMALL: dict[str, Any] = {
    "question": "Small?",
    "grid": {"gate": ["AND", "XOR"], "learning_rate": [1, 30], "init": "uniform(0, 1)", "seeds": 4},
    "train": {"max_epochs": 400},
}


OURS = {"manifest.json", "SHA256SUMS", ".lock", "chunks"}
"""What lies in the directory of a result beside what its manifest lists."""


class BegunError(Exception):
    pass


def begun(started: Any) -> None:
    raise BegunError


def files_beside_chunks(directory: Path) -> set[str]:
    paths = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if path.parts[0] not in OURS}


def assert_same_frames(one: sweep.Result, other: sweep.Result) -> None:
    for left, right in ((one.runs, other.runs), (one.summary, other.summary), (one.curves, other.curves)):
        if left is None or right is None:
            assert left is right
        else:
            assert_frame_equal(left, right, check_exact=True, check_categorical=True)


def test_a_dict_is_run_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = sweep.run(SMALL)
    assert list(tmp_path.iterdir()) == []
    assert result.path is None
    assert (len(result.runs), len(result.summary), result.curves) == (16, 4, None)
    assert list(result.summary["n_converged"]) == [0, 4, 0, 0]
    with pytest.raises(ValueError, match="in memory only"):
        sweep.draw(result)


def test_a_file_is_run_into_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text('[grid]\ngate = "AND"\nlearning_rate = 1\n')
    result = sweep.run("small.toml", overrides=["max_epochs=400", "learning_rate=30"], figures=False)
    assert result.path == Path("results/small")
    assert_same_frames(sweep.read("results/small"), result)
    assert list(result.runs["learning_rate"]) == [30.0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"gate": ["0110", "01"]},
        {"gate": "XOR", "learning_rate": 1},
        {"gate": "TRUE", "learning_rate": 1000},
        {"hidden": 2, "loss": ["mse", "bce"], "output": "sigmoid"},
        {"encoding": ["01"], "init_scale": [1, 2.5], "hidden": 0, "seeds": 1},
        {"gate": "AND", "learning_rate": [1e-300, 1e300], "init": ["normal(0, 1e300)", "uniform(-1, 1e300)"]},
    ],
    ids=str,
)
@pytest.mark.parametrize("record_every", [0, 400])
def test_reading_gives_what_running_gave(changes: dict[str, Any], record_every: int, tmp_path: Path) -> None:
    experiment = {"grid": {**SMALL["grid"], **changes}, "train": {"max_epochs": 400, "record_every": record_every}}
    ran = sweep.run(experiment, tmp_path, figures=False)
    read = sweep.read(tmp_path)
    assert_same_frames(read, ran)
    assert read.manifest == ran.manifest
    assert read.path == ran.path == tmp_path


def test_reading_gives_what_running_gave_for_a_union(mixed_result: sweep.Result) -> None:
    assert mixed_result.path is not None
    assert_same_frames(sweep.read(mixed_result.path), mixed_result)


def test_running_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        sweep.run(SMALL, tmp_path / name, figures=False)
    for name in (*TABLES, "SHA256SUMS"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_manifest_remakes_the_tables(mixed_result: sweep.Result, tmp_path: Path) -> None:
    assert mixed_result.path is not None
    manifest = json.loads((mixed_result.path / "manifest.json").read_text())
    again = sweep.run(manifest["experiment"], tmp_path, figures=False)
    assert again.manifest["files"] == manifest["files"]
    assert again.manifest["name"] == "mixed"


def test_the_manifest_says_what_was_run_and_where(tmp_path: Path) -> None:
    manifest = dict(sweep.run(SMALL, tmp_path, jobs=2, figures=False).manifest)
    text = (tmp_path / "manifest.json").read_bytes()
    assert unsealed(text) == manifest
    assert json.loads(text).keys() - manifest.keys() == {"checksum"}
    assert (manifest["name"], manifest["question"]) == ("sweep", "Small?")
    assert (manifest["n_runs"], manifest["n_points"], manifest["jobs"]) == (16, 4, 2)
    assert (manifest["complete"], manifest["n_done"], manifest["n_trained"]) == (True, 16, 16)
    assert manifest["n_epochs"] == sweep.read(tmp_path).runs["epochs"].sum()
    assert manifest["seconds"] > 0
    assert manifest["versions"]["pandas"] == pd.__version__
    assert manifest["experiment"]["grid"][0]["gate"] == ["AND", "XOR"]
    assert {path.name for path in tmp_path.iterdir()} == OURS | manifest["files"].keys()
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest


def test_figures_and_report_are_listed_and_drawn_again(tmp_path: Path) -> None:
    ran = sweep.run(SMALL, tmp_path)
    drawn = set(ran.manifest["files"]) - TABLES
    assert "report.html" in drawn
    for name in drawn:
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == ran.manifest["files"][name]
        (tmp_path / name).unlink()
    assert set(sweep.draw(sweep.read(tmp_path)).manifest["files"]) == {*TABLES, *drawn}
    assert all((tmp_path / name).is_file() for name in drawn)
    assert_same_frames(sweep.read(tmp_path), ran)
    again = sweep.run(SMALL, tmp_path, figures=False)
    assert files_beside_chunks(tmp_path) == set(again.manifest["files"]) == {*TABLES, *drawn}
    with pytest.warns(UserWarning, match="changed since the last run: grid.seeds"):
        other = sweep.run(SMALL, tmp_path, overrides=["seeds=5"], figures=False)
    assert files_beside_chunks(tmp_path) == set(other.manifest["files"]) == TABLES


def test_a_report_that_cannot_be_written_leaves_the_tables_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    said = r"drawing failed .* the tables are complete, draw them with: sweep "
    with monkeypatch.context() as patched, pytest.raises(sweep.SweepError, match=said):
        patched.setattr(Tree, "adopt", full)
        sweep.run(SMALL, tmp_path)
    assert len(sweep.read(tmp_path).runs) == 16
    assert "report.html" in sweep.run(SMALL, tmp_path).manifest["files"]


def test_what_stands_where_figures_belong_is_set_aside(tmp_path: Path) -> None:
    sweep.run(SMALL, tmp_path, figures=False)
    (tmp_path / "figures").write_text("in the way")
    (tmp_path / "report.html").mkdir()
    assert "report.html" in sweep.run(SMALL, tmp_path).manifest["files"]
    assert (tmp_path / "set-aside" / "figures").read_text() == "in the way"
    assert (tmp_path / "set-aside" / "report.html").is_dir()
    assert sweep.verify(tmp_path)[1] == []


def test_figures_of_an_earlier_drawing_go(tmp_path: Path) -> None:
    result = sweep.run(SMALL, tmp_path)
    earlier = tmp_path / "figures" / "earlier.svg"
    earlier.write_text("<svg/>")
    digest = hashlib.sha256(earlier.read_bytes()).hexdigest()
    files = {**result.manifest["files"], "figures/earlier.svg": digest}
    (tmp_path / "figures" / "own.svg").write_text("of the user's own")
    write_manifest(Tree(tmp_path), {**result.manifest, "files": files})
    drawn = sweep.draw(sweep.read(tmp_path))
    assert drawn.manifest["files"] == result.manifest["files"]
    assert not earlier.exists()
    assert (tmp_path / "figures" / "own.svg").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"jobs": 0}, "jobs: found 0; allowed: 1 or more"),
        ({"jobs": -2}, "jobs: found -2"),
        ({"backend": "nonsense"}, "backend: found 'nonsense'; allowed: threading, loky"),
        ({"backend": "dask"}, "backend, scheduler: found one without the other"),
        ({"scheduler": "tcp://127.0.0.1:8786"}, "backend, scheduler: found one without the other"),
        ({"chunk_size": 0}, "chunk_size: found 0; allowed: 1 or more"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        sweep.run(SMALL, tmp_path / "out", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", ["learning_rate={from=0.1, to=1, num=1000}", "record_every=1"])
def test_what_does_not_fit_into_memory_is_refused_there_and_begun_on_disk(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, sysconf = {"SC_PHYS_PAGES": 10**6, "SC_PAGE_SIZE": 4096}, os.sysconf
    monkeypatch.setattr("os.sysconf", lambda name: sizes.get(name) or sysconf(name))
    experiment = {"grid": {"gate": "AND", "learning_rate": 1, "seeds": 100_000}, "train": {"max_epochs": 10_000}}
    with pytest.raises(
        sweep.SweepError, match=r"GB of memory; allowed: 4 GB, which this machine has; write .* to a directory"
    ):
        sweep.run(experiment, overrides=[change])
    with pytest.raises(BegunError):
        sweep.run(experiment, tmp_path, overrides=[change], jobs=2, on_start=begun)


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        (["max_epochs=5000000", "record_every=1"], None),
        (["max_epochs=100000000", "record_every=1"], "a larger record_every"),
        (["max_epochs=10000000", "record_every=1", "seeds=99"], "fewer --jobs"),
        (["seeds=16777216"], None),
        (["seeds=200000000"], "fewer seeds of a setting"),
        (["gate=all-4", "hidden=32", "seeds=10000", "max_epochs=1"], None),
    ],
    ids=str,
)
def test_what_takes_more_memory_than_any_sweep_is_refused_before_it_starts(
    changes: list[str], advice: str | None, tmp_path: Path
) -> None:
    experiment = {"grid": {"gate": "AND", "learning_rate": 1}}
    with pytest.raises(BegunError if advice is None else sweep.SweepError) as refused:
        sweep.run(experiment, tmp_path / "out", overrides=changes, jobs=16 if len(changes) == 3 else 2, on_start=begun)
    if advice:
        assert "GB of memory; allowed: 1.5 GB; it may fit with " + advice in str(refused.value)
        assert not (tmp_path / "out").exists()


def test_a_result_of_an_experiment_that_is_none_is_refused(tmp_path: Path) -> None:
    sweep.run(SMALL, tmp_path, figures=False)
    path = tmp_path / "manifest.json"
    manifest = unsealed(path.read_bytes())
    manifest["experiment"]["grid"][0]["gate"] = "NAAND"
    path.write_text(sealed(manifest), encoding="utf-8")
    with pytest.raises(sweep.SweepError, match=r"manifest.json: damaged .*NAAND"):
        sweep.read(tmp_path)


def test_an_incomplete_result_none_of_whose_chunks_is_left_stays_readable_where_it_can(tmp_path: Path) -> None:
    def interrupt(outcome: Any, n_trained: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep.run(SMALL, tmp_path, jobs=1, chunk_size=5, figures=False, on_chunk=interrupt)
    assert len(sweep.read(tmp_path).runs) == 5
    (chunk,) = tmp_path.rglob("*.arrow")
    chunk.write_text("damaged")
    (tmp_path / "runs.csv").write_text("damaged")
    _, problems = sweep.verify(tmp_path, repair=True, say=lambda line: None)
    assert [problem.path.name for problem in problems] == ["runs.csv"]
    assert sweep.run(SMALL, tmp_path, figures=False).manifest["n_trained"] == 16
    assert sweep.verify(tmp_path)[1] == []


def test_the_package_offers_what_it_lists() -> None:
    for name in sweep.__all__:
        assert getattr(sweep, name)
    with pytest.raises(AttributeError, match="no attribute 'learn'"):
        sweep.learn  # noqa: B018


def test_a_run_may_be_named_by_numpys_integers(tmp_path: Path) -> None:
    result = sweep.run(SMALL, tmp_path, figures=False)
    for run in (0, 1):
        assert sweep.replay(result, np.int64(run)).run == run
    with pytest.raises(TypeError, match="float"):
        sweep.replay(result, 1.0)  # type: ignore[arg-type]


def test_what_is_no_result_and_no_choice_is_refused(tmp_path: Path) -> None:
    result = sweep.run(SMALL, tmp_path, figures=False)
    with pytest.raises(TypeError, match="allowed: a result, or the directory of one"):
        sweep.compare(result, None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="allowed: keys of the grid with values"):
        sweep.figures.success_rate(result, where="AND")  # type: ignore[arg-type]
