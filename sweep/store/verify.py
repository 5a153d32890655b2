"""Every file of a result against what was written."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sweep.errors import DamagedError, StoreError
from sweep.spec.experiment import load
from sweep.store.chunk_store import CHUNKS, LAYOUT, ChunkStore, layouts
from sweep.store.files import sha256
from sweep.store.manifest import MANIFEST, UNDER_WAY, copy_of, last_experiment, parse, read_manifest
from sweep.store.tables import CHECKSUMS, TABLES


class Problem(NamedTuple):
    """A file that is not what was written."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


def verify(directory: Path) -> tuple[int, list[Problem]]:
    """Check every file of a directory.

    Returns
    -------
    n_files : int
        Number of files that were checked.
    problems : list of Problem

    Raises
    ------
    StoreError
        If neither a result nor chunks are there.
    """
    if not directory.is_dir():
        raise StoreError(f"{directory}: no such directory")
    if not (directory / MANIFEST).exists() and not (directory / CHUNKS).is_dir():
        read_manifest(directory)
    checks = [*_manifests(directory), *_listed(directory), *_chunks(directory)]
    return len(checks), [Problem(path, what) for path, what in checks if what]


def manifest_of(directory: Path) -> bytes | None:
    """The manifest as it was written, from its copy if need be; None if both are damaged or gone."""
    for path in (directory / MANIFEST, copy_of(directory)):
        try:
            text = path.read_bytes()
            parse(text)
        except (OSError, ValueError):
            continue
        return text
    return None


def _manifests(directory: Path) -> Iterator[tuple[Path, str]]:
    """Each file with what is wrong with it, empty for nothing."""
    whole = manifest_of(directory)
    under_way = (directory / CHUNKS / UNDER_WAY).exists()
    if whole is None and under_way and not (directory / MANIFEST).exists():
        yield directory / CHUNKS / UNDER_WAY, "" if last_experiment(directory) else "not as it was written"
        return
    for path in (directory / MANIFEST, copy_of(directory)):
        try:
            text = path.read_bytes()
        except OSError as error:
            yield path, f"cannot be read ({error.strerror})"
        else:
            yield path, "" if text == whole else "not as it was written"


def _listed(directory: Path) -> Iterator[tuple[Path, str]]:
    text = manifest_of(directory)
    if text is None:
        return
    files = parse(text)["files"]
    for name, digest in files.items():
        yield directory / name, _compared(directory / name, digest)
    tables = "".join(f"{digest}  {name}\n" for name, digest in files.items() if name in TABLES)
    try:
        same = (directory / CHECKSUMS).read_text(encoding="utf-8", errors="replace") == tables
        yield directory / CHECKSUMS, "" if same else "not as it was written"
    except OSError as error:
        yield directory / CHECKSUMS, f"cannot be read ({error.strerror})"


def _compared(path: Path, digest: str) -> str:
    try:
        return "" if sha256(path) == digest else "not as it was written (its SHA-256 differs)"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _chunks(directory: Path) -> Iterator[tuple[Path, str]]:
    home = directory / CHUNKS
    usable, unusable = layouts(home)
    yield from unusable
    for layout in usable:
        yield layout.directory / LAYOUT, ""
        files = layout.files()
        for file in files:
            try:
                layout.read_chunk(file)
                yield file.path, ""
            except DamagedError as error:
                yield file.path, str(error)
        known = {layout.directory / LAYOUT, *(file.path for file in files)}
        for path in sorted(set(layout.directory.glob("*")) - known):
            yield path, "not a chunk of this sweep"
    text = manifest_of(directory)
    if text is not None and (manifest := parse(text))["complete"]:
        experiment = load(manifest["experiment"])
        for grid in experiment.grids:
            layout = ChunkStore.of(experiment, grid, home)
            if missing := grid.n_runs - sum(file.n_runs for file in layout.files()):
                yield layout.directory, f"{missing:,} of {grid.n_runs:,} runs are in no chunk"
