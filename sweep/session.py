"""A result in its directory: made from its chunks, drawn, checked and mended."""

import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.engine.outcome import Outcome
from sweep.engine.store import manifest as manifests
from sweep.engine.store import tables as written
from sweep.engine.store.files import FailedError, StoreError, new_file, sha256
from sweep.engine.store.verify import Problem, manifest_of, verify
from sweep.kernel import NUMERICS, STATUSES
from sweep.spec.experiment import Experiment, ExperimentError, load

if TYPE_CHECKING:
    from sweep.engine.work import Work
    from sweep.page.shown import Result

PARQUET_ABOVE = 5_000_000
"""Runs from which on no one wants them as CSV."""

_PACKAGES = ("sweep", "numpy", "numba", "llvmlite", "pandas", "pyarrow", "matplotlib", "joblib")
_FORMATS = {"csv": ["runs.csv"], "parquet": ["runs.parquet"], "both": ["runs.csv", "runs.parquet"]}

Say = Callable[[str], None]


@dataclass(frozen=True)
class How:
    """By how many workers, and where.

    Attributes
    ----------
    jobs, backend, scheduler
        As in `sweep.engine.runner.train`.
    chunk_size
        As in `sweep.engine.chunks.chunks_of`.
    """

    jobs: int = -1
    backend: str = "threading"
    scheduler: str | None = None
    chunk_size: int | None = None


@dataclass(frozen=True)
class Started:
    """What is said before the training: what was there already, and what is to be done.

    Attributes
    ----------
    experiment, directory
    n_runs_done, n_chunks_done, n_chunks
        Runs and chunks that are there, and all chunks.
    stop
        Writes the tables of what is done so far, from any thread, and returns what to say; nothing is kept after it.
        Called again, it says the same.
    """

    experiment: Experiment
    directory: Path
    n_runs_done: int
    n_chunks_done: int
    n_chunks: int
    stop: Callable[[], str]


OnStart = Callable[[Started], None] | None
OnChunk = Callable[[Outcome, int], None] | None


def read(path: Path) -> "Result":
    """A result from disk; see `sweep.api.read`."""
    from sweep.page.shown import Result
    from sweep.results.on_disk import OnDisk

    manifest = manifests.read_manifest(path)
    if manifest["numerics"] != NUMERICS:
        raise StoreError(
            f"{path}: of version {manifest['numerics']} of the arithmetic, not {NUMERICS}; run the experiment again"
        )
    try:
        experiment = load(manifest["experiment"])
    except ExperimentError as error:
        raise StoreError(f"{path / manifests.MANIFEST}: damaged ({error}); run the experiment again") from None
    for name in written.TABLES:
        if name in manifest["files"]:
            _check(path / name, manifest["files"][name])
    return Result(OnDisk(path, manifest["files"], experiment), manifest, experiment, path)


def finished(experiment: Experiment, directory: Path, say: Say) -> "Result | None":
    """The result of this very experiment, if it is there and complete; what is damaged of it is mended."""
    try:
        text = manifest_of(directory)
        if text is None:
            return None
        manifest = manifests.parse(text)
        same = manifest["experiment"] == manifests.plain(experiment.resolved())
        if not (manifest["complete"] and manifest["numerics"] == NUMERICS and same):
            return None
        if manifest["runs_format"] != runs_format(experiment):
            return None
        if found := verify(directory)[1]:
            for problem in found:
                say(str(problem))
            if mend(directory, How(), say):
                return None
        return read(directory)
    except StoreError:
        return None


def compute(
    experiment: Experiment, directory: Path, how: How, on_start: OnStart, on_chunk: OnChunk, say: Say
) -> "Result":
    """Train what is missing in a directory, and make the tables of it."""
    from sweep.engine.work import Work

    resolved = manifests.plain(experiment.resolved())
    before = manifests.last_experiment(directory)
    if before is not None and before != resolved:
        for line in manifests.changed_keys(before, resolved):
            say(f"changed since the last run: {line}")
    with refusals(directory):
        work = Work(experiment, directory, say)
        manifests.begin(directory, resolved)
    chunks = work.remaining(how.chunk_size)
    began = time.perf_counter()
    n_trained = 0
    said = ""

    def count(outcome: Outcome, n: int) -> None:
        nonlocal n_trained
        n_trained += n
        if on_chunk:
            on_chunk(outcome, n)

    def stop() -> str:
        nonlocal said
        if not work.close():
            return said or "every run is kept; run the same command again to write the tables"
        if not work.n_done:
            said = "no chunk was finished yet"
            return said
        manifest = described(experiment, how, time.perf_counter() - began, n_trained)
        _write_tables(work, directory, {**manifest, "complete": False})
        said = (
            f"{work.n_done:,} of {experiment.n_runs:,} runs are kept, their tables written and marked incomplete; "
            "run the same command again to go on"
        )
        return said

    if on_start:
        n_chunks = work.n_chunks_done + len(chunks)
        on_start(Started(experiment, directory, work.n_done, work.n_chunks_done, n_chunks, stop))
    try:
        work.train(chunks, how.jobs, how.backend, how.scheduler, count)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(stop()) from None
    if not work.close():
        threading.Event().wait()  # whoever closed it is about to end the process
    if runs_format(experiment) == "parquet" and experiment.runs is None:
        say(f'{experiment.n_runs:,} runs: they go to runs.parquet; runs = "csv" in the file asks for CSV')
    manifest = described(experiment, how, time.perf_counter() - began, n_trained)
    _write_tables(work, directory, {**manifest, "complete": True})
    manifests.finish(directory)
    work.forget_superseded()
    return read(directory)


def draw(result: "Result") -> "Result":
    """Draw figures and report of a result on disk; see `sweep.api.draw`."""
    from sweep import decisions
    from sweep.analysis.findings import Findings
    from sweep.page import html

    assert result.path is not None
    tables_only = {name: digest for name, digest in result.manifest["files"].items() if name in written.TABLES}
    bare = replace(result, manifest={**result.manifest, "files": tables_only})
    findings = Findings(bare)
    try:
        if tables_only != result.manifest["files"]:
            manifests.write_manifest(result.path, bare.manifest)
        models = decisions.for_report(findings.experiment, findings.representatives.chosen)
        files = html.write(findings, result.path, models)
    except OSError as error:
        raise FailedError(
            f"{result.path}: drawing failed ({error.strerror or error}); the tables are complete, draw them with: "
            f"sweep report {result.path}"
        ) from None
    drawn = {path.relative_to(result.path).as_posix(): sha256(path) for path in files}
    manifest = {**result.manifest, "files": tables_only | drawn}
    manifests.write_manifest(result.path, manifest)
    return replace(result, manifest=manifest)


def mend(directory: Path, how: How, say: Say) -> list[Problem]:
    """Make again what is not as it was written, from what is; returns what could not be mended."""
    from sweep.engine.work import Work

    text = manifest_of(directory)
    problems = verify(directory)[1]
    if text is None:
        return problems
    manifest = manifests.parse(text)
    with refusals(directory):
        for path in (directory / manifests.MANIFEST, manifests.copy_of(directory)):
            if not path.exists() or path.read_bytes() != text:
                path.parent.mkdir(exist_ok=True)
                with new_file(path) as part:
                    part.write_bytes(text)
        work = Work(load(manifest["experiment"]), directory, say)
        if manifest["complete"]:
            work.train(work.remaining(how.chunk_size), how.jobs, how.backend, how.scheduler)
    if not work.n_done:
        return verify(directory)[1]
    bad = {problem.path for problem in problems}
    if bad & {directory / name for name in (*written.TABLES, written.CHECKSUMS)}:
        drawn = manifest["files"].keys() - set(written.TABLES)
        tables_only = {**manifest, "files": {}}
        _write_tables(work, directory, tables_only)
        if drawn:
            draw(read(directory))
    elif bad & {directory / name for name in manifest["files"]}:
        draw(read(directory))
    return verify(directory)[1]


def runs_format(experiment: Experiment) -> str:
    """How the table of runs is written: "csv", "parquet" or "both"."""
    return experiment.runs or ("parquet" if experiment.n_runs > PARQUET_ABOVE else "csv")


def described(experiment: Experiment, how: How, seconds: float, n_trained: int) -> dict[str, Any]:
    """A manifest but for what the tables hold."""
    import joblib

    return {
        "name": experiment.name,
        "question": experiment.question,
        "n_runs": experiment.n_runs,
        "n_points": experiment.n_points,
        "n_trained": n_trained,
        "seconds": round(seconds, 3),
        "jobs": joblib.effective_n_jobs(how.jobs),
        "backend": how.backend,
        "cpu": _cpu(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in _PACKAGES},
        "numerics": NUMERICS,
        "runs_format": runs_format(experiment),
        "experiment": manifests.plain(experiment.resolved()),
    }


@contextmanager
def refusals(directory: Path) -> Iterator[None]:
    """Turn what a file system refuses into a message."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{directory}: cannot be written ({error.strerror or error})") from None


def _write_tables(work: "Work", directory: Path, manifest: Mapping[str, Any]) -> None:
    """Make the tables of all chunks, and the manifest."""
    from sweep.results import tables

    experiment = work.experiment
    every = experiment.train.record_every
    formats = _FORMATS[manifest["runs_format"]]
    sums: dict[str, str] = {}
    n_epochs = 0
    statuses = dict.fromkeys(STATUSES, 0)
    with written.writing_tables(directory, sums) as writer:

        def outcomes() -> Iterator[Outcome]:
            nonlocal n_epochs, statuses
            for outcome in work.outcomes(written.ROWS):
                runs = tables.runs_table(experiment, outcome)
                for name in formats:
                    writer.write(name, runs)
                n_epochs += outcome.n_epochs
                statuses = {status: statuses[status] + count for status, count in outcome.status_counts.items()}
                yield outcome
                if every:
                    writer.write("curves.csv", tables.curves_table(outcome, every))

        for piece in tables.summaries(experiment, outcomes()):
            writer.write("summary.csv", piece)
            if "runs.parquet" in formats:
                writer.write("summary.parquet", piece)
    counts = {"n_done": work.n_done, "n_epochs": n_epochs, "statuses": statuses}
    manifests.write_manifest(directory, {**manifest, **counts, "files": sums})


def _check(path: Path, digest: str) -> None:
    try:
        if sha256(path) != digest:
            raise StoreError(
                f"{path}: not as it was written (its SHA-256 differs); "
                f"mend it with: sweep verify {path.parent} --repair"
            )
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error}); run the experiment again") from None


def _cpu() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
