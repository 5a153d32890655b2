"""What became of the runs of a result, read from its chunks in their order."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from sweep.engine.outcome import Outcome
from sweep.engine.tally import Tally
from sweep.errors import DamagedError, StoreError
from sweep.spec.experiment import Experiment
from sweep.store.chunk_store import ChunkFile, ChunkStore
from sweep.store.files import Tree


def tallies(experiment: Experiment, tree: Tree) -> Iterator[Tally]:
    """Read the counts of runs of an experiment that are done, in their order; points are numbered through all grids."""
    for number, tally in _read(experiment, tree):
        assert isinstance(tally, Tally)
        yield tally.shifted(experiment.first_points[number])


def outcomes(experiment: Experiment, tree: Tree, n_rows: int) -> Iterator[Outcome]:
    """Read what became of runs of an experiment that are done, in their order, `n_rows` at a time."""
    held: list[Outcome] = []
    n_held = 0
    for _, outcome in _read(experiment, tree):
        assert isinstance(outcome, Outcome)
        held.append(outcome)
        n_held += outcome.n_runs
        while n_held >= n_rows:
            block = Outcome.joined(held)
            yield block[:n_rows]
            held, n_held = [block[n_rows:]], n_held - n_rows
    if n_held:
        yield Outcome.joined(held)


def _read(experiment: Experiment, tree: Tree) -> Iterator[tuple[int, Outcome | Tally]]:
    """Read chunk by chunk, each with the number of its grid, and one while the one before is looked at.

    `StoreError` if a chunk is not what was written.
    """
    with ThreadPoolExecutor(1) as reader:
        ahead: deque[tuple[int, ChunkFile, Future[Outcome | Tally]]] = deque()
        for number, (grid, first) in enumerate(zip(experiment.grids, experiment.firsts, strict=False)):
            store = ChunkStore.of(experiment, grid, tree)
            for file in store.files():
                ahead.append((number, file, reader.submit(store.read_chunk, file, first)))
                if len(ahead) > 1:
                    yield _found(tree, *ahead.popleft())
        while ahead:
            yield _found(tree, *ahead.popleft())


def _found(tree: Tree, number: int, file: ChunkFile, reading: "Future[Outcome | Tally]") -> tuple[int, Outcome | Tally]:
    try:
        return number, reading.result()
    except DamagedError as error:
        raise StoreError(f"{tree.path / file.name}: {error}; run the experiment again") from None
