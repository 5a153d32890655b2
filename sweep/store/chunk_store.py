"""Chunk files: outcomes of a stretch of runs, immutable, under a name that holds their checksum.

Chunks of a grid that is trained in one way lie together. ``chunks/STORE/START-STOP-CHECKSUM.arrow`` is an Arrow file of
its runs START … STOP − 1, and ``chunks/STORE/layout.json`` describes grid and training. The directory is named after
the SHA-256 of that text, the chunk after that of its own bytes, so that a change of either is found. A chunk says
within to which store and which runs it belongs.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.engine.chunks import answer_width, n_recorded
from sweep.engine.outcome import Outcome
from sweep.engine.tally import COLUMNS, Tally
from sweep.errors import DamagedError, ExperimentError
from sweep.kernel import NUMERICS, STATUSES
from sweep.spec.experiment import Experiment, load
from sweep.spec.grid import Grid
from sweep.spec.schema import ANSWERS, OUTCOME
from sweep.store.files import Tree

if TYPE_CHECKING:
    import pyarrow as pa

CHUNKS = "chunks"
LAYOUT = "layout.json"

_STORE = re.compile(rf"{CHUNKS}/[0-9a-f]{{32}}")
_KEYS = {"numerics", "grid", "train", "tables"}

_NAME = re.compile(r"([0-9]{10})-([0-9]{10})-([0-9a-f]{32})\.arrow")


class ChunkFile(NamedTuple):
    """Name of a chunk file, and what it says: runs `start` … `stop` − 1 of the grid of its store."""

    start: int
    stop: int
    name: str

    @property
    def n_runs(self) -> int:
        """Return the number of runs."""
        return self.stop - self.start


@dataclass(frozen=True)
class ChunkStore:
    """Chunks of a grid that is trained in one way; `content` is all that its outcome depends on, ready for JSON."""

    content: Mapping[str, Any]
    tree: Tree

    @classmethod
    def of(cls, experiment: Experiment, grid: Grid, tree: Tree) -> "ChunkStore":
        """Find the place of one grid of an experiment."""
        resolved = experiment.resolved()
        tables = {name: table for name, table in resolved["tables"].items() if name in grid.values["gate"]}
        train = resolved["train"]
        kept = {} if experiment.keep == "runs" else {"keep": experiment.keep}
        return cls({"numerics": NUMERICS, "grid": grid.resolved(), "train": train, "tables": tables, **kept}, tree)

    @classmethod
    def read(cls, tree: Tree, name: str) -> "ChunkStore":
        """Read the description that a directory is named after; `DamagedError` if it is not what was written."""
        try:
            text = tree.read(f"{name}/{LAYOUT}")
        except OSError as error:
            raise DamagedError(f"cannot be read ({error.strerror})") from None
        if f"{CHUNKS}/{_digest(text)}" != name:
            raise DamagedError("not as it was written (its checksum differs)")
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            raise DamagedError("not the description of chunks") from None
        known = isinstance(content, dict) and content.keys() - {"keep"} == _KEYS
        if not (known and type(content["numerics"]) is int):
            raise DamagedError("not the description of chunks")
        store = cls(content, tree)
        if store.numerics == NUMERICS:
            try:
                grids = store.experiment.grids
            except ExperimentError as error:
                raise DamagedError(f"not an experiment ({error})") from None
            if len(grids) != 1 or store.name != name:
                raise DamagedError("not the description of chunks")
        return store

    @property
    def numerics(self) -> int:
        """Return the version of the arithmetic."""
        return int(self.content["numerics"])

    @cached_property
    def text(self) -> bytes:
        """Return the description as it is on disk."""
        return (json.dumps(self.content, indent=1, ensure_ascii=False) + "\n").encode()

    @cached_property
    def name(self) -> str:
        """Return the name of the directory of its chunks."""
        return f"{CHUNKS}/{_digest(self.text)}"

    @property
    def description(self) -> str:
        """Return the name of the file that describes them."""
        return f"{self.name}/{LAYOUT}"

    @cached_property
    def experiment(self) -> Experiment:
        """Return the experiment of this grid alone."""
        return experiment_of({key: value for key, value in self.content.items() if key != "numerics"})

    @property
    def grid(self) -> Grid:
        """Return the grid."""
        return self.experiment.grids[0]

    @cached_property
    def _schema(self) -> "pa.Schema":
        """Return the columns of a chunk file."""
        import pyarrow as pa

        if self.experiment.keep == "summary":
            return pa.schema({name: pa.from_numpy_dtype(kind) for name, kind in COLUMNS.items()})
        integers = {"status": pa.int8(), "epochs": pa.int32(), "converged_epoch": pa.int32(), "period": pa.int8()}
        n_points = n_recorded(self.experiment.train)
        curve = {"curve": pa.list_(pa.float64(), n_points)} if n_points else {}
        extra = dict.fromkeys(self.experiment.train.extra, pa.float64())
        width = answer_width(self.experiment)
        answers = {ANSWERS: pa.binary(width)} if width else {}
        return pa.schema({**integers, "final_loss": pa.float64(), **answers, **extra, **curve})

    def _metadata(self, start: int, stop: int) -> dict[bytes, bytes]:
        """Return what a chunk file says of itself."""
        chunk = f"{self.name.rpartition('/')[2]} {start} {stop}"
        return {b"chunk": chunk.encode(), b"statuses": " ".join(STATUSES).encode()}

    def files(self) -> list[ChunkFile]:
        """List chunk files in the order of their runs, whatever their state; only the first of overlapping ones."""
        named = ((name, _NAME.fullmatch(name.rpartition("/")[2])) for name in self.tree.names(self.name))
        found = [ChunkFile(int(match[1]), int(match[2]), name) for name, match in named if match]
        kept: list[ChunkFile] = []
        for file in found:
            if file.start < file.stop and (not kept or kept[-1].stop <= file.start):
                kept.append(file)
        return kept

    def read_chunk(self, file: ChunkFile, first: int = 0) -> Outcome | Tally:
        """Read and check the outcomes of a chunk file; `first` is the number of the grid's first run in the experiment.

        The points of a tally are numbered within the grid. `DamagedError` if the file is not what was written: its
        bytes, or what they say.
        """
        import pyarrow as pa

        try:
            data = self.tree.read(file.name)
        except OSError as error:
            raise DamagedError(f"cannot be read ({error.strerror})") from None
        if not file.name.endswith(f"-{_digest(data)}.arrow"):
            raise DamagedError("not as it was written (its checksum differs)")
        try:
            table = pa.ipc.open_file(pa.BufferReader(data)).read_all()
            table.validate(full=True)
        except (pa.ArrowException, OSError) as error:
            raise DamagedError(f"not a chunk ({str(error).partition(chr(10))[0]})") from None
        if (table.schema.metadata or {}) != self._metadata(file.start, file.stop):
            raise DamagedError("of another experiment")
        if file.stop > self.grid.n_runs:
            raise DamagedError("of more runs than the grid has")
        counted = self.experiment.keep == "summary"
        if table.schema.remove_metadata() != self._schema or not (counted or table.num_rows == file.n_runs):
            raise DamagedError(f"not a chunk of {file.n_runs:,} runs")
        if any(column.null_count for column in table.columns):
            raise DamagedError("not a chunk (values are missing)")
        found: Outcome | Tally
        if counted:
            columns = {name: table[name].to_numpy() for name in COLUMNS}
            found = Tally.read(range(first + file.start, first + file.stop), columns)
            problem = found.problem(self.experiment.train, file.start, file.stop, len(self.grid.seeds))
        else:
            found = self._outcome(table.combine_chunks(), first + np.arange(file.start, file.stop))
            problem = found.problem(self.experiment.train)
        if problem:
            raise DamagedError(f"not a chunk ({problem})")
        return found

    def _outcome(self, table: "pa.Table", runs: NDArray[np.int64]) -> Outcome:
        names, n_points = self.experiment.train.extra, n_recorded(self.experiment.train)
        columns = {name: table[name].to_numpy() for name in OUTCOME}
        columns |= {name: columns[name].astype(np.int64) for name in ("epochs", "converged_epoch", "period")}
        extra = np.array([table[name].to_numpy() for name in names]).reshape(len(names), runs.size).T
        curves = np.empty((runs.size, 0))
        if n_points:
            curves = table["curve"].chunk(0).flatten().to_numpy().reshape(runs.size, n_points)
        answers = np.zeros(runs.size, "S1")
        if width := answer_width(self.experiment):
            answers = np.frombuffer(table[ANSWERS].chunk(0).buffers()[1], f"S{width}", runs.size)
        return Outcome(runs, **columns, curves=curves, extra=extra, answers=answers)

    def _columns(self, outcome: Outcome) -> dict[str, Any]:
        import pyarrow as pa

        columns: dict[str, Any] = {name: getattr(outcome, name) for name in OUTCOME}
        columns |= zip(self.experiment.train.extra, outcome.extra.T, strict=True)
        if n_points := n_recorded(self.experiment.train):
            columns["curve"] = pa.FixedSizeListArray.from_arrays(outcome.curves.ravel(), n_points)
        if width := answer_width(self.experiment):
            texts = pa.py_buffer(np.ascontiguousarray(outcome.answers, f"S{width}"))
            columns[ANSWERS] = pa.Array.from_buffers(pa.binary(width), outcome.n_runs, [None, texts])
        return columns

    def write_chunk(self, start: int, outcome: Outcome | Tally) -> ChunkFile:
        """Keep what became of runs `start` … of the grid: a file that outlasts whatever happens next."""
        import pyarrow as pa

        stop = start + outcome.n_runs
        columns = outcome.columns if isinstance(outcome, Tally) else self._columns(outcome)
        schema = self._schema
        arrays = [pa.array(columns[field.name]).cast(field.type) for field in schema]
        table = pa.Table.from_arrays(arrays, schema=schema.with_metadata(self._metadata(start, stop)))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(table)
        data = sink.getvalue()
        name = f"{self.name}/{start:010}-{stop:010}-{_digest(data)}.arrow"
        self.write_description()
        with self.tree.new_file(name) as part:
            part.write(data)
        return ChunkFile(start, stop, name)

    def write_description(self) -> None:
        """Make its directory and write `LAYOUT`, if that is not there."""
        self.tree.make(self.name)
        if not self.tree.exists(self.description):
            with self.tree.new_file(self.description) as part:
                part.write(self.text)


def chunk_stores(tree: Tree) -> tuple[list[ChunkStore], list[tuple[str, str]]]:
    """Find all stores of a directory, and what cannot be used there, each name with what is wrong with it."""
    usable, unusable = [], []
    for name in tree.names(CHUNKS):
        if not tree.is_directory(name):
            if _STORE.fullmatch(name):
                unusable.append((name, "not a directory"))
            continue
        try:
            store = ChunkStore.read(tree, name)
        except DamagedError as error:
            unusable.append((f"{name}/{LAYOUT}", str(error)))
            continue
        if store.numerics == NUMERICS:
            usable.append(store)
        else:
            unusable.append((name, f"of version {store.numerics} of the arithmetic, not {NUMERICS}"))
    return usable, unusable


def n_done(tree: Tree, experiment: Experiment) -> int:
    """Return the number of runs of an experiment that chunk files say they hold."""
    stores = (ChunkStore.of(experiment, grid, tree) for grid in experiment.grids)
    return sum(file.n_runs for store in stores for file in store.files())


def experiment_of(content: Mapping[str, Any]) -> Experiment:
    """Make the experiment that was written as resolved, which needs no other file; `ExperimentError` if it is none."""
    try:
        tables = content.get("tables", {})
        if not isinstance(tables, dict) or any("csv" in table for table in tables.values()):
            raise ExperimentError("tables: not with their rows")
        return load(content, stored=True)
    except (RecursionError, TypeError):
        raise ExperimentError("not an experiment") from None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
