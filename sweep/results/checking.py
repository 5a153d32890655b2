"""A result checked as a whole: its files, and that manifest, tables and chunks say the same."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from sweep.engine.outcome import Outcome
from sweep.errors import DamagedError, ExperimentError
from sweep.kernel import NUMERICS
from sweep.results import tables
from sweep.results.making import done, facts, make_tables, table_names
from sweep.spec.experiment import Experiment
from sweep.store.chunk_store import CHUNKS, experiment_of, n_done
from sweep.store.files import Tree
from sweep.store.manifest import MANIFEST, TABLES, intact
from sweep.store.table_files import TableReader, read_table
from sweep.store.verify import Check, Problem, check_chunks_of, check_files

if TYPE_CHECKING:
    import pyarrow as pa


def verify(tree: Tree) -> tuple[int, list[Problem]]:
    """Check every file of a directory; see `sweep.api.verify`."""
    checks = check_files(tree)
    _, manifest = intact(tree)
    if manifest.get("numerics") == NUMERICS:
        checks += _contents(tree, manifest, {name for name, problem in checks if problem})
    return len(dict(checks)), [Problem(tree.path / name, problem) for name, problem in checks if problem]


def disagreement(manifest: Mapping[str, Any], experiment: Experiment) -> str:
    """Say what a manifest says and its experiment does not; nothing if they agree."""
    expected = facts(experiment)
    if manifest["complete"]:
        expected["n_done"] = experiment.n_runs
    if {*table_names(experiment)} != manifest["files"].keys() & set(TABLES):
        return "other tables than those of its experiment"
    return next((f"another {key} than its experiment" for key in expected if manifest[key] != expected[key]), "")


def _contents(tree: Tree, manifest: Mapping[str, Any], damaged: set[str]) -> Iterator[Check]:
    """Check that manifest, tables and chunks say the same, as far as each is what was written."""
    try:
        experiment = experiment_of(manifest["experiment"])
    except ExperimentError:
        yield MANIFEST, "not of an experiment"
        return
    if problem := disagreement(manifest, experiment):
        yield MANIFEST, problem
        return
    missing = list(check_chunks_of(tree, experiment)) if manifest["complete"] else []
    yield from missing
    if missing or any(name.startswith(CHUNKS) or name in TABLES for name in damaged):
        return
    found = done(experiment, tree)
    if experiment.keep == "summary" and n_done(tree, experiment) != manifest["n_done"]:
        return  # the counts of chunks that have come since cannot be told from those in the tables
    if experiment.keep == "runs" and not manifest["complete"]:
        found = map(_tabled(tree, experiment), found)
    checker = _TableChecker(tree, experiment)
    with checker.stack:
        counts = make_tables(experiment, found, checker.expect)
        checker.expect_ends()
    yield from checker.wrong.items()
    if not checker.wrong and any(manifest[key] != count for key, count in counts.items()):
        yield MANIFEST, "other counts than those of its tables"


class _TableChecker:
    """Reads tables beside the pieces that they ought to be made of; `wrong` says of each file what is wrong with it."""

    def __init__(self, tree: Tree, experiment: Experiment):
        self.stack = ExitStack()
        self.wrong: dict[str, str] = {}
        self.readers: dict[str, TableReader] = {}
        for name in table_names(experiment):
            types = tables.arrow_types(experiment, name.partition(".")[0])
            with self._noting(name):
                self.readers[name] = TableReader(self.stack.enter_context(tree.open(name)), name, types)

    def expect(self, name: str, piece: "pa.Table") -> None:
        """Compare the next rows of a table, unless it is known to be wrong."""
        if name not in self.wrong:
            with self._noting(name):
                self.readers[name].expect(piece)

    def expect_ends(self) -> None:
        """Look for rows that are left."""
        for name in self.readers.keys() - self.wrong.keys():
            with self._noting(name):
                self.readers[name].expect_end()

    @contextmanager
    def _noting(self, name: str) -> Iterator[None]:
        try:
            yield
        except DamagedError as error:
            self.wrong[name] = str(error)


def _tabled(tree: Tree, experiment: Experiment) -> Callable[[Outcome], Outcome]:
    """Return what leaves out the runs that have been done since the tables of an incomplete result were written."""
    name = table_names(experiment)[0]
    table = read_table(tree, name, tables.arrow_types(experiment, "runs"), ["run"])
    runs = np.unique(table["run"].to_numpy())
    return lambda outcome: outcome[np.isin(outcome.runs, runs, assume_unique=True)]
