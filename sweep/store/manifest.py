"""What a result says of itself: `manifest.json`, and a copy of it beside the chunks to mend it from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from sweep.errors import FailedError, StoreError
from sweep.store.chunk_store import CHUNKS
from sweep.store.files import new_file, sealed, unsealed

MANIFEST = "manifest.json"
UNDER_WAY = "experiment.json"
INCOMPLETE = "INCOMPLETE.txt"


class Manifest(BaseModel, extra="forbid"):
    """What manifest.json says.

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
        Workers, how joblib ran them, and on what.
    numerics
        Version of the arithmetic.
    runs_format
        "csv", "parquet" or "both".
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
    runs_format: Literal["csv", "parquet", "both"]
    experiment: dict[str, Any]
    files: dict[str, str]


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write manifest.json, with the contents of a `Manifest`, and its copy: it makes the directory a result."""
    text = sealed(Manifest(**manifest).model_dump())
    try:
        copy_of(directory).parent.mkdir(exist_ok=True)
        for path in (copy_of(directory), directory / MANIFEST):
            with new_file(path) as part:
                part.write_text(text, encoding="utf-8")
        incomplete = directory / INCOMPLETE
        if manifest["complete"]:
            incomplete.unlink(missing_ok=True)
        else:
            with new_file(incomplete) as part:
                part.write_text(
                    f"The tables here hold {manifest['n_done']:,} of {manifest['n_runs']:,} runs: the sweep was "
                    "interrupted. Run it again with the same directory, and it goes on from there.\n"
                )
    except OSError as error:
        raise FailedError(
            f"{directory}: writing the manifest failed ({error.strerror or error}); every run that is done is kept, "
            "and the same command goes on from there"
        ) from None


def read_manifest(directory: Path) -> dict[str, Any]:
    """The contents of a result's `Manifest`.

    Raises
    ------
    StoreError
        If there is none, or it is damaged.
    """
    path = directory / MANIFEST
    try:
        return parse(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        what = "no complete result (no manifest.json)" if directory.is_dir() else "no such directory"
        raise StoreError(f"{directory}: {what}; make one with: sweep run FILE --out {directory}") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}); run the experiment again") from None
    except ValueError as error:
        raise StoreError(f"{path}: damaged ({error}); mend it with: sweep verify {directory} --repair") from None


def parse(text: bytes) -> dict[str, Any]:
    """The contents of a manifest; ``ValueError`` with what is wrong with it."""
    try:
        manifest = Manifest.model_validate(unsealed(text)).model_dump()
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise ValueError("".join(f"{key}: " for key in detail["loc"]) + detail["msg"]) from None
    if "summary.csv" not in manifest["files"] or not {"runs.csv", "runs.parquet"} & manifest["files"].keys():
        raise ValueError("files: a table is missing")
    return manifest


def copy_of(directory: Path) -> Path:
    """Where the copy of a result's manifest lies."""
    return directory / CHUNKS / MANIFEST


def begin(directory: Path, experiment: Mapping[str, Any]) -> None:
    """Note which experiment, as resolved, is under way."""
    (directory / CHUNKS).mkdir(exist_ok=True)
    with new_file(directory / CHUNKS / UNDER_WAY) as part:
        part.write_text(sealed({"experiment": experiment}), encoding="utf-8")


def finish(directory: Path) -> None:
    """Note that nothing is under way any more."""
    (directory / CHUNKS / UNDER_WAY).unlink(missing_ok=True)


def last_experiment(directory: Path) -> dict[str, Any] | None:
    """The experiment, as resolved, that was last under way in a directory, or else the one whose result is there."""
    for path in (directory / CHUNKS / UNDER_WAY, directory / MANIFEST, copy_of(directory)):
        try:
            content = unsealed(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(content.get("experiment"), dict):
            return dict(content["experiment"])
    return None


def plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """What reading it back from JSON gives."""
    read: dict[str, Any] = json.loads(json.dumps(content))
    return read


def changed_keys(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is different between two experiments as resolved, a line for each key: "grid.seeds: 10 → 20"."""
    before, now = (_flat(plain(one)) for one in (before, now))
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
