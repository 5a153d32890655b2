"""Track finished chunks of an experiment in a directory, and train the rest."""

import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from sweep.engine import runner
from sweep.engine.chunks import Chunk, chunks_of
from sweep.engine.estimate import MOST_WRITERS, n_writers
from sweep.engine.outcome import Outcome
from sweep.engine.pairing import partner_runs
from sweep.engine.tally import Tally
from sweep.engine.workers import Workers
from sweep.errors import ChunkError, DamagedError
from sweep.spec.experiment import Experiment
from sweep.store.chunk_store import CHUNKS, ChunkFile, ChunkStore, chunk_stores
from sweep.store.earlier import Earlier
from sweep.store.files import Tree

_RUNS_AT_A_TIME = 2**20

Say = Callable[[str], None]
OnChunk = Callable[[Outcome | Tally, int], None]


class Work:
    """The chunks of an experiment in a directory, which one process opens at a time.

    Opening it sets aside what cannot be trusted, and says so. `done` has, for the store of each grid, the chunk files
    that passed the check.
    """

    def __init__(self, experiment: Experiment, tree: Tree, say: Say):
        self.experiment = experiment
        self.tree = tree
        self.say = say
        self.stores = [ChunkStore.of(experiment, grid, tree) for grid in experiment.grids]
        tree.make(CHUNKS)
        own = {store.name for store in self.stores}
        others, unusable = chunk_stores(tree)
        for name, reason in unusable:
            folder = "/".join(name.split("/")[:2])
            if folder not in own:
                self._set_aside(folder, reason)
        self.earlier = [store for store in others if store.name not in own]
        self.done = [self.checked(store) for store in self.stores]
        self._writing = threading.Semaphore(MOST_WRITERS)
        self._closed = False

    @property
    def n_done(self) -> int:
        """Return the number of runs that are done."""
        return sum(file.n_runs for files in self.done for file in files)

    @property
    def n_chunks_done(self) -> int:
        """Return the number of chunk files."""
        return sum(map(len, self.done))

    def remaining(self, chunk_size: int | None = None) -> list[Chunk]:
        """Cut what is not done into chunks."""
        done = [sorted((file.start, file.stop) for file in files) for files in self.done]
        return chunks_of(self.experiment, chunk_size, done)

    def keep(self, chunk: Chunk, outcome: Outcome | Tally) -> None:
        """Put a chunk on disk, for good; from any thread. `ChunkError` if that fails: no room, for one."""
        with self._writing:
            if self._closed:
                return
            try:
                file = self.stores[chunk.grid].write_chunk(chunk.start, outcome)
            except OSError as error:
                path = self.tree.path / CHUNKS
                raise ChunkError(f"{path}: a chunk cannot be written ({error.strerror or error})") from None
            self.done[chunk.grid].append(file)

    def close(self) -> bool:
        """Wait for chunks that are being written, then refuse new ones; returns True on the first call.

        Files on disk count: Ctrl-C may have come between writing a chunk and noting it.
        """
        for _ in range(MOST_WRITERS):
            self._writing.acquire()
        first, self._closed = not self._closed, True
        if first:
            self.done = [store.files() for store in self.stores]
        self._writing.release(MOST_WRITERS)
        return first

    def train(
        self,
        chunks: list[Chunk],
        workers: Workers,
        on_chunk: OnChunk = lambda outcome, n_trained: None,
    ) -> None:
        """Train chunks and store each when it is finished; runs that earlier settings have are taken from there.

        Several chunks are written at a time: each waits for the disk, which takes them together. `on_chunk` is called
        with the outcome of each chunk that is kept, and how many of its runs were trained for it.
        """
        kept: deque[tuple[Future[None], Outcome | Tally, int]] = deque()
        try:
            with ThreadPoolExecutor(n_writers(workers.n_jobs)) as writers:
                try:
                    for chunk, outcome, n_trained in self._outcomes(chunks, workers):
                        while kept and (kept[0][0].done() or len(kept) == n_writers(workers.n_jobs)):
                            _report(*kept.popleft(), on_chunk)
                        kept.append((writers.submit(self.keep, chunk, outcome), outcome, n_trained))
                finally:  # whatever ended training, what is kept is reported
                    while kept:
                        _report(*kept.popleft(), on_chunk)
        except ChunkError as error:
            n_runs = f"{self.n_done:,} of {self.experiment.n_runs:,} runs"
            raise ChunkError(f"{error}; {n_runs} are kept, and the same command goes on") from None

    def _outcomes(self, chunks: list[Chunk], workers: Workers) -> Iterator[tuple[Chunk, Outcome | Tally, int]]:
        """Find or train each chunk; with its outcome comes how many of its runs were trained."""
        earlier = Earlier(self.experiment, self.earlier if chunks else [], self._set_aside)
        missing: dict[Chunk, bytes | None] = {}
        for chunk in chunks:
            known, filled = earlier.known(chunk) if earlier.stores else (None, np.zeros(0, np.bool_))
            if known and filled.all():
                yield chunk, known, 0
            else:
                missing[chunk] = zlib.compress(np.packbits(~filled).tobytes(), 1) if filled.any() else None
        tasks = ((chunk, _unpacked(chunk, bits)) for chunk, bits in missing.items())
        for chunk, outcome in runner.train(self.experiment, tasks, workers):
            whole = outcome
            if outcome.n_runs < chunk.stop - chunk.start:
                whole, filled = earlier.known(chunk)
                whole.put(outcome, ~filled)  # type: ignore[arg-type]  # both are of one kind
            yield chunk, whole, outcome.n_runs

    def forget_superseded(self) -> None:
        """Remove earlier settings if this experiment has all of their runs; else they stay."""
        for store in self.earlier:
            then, now = store.experiment, self.experiment
            if (then.train, then.keep) == (now.train, now.keep) and self._has_all_of(store):
                self.tree.remove_directory(store.name)

    def _has_all_of(self, store: ChunkStore) -> bool:
        """Return True if every run of another store is one of the experiment's."""
        for first in range(0, store.grid.n_runs, _RUNS_AT_A_TIME):
            runs = np.arange(first, min(first + _RUNS_AT_A_TIME, store.grid.n_runs))
            found = np.zeros(runs.size, np.bool_)
            for grid in self.experiment.grids:
                found |= partner_runs(store.grid, store.experiment.tables, grid, self.experiment.tables, runs) >= 0
            if not found.all():
                return False
        return True

    def checked(self, store: ChunkStore) -> list[ChunkFile]:
        """List the chunk files of a store that can be trusted; everything else in it is set aside."""
        if not self.tree.exists(store.name):
            return []
        if not self.tree.is_directory(store.name):
            self._set_aside(store.name, "not a directory")
            return []
        try:
            ChunkStore.read(self.tree, store.name)
        except DamagedError as error:
            if self.tree.exists(store.description):
                self._set_aside(store.description, str(error))
            store.write_description()
        good = []
        again = "" if store in self.stores else " if its settings come back"
        for file in store.files():
            try:
                store.read_chunk(file)
                good.append(file)
            except DamagedError as error:
                self._set_aside(file.name, f"{error}; its {file.n_runs:,} runs are trained again{again}")
        known = {store.description, *(file.name for file in good)}
        for name in self.tree.names(store.name):
            if name not in known:
                self._set_aside(name, "not a chunk of this sweep")
        return good

    def _set_aside(self, name: str, reason: str) -> None:
        place = self.tree.set_aside(name)
        self.say(f"{self.tree.path / name}: {reason} (set aside as {place})")


def _report(kept: Future[None], outcome: Outcome | Tally, n_trained: int, on_chunk: OnChunk) -> None:
    """Wait until a chunk is kept, and say so."""
    kept.result()
    on_chunk(outcome, n_trained)


def _unpacked(chunk: Chunk, bits: bytes | None) -> NDArray[np.bool_] | None:
    """Return which runs of a chunk are to be trained; None for all."""
    if bits is None:
        return None
    packed = np.frombuffer(zlib.decompress(bits), np.uint8)
    return np.unpackbits(packed, count=chunk.stop - chunk.start).astype(np.bool_)
