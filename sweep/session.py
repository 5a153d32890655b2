"""A result in its directory: made from its chunks, drawn and mended."""

import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.engine import estimate
from sweep.engine.outcome import Outcome
from sweep.engine.tally import Tally
from sweep.engine.workers import Workers
from sweep.errors import ExperimentError, FailedError, StoreError
from sweep.kernel import NUMERICS
from sweep.results.checking import disagreement, verify
from sweep.results.making import done, facts, make_tables, runs_format
from sweep.spec.experiment import Experiment
from sweep.store import manifest as manifests
from sweep.store.chunk_store import experiment_of
from sweep.store.files import Tree
from sweep.store.table_files import CHECKSUMS, writing_tables
from sweep.store.verify import Problem, check_listed

if TYPE_CHECKING:
    from sweep.page.shown import Result
    from sweep.store.work import Work

_PACKAGES = ("sweep", "numpy", "numba", "llvmlite", "pandas", "pyarrow", "matplotlib", "joblib")

Say = Callable[[str], None]
OnChunk = Callable[[Outcome | Tally, int], None] | None


@dataclass(frozen=True)
class Started:
    """State of a sweep before its training.

    `stop` writes the tables of the finished runs, from any thread, and returns a message. Chunks that finish later are
    not kept. A second call returns the same message.
    """

    experiment: Experiment
    directory: Path
    n_runs_done: int
    n_chunks_done: int
    n_chunks: int
    stop: Callable[[], str]


OnStart = Callable[[Started], None] | None


def read(path: Path) -> "Result":
    """Read a result from disk; see `sweep.api.read`."""
    from sweep.page.shown import Result
    from sweep.results.on_disk import OnDisk

    tree = Tree(path)
    manifest = manifests.read_manifest(tree)
    if manifest["numerics"] != NUMERICS:
        raise StoreError(
            f"{path}: of version {manifest['numerics']} of the arithmetic, not {NUMERICS}; run the experiment again"
        )
    try:
        experiment = experiment_of(manifest["experiment"])
        problem = disagreement(manifest, experiment)
    except ExperimentError as error:
        problem = str(error)
    if problem:
        raise StoreError(f"{path / manifests.MANIFEST}: damaged ({problem}); {manifests.remedy(tree)}")
    for name, problem in check_listed(tree, _tables_in(manifest)):
        if problem:
            raise StoreError(f"{path / name}: {problem}; {manifests.remedy(tree)}")
    return Result(OnDisk(tree, manifest, experiment), manifest, experiment, path)


def finished(experiment: Experiment, tree: Tree, say: Say) -> "Result | None":
    """Read the stored result if it is complete and of the same experiment; damaged files are mended first."""
    _, manifest = manifests.intact(tree)
    expected = {"complete": True, "numerics": NUMERICS, "runs_format": runs_format(experiment)}
    expected["experiment"] = manifests.plain(experiment.resolved())
    if any(manifest.get(key) != value for key, value in expected.items()):
        return None
    try:
        if problems := verify(tree)[1]:
            for problem in problems:
                say(str(problem))
            if mend(tree, problems, say):
                return None
        return read(tree.path)
    except StoreError:
        return None


def check_memory(experiment: Experiment, workers: Workers) -> None:
    """Refuse a sweep that would take more memory than `estimate.MOST_MEMORY`, and say what to change."""
    needed = estimate.memory(experiment, workers.n_jobs, workers.chunk_size)
    if needed > estimate.MOST_MEMORY:
        if estimate.memory(experiment, 1, workers.chunk_size) <= estimate.MOST_MEMORY:
            advice = "fewer --jobs"
        else:
            advice = "a larger record_every" if experiment.train.record_every else "fewer seeds of a setting"
        raise ExperimentError(
            f"{experiment.name}: it takes about {needed / 1e9:,.1f} GB of memory; "
            f"allowed: {estimate.MOST_MEMORY / 1e9} GB; it may fit with {advice}"
        )


def compute(
    experiment: Experiment, tree: Tree, workers: Workers, on_start: OnStart, on_chunk: OnChunk, say: Say
) -> "Result":
    """Train what is missing in a directory, and make the tables of it; parameters as of `sweep.api.run`."""
    resolved = manifests.plain(experiment.resolved())
    for line in manifests.changed_keys(manifests.last_experiment(tree) or resolved, resolved):
        say(f"changed since the last run: {line}")
    with refusals(tree):
        sweep = _Sweep(experiment, tree, workers, on_chunk, say)
        manifests.begin(tree, resolved)
    sweep.train(on_start)
    with refusals(tree):
        tree.remove(manifests.UNDER_WAY)
        sweep.work.forget_superseded()
    return read(tree.path)


class _Sweep:
    """Training what is missing in a directory, which may be stopped from any thread."""

    def __init__(self, experiment: Experiment, tree: Tree, workers: Workers, on_chunk: OnChunk, say: Say):
        from sweep.store.work import Work

        self.experiment = experiment
        self.workers = workers
        self.on_chunk = on_chunk
        self.say = say
        self.work = Work(experiment, tree, say)
        self.n_trained = 0
        self._began = time.perf_counter()
        self._stopping = threading.Lock()
        self._said = "every run is kept; run the same command again to write the tables"

    def train(self, on_start: OnStart) -> None:
        """Train and write the tables."""
        work, experiment = self.work, self.experiment
        chunks = work.remaining(self.workers.chunk_size)
        if on_start:
            n_done, n_chunks = work.n_chunks_done, work.n_chunks_done + len(chunks)
            on_start(Started(experiment, work.tree.path, work.n_done, n_done, n_chunks, self.stop))
        try:
            work.train(chunks, self.workers, self._count)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(self.stop()) from None
        if not work.close():
            raise KeyboardInterrupt(self.stop())
        if runs_format(experiment) == "parquet" and experiment.runs is None:
            runs = f"{experiment.n_runs:,} runs"
            self.say(f'{runs}: they go to runs.parquet; runs = "csv" in the file asks for CSV')
        self._write_tables(complete=True)

    def stop(self) -> str:
        """Write the tables of what is done so far; a second call waits for the first and says the same."""
        with self._stopping:
            if self.work.close():
                self._said = "no chunk was finished yet"
                if self.work.n_done:
                    self._write_tables(complete=False)
                    self._said = (
                        f"{self.work.n_done:,} of {self.experiment.n_runs:,} runs are kept, their tables written and "
                        "marked incomplete; run the same command again to go on"
                    )
            return self._said

    def _count(self, outcome: Outcome | Tally, n_trained: int) -> None:
        self.n_trained += n_trained
        if self.on_chunk:
            self.on_chunk(outcome, n_trained)

    def _write_tables(self, complete: bool) -> None:
        seconds = time.perf_counter() - self._began
        manifest = described(self.experiment, self.workers, seconds, self.n_trained)
        _write_tables(self.work, {**manifest, "complete": complete})


def draw(result: "Result", all_kernels: bool = False, jobs: int = 1) -> "Result":
    """Draw figures and report of a result on disk; see `sweep.api.draw`."""
    from sweep import decisions
    from sweep.page import html

    assert result.path is not None
    tree = Tree(result.path)
    tables_only = _tables_in(result.manifest)
    findings = copy(result.findings)
    findings.result = replace(findings.result, manifest={**result.manifest, "files": tables_only})
    try:
        with tree.drafts() as drafts:
            models = decisions.for_report(findings.experiment, findings.representatives.chosen)
            courses = decisions.courses_for_report(findings.experiment, findings.representatives.followed)
            processes = estimate.drawing_processes(findings.experiment, Workers(jobs).n_jobs)
            written = html.write(findings, drafts, models, courses, all_kernels, processes)
            names = [path.relative_to(drafts).as_posix() for path in written]
            if tables_only != result.manifest["files"]:
                manifests.write_manifest(tree, {**result.manifest, "files": tables_only})
            tree.adopt(drafts, names)
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


def mend(tree: Tree, problems: Sequence[Problem], say: Say) -> list[Problem]:
    """Make damaged files again from the intact ones; returns the problems that remain."""
    from sweep.store.work import Work

    (text, manifest), experiment = manifests.intact(tree), manifests.mendable(tree)
    if experiment is None or not problems:
        return list(problems)
    with refusals(tree):
        work = Work(experiment, tree, say)
        for store in work.earlier:
            work.checked(store)
        manifests.write_text(tree, manifest, text)
        if tree.exists(manifests.UNDER_WAY) and not manifests.experiment_in(tree, manifests.UNDER_WAY):
            tree.remove(manifests.UNDER_WAY)
        if manifest["complete"]:
            work.train(work.remaining(), Workers())
    if not work.n_done:
        return verify(tree)[1]
    bad = {problem.path.relative_to(tree.path).as_posix() for problem in verify(tree)[1]}
    drawn = manifest["files"].keys() - set(manifests.TABLES)
    if bad & {*manifests.TABLES, CHECKSUMS, manifests.MANIFEST}:
        _write_tables(work, {**manifest, **facts(experiment)})
        if drawn:
            draw(read(tree.path))
    elif bad & drawn:
        draw(read(tree.path))
    return verify(tree)[1]


def described(experiment: Experiment, workers: Workers, seconds: float, n_trained: int) -> dict[str, Any]:
    """Return the entries of a manifest that do not depend on tables."""
    return {
        **facts(experiment),
        "n_trained": n_trained,
        "seconds": round(seconds, 3),
        "jobs": workers.n_jobs,
        "backend": workers.backend,
        "cpu": _cpu(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in _PACKAGES},
        "numerics": NUMERICS,
        "experiment": manifests.plain(experiment.resolved()),
    }


@contextmanager
def refusals(tree: Tree) -> Iterator[None]:
    """Turn errors of the file system into a message."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{tree.path}: cannot be written ({error.strerror or error})") from None


def _write_tables(work: "Work", manifest: Mapping[str, Any]) -> None:
    """Make the tables of all chunks, and the manifest."""
    sums: dict[str, str] = {}
    with writing_tables(work.tree, sums) as writer:
        counts = make_tables(work.experiment, done(work.experiment, work.tree), writer.write)
        if manifest["complete"] and counts["n_done"] != work.experiment.n_runs:
            raise StoreError(f"{work.tree.path}: a chunk has been changed meanwhile; run the experiment again")
    manifests.write_manifest(work.tree, {**manifest, **counts, "files": sums})


def _tables_in(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {name: digest for name, digest in manifest["files"].items() if name in manifests.TABLES}


def _cpu() -> str:
    """Return the processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
