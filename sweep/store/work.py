"""What of an experiment is done in a directory, what remains, and doing it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree

import numpy as np
from numpy.typing import NDArray

from sweep.engine import runner
from sweep.engine.chunks import Chunk, chunks_of, n_recorded
from sweep.engine.outcome import Outcome
from sweep.engine.pairing import paired, resized, still_true
from sweep.errors import ChunkError, DamagedError, StoreError
from sweep.spec.experiment import Experiment
from sweep.spec.grid import overlap
from sweep.store.chunk_store import CHUNKS, LAYOUT, ChunkFile, ChunkStore, layouts, set_aside

Say = Callable[[str], None]


class Work:
    """The chunks of an experiment in a directory.

    Opening it sets aside what cannot be trusted.

    Parameters
    ----------
    experiment
    directory
        Of the result; to be opened by one process at a time.
    say
        Takes what there is to tell, in lines for people.

    Attributes
    ----------
    layouts
        One for each grid of the experiment.
    done
        For each of them, its chunk files, all of which are what was written.
    """

    def __init__(self, experiment: Experiment, directory: Path, say: Say):
        self.experiment = experiment
        self.home = directory / CHUNKS
        self.say = say
        self.layouts = [ChunkStore.of(experiment, grid, self.home) for grid in experiment.grids]
        self.firsts = np.cumsum([0, *(grid.n_runs for grid in experiment.grids)]).tolist()
        mine = {layout.directory.name for layout in self.layouts}
        others, unusable = layouts(self.home)
        for path, reason in unusable:
            directory = path.parent if path.name == LAYOUT else path
            if directory.name not in mine:
                self._set_aside(directory, reason)
        self.earlier = [layout for layout in others if layout.directory.name not in mine]
        self.done = [self._checked(layout) for layout in self.layouts]
        self._keeping = threading.Lock()
        self._closed = False

    @property
    def n_done(self) -> int:
        """Number of runs that are done."""
        return sum(file.n_runs for files in self.done for file in files)

    @property
    def n_chunks_done(self) -> int:
        """Number of chunk files."""
        return sum(map(len, self.done))

    def remaining(self, chunk_size: int | None = None) -> list[Chunk]:
        """What is not done, as chunks."""
        done = [[(file.start, file.stop) for file in files] for files in self.done]
        return chunks_of(self.experiment, chunk_size, done)

    def keep(self, chunk: Chunk, outcome: Outcome) -> None:
        """Put a chunk on disk, for good.

        Raises
        ------
        ChunkError
            If that fails: no room, for one.
        """
        with self._keeping:
            if self._closed:
                return
            try:
                file = self.layouts[chunk.grid].write_chunk(chunk.start, outcome)
            except OSError as error:
                raise ChunkError(
                    f"{self.home}: a chunk cannot be written ({error.strerror or error}); {self.n_done:,} of "
                    f"{self.experiment.n_runs:,} runs are kept, and the same command goes on from there"
                ) from None
            self.done[chunk.grid].append(file)
            self.done[chunk.grid].sort()

    def close(self) -> bool:
        """Keep nothing more; returns whether this was the first call.

        What is on disk counts: Ctrl-C may have come between writing a chunk and noting that it is there.
        """
        with self._keeping:
            first, self._closed = not self._closed, True
            if first:
                self.done = [layout.files() for layout in self.layouts]
        return first

    def train(
        self,
        chunks: list[Chunk],
        jobs: int = -1,
        backend: str = "threading",
        scheduler: str | None = None,
        on_chunk: Callable[[Outcome, int], None] = lambda outcome, n_trained: None,
    ) -> int:
        """Do chunks and keep each as it is finished; what earlier settings have already is taken from there.

        Parameters
        ----------
        chunks
        jobs, backend, scheduler
            As in `runner.train`.
        on_chunk
            Called with the outcome of each chunk that is kept, and how many of its runs were trained for it.

        Returns
        -------
        int
            Number of runs that were trained.
        """
        earlier = Earlier(self) if chunks else None
        n_trained = 0
        tasks: list[runner.Task] = []
        for chunk in chunks:
            known, there = earlier.outcome(chunk) if earlier and earlier.sources else (None, None)
            if known is None or there is None or not there.any():
                tasks.append((chunk, None))
            elif there.all():
                self.keep(chunk, known)
                on_chunk(known, 0)
            else:
                tasks.append((chunk, ~there))
        for chunk, outcome in runner.train(self.experiment, tasks, jobs, backend, scheduler):
            n_trained += outcome.n_runs
            whole = outcome
            if earlier and outcome.n_runs < chunk.stop - chunk.start:
                whole, there = earlier.outcome(chunk)
                whole.put(outcome, ~there)
            self.keep(chunk, whole)
            on_chunk(whole, outcome.n_runs)
        return n_trained

    def outcomes(self, n_rows: int) -> Iterator[Outcome]:
        """What became of the runs that are done, in their order, `n_rows` at a time but for the last.

        Raises
        ------
        StoreError
            If a chunk was changed since it was checked.
        """
        held: list[Outcome] = []
        n_held = 0
        for first, layout, files in zip(self.firsts, self.layouts, self.done, strict=False):
            for file in files:
                try:
                    held.append(layout.read_chunk(file, first))
                except DamagedError as error:
                    raise StoreError(f"{file.path}: {error}; run the experiment again") from None
                n_held += file.n_runs
                while n_held >= n_rows:
                    block = Outcome.joined(held)
                    yield block[:n_rows]
                    held, n_held = [block[n_rows:]], n_held - n_rows
        if n_held:
            yield Outcome.joined(held)

    def forget_superseded(self) -> None:
        """Remove earlier settings all of whose runs are done here; what is in no other place stays."""
        for layout in self.earlier:
            runs = np.arange(layout.grid.n_runs)
            there = np.zeros(runs.size, np.bool_)
            if layout.experiment.train == self.experiment.train:
                for grid in self.experiment.grids:
                    there |= paired(layout.grid, layout.tables, grid, self.experiment.tables, runs) >= 0
            if there.all():
                rmtree(layout.directory, ignore_errors=True)

    def _checked(self, layout: ChunkStore) -> list[ChunkFile]:
        """The chunk files of a layout that can be trusted; the others are set aside."""
        if layout.directory.exists():
            try:
                layout.read(layout.directory)
            except DamagedError as error:
                if (layout.directory / LAYOUT).exists():
                    self._set_aside(layout.directory / LAYOUT, str(error))
                layout.write_description()
        good = []
        for file in layout.files():
            try:
                if file.stop > layout.grid.n_runs:
                    raise DamagedError("of another experiment")
                layout.read_chunk(file)
                good.append(file)
            except DamagedError as error:
                self._set_aside(file.path, f"{error}; its {file.n_runs:,} runs are trained again")
        strays = {path for path in layout.directory.glob("*") if path.name != LAYOUT}
        for path in sorted(strays - {file.path for file in good}):
            if path.exists():
                self._set_aside(path, "not a chunk of this sweep")
        return good

    def _set_aside(self, path: Path, reason: str) -> None:
        place = set_aside(path, self.home)
        self.say(f"{path}: {reason} (set aside as {place})")


class Earlier:
    """What earlier settings in the same directory have of an experiment's runs.

    Attributes
    ----------
    sources
        The layouts that have some, each with what became of its runs and which of them are known.
    """

    def __init__(self, work: Work):
        self.work = work
        self.sources: list[tuple[ChunkStore, Outcome, NDArray[np.bool_]]] = []
        for layout in work.earlier:
            if source := self._read(layout):
                self.sources.append((layout, *source))

    def outcome(self, chunk: Chunk) -> tuple[Outcome, NDArray[np.bool_]]:
        """What is known of a chunk: room for all its runs, and which of them are filled in (bool)."""
        experiment = self.work.experiment
        runs = np.arange(chunk.start, chunk.stop)
        known = Outcome.empty(chunk.first + runs, n_recorded(experiment))
        there = np.zeros(runs.size, np.bool_)
        for layout, outcome, usable in self.sources:
            grid = experiment.grids[chunk.grid]
            at = paired(grid, experiment.tables, layout.grid, layout.tables, runs)
            here = (at >= 0) & ~there
            here[here] = usable[at[here]]
            if here.any():
                part = outcome[at[here]]
                if known.curves.shape[1]:
                    part.curves = resized(part.curves, known.curves.shape[1])
                else:
                    part.curves = part.curves[:, :0]
                known.put(part, here)
                there |= here
        return known, there

    def _read(self, layout: ChunkStore) -> tuple[Outcome, NDArray[np.bool_]] | None:
        """What became of the runs of a layout, and which are done and still true; None if nothing is of use."""
        then, now = layout.experiment.train, self.work.experiment.train
        n_runs = layout.grid.n_runs
        if not any(
            overlap(grid, layout.grid, {**layout.tables, **self.work.experiment.tables})
            for grid in self.work.experiment.grids
        ):
            return None
        whole = Outcome.empty(np.arange(n_runs), n_recorded(layout.experiment))
        usable = np.zeros(n_runs, np.bool_)
        for file in layout.files():
            try:
                part = layout.read_chunk(file)
            except DamagedError as error:
                self.work._set_aside(file.path, str(error))
                continue
            where = slice(file.start, file.stop)
            whole.put(part, where)
            usable[where] = still_true(part, then, now)
        return (whole, usable) if usable.any() else None
