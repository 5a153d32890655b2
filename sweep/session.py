"""A result in its directory: made from its chunks, drawn, checked and mended."""

import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.engine.outcome import Outcome
from sweep.errors import DamagedError, ExperimentError, FailedError, StoreError
from sweep.kernel import NUMERICS, STATUSES
from sweep.spec.experiment import Experiment
from sweep.store import manifest as manifests
from sweep.store import tables as written
from sweep.store.chunk_store import CHUNKS, experiment_of
from sweep.store.files import Tree
from sweep.store.verify import Check, Problem, check_chunks_of, check_files

if TYPE_CHECKING:
    import pyarrow as pa

    from sweep.results.result import Result
    from sweep.store.work import Work

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
    from sweep.results.on_disk import OnDisk
    from sweep.results.result import Result

    tree = Tree(path)
    manifest = manifests.read_manifest(tree)
    if manifest["numerics"] != NUMERICS:
        raise StoreError(
            f"{path}: of version {manifest['numerics']} of the arithmetic, not {NUMERICS}; run the experiment again"
        )
    try:
        experiment = experiment_of(manifest["experiment"])
    except ExperimentError as error:
        raise StoreError(f"{path / manifests.MANIFEST}: damaged ({error}); run the experiment again") from None
    if problem := _disagreement(manifest, experiment):
        raise StoreError(f"{path / manifests.MANIFEST}: damaged ({problem}); run the experiment again")
    for name in manifests.TABLES:
        if name in manifest["files"]:
            _check(tree, name, manifest["files"][name])
    return Result(OnDisk(tree, manifest, experiment), manifest, experiment, path)


def finished(experiment: Experiment, tree: Tree, say: Say) -> "Result | None":
    """The result of this very experiment, if it is there and complete; what is damaged of it is mended."""
    text = manifests.manifest_text(tree)
    if text is None:
        return None
    manifest = manifests.parse(text)
    same = manifest["experiment"] == manifests.plain(experiment.resolved())
    if not (manifest["complete"] and manifest["numerics"] == NUMERICS and same):
        return None
    if manifest["runs_format"] != runs_format(experiment):
        return None
    try:
        if problems := verify(tree)[1]:
            for problem in problems:
                say(str(problem))
            if mend(tree, problems, How(), say):
                return None
        return read(tree.path)
    except StoreError:
        return None


def compute(experiment: Experiment, tree: Tree, how: How, on_start: OnStart, on_chunk: OnChunk, say: Say) -> "Result":
    """Train what is missing in a directory, and make the tables of it."""
    from sweep.store.work import Work

    resolved = manifests.plain(experiment.resolved())
    before = manifests.last_experiment(tree)
    if before is not None and before != resolved:
        for line in manifests.changed_keys(before, resolved):
            say(f"changed since the last run: {line}")
    with refusals(tree):
        work = Work(experiment, tree, say)
        manifests.begin(tree, resolved)
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
        _write_tables(work, tree, {**manifest, "complete": False})
        said = (
            f"{work.n_done:,} of {experiment.n_runs:,} runs are kept, their tables written and marked incomplete; "
            "run the same command again to go on"
        )
        return said

    if on_start:
        n_chunks = work.n_chunks_done + len(chunks)
        on_start(Started(experiment, tree.path, work.n_done, work.n_chunks_done, n_chunks, stop))
    try:
        work.train(chunks, how.jobs, how.backend, how.scheduler, count)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(stop()) from None
    if not work.close():
        threading.Event().wait()  # whoever closed it is about to end the process
    if runs_format(experiment) == "parquet" and experiment.runs is None:
        say(f'{experiment.n_runs:,} runs: they go to runs.parquet; runs = "csv" in the file asks for CSV')
    manifest = described(experiment, how, time.perf_counter() - began, n_trained)
    _write_tables(work, tree, {**manifest, "complete": True})
    with refusals(tree):
        manifests.finish(tree)
        work.forget_superseded()
    return read(tree.path)


def draw(result: "Result") -> "Result":
    """Draw figures and report of a result on disk; see `sweep.api.draw`."""
    from sweep import decisions
    from sweep.analysis.findings import Findings
    from sweep.page import html

    assert result.path is not None
    tree = Tree(result.path)
    tables_only = {name: digest for name, digest in result.manifest["files"].items() if name in manifests.TABLES}
    findings = Findings(replace(result, manifest={**result.manifest, "files": tables_only}))
    try:
        with tree.drafts() as drafts:
            models = decisions.for_report(findings.experiment, findings.representatives.chosen)
            names = [path.relative_to(drafts).as_posix() for path in html.write(findings, drafts, models)]
            if tables_only != result.manifest["files"]:
                manifests.write_manifest(tree, {**result.manifest, "files": tables_only})
            for name in names:
                tree.adopt(drafts, name)
        for name in result.manifest["files"].keys() - tables_only.keys() - set(names):
            tree.remove(name)
        drawn = {name: tree.sha256(name) for name in names}
    except OSError as error:
        raise FailedError(
            f"{result.path}: drawing failed ({error.strerror or error}); the tables are complete, draw them with: "
            f"sweep report {result.path}"
        ) from None
    manifest = {**result.manifest, "files": tables_only | drawn}
    manifests.write_manifest(tree, manifest)
    return replace(result, manifest=manifest)


def verify(tree: Tree) -> tuple[int, list[Problem]]:
    """Check every file of a directory, and its tables against its chunks; see `sweep.api.verify`."""
    if not tree.path.is_dir():
        raise StoreError(f"{tree.path}: no such directory")
    checks = check_files(tree)
    text = manifests.manifest_text(tree)
    if text is not None and (manifest := manifests.parse(text))["numerics"] == NUMERICS:
        checks += _contents(tree, manifest, {name for name, problem in checks if problem})
    return len(dict(checks)), [Problem(tree.path / name, problem) for name, problem in checks if problem]


def _contents(tree: Tree, manifest: Mapping[str, Any], damaged: set[str]) -> Iterator[Check]:
    """Check a result as a whole: that manifest, tables and chunks say the same."""
    try:
        experiment = experiment_of(manifest["experiment"])
    except ExperimentError:
        yield manifests.MANIFEST, "not of an experiment"
        return
    if problem := _disagreement(manifest, experiment):
        yield manifests.MANIFEST, problem
        return
    missing = list(check_chunks_of(tree, experiment)) if manifest["complete"] else []
    yield from missing
    if missing or any(name.startswith(CHUNKS) or name in manifests.TABLES for name in damaged):
        return
    yield from _differing_tables(tree, experiment, manifest)


def _disagreement(manifest: Mapping[str, Any], experiment: Experiment) -> str:
    """What a manifest says that its experiment does not; empty for nothing."""
    expected = facts(experiment)
    if manifest["complete"]:
        expected["n_done"] = experiment.n_runs
    names = {*_table_names(manifest["runs_format"], experiment)}
    if names != manifest["files"].keys() & set(manifests.TABLES):
        return "other tables than those of its experiment"
    return next((f"another {key} than its experiment" for key in expected if manifest[key] != expected[key]), "")


def _differing_tables(tree: Tree, experiment: Experiment, manifest: Mapping[str, Any]) -> Iterator[Check]:
    """Read the tables beside the chunks that they were made of."""
    from sweep.results import tables
    from sweep.store.work import outcomes

    names = _table_names(manifest["runs_format"], experiment)
    wrong: dict[str, str] = {}
    with ExitStack() as stack:
        readers = {}
        for name in names:
            types = tables.arrow_types(experiment, name.partition(".")[0])
            try:
                readers[name] = written.TableReader(stack.enter_context(tree.open(name)), name, types)
            except DamagedError as error:
                wrong[name] = str(error)

        def expect(name: str, piece: "pa.Table") -> None:
            try:
                if name not in wrong:
                    readers[name].expect(piece)
            except DamagedError as error:
                wrong[name] = str(error)

        found = outcomes(experiment, tree, written.ROWS)
        if not manifest["complete"]:
            found = _tabled(tree, experiment, names[0], found)
        counts = _make_tables(experiment, found, manifest["runs_format"], expect)
        for name in readers.keys() - wrong.keys():
            try:
                readers[name].expect_end()
            except DamagedError as error:
                wrong[name] = str(error)
    yield from wrong.items()
    if not wrong and any(manifest[key] != count for key, count in counts.items()):
        yield manifests.MANIFEST, "other counts than those of its tables"


def _tabled(tree: Tree, experiment: Experiment, name: str, found: Iterator[Outcome]) -> Iterator[Outcome]:
    """Leave out the runs that have been done since the tables of an incomplete result were written."""
    import numpy as np

    from sweep.results import tables

    table = written.read_table(tree, name, tables.arrow_types(experiment, "runs"), ["run"])
    runs = np.unique(table["run"].to_numpy())
    for outcome in found:
        kept = outcome[np.isin(outcome.runs, runs, assume_unique=True)]
        if kept.n_runs:
            yield kept


def mend(tree: Tree, problems: Sequence[Problem], how: How, say: Say) -> list[Problem]:
    """Make again what is not as it was written, from what is; returns what could not be mended."""
    from sweep.store.work import Work

    text = manifests.manifest_text(tree)
    if text is None or not problems:
        return verify(tree)[1]
    manifest = manifests.parse(text)
    try:
        experiment = experiment_of(manifest["experiment"])
    except ExperimentError:
        return verify(tree)[1]
    with refusals(tree):
        work = Work(experiment, tree, say)
        manifests.write_text(tree, manifest, text)
        if tree.exists(manifests.UNDER_WAY) and not manifests.is_under_way(tree):
            manifests.finish(tree)
        if manifest["complete"]:
            work.train(work.remaining(how.chunk_size), how.jobs, how.backend, how.scheduler)
    if not work.n_done:
        return verify(tree)[1]
    bad = {problem.path.relative_to(tree.path).as_posix() for problem in verify(tree)[1]}
    drawn = manifest["files"].keys() - set(manifests.TABLES)
    if bad & {*manifests.TABLES, written.CHECKSUMS, manifests.MANIFEST}:
        _write_tables(work, tree, {**manifest, **facts(experiment)})
        if drawn:
            draw(read(tree.path))
    elif bad & drawn:
        draw(read(tree.path))
    return verify(tree)[1]


def runs_format(experiment: Experiment) -> str:
    """How the table of runs is written: "csv", "parquet" or "both"."""
    return experiment.runs or ("parquet" if experiment.n_runs > PARQUET_ABOVE else "csv")


def facts(experiment: Experiment) -> dict[str, Any]:
    """What of a manifest follows from the experiment."""
    return {
        "name": experiment.name,
        "question": experiment.question,
        "n_runs": experiment.n_runs,
        "n_points": experiment.n_points,
        "runs_format": runs_format(experiment),
    }


def described(experiment: Experiment, how: How, seconds: float, n_trained: int) -> dict[str, Any]:
    """A manifest but for what the tables hold."""
    import joblib

    return {
        **facts(experiment),
        "n_trained": n_trained,
        "seconds": round(seconds, 3),
        "jobs": joblib.effective_n_jobs(how.jobs),
        "backend": how.backend,
        "cpu": _cpu(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in _PACKAGES},
        "numerics": NUMERICS,
        "experiment": manifests.plain(experiment.resolved()),
    }


@contextmanager
def refusals(tree: Tree) -> Iterator[None]:
    """Turn what a file system refuses into a message."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{tree.path}: cannot be written ({error.strerror or error})") from None


def _write_tables(work: "Work", tree: Tree, manifest: Mapping[str, Any]) -> None:
    """Make the tables of all chunks, and the manifest."""
    sums: dict[str, str] = {}
    with written.writing_tables(tree, sums) as writer:
        counts = _make_tables(work.experiment, work.outcomes(written.ROWS), manifest["runs_format"], writer.write)
        if manifest["complete"] and counts["n_done"] != work.experiment.n_runs:
            raise StoreError(f"{tree.path}: a chunk has been changed meanwhile; run the experiment again")
    manifests.write_manifest(tree, {**manifest, **counts, "files": sums})


def _make_tables(
    experiment: Experiment, outcomes: Iterable[Outcome], formats: str, give: "Callable[[str, pa.Table], object]"
) -> dict[str, Any]:
    """Hand on the tables of some outcomes, each as the name of its file and its rows, piece by piece.

    Returns
    -------
    dict
        `n_done`, `n_epochs` and `statuses` of a manifest.
    """
    from sweep.results import tables

    every = experiment.train.record_every
    n_done = n_epochs = 0
    statuses = dict.fromkeys(STATUSES, 0)

    def counted() -> Iterator[Outcome]:
        nonlocal n_done, n_epochs, statuses
        for outcome in outcomes:
            runs = tables.runs_table(experiment, outcome)
            for name in _FORMATS[formats]:
                give(name, runs)
            n_done += outcome.n_runs
            n_epochs += outcome.n_epochs
            statuses = {status: statuses[status] + count for status, count in outcome.status_counts.items()}
            yield outcome
            if every:
                give("curves.csv", tables.curves_table(outcome, every))

    for piece in tables.summaries(experiment, counted()):
        give("summary.csv", piece)
        if formats != "csv":
            give("summary.parquet", piece)
    return {"n_done": n_done, "n_epochs": n_epochs, "statuses": statuses}


def _table_names(formats: str, experiment: Experiment) -> list[str]:
    """The files of the tables of a result, those of runs first."""
    summaries = ["summary.csv"] if formats == "csv" else ["summary.csv", "summary.parquet"]
    return [*_FORMATS[formats], *summaries, *(["curves.csv"] if experiment.train.record_every else [])]


def _check(tree: Tree, name: str, digest: str) -> None:
    path = tree.path / name
    try:
        if tree.sha256(name) != digest:
            raise StoreError(
                f"{path}: not as it was written (its SHA-256 differs); mend it with: sweep verify {tree.path} --repair"
            )
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be read ({error.strerror or error}); mend it with: sweep verify {tree.path} --repair"
        ) from None


def _cpu() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
