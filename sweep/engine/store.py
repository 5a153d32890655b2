"""Results on disk: the only module that writes them.

A file appears under its name only when it is whole, and `manifest.json` is the last to appear: a directory without it
is not a result. An earlier result stays until every table of the new one is on disk.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
TABLES = ("runs.csv", "summary.csv", "curves.csv")


class StoreError(Exception):
    """A directory that cannot be written, or that holds no result; its text is for people."""


class Manifest(BaseModel, extra="forbid"):
    """What manifest.json says.

    Attributes
    ----------
    name, question
        Of the experiment.
    n_runs, n_points, n_epochs
        Number of runs, of grid points, and of updates, all runs together.
    seconds
        Wall time of the training, compilation included.
    jobs, backend, cpu, python, versions
        Workers, how joblib ran them, and on what.
    experiment
        As resolved: `sweep.spec.experiment.load` makes the same experiment of it.
    files
        File name → SHA-256, for every other file of the result.
    """

    name: str
    question: str
    n_runs: int
    n_points: int
    n_epochs: int
    seconds: float
    jobs: int
    backend: str
    cpu: str
    python: str
    versions: dict[str, str]
    experiment: dict[str, Any]
    files: dict[str, str]


def prepare(directory: Path) -> None:
    """Make the directory, and make sure that files can be written there, before anything is computed.

    Raises
    ------
    StoreError
        If not.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _new_file(directory / ".writable") as part:
            part.touch()
        (directory / ".writable").unlink()
        remove_unfinished(directory)
    except OSError as error:
        raise StoreError(
            f"{directory}: results cannot be written there ({error.strerror}); choose another directory with --out"
        ) from None


def remove_unfinished(directory: Path) -> None:
    """Remove what a writer that was killed has left half-written."""
    for part in directory.glob(".*.part"):
        part.unlink(missing_ok=True)


def write_tables(directory: Path, tables: Mapping[str, "pd.DataFrame"]) -> dict[str, str]:
    """Write tables as CSV, floats so that they read back to the same bits, in place of an earlier result.

    Parameters
    ----------
    directory
    tables
        File name → table.

    Returns
    -------
    dict
        File name → SHA-256.

    Raises
    ------
    StoreError
        If the file system refuses; an earlier result is still there then, unless it refused at the very end.
    """
    import pyarrow as pa
    from pyarrow import csv

    earlier = _listed(directory)
    try:
        with ExitStack() as stack:
            sums = {}
            for name, frame in tables.items():
                part = stack.enter_context(_new_file(directory / name))
                csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), part)
                sums[name] = sha256(part)
            part = stack.enter_context(_new_file(directory / CHECKSUMS))
            part.write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
            for path in (directory / MANIFEST, *earlier):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{directory}: writing the tables failed ({error.strerror or error})") from None
    return sums


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write manifest.json, with the contents of a `Manifest`: it makes the directory a result."""
    try:
        with _new_file(directory / MANIFEST) as part:
            part.write_text(Manifest(**manifest).model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{directory}: writing the manifest failed ({error.strerror or error})") from None


def read_manifest(directory: Path) -> dict[str, Any]:
    """The contents of a result's `Manifest`.

    Raises
    ------
    StoreError
        If there is none: the directory is missing, or holds no complete result.
    """
    path = directory / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes()).model_dump()
    except (FileNotFoundError, NotADirectoryError):
        what = "no complete result (no manifest.json)" if directory.is_dir() else "no such directory"
        raise StoreError(f"{directory}: {what}; make one with: sweep run FILE --out {directory}") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}); run the experiment again") from None
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        place = "".join(f"{key}: " for key in detail["loc"])
        raise StoreError(f"{path}: damaged ({place}{detail['msg']}); run the experiment again") from None
    if missing := {"runs.csv", "summary.csv"} - manifest["files"].keys():
        raise StoreError(f"{path}: damaged (files: {min(missing)} missing); run the experiment again")
    return manifest


def read_table(directory: Path, name: str, digest: str, types: Mapping[str, "pa.DataType"]) -> "pa.Table":
    """One table of a result.

    Parameters
    ----------
    directory, name
    digest
        The SHA-256 that it must have.
    types
        Column → type.

    Raises
    ------
    StoreError
        If it is missing, or not the table that the manifest belongs to.
    """
    from pyarrow import csv

    path = directory / name
    options = csv.ConvertOptions(column_types=types)
    try:
        if sha256(path) != digest:
            raise StoreError(f"{path}: not as it was written (its SHA-256 differs); run the experiment again")
        return csv.read_csv(path, convert_options=options)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error}); run the experiment again") from None


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """A temporary name to write to; what was written takes the name `path` at the end, and nothing does on failure."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _listed(directory: Path) -> list[Path]:
    """The files within a directory that its manifest lists, if it has one."""
    try:
        files = read_manifest(directory)["files"]
    except StoreError:
        return []
    return [path for name in files if (path := directory / name).resolve().is_relative_to(directory.resolve())]
