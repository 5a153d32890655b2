"""Tables on disk, written and read piece by piece: CSV, and Parquet for what no one wants as CSV."""

import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from sweep.errors import DamagedError, FailedError, StoreError
from sweep.store.files import Tree
from sweep.store.manifest import MANIFEST, TABLES, intact, remedy

if TYPE_CHECKING:
    import pyarrow as pa

CHECKSUMS = "SHA256SUMS"
ROWS = 262_144
"""Rows of a piece, the last one excepted: the groups of a Parquet file are these."""
_PART = 4096
"""Rows at least that a thread makes into text at a time."""
_MAKERS = min(os.cpu_count() or 1, 8)


class TableWriter:
    """Appends pieces to tables, by file name; the suffix says in which format."""

    def __init__(self, tree: Tree, stack: ExitStack):
        self.tree = tree
        self.stack = stack
        self.files: dict[str, _HashedFile] = {}
        self.writers: dict[str, Any] = {}

    def write(self, name: str, piece: "pa.Table") -> None:
        """Append rows; floats so that they read back to the same bits."""
        if name not in self.writers:
            file = self.files[name] = _HashedFile(self.stack.enter_context(self.tree.new_file(name)))
            if name.endswith(".parquet"):
                from pyarrow import parquet

                self.writers[name] = parquet.ParquetWriter(file, piece.schema, compression="zstd")
            else:
                self.writers[name] = _CSVWriter(file)
        self.writers[name].write_table(piece)

    def close(self) -> dict[str, str]:
        """End the tables; returns file name → SHA-256, in the order of `TABLES`."""
        for writer in self.writers.values():
            writer.close()
        return {name: self.files[name].sha256.hexdigest() for name in TABLES if name in self.files}


class _HashedFile(io.RawIOBase):
    """A file to be written from its beginning to its end, and the SHA-256 of what was written."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.sha256 = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        return self.file.write(data)

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.file.tell()


class _CSVWriter:
    """Writes pieces of a table to a file.

    One is made into text, in parts at a time, and written while the next is counted, as two take much memory.
    """

    def __init__(self, file: _HashedFile):
        self.file = file
        self.makers = ThreadPoolExecutor(_MAKERS)
        self.writer = ThreadPoolExecutor(1)
        self.written: Future[None] | None = None

    def write_table(self, piece: "pa.Table") -> None:
        n = max(_PART, -(-piece.num_rows // _MAKERS))
        parts = (piece.slice(at, n) for at in range(0, max(piece.num_rows, 1), n))
        is_first = self.written is None
        texts = [self.makers.submit(_as_csv, part, is_first and i == 0) for i, part in enumerate(parts)]
        before, self.written = self.written, self.writer.submit(self._write, texts)
        if before is not None:
            before.result()

    def _write(self, texts: "list[Future[pa.Buffer]]") -> None:
        for text in texts:
            self.file.write(text.result())

    def close(self) -> None:
        try:
            if self.written is not None:
                self.written.result()
        finally:
            self.writer.shutdown()
            self.makers.shutdown()
            self.file.close()


def _as_csv(piece: "pa.Table", header: bool) -> "pa.Buffer":
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    csv.write_csv(piece, sink, csv.WriteOptions(include_header=header))
    return sink.getvalue()


@contextmanager
def writing_tables(tree: Tree, sums: dict[str, str]) -> Iterator[TableWriter]:
    """Write tables in place of an earlier result's, which stays until all are on disk; `sums` gets their SHA-256 then.

    `FailedError` if the file system refuses; an earlier result is still there then, unless it refused at the very end.
    """
    earlier = intact(tree)[1].get("files", ())
    try:
        with ExitStack() as stack:
            writer = TableWriter(tree, stack)
            try:
                yield writer
            except BaseException:
                for unfinished in writer.writers.values():
                    unfinished.close()
                raise
            sums |= writer.close()
            stack.enter_context(tree.new_file(CHECKSUMS)).write(checksums(sums))
            for name in (MANIFEST, *earlier):
                tree.remove(name)
    except OSError as error:
        raise FailedError(
            f"{tree.path}: writing the tables failed ({error.strerror or error}); every run that is done is kept, and "
            "the same command goes on from there"
        ) from None


def checksums(files: Mapping[str, str]) -> bytes:
    """Return the content of `CHECKSUMS` for a result's files and their SHA-256."""
    return "".join(f"{files[name]}  {name}\n" for name in TABLES if name in files).encode()


def read_table(
    tree: Tree, name: str, types: Mapping[str, "pa.DataType"], columns: Sequence[str] | None = None
) -> "pa.Table":
    """Read one table of a result, or some of its columns, whose types are given; ``StoreError`` if that fails."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        with tree.open(name) as file:
            if name.endswith(".parquet"):
                return parquet.read_table(file, columns=columns)
            options = csv.ConvertOptions(column_types=types, include_columns=columns)
            return csv.read_csv(file, convert_options=options)
    except (OSError, pa.ArrowException) as error:
        problem = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise StoreError(f"{tree.path / name}: cannot be read ({problem}); {remedy(tree)}") from None


class TableReader:
    """Reads a table from its beginning, and tells where it is not what it ought to be; its suffix says its format."""

    def __init__(self, file: BinaryIO, name: str, types: Mapping[str, "pa.DataType"]):
        from pyarrow import csv, parquet

        self._held: list[pa.Table] = []
        with _understood():
            if name.endswith(".parquet"):
                self._batches = iter(parquet.ParquetFile(file).iter_batches(batch_size=ROWS))
            else:
                self._batches = iter(csv.open_csv(file, convert_options=csv.ConvertOptions(column_types=types)))

    def expect(self, piece: "pa.Table") -> None:
        """Read as many rows as a piece has.

        Raises
        ------
        DamagedError
            If they are not those of the piece, to the bit, or there are not so many.
        """
        found = self.next(piece.num_rows)
        if found.num_rows != piece.num_rows or found.column_names != piece.column_names:
            raise DamagedError("not the table of these chunks (it has other rows or columns)")
        for name in piece.column_names:
            if not _same(found[name], piece[name]):
                raise DamagedError(f"not the table of these chunks (its column {name} differs)")

    def expect_end(self) -> None:
        """Raise `DamagedError` if there are more rows."""
        if self.next(1).num_rows:
            raise DamagedError("not the table of these chunks (it has more rows)")

    def next(self, n_rows: int) -> "pa.Table":
        """Read so many rows, or those that are left."""
        import pyarrow as pa

        n_held = sum(table.num_rows for table in self._held)
        with _understood():
            while n_held < n_rows and (batch := next(self._batches, None)) is not None:
                self._held.append(pa.Table.from_batches([batch]))
                n_held += batch.num_rows
        if not self._held:
            return pa.table({})
        rows = pa.concat_tables(self._held)
        self._held = [rest] if (rest := rows.slice(n_rows)).num_rows else []
        return rows.slice(0, n_rows)


@contextmanager
def _understood() -> Iterator[None]:
    """Turn pyarrow's errors about a file that it cannot read into a `DamagedError`."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DamagedError(f"not a table ({str(error).partition(chr(10))[0]})") from None


def _same(found: "pa.ChunkedArray", expected: "pa.ChunkedArray") -> bool:
    """Return True if two columns hold the same values, floats to the bit."""
    import pyarrow as pa

    try:
        plain = expected.type.value_type if pa.types.is_dictionary(expected.type) else expected.type
        one, other = (column.cast(plain).combine_chunks() for column in (found, expected))
    except (pa.ArrowException, TypeError):
        return False
    if pa.types.is_floating(plain):
        one, other = one.view(pa.int64()), other.view(pa.int64())
    return bool(one.equals(other))
