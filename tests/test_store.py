"""Results on disk: bytes, checksums, and what is left when something fails."""

import hashlib
import json
import math
import os
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sweep
from sweep.errors import FailedError, StoreError
from sweep.store import table_files
from sweep.store.files import Tree
from sweep.store.lock import locked
from sweep.store.manifest import read_manifest, sealed, unsealed, write_manifest
from sweep.store.table_files import read_table, writing_tables

MANIFEST: dict[str, Any] = {
    "name": "made",
    "question": "Läuft’s?",
    "complete": True,
    "n_runs": 2,
    "n_points": 1,
    "n_done": 2,
    "n_epochs": 10,
    "statuses": {"converged": 2},
    "n_trained": 2,
    "seconds": 0.25,
    "jobs": 2,
    "backend": "threading",
    "cpu": "A processor",
    "python": "3.14.0",
    "versions": {"numpy": "2.0"},
    "numerics": 1,
    "runs_format": "csv",
    "experiment": {"grid": [{"b": 1, "a": 2}]},
    "files": {"runs.csv": "0" * 64, "summary.csv": "1" * 64},
}
RUNS = pa.table({"run": [0, 1], "final_loss": [0.1, math.inf]})


def tables(n: int = 2) -> dict[str, pa.Table]:
    return {"runs.csv": RUNS[:n], "summary.csv": RUNS.select(["run"])}


def write(directory: Path, pieces: Mapping[str, pa.Table], rows: int = 2) -> dict[str, str]:
    """Write tables, so many rows at a time."""
    sums: dict[str, str] = {}
    with writing_tables(Tree(directory), sums) as writer:
        for first in range(0, 2, rows):
            for name, table in pieces.items():
                writer.write(name, table[first : first + rows])
    return sums


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("rows", [1, 2])
def test_what_is_written(rows: int, tmp_path: Path) -> None:
    directory = tmp_path / "new" / "directory"
    with locked(directory):
        sums = write(directory, tables(), rows)
        write_manifest(Tree(directory), {**MANIFEST, "files": sums})
    files = contents(directory)
    assert set(files) == {".lock", "runs.csv", "summary.csv", "SHA256SUMS", "manifest.json", "chunks/manifest.json"}
    assert files[".lock"] == b""
    assert files["runs.csv"] == b'"run","final_loss"\n0,0.1\n1,inf\n'
    assert sums == {name: hashlib.sha256(files[name]).hexdigest() for name in tables()}
    assert files["SHA256SUMS"].decode() == "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    manifest = unsealed(files["manifest.json"])
    assert manifest == {**MANIFEST, "files": sums}
    assert list(manifest["experiment"]["grid"][0]) == ["b", "a"]
    assert read_manifest(Tree(directory)) == manifest
    assert files["chunks/manifest.json"] == files["manifest.json"]


def test_drafts_are_flushed_before_they_have_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flush, rename, done = os.fsync, os.rename, []

    def flushed(handle: int) -> None:
        flush(handle)
        done.append(("flush", os.fstat(handle).st_ino))

    def renamed(name: str, *args: Any, **options: Any) -> None:
        rename(name, *args, **options)
        done.append(("rename", name))

    tree, names = Tree(tmp_path), ["page", "figures/one", "figures/other"]
    with tree.drafts() as drafts:
        (drafts / "figures").mkdir()
        for name in names:
            (drafts / name).write_text(name)
        tree.make("figures")
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", flushed)
            patched.setattr(os, "rename", renamed)
            tree.adopt(drafts, names)
    assert [(tmp_path / name).read_text() for name in names] == names
    folders, files = ({(tmp_path / name).stat().st_ino for name in some} for some in (("", "figures"), names))
    assert done[3:6] == [("rename", name.rpartition("/")[2]) for name in names]
    assert ({inode for _, inode in done[:3]}, {inode for _, inode in done[6:]}) == (files, folders)


def test_parts_that_threads_make_are_written_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, second = table_files._as_csv, threading.Event()

    def made(part: pa.Table, header: bool) -> pa.Buffer:
        assert part.num_rows == 1
        if header:
            assert second.wait(60)  # so that the first is made last
        else:
            second.set()
        return make(part, header)

    monkeypatch.setattr(table_files, "_PART", 1)
    monkeypatch.setattr(table_files, "_MAKERS", 2)
    monkeypatch.setattr(table_files, "_as_csv", made)
    write(tmp_path, {"runs.csv": RUNS})
    assert (tmp_path / "runs.csv").read_bytes() == b'"run","final_loss"\n0,0.1\n1,inf\n'


def test_a_piece_without_rows_has_its_columns(tmp_path: Path) -> None:
    with writing_tables(Tree(tmp_path), {}) as writer:
        for piece in (RUNS[:0], RUNS[:1]):
            writer.write("runs.csv", piece)
    assert (tmp_path / "runs.csv").read_bytes() == b'"run","final_loss"\n0,0.1\n'


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@given(values=st.lists(st.floats(allow_nan=False), min_size=1, max_size=50))
@settings(deadline=None, max_examples=30)
def test_floats_read_back_to_the_same_bits(suffix: str, values: list[float]) -> None:
    with tempfile.TemporaryDirectory() as name:
        sums: dict[str, str] = {}
        with writing_tables(Tree(name), sums) as writer:
            for some in (values[:7], values[7:]):
                writer.write(f"runs.{suffix}", pa.table({"final_loss": pa.array(some, pa.float64())}))
        table = read_table(Tree(name), f"runs.{suffix}", {"final_loss": pa.float64()})
    np.testing.assert_array_equal(table["final_loss"].to_numpy().view(np.uint64), np.array(values).view(np.uint64))


def test_some_columns_are_read_without_the_others(tmp_path: Path) -> None:
    write(tmp_path, {"runs.csv": RUNS, "runs.parquet": RUNS})
    for name in ("runs.csv", "runs.parquet"):
        table = read_table(Tree(tmp_path), name, {"run": pa.int64(), "final_loss": pa.float64()}, ["final_loss"])
        assert table.to_pydict() == {"final_loss": [0.1, math.inf]}


def test_an_earlier_result_makes_way_and_nothing_else_does(tmp_path: Path) -> None:
    directory, outside = tmp_path / "result", tmp_path / "outside.txt"
    (directory / "figures").mkdir(parents=True)
    for path in (outside, directory / "notes.txt", directory / "report.html", directory / "figures" / "a.svg"):
        path.write_text("old")
    sums = write(directory, {**tables(), "curves.csv": RUNS})
    drawn = {"report.html": "0" * 64, "figures/a.svg": "0" * 64}
    write_manifest(Tree(directory), {**MANIFEST, "files": {**sums, **drawn}})
    write(directory, tables(1))
    left = {"runs.csv", "summary.csv", "SHA256SUMS", "notes.txt", "chunks/manifest.json"}
    assert set(contents(directory)) == left
    assert outside.exists()
    with pytest.raises(StoreError, match="no complete result"):
        read_manifest(Tree(directory))


@pytest.mark.parametrize("n_written", [0, 1, 3])
def test_when_writing_fails_the_earlier_result_stays(
    n_written: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_manifest(Tree(tmp_path), {**MANIFEST, "files": write(tmp_path, tables())})
    before = contents(tmp_path)
    real, calls = table_files._HashedFile.write, []

    def full(self: Any, data: pa.Buffer) -> int:
        calls.append(1)
        if len(calls) > n_written:
            raise OSError(28, "No space left on device")
        return real(self, data)

    monkeypatch.setattr(table_files._HashedFile, "write", full)
    with pytest.raises(FailedError, match=r"writing the tables failed .No space left on device.; every run .* is kept"):
        write(tmp_path, tables(), rows=1)
    assert len(calls) > n_written
    assert contents(tmp_path) == before


def test_an_incomplete_result_says_so_until_it_is_complete(tmp_path: Path) -> None:
    sums = write(tmp_path, tables())
    write_manifest(Tree(tmp_path), {**MANIFEST, "files": sums, "n_runs": 2000, "complete": False})
    assert "2 of 2,000 runs" in (tmp_path / "INCOMPLETE.txt").read_text()
    write_manifest(Tree(tmp_path), {**MANIFEST, "files": sums})
    assert not (tmp_path / "INCOMPLETE.txt").exists()


def test_a_lock_removes_what_a_killed_writer_left(tmp_path: Path) -> None:
    below = tmp_path / "chunks" / "0123"
    other = tmp_path / "another result"
    for directory in (below, other):
        directory.mkdir(parents=True)
    token = "0123456789abcdef"
    for path in (tmp_path / f".runs.csv.{token}.part", below / f".a.arrow.{token}.part"):
        path.write_text("half a ta")
    (tmp_path / f".drafts.{token}.part" / "figures").mkdir(parents=True)
    for name in ("notes.part", ".mine.part"):
        (tmp_path / name).write_text("mine")
    (other / f".runs.csv.{token}.part").write_text("being written")
    with locked(tmp_path):
        pass
    assert set(contents(tmp_path)) == {".lock", "notes.part", ".mine.part", f"another result/.runs.csv.{token}.part"}
    assert not list(tmp_path.glob(".drafts*"))


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with (
            pytest.raises(StoreError, match=r"results cannot be written there .* another directory with --out"),
            locked(place),
        ):
            pass
    with pytest.raises(FailedError, match="writing the manifest failed"):
        write_manifest(Tree(tmp_path / "missing"), MANIFEST)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "Expecting value"),
        (b'{"name": "ma', "Unterminated string"),
        (b"[]", "no checksum"),
        (json.dumps(MANIFEST).encode(), "no checksum"),
        ("\N{REPLACEMENT CHARACTER}".encode(), "Expecting value"),
        (b"\xff\xfe\xff", "decode"),
        (sealed(MANIFEST).replace("made", "male").encode(), "its checksum differs"),
        (sealed(MANIFEST).encode() + b"\n", "its checksum differs"),
        (sealed({**MANIFEST, "files": {}}).encode(), "files: a table is missing"),
        (sealed({**MANIFEST, "files": {"runs.csv": ""}}).encode(), "files: a table is missing"),
        (sealed({**MANIFEST, "files": []}).encode(), "files"),
        *(
            (sealed({**MANIFEST, "files": {**MANIFEST["files"], name: "0" * 64}}).encode(), "no file of a result")
            for name in ("../outside.txt", "/etc/passwd", "notes.txt", "figures/../a.svg", "figures/.svg", "a\0.svg")
        ),
        (sealed({**MANIFEST, "files": {**MANIFEST["files"], "report.html": "0"}}).encode(), "no SHA-256"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (sealed({**MANIFEST, "n_runs": "many"}).encode(), "n_runs"),
        (sealed({**MANIFEST, "more": 1}).encode(), "more: Extra inputs"),
        (
            sealed({key: value for key, value in MANIFEST.items() if key != "experiment"}).encode(),
            "experiment: Field required",
        ),
    ],
)
def test_a_damaged_manifest_is_refused(text: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(text)
    with pytest.raises(StoreError, match=f"manifest.json: damaged .*{said}.*make it again with: sweep run FILE --out "):
        read_manifest(Tree(tmp_path))


def test_no_manifest_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no complete result .no manifest.json."):
        read_manifest(Tree(tmp_path))
    with pytest.raises(StoreError, match="no such directory"):
        read_manifest(Tree(tmp_path / "missing"))
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        read_manifest(Tree(tmp_path))


@pytest.mark.parametrize("name", ["runs.csv", "runs.parquet", "summary.csv"])
def test_a_table_that_is_not_as_written_is_refused(name: str, tmp_path: Path) -> None:
    sweep.run({"runs": "both", "grid": {"gate": "AND", "learning_rate": 1}}, tmp_path, figures=False)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(StoreError, match=rf"{name}: not as it was written .*mend it with: sweep verify .* --repair"):
        sweep.read(tmp_path)
    path.unlink()
    with pytest.raises(StoreError, match=rf"{name}: cannot be read"):
        sweep.read(tmp_path)
    with pytest.raises(StoreError, match=rf"{name}: cannot be read"):
        read_table(Tree(tmp_path), name, {})
