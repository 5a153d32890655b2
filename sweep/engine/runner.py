"""From an experiment to the outcome of every run, over all cores."""

from collections.abc import Callable

import joblib

from sweep.engine.chunks import chunks_of
from sweep.engine.outcome import Outcome
from sweep.engine.training import n_recorded, train_chunk
from sweep.spec.experiment import Experiment


def run(
    experiment: Experiment,
    jobs: int = -1,
    backend: str = "threading",
    chunk_size: int | None = None,
    on_chunk: Callable[[Outcome], None] | None = None,
) -> Outcome:
    """Train every run of an experiment.

    Parameters
    ----------
    experiment
    jobs
        Workers at a time; −1 is one per core.
    backend
        joblib's: "threading", or "loky" for processes.
    chunk_size
        As in `chunks_of`. Like `jobs` and `backend` it changes no result.
    on_chunk
        Called with the outcome of each chunk as it is finished, in any order, from the calling thread.
    """
    total = Outcome.empty(0, experiment.n_runs, n_recorded(experiment))
    parallel = joblib.Parallel(n_jobs=jobs, backend=backend, return_as="generator_unordered")
    for part in parallel(joblib.delayed(train_chunk)(experiment, chunk) for chunk in chunks_of(experiment, chunk_size)):
        total.put(part, slice(part.start, part.start + part.n_runs))
        if on_chunk:
            on_chunk(part)
    return total
