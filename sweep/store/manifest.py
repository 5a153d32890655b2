"""`manifest.json`, which describes a result, and its copy beside the chunks, which mends it."""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from sweep.errors import ExperimentError, FailedError, StoreError
from sweep.kernel import NUMERICS
from sweep.spec.experiment import Experiment
from sweep.store.chunk_store import CHUNKS, ChunkStore, experiment_of
from sweep.store.files import Tree

MANIFEST = "manifest.json"
COPY = f"{CHUNKS}/{MANIFEST}"
"""Lies beside the chunks, to mend the manifest from."""
UNDER_WAY = f"{CHUNKS}/experiment.json"
INCOMPLETE = "INCOMPLETE.txt"
TABLES = ("runs.csv", "runs.parquet", "summary.csv", "summary.parquet", "answers.csv", "curves.csv", "counts.csv")

_DRAWN = re.compile(r"report\.html|figures/[^/\0.][^/\0]*\.(svg|png)")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Manifest(BaseModel, extra="forbid", strict=True):
    """Content of manifest.json.

    Attributes
    ----------
    name, question
        Of the experiment.
    complete
        Whether the tables hold every run.
    n_runs, n_points
        Number of runs and of grid points of the experiment.
    n_done, n_epochs, statuses
        Number of runs in the tables, of their updates together, and of the runs of each status.
    n_trained, seconds
        Runs that the last call trained, the others having been there already, and the wall time that this took.
    jobs, backend, cpu, python, versions
        Workers, of which kind, and on what.
    numerics
        Version of the arithmetic and of what is kept of a run.
    runs_format
        "csv", "parquet" or "both"; "counts" where no single runs are kept.
    experiment
        As resolved: `sweep.spec.experiment.load` makes the same experiment of it.
    files
        File name → SHA-256, for every other file of the result.
    """

    name: str
    question: str
    complete: bool
    n_runs: int
    n_points: int
    n_done: int
    n_epochs: int
    statuses: dict[str, int]
    n_trained: int
    seconds: float
    jobs: int
    backend: str
    cpu: str
    python: str
    versions: dict[str, str]
    numerics: int
    runs_format: Literal["csv", "parquet", "both", "counts"]
    experiment: dict[str, Any]
    files: dict[str, str]


def sealed(content: Mapping[str, Any]) -> str:
    """Write JSON with a checksum of its other content as its last key, which tells when a byte was changed."""
    checksum = hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
    return json.dumps({**content, "checksum": checksum}, indent=2, ensure_ascii=False) + "\n"


def unsealed(text: bytes) -> dict[str, Any]:
    """Read what `sealed` has written; ``ValueError`` if it is not that to the byte."""
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or "checksum" not in content:
            raise ValueError("no checksum")
        del content["checksum"]
        if sealed(content).encode() != text:
            raise ValueError("its checksum differs")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return content


def write_manifest(tree: Tree, manifest: Mapping[str, Any]) -> None:
    """Write manifest.json, with the contents of a `Manifest`, and its copy: it makes the directory a result."""
    text = sealed(Manifest(**manifest).model_dump()).encode()
    try:
        write_text(tree, manifest, text)
    except OSError as error:
        raise FailedError(
            f"{tree.path}: writing the manifest failed ({error.strerror or error}); every run that is done is kept, "
            "and the same command goes on from there"
        ) from None


def write_text(tree: Tree, manifest: Mapping[str, Any], text: bytes) -> None:
    """Write a manifest as this text, its copy, and for an incomplete result a file that says so."""
    tree.make(CHUNKS)
    for name in (COPY, MANIFEST):
        with tree.new_file(name) as file:
            file.write(text)
    if note := incomplete_note(manifest):
        with tree.new_file(INCOMPLETE) as file:
            file.write(note)
    else:
        tree.remove(INCOMPLETE)


def incomplete_note(manifest: Mapping[str, Any]) -> bytes:
    """Return what a file says beside the tables of an incomplete result; of a complete one nothing."""
    if manifest["complete"]:
        return b""
    return (
        f"The tables here hold {manifest['n_done']:,} of {manifest['n_runs']:,} runs: the sweep was "
        "interrupted. Run it again with the same directory, and it goes on from there.\n"
    ).encode()


def read_manifest(tree: Tree) -> dict[str, Any]:
    """Read the contents of a result's `Manifest`; `StoreError` if there is none, or it is damaged."""
    path = tree.path / MANIFEST
    try:
        return parse(tree.read(MANIFEST))
    except (FileNotFoundError, NotADirectoryError):
        what = "no complete result (no manifest.json)" if tree.path.is_dir() else "no such directory"
        raise StoreError(f"{tree.path}: {what}; make one with: sweep run FILE --out {tree.path}") from None
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else f"damaged ({error})"
        raise StoreError(f"{path}: {problem}; {remedy(tree)}") from None


def parse(text: bytes) -> dict[str, Any]:
    """Read a manifest; ``ValueError`` says what is wrong with it."""
    try:
        manifest = Manifest.model_validate(unsealed(text)).model_dump()
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise ValueError("".join(f"{key}: " for key in detail["loc"]) + detail["msg"]) from None
    files = manifest["files"]
    if "summary.csv" not in files or not {"runs.csv", "runs.parquet", "counts.csv"} & files.keys():
        raise ValueError("files: a table is missing")
    for name, digest in files.items():
        if not (name in TABLES or _DRAWN.fullmatch(name)) or not _DIGEST.fullmatch(digest):
            raise ValueError(f"files: {json.dumps(name)} is no file of a result, or has no SHA-256")
    return manifest


def intact(tree: Tree) -> tuple[bytes, dict[str, Any]]:
    """Read the manifest, from its copy if need be: its text and what it says; nothing if both are damaged or gone."""
    for name in (MANIFEST, COPY):
        with suppress(OSError, ValueError):
            text = tree.read(name)
            return text, parse(text)
    return b"", {}


def mendable(tree: Tree) -> Experiment | None:
    """Read the experiment of a result all of whose files can be made again; None if they cannot.

    That takes a manifest of this version of the arithmetic, or its copy, and of an incomplete result a chunk.
    """
    _, manifest = intact(tree)
    if manifest.get("numerics") != NUMERICS:
        return None
    try:
        experiment = experiment_of(manifest["experiment"])
    except ExperimentError:
        return None
    stores = (ChunkStore.of(experiment, grid, tree) for grid in experiment.grids)
    return experiment if manifest["complete"] or any(store.files() for store in stores) else None


def remedy(tree: Tree, repaired: bool = False) -> str:
    """Say what helps where a file of a result is not what was written, and a repair has not been tried in vain."""
    if mendable(tree) and not repaired:
        return f"mend it with: sweep verify {tree.path} --repair"
    return f"make it again with: sweep run FILE --out {tree.path}"


def begin(tree: Tree, experiment: Mapping[str, Any]) -> None:
    """Note which experiment, as resolved, is under way."""
    tree.make(CHUNKS)
    with tree.new_file(UNDER_WAY) as file:
        file.write(sealed({"experiment": experiment}).encode())


def last_experiment(tree: Tree) -> dict[str, Any] | None:
    """Read the experiment, as resolved, that was last under way in a directory, or else whose result is there."""
    return next(filter(None, (experiment_in(tree, name) for name in (UNDER_WAY, MANIFEST, COPY))), None)


def experiment_in(tree: Tree, name: str) -> dict[str, Any] | None:
    """Read the experiment, as resolved, that a sealed file holds; None if it is not what was written."""
    try:
        return plain(experiment_of(unsealed(tree.read(name))["experiment"]).resolved())
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what reading it back from JSON gives."""
    read: dict[str, Any] = json.loads(json.dumps(content))
    return read


def changed_keys(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """List what differs between two experiments as resolved, a line for each key: "grid.seeds: 10 → 20"."""
    before, now = (_flat(plain(experiment)) for experiment in (before, now))
    return [
        f"{key}: {_short(before.get(key))} → {_short(now.get(key))}"
        for key in dict.fromkeys((*before, *now))
        if before.get(key) != now.get(key)
    ]


def _flat(experiment: Mapping[str, Any]) -> dict[str, Any]:
    grids = experiment["grid"]
    flat = {f"train.{key}": value for key, value in experiment["train"].items()}
    for number, grid in enumerate(grids, 1):
        name = "grid" if len(grids) == 1 else f"[[grid]] {number}"
        flat |= {f"{name}.{key}": value for key, value in grid.items()}
        flat[f"{name}: order of the keys"] = list(grid)
    flat |= {f"tables.{name}": table for name, table in experiment["tables"].items()}
    return flat | {key: value for key, value in experiment.items() if key not in ("grid", "train", "tables")}


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list) and len(value) > 4:
        return f"{len(value)} values"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
