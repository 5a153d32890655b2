"""Check every file of a result against what was written."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sweep.errors import DamagedError
from sweep.spec.experiment import Experiment
from sweep.store.chunk_store import CHUNKS, ChunkStore, chunk_stores
from sweep.store.files import Tree
from sweep.store.lock import LOCK
from sweep.store.manifest import (
    COPY,
    INCOMPLETE,
    MANIFEST,
    UNDER_WAY,
    experiment_in,
    incomplete_note,
    intact,
    read_manifest,
)
from sweep.store.table_files import CHECKSUMS, checksums

_CHANGED = "not as it was written"


class Problem(NamedTuple):
    """A file that is not what was written."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


Check = tuple[str, str]
"""A file's name with what is wrong with it, empty for nothing."""


def check_files(tree: Tree) -> list[Check]:
    """Check every file of a directory by itself; `StoreError` if neither a result nor chunks are there."""
    if not tree.exists(MANIFEST) and not tree.exists(CHUNKS):
        read_manifest(tree)
    text, manifest = intact(tree)
    checks = [*_notes(tree, text, manifest), *_chunks(tree)]
    if manifest:
        checks += check_listed(tree, manifest["files"])
        same = not (problem := _unreadable(tree, CHECKSUMS)) and tree.read(CHECKSUMS) == checksums(manifest["files"])
        checks.append((CHECKSUMS, problem or ("" if same else _CHANGED)))
    return checks


def check_chunks_of(tree: Tree, experiment: Experiment) -> Iterator[Check]:
    """Check that chunks hold every run of an experiment."""
    for grid in experiment.grids:
        store = ChunkStore.of(experiment, grid, tree)
        if missing := grid.n_runs - sum(file.n_runs for file in store.files()):
            yield store.name, f"{missing:,} of {grid.n_runs:,} runs are in no chunk"


def _notes(tree: Tree, text: bytes, manifest: dict[str, Any]) -> Iterator[Check]:
    """Check what a result says of itself, and the lock."""
    if tree.exists(LOCK):
        yield LOCK, _unreadable(tree, LOCK)
    if not tree.is_directory(CHUNKS):
        yield CHUNKS, "not a directory"
        if not manifest:
            yield MANIFEST, _CHANGED
        return
    if tree.exists(UNDER_WAY):
        yield UNDER_WAY, "" if experiment_in(tree, UNDER_WAY) else _CHANGED
        if not manifest and not tree.exists(MANIFEST):
            return
    for name in (MANIFEST, COPY):
        yield name, _unreadable(tree, name) or ("" if text and tree.read(name) == text else _CHANGED)
    if manifest and (tree.exists(INCOMPLETE) or not manifest["complete"]):
        note = incomplete_note(manifest)
        yield INCOMPLETE, _unreadable(tree, INCOMPLETE) or ("" if note and tree.read(INCOMPLETE) == note else _CHANGED)


def check_listed(tree: Tree, files: Mapping[str, str]) -> Iterator[Check]:
    """Check files by their SHA-256."""
    for name, digest in files.items():
        differs = f"{_CHANGED} (its SHA-256 differs)"
        yield name, _unreadable(tree, name) or ("" if tree.sha256(name) == digest else differs)


def _chunks(tree: Tree) -> Iterator[Check]:
    usable, unusable = chunk_stores(tree)
    yield from unusable
    for store in usable:
        files = store.files()
        for file in files:
            try:
                store.read_chunk(file)
                yield file.name, ""
            except DamagedError as error:
                yield file.name, str(error)
        yield store.description, ""
        known = {store.description, *(file.name for file in files)}
        for name in tree.names(store.name):
            if name not in known:
                yield name, "not a chunk of this sweep"


def _unreadable(tree: Tree, name: str) -> str:
    """Say why a file cannot be read; nothing if it can."""
    try:
        tree.open(name).close()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return ""
