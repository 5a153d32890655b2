"""Results on disk: bytes, checksums, and what is left when something fails."""

import hashlib
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv

from sweep.engine import store
from sweep.engine.store import StoreError

MANIFEST: dict[str, Any] = {
    "name": "made",
    "question": "Läuft’s?",
    "n_runs": 2,
    "n_points": 1,
    "n_epochs": 10,
    "seconds": 0.25,
    "jobs": 2,
    "backend": "threading",
    "cpu": "A processor",
    "python": "3.14.0",
    "versions": {"numpy": "2.0"},
    "experiment": {"grid": [{"b": 1, "a": 2}]},
    "files": {"runs.csv": "0" * 64, "summary.csv": "1" * 64},
}
RUNS = pd.DataFrame({"run": [0, 1], "final_loss": [0.1, math.inf]})


def tables(n: int = 2) -> dict[str, pd.DataFrame]:
    return {"runs.csv": RUNS.head(n), "summary.csv": RUNS[["run"]]}


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_what_is_written(tmp_path: Path) -> None:
    store.prepare(tmp_path / "new" / "directory")
    directory = tmp_path / "new" / "directory"
    sums = store.write_tables(directory, tables())
    store.write_manifest(directory, {**MANIFEST, "files": sums})
    files = contents(directory)
    assert set(files) == {"runs.csv", "summary.csv", "SHA256SUMS", "manifest.json"}
    assert files["runs.csv"] == b'"run","final_loss"\n0,0.1\n1,inf\n'
    assert sums == {name: hashlib.sha256(files[name]).hexdigest() for name in tables()}
    assert files["SHA256SUMS"].decode() == "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    manifest = json.loads(files["manifest.json"])
    assert manifest == {**MANIFEST, "files": sums}
    assert list(manifest["experiment"]["grid"][0]) == ["b", "a"]
    assert store.read_manifest(directory) == manifest


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=50))
@settings(deadline=None, max_examples=30)
def test_floats_read_back_to_the_same_bits(values: list[float]) -> None:
    frame = pd.DataFrame({"final_loss": np.array(values)})
    with tempfile.TemporaryDirectory() as name:
        sums = store.write_tables(Path(name), {"runs.csv": frame})
        table = store.read_table(Path(name), "runs.csv", sums["runs.csv"], {"final_loss": pa.float64()})
    np.testing.assert_array_equal(table["final_loss"].to_numpy().view(np.uint64), np.array(values).view(np.uint64))


def test_an_earlier_result_makes_way_and_nothing_else_does(tmp_path: Path) -> None:
    directory, outside = tmp_path / "result", tmp_path / "outside.txt"
    store.prepare(directory / "figures")
    for path in (outside, directory / "notes.txt", directory / "report.html", directory / "figures" / "a.svg"):
        path.write_text("old")
    sums = store.write_tables(directory, {**tables(), "curves.csv": RUNS})
    drawn = {"report.html": "", "figures/a.svg": "", "../outside.txt": "", str(outside): ""}
    store.write_manifest(directory, {**MANIFEST, "files": {**sums, **drawn}})
    store.write_tables(directory, tables(1))
    assert set(contents(directory)) == {"runs.csv", "summary.csv", "SHA256SUMS", "notes.txt"}
    assert outside.exists()
    with pytest.raises(StoreError, match="no complete result"):
        store.read_manifest(directory)


@pytest.mark.parametrize("n_written", [0, 1])
def test_when_writing_fails_the_earlier_result_stays(
    n_written: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_manifest(tmp_path, {**MANIFEST, "files": store.write_tables(tmp_path, tables())})
    before = contents(tmp_path)
    write_csv, calls = csv.write_csv, []

    def disk_full(table: pa.Table, path: Path) -> None:
        calls.append(path)
        if len(calls) > n_written:
            path.write_text("half a ta")
            raise OSError(28, "No space left on device")
        write_csv(table, path)

    monkeypatch.setattr(csv, "write_csv", disk_full)
    with pytest.raises(StoreError, match=r"writing the tables failed .No space left on device"):
        store.write_tables(tmp_path, tables(1))
    assert contents(tmp_path) == before


def test_preparing_removes_what_a_killed_writer_left(tmp_path: Path) -> None:
    (tmp_path / ".runs.csv.part").write_text("half a ta")
    (tmp_path / "notes.part").write_text("mine")
    store.prepare(tmp_path)
    assert set(contents(tmp_path)) == {"notes.part"}


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match=r"results cannot be written there .* another directory with --out"):
            store.prepare(place)
    with pytest.raises(StoreError, match="writing the manifest failed"):
        store.write_manifest(tmp_path / "missing", MANIFEST)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Invalid JSON"),
        ('{"name": "ma', "Invalid JSON"),
        ("[]", "should be an object"),
        ("\N{REPLACEMENT CHARACTER}", "Invalid JSON"),
        (json.dumps({**MANIFEST, "files": {}}), "files: runs.csv missing"),
        (json.dumps({**MANIFEST, "files": []}), "files"),
        (json.dumps({**MANIFEST, "n_runs": "many"}), "n_runs"),
        (
            json.dumps({key: value for key, value in MANIFEST.items() if key != "experiment"}),
            "experiment: Field required",
        ),
    ],
)
def test_a_damaged_manifest_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=f"manifest.json: damaged .*{said}.*run the experiment again"):
        store.read_manifest(tmp_path)


def test_no_manifest_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no complete result .no manifest.json."):
        store.read_manifest(tmp_path)
    with pytest.raises(StoreError, match="no such directory"):
        store.read_manifest(tmp_path / "missing")
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        store.read_manifest(tmp_path)


def test_a_table_that_is_not_as_written_is_refused(tmp_path: Path) -> None:
    digest = store.write_tables(tmp_path, tables())["runs.csv"]
    path = tmp_path / "runs.csv"
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(StoreError, match=r"runs.csv: not as it was written"):
        store.read_table(tmp_path, "runs.csv", digest, {})
    path.unlink()
    with pytest.raises(StoreError, match=r"runs.csv: cannot be read"):
        store.read_table(tmp_path, "runs.csv", digest, {})
