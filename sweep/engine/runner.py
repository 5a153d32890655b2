"""Chunks over cores, processes or a cluster, by joblib's backends."""

import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from sweep.engine.chunks import Chunk
from sweep.engine.outcome import Outcome
from sweep.engine.training import train_chunk
from sweep.errors import WorkerError
from sweep.kernel import NUMERICS
from sweep.spec.experiment import Experiment

_WAITING_PER_JOB = 4
"""Chunks, for each thread, that are in work or wait to be kept: so memory stays flat however slow the disk is.

Processes have no such limit: what they send takes about as long to arrive as to be kept."""
_SECONDS_TO_CONNECT = 10


Task = tuple[Chunk, NDArray[np.bool_] | None]
"""A chunk and which of its runs are to be trained, all by default."""


def train(
    experiment: Experiment,
    tasks: Iterable[Task],
    jobs: int = -1,
    backend: str = "threading",
    scheduler: str | None = None,
) -> Iterator[tuple[Chunk, Outcome]]:
    """Train chunks, and give each with what became of its runs as it is finished, in any order.

    Parameters
    ----------
    experiment
    tasks
        Each is taken when a worker is about to be free.
    jobs
        Workers at a time; −1 is one per core. A cluster has as many as it has.
    backend
        joblib's: "threading", "loky" for processes, "dask" for a cluster. It changes no result.
    scheduler
        With "dask", the address of the cluster's scheduler.

    Raises
    ------
    WorkerError
        If workers died or cannot be reached.
    """
    with _connected(backend, scheduler) as client:
        n_jobs = joblib.effective_n_jobs(jobs) if client is None else max(1, sum(client.ncores().values()))
        room = threading.Semaphore(_WAITING_PER_JOB * n_jobs)

        def train_when_there_is_room(*task: Any) -> tuple[Chunk, Outcome | Exception]:
            room.acquire()
            return _guarded(*task)

        call = joblib.delayed(train_when_there_is_room if backend == "threading" else _guarded)
        calls = (call(experiment, chunk, missing) for chunk, missing in tasks)
        options = {} if client is None else {"client": client}
        try:
            with joblib.parallel_config(backend, **options):
                parallel = joblib.Parallel(
                    n_jobs=jobs if client is None else -1, return_as="generator_unordered", batch_size=1
                )
                outcomes = parallel(calls)
                try:
                    for chunk, outcome in outcomes:
                        room.release()
                        if isinstance(outcome, BaseException):
                            raise outcome
                        yield chunk, outcome
                finally:
                    with warnings.catch_warnings():  # joblib's, that not all of them were wanted
                        warnings.simplefilter("ignore")
                        outcomes.close()
        except MemoryError:
            raise WorkerError("a worker ran out of memory; run again with fewer --jobs") from None
        except Exception as error:
            if died := _death(error):
                raise WorkerError(died) from None
            raise


def _guarded(
    experiment: Experiment, chunk: Chunk, missing: NDArray[np.bool_] | None
) -> tuple[Chunk, Outcome | Exception]:
    """A failure travels as a value: not every backend passes on what is raised."""
    try:
        return chunk, train_chunk(experiment, chunk, missing)
    except Exception as error:
        return chunk, error


def _death(error: Exception) -> str | None:
    """What to say of a worker's death, if that is what the error is."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"TerminatedWorkerError", "BrokenProcessPool"}:
        return (
            "a worker process was killed, possibly because the machine ran out of memory; "
            "run again, with fewer --jobs if it was"
        )
    if names & {"KilledWorker"}:
        return "one chunk has ended several of the cluster's workers; look at their logs"
    if names & {"CommClosedError", "CancelledError", "FutureCancelledError"}:
        return "the connection to the cluster's scheduler was lost"
    return None


def _connected(backend: str, scheduler: str | None) -> AbstractContextManager[Any]:
    """A client of the cluster, if that is where the work goes."""
    if backend != "dask":
        return nullcontext()
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise WorkerError("dask is not installed; install it with: pip install 'sweep[dask]'") from None
    try:
        client = distributed.Client(scheduler, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise WorkerError(f"no dask scheduler answers at {scheduler} ({error})") from None
    try:
        client.wait_for_workers(1, timeout=_SECONDS_TO_CONNECT)
        versions = client.run(_numerics)
    except TimeoutError:
        client.close()
        raise WorkerError(f"the dask scheduler at {scheduler} has no workers; start one: dask worker ADDRESS") from None
    except Exception as error:
        client.close()
        raise WorkerError(f"the workers at {scheduler} cannot run sweep ({error}); install it there as well") from None
    if others := {worker: version for worker, version in versions.items() if version != NUMERICS}:
        client.close()
        worker, version = next(iter(others.items()))
        raise WorkerError(f"worker {worker} has version {version} of the arithmetic, not {NUMERICS}; update it")
    connected: AbstractContextManager[Any] = client
    return connected


def _numerics() -> int:
    return NUMERICS
