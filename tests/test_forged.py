"""Results that somebody changed on purpose, checksums and all: what does not follow from the chunks is found."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from test_damage import EXPERIMENT, contents, quiet

import sweep
from sweep.store.files import Tree
from sweep.store.manifest import sealed, unsealed, write_text

TABLES = ("runs.csv", "runs.parquet", "summary.csv", "summary.parquet", "curves.csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole")
    sweep.run({**EXPERIMENT, "grid": {**EXPERIMENT["grid"][0], "seeds": 10}}, directory, jobs=1, figures=False)
    return directory


@pytest.fixture
def whole(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "whole"))


@pytest.fixture
def before(whole: Path) -> Iterator[dict[str, bytes]]:
    """Files as they were written; each test mends what it has changed."""
    files = contents(whole)
    yield files
    assert contents(whole) == files


def first_chunk(directory: Path) -> Path:
    return min(directory.glob("chunks/*/*.arrow"))


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table] | bytes) -> None:
    """Change what a chunk says, and give it the name that its new bytes ask for."""
    if isinstance(change, bytes):
        data = change
    else:
        table = change(pa.ipc.open_file(path.read_bytes()).read_all())
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        data = sink.getvalue().to_pybytes()
    path.unlink()
    digest = hashlib.sha256(data).hexdigest()[:32]
    path.with_name(f"{path.name[:21]}-{digest}.arrow").write_bytes(data)


def column(name: str, values: Any, kind: pa.DataType | None = None) -> Callable[[pa.Table], pa.Table]:
    """Set the first value of a column, or all of them where `values` is a function of the column."""

    def change(table: pa.Table) -> pa.Table:
        old = table[name].to_pylist()
        new = values(old) if callable(values) else [values, *old[1:]]
        field = table.schema.field(name)
        array = pa.array(new, kind or field.type)
        return table.set_column(table.column_names.index(name), pa.field(name, array.type), array)

    return change


CHUNKS: dict[str, Any] = {
    "not Arrow": b"no table at all",
    "nothing": b"",
    "status 77": column("status", 77),
    "status -1": column("status", -1),
    "no status": column("status", None),
    "status as text": column("status", lambda old: ["converged"] * len(old), pa.string()),
    "more epochs than there were": column("epochs", 41),
    "fewer epochs than none": column("epochs", -1),
    "wider integers": column("epochs", lambda old: old, pa.int64()),
    "converged after it ended": column("converged_epoch", 41),
    "period of a run that has none": column("period", 3),
    "loss that is no number": column("final_loss", float("nan")),
    "infinite loss of a run that did not diverge": column("final_loss", float("inf")),
    "curves of another length": lambda table: table.set_column(
        5, "curve", pa.FixedSizeListArray.from_arrays(np.zeros(2 * len(table)), 2)
    ),
    "no curves": lambda table: table.drop_columns(["curve"]),
    "a column more": lambda table: table.append_column("more", table["status"]),
    "rows more": lambda table: pa.concat_tables([table] * 3),
    "rows fewer": lambda table: table[:-1],
    "another place": lambda table: table.replace_schema_metadata(
        {**table.schema.metadata, b"chunk": table.schema.metadata[b"chunk"] + b"0"}
    ),
    "no place": lambda table: table.replace_schema_metadata({}),
    "other statuses": lambda table: table.replace_schema_metadata({**table.schema.metadata, b"statuses": b"fine"}),
}


@pytest.mark.parametrize("how", CHUNKS)
def test_a_chunk_that_no_training_wrote(how: str, whole: Path, before: dict[str, bytes]) -> None:
    rewritten(first_chunk(whole), CHUNKS[how])
    problems = sweep.verify(whole)[1]
    assert first_chunk(whole) in [problem.path for problem in problems]
    assert sweep.verify(whole, repair=True, say=quiet)[1] == []


@pytest.mark.parametrize("name", ["0000000000-0000000004", "0000000000-0000000400", "0000000004-0000000040"])
def test_a_chunk_under_another_name(name: str, whole: Path, before: dict[str, bytes]) -> None:
    chunk = first_chunk(whole)
    assert chunk.name.startswith("0000000000-0000000040-")
    chunk.rename(chunk.with_name(name + chunk.name[21:]))
    assert sweep.verify(whole)[1]
    with_tables_gone = whole / "summary.csv"
    with_tables_gone.unlink()
    assert sweep.verify(whole, repair=True, say=quiet)[1] == []


def changed(name: str) -> Callable[[bytes], bytes]:
    """Change one number of a table."""

    def change(data: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        if name.endswith(".csv"):
            table = csv.read_csv(pa.BufferReader(data), convert_options=csv.ConvertOptions(strings_can_be_null=True))
        else:
            table = parquet.read_table(pa.BufferReader(data))
        loss = next(key for key in reversed(table.column_names) if "loss" in key)
        values = table[loss].to_pylist()
        values[-1] = np.nextafter(values[-1], 1.0)
        table = table.set_column(table.column_names.index(loss), loss, pa.array(values))
        (csv.write_csv if name.endswith(".csv") else parquet.write_table)(table, sink)
        return sink.getvalue().to_pybytes()

    return change


def forge(directory: Path, name: str, data: bytes) -> None:
    """Replace a table, and everything that says what it was."""
    manifest = unsealed((directory / "manifest.json").read_bytes())
    (directory / name).write_bytes(data)
    manifest["files"][name] = hashlib.sha256(data).hexdigest()
    write_text(Tree(directory), manifest, sealed(manifest).encode())
    sums = "".join(f"{digest}  {name}\n" for name, digest in manifest["files"].items())
    (directory / "SHA256SUMS").write_text(sums)


@pytest.mark.parametrize("mended_by", ["verify", "run"])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_forged_with_its_checksums(name: str, mended_by: str, whole: Path, before: dict[str, bytes]) -> None:
    forge(whole, name, changed(name)(before[name]))
    problems = sweep.verify(whole)[1]
    assert [problem.path.name for problem in problems] == [name]
    assert "not the table of these chunks (its column" in problems[0].what
    if mended_by == "verify":
        assert sweep.verify(whole, repair=True, say=quiet)[1] == []
    else:
        experiment = unsealed((whole / "manifest.json").read_bytes())["experiment"]
        sweep.run(experiment, whole, jobs=1, figures=False, say=quiet)


@pytest.mark.parametrize("forgery", ["fewer", "more", "none", "columns", "no table", "order"])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_another_shape(forgery: str, name: str, whole: Path, before: dict[str, bytes]) -> None:
    data = before[name]
    if name.endswith(".csv"):
        head, *rows = data.splitlines(keepends=True)
        made = {
            "fewer": [head, *rows[:-1]], "more": [head, *rows, rows[-1]], "none": [head],
            "columns": [head.replace(b"final_loss", b"loss").replace(b'"loss"', b'"other"'), *rows],
            "no table": [b"\0\xff"], "order": [head, *rows[::-1]],
        }  # fmt: skip
        forge(whole, name, b"".join(made[forgery]))
    else:
        table = parquet.read_table(pa.BufferReader(data))
        reverse = pa.array(range(len(table)))[::-1]
        made_tables = {
            "fewer": table[:-1], "more": pa.concat_tables([table, table[:1]]), "none": table[:0],
            "columns": table.drop_columns([table.column_names[-1]]), "order": table.take(reverse),
        }  # fmt: skip
        sink = pa.BufferOutputStream()
        if forgery in made_tables:
            parquet.write_table(made_tables[forgery], sink)
        forge(whole, name, sink.getvalue().to_pybytes())
    assert [problem.path.name for problem in sweep.verify(whole)[1]] == [name]
    for look in (lambda result: result.runs, lambda result: result.summary, lambda result: result.curves):
        try:
            look(sweep.read(whole))
        except sweep.SweepError as error:
            assert str(whole / name) in str(error)
    assert sweep.verify(whole, repair=True, say=quiet)[1] == []


FACTS: dict[str, Any] = {
    "name": "other",
    "question": "Another?",
    "n_runs": 41,
    "n_points": 5,
    "n_done": 39,
    "n_epochs": 1,
    "statuses": {"converged": 40, "diverged": 0, "stationary": 0, "max_epochs": 0},
    "runs_format": "csv",
}


@pytest.mark.parametrize("key", FACTS)
def test_a_manifest_that_says_something_else(key: str, whole: Path, before: dict[str, bytes]) -> None:
    manifest = unsealed(before["manifest.json"])
    assert manifest[key] != FACTS[key]
    manifest[key] = FACTS[key]
    write_text(Tree(whole), manifest, sealed(manifest).encode())
    assert [problem.path.name for problem in sweep.verify(whole)[1]] == ["manifest.json"]
    assert sweep.verify(whole, repair=True, say=quiet)[1] == []


def test_tables_of_an_interrupted_sweep_are_compared_too(tmp_path: Path) -> None:
    def interrupt(outcome: Any, n_trained: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep.run(EXPERIMENT, tmp_path, jobs=1, chunk_size=4, figures=False, on_chunk=interrupt)
    assert sweep.verify(tmp_path)[1] == []
    tables = {name: (tmp_path / name).read_bytes() for name in TABLES}
    forge(tmp_path, "runs.csv", changed("runs.csv")(tables["runs.csv"]))
    assert [problem.path.name for problem in sweep.verify(tmp_path)[1]] == ["runs.csv"]
    assert sweep.verify(tmp_path, repair=True, say=quiet)[1] == []
    assert {name: (tmp_path / name).read_bytes() for name in TABLES} == tables


def test_runs_that_were_done_after_the_tables_of_an_interrupted_sweep_are_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    for kind in (KeyboardInterrupt, KilledError):

        def interrupt(outcome: Any, n_trained: int, kind: type[BaseException] = kind) -> None:
            raise kind

        with pytest.raises(kind):
            sweep.run(EXPERIMENT, tmp_path, jobs=1, chunk_size=4, figures=False, on_chunk=interrupt)
    assert len(list(tmp_path.glob("chunks/*/*.arrow"))) == 2
    assert len(sweep.read(tmp_path).runs) == 4
    assert sweep.verify(tmp_path)[1] == []
