"""Take over runs that earlier settings in the same directory have already."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sweep.engine.chunks import Chunk, n_recorded
from sweep.engine.outcome import Outcome
from sweep.engine.pairing import partner_runs, resized, still_true
from sweep.engine.tally import Tally
from sweep.errors import DamagedError
from sweep.spec.experiment import Experiment
from sweep.spec.grid import Grid, overlap
from sweep.store.chunk_store import ChunkFile, ChunkStore

_KEPT_BYTES = 2**27
"""Of chunks that have been read and may be needed again."""

Known = tuple[Outcome | Tally, NDArray[np.bool_]]


class Earlier:
    """Runs of an experiment that stores of earlier settings have, read chunk by chunk when they are asked for.

    `refuse` is called with the name of a chunk file that is not what was written, and what is wrong with it.
    """

    def __init__(self, experiment: Experiment, stores: Sequence[ChunkStore], refuse: Callable[[str, str], None]):
        self.experiment = experiment
        self.refuse = refuse
        self.stores = [store for store in stores if self._may_have_some(store)]
        self._files = {store.name: store.files() for store in self.stores}
        self._kept: OrderedDict[str, Known] = OrderedDict()

    def known(self, chunk: Chunk) -> Known:
        """Find what is known of a chunk: room for all its runs, and which of them are filled in (bool)."""
        grid = self.experiment.grids[chunk.grid]
        runs = np.arange(chunk.start, chunk.stop)
        known: Outcome | Tally = Tally.empty(range(chunk.first + chunk.start, chunk.first + chunk.stop))
        if self.experiment.keep == "runs":
            known = Outcome.room(self.experiment, chunk.first + runs)
        filled = np.zeros(runs.size, np.bool_)
        for store in self.stores:
            numbers = partner_runs(grid, self.experiment.tables, store.grid, store.experiment.tables, runs)
            numbers[filled] = -1
            begins_alike = not self.experiment.train.restart_after or len(grid.seeds) == len(store.grid.seeds)
            files = self._files[store.name]
            owner = np.searchsorted([file.start for file in files], numbers, side="right") - 1
            for at in np.unique(owner[owner >= 0]):
                here = np.flatnonzero((owner == at) & (numbers < files[at].stop))
                if here.size:
                    outcome, usable = self._read(store, files[at])
                    if isinstance(outcome, Tally) and isinstance(known, Tally) and begins_alike:
                        whole, part = _counted(outcome, store.grid, files[at], numbers[here], grid, runs[here])
                        known.put(part)
                        filled[here] = whole
                    elif isinstance(outcome, Outcome) and isinstance(known, Outcome):
                        wanted = numbers[here] - files[at].start
                        if not begins_alike:  # a restart takes the seed so many places further as there are seeds
                            usable = usable & (outcome.extra[:, :1] == 0).all(axis=1)
                        here, wanted = here[usable[wanted]], wanted[usable[wanted]]
                        if not here.size:
                            continue
                        taken = outcome[wanted]
                        taken.curves = resized(taken.curves, n_recorded(self.experiment.train))
                        known.put(taken, here)
                        filled[here] = True
        return known, filled

    def _may_have_some(self, store: ChunkStore) -> bool:
        same = store.experiment.train == self.experiment.train
        if store.experiment.keep != self.experiment.keep or not (same or self.experiment.keep == "runs"):
            return False
        tables = {**store.experiment.tables, **self.experiment.tables}
        return any(overlap(grid, store.grid, tables) for grid in self.experiment.grids)

    def _read(self, store: ChunkStore, file: ChunkFile) -> Known:
        """Read a chunk file, and tell which of its runs would come out the same; none if it is damaged."""
        if file.name in self._kept:
            self._kept.move_to_end(file.name)
            return self._kept[file.name]
        try:
            outcome = store.read_chunk(file)
            usable = np.ones(file.n_runs, np.bool_)
            if isinstance(outcome, Outcome):
                usable = still_true(outcome, store.experiment.train, self.experiment.train)
        except DamagedError as error:
            self.refuse(file.name, str(error))
            outcome = Outcome.room(store.experiment, np.arange(file.start, file.stop))
            usable = np.zeros(file.n_runs, np.bool_)
        self._kept[file.name] = outcome, usable
        while len(self._kept) > 1 and sum(part.n_bytes for part, _ in self._kept.values()) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        return outcome, usable


def _counted(
    tally: Tally, old: Grid, file: ChunkFile, numbers: NDArray[np.int64], grid: Grid, runs: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], Tally]:
    """Take from a tally of a file of `old` what it counts of points all of whose runs in that file are wanted.

    Wanted runs are numbered within `old` and within `grid`. Returns which of them are counted (bool), and their counts
    by points of `grid`.
    """
    n_old = len(old.seeds)
    points, first, of_run, wanted = np.unique(
        numbers // n_old, return_index=True, return_inverse=True, return_counts=True
    )
    n_in_file = np.minimum((points + 1) * n_old, file.stop) - np.maximum(points * n_old, file.start)
    whole = wanted == n_in_file
    if not whole.any():
        return whole[of_run], Tally.empty(tally.runs)
    return whole[of_run], tally.moved(points[whole], runs[first[whole]] // len(grid.seeds))
