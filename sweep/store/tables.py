"""Tables on disk, written piece by piece: CSV, and Parquet for what no one wants as CSV."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.errors import FailedError, StoreError
from sweep.store.files import new_file, sha256
from sweep.store.manifest import MANIFEST, read_manifest

if TYPE_CHECKING:
    import pyarrow as pa

CHECKSUMS = "SHA256SUMS"
TABLES = ("runs.csv", "runs.parquet", "summary.csv", "summary.parquet", "curves.csv")
ROWS = 262_144
"""Rows of a piece, the last one excepted: the groups of a Parquet file are these."""


class TableWriter:
    """Appends pieces to tables, by file name; the suffix says in which format."""

    def __init__(self, directory: Path, stack: ExitStack):
        self.directory = directory
        self.stack = stack
        self.parts: dict[str, Path] = {}
        self.writers: dict[str, Any] = {}

    def write(self, name: str, piece: "pa.Table") -> None:
        """Append rows; floats so that they read back to the same bits."""
        if name not in self.writers:
            self.parts[name] = self.stack.enter_context(new_file(self.directory / name))
            self.writers[name] = _writer(self.parts[name], piece)
        self.writers[name].write_table(piece)

    def close(self) -> dict[str, str]:
        """End the tables; returns file name → SHA-256, in the order of `TABLES`."""
        for writer in self.writers.values():
            writer.close()
        return {name: sha256(self.parts[name]) for name in TABLES if name in self.parts}


@contextmanager
def writing_tables(directory: Path, sums: dict[str, str]) -> Iterator[TableWriter]:
    """Write tables in place of an earlier result's, which stays until all of them are on disk.

    Parameters
    ----------
    directory
    sums
        Filled with file name → SHA-256 at the end.

    Raises
    ------
    FailedError
        If the file system refuses; an earlier result is still there then, unless it refused at the very end.
    """
    earlier = _listed(directory)
    try:
        with ExitStack() as stack:
            writer = TableWriter(directory, stack)
            try:
                yield writer
            except BaseException:
                for one in writer.writers.values():
                    one.close()
                raise
            sums |= writer.close()
            part = stack.enter_context(new_file(directory / CHECKSUMS))
            part.write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
            for path in (directory / MANIFEST, *earlier):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise FailedError(
            f"{directory}: writing the tables failed ({error.strerror or error}); every run that is done is kept, and "
            "the same command goes on from there"
        ) from None


def read_table(path: Path, types: Mapping[str, "pa.DataType"], columns: Sequence[str] | None = None) -> "pa.Table":
    """One table of a result, or some of its columns.

    Parameters
    ----------
    path
    types
        Column → type.
    columns
        The columns to read; by default all.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    try:
        if path.suffix == ".parquet":
            from pyarrow import parquet

            return parquet.read_table(path, columns=columns)
        from pyarrow import csv

        options = csv.ConvertOptions(column_types=types, include_columns=columns)
        return csv.read_csv(path, convert_options=options)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error}); run the experiment again") from None


def release_memory() -> None:
    """Give memory that tables took back to the system."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _writer(path: Path, piece: "pa.Table") -> Any:
    if path.name.endswith(".parquet.part"):
        from pyarrow import parquet

        return parquet.ParquetWriter(path, piece.schema, compression="zstd")
    from pyarrow import csv

    return csv.CSVWriter(path, piece.schema)


def _listed(directory: Path) -> list[Path]:
    """The files within a directory that its manifest lists, if it has one."""
    try:
        files = read_manifest(directory)["files"]
    except StoreError:
        return []
    return [path for name in files if (path := directory / name).resolve().is_relative_to(directory.resolve())]
