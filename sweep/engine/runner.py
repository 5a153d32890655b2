"""Spread chunks over threads, over processes by joblib, or over a cluster."""

import itertools
import os
import signal
import warnings
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.engine.chunks import Chunk
from sweep.engine.copies import end_with, in_copies
from sweep.engine.estimate import chunks_in_work
from sweep.engine.outcome import Outcome
from sweep.engine.tally import Tally
from sweep.engine.training import plans_of, train_chunk
from sweep.engine.workers import Workers
from sweep.errors import WorkerError
from sweep.kernel import NUMERICS
from sweep.kernel.compiled import uncompiled
from sweep.spec.experiment import Experiment
from sweep.spec.inits import parse

_SECONDS_TO_CONNECT = 10
_MOST_PIECES = 200


Task = tuple[Chunk, NDArray[np.bool_] | None]
"""A chunk and the runs of it to train, None for all."""
Ended = tuple[Chunk, Outcome | Tally | Exception]
Results = Generator[Ended, None, None]


def train(experiment: Experiment, tasks: Iterable[Task], workers: Workers) -> Iterator[tuple[Chunk, Outcome | Tally]]:
    """Train chunks, and give each with what became of its runs as it is finished, in any order.

    A task is taken when a worker is about to be free. `WorkerError` if workers died or cannot be reached.
    """
    spread = {"threading": _in_threads, "loky": _in_processes, "dask": _on_cluster}[workers.backend]
    outcomes = spread(experiment, tasks, workers)
    try:
        for chunk, outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            yield chunk, outcome
    except MemoryError:
        raise WorkerError("a worker ran out of memory; run again with fewer --jobs") from None
    except Exception as error:
        if died := _death(error):
            raise WorkerError(died) from None
        raise
    finally:
        outcomes.close()


def compile_ahead(experiment: Experiment, n: int) -> None:
    """Compile what training takes and is not on disk yet, in n processes, which are copies of this one.

    Numba compiles one function at a time in a process. What fails here, training will meet again.
    """
    drawn = any(parse(init).random for grid in experiment.grids for init in grid.values["init"])
    with suppress(Exception):
        pieces: Any = uncompiled(plans_of(experiment), experiment.train.detect_stationary, drawn)  # type: ignore[no-untyped-call]
        in_copies(pieces[:_MOST_PIECES], n)


def _in_threads(experiment: Experiment, tasks: Iterable[Task], workers: Workers) -> Results:
    """Train in threads of this process; a single job in the calling thread.

    Not by joblib, which looks for results a hundred times a second only.
    """
    if workers.n_jobs == 1:
        yield from (_guarded(experiment, *task) for task in tasks)
        return
    pool = ThreadPoolExecutor(workers.n_jobs)
    calls = (pool.submit(_guarded, experiment, *task) for task in tasks)
    running = set(itertools.islice(calls, chunks_in_work(workers.n_jobs)))
    try:
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for result in sorted((call.result() for call in done), key=_order):
                yield result
                running |= set(itertools.islice(calls, 1))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _in_processes(experiment: Experiment, tasks: Iterable[Task], workers: Workers) -> Results:
    """Train in processes of this machine."""
    import joblib

    _start_trackers()
    with joblib.parallel_config("loky", initializer=end_with, initargs=(os.getpid(),)):
        parallel = joblib.Parallel(n_jobs=workers.jobs, return_as="generator_unordered", batch_size=1)
        results = parallel(joblib.delayed(_guarded)(experiment, *task) for task in tasks)
        try:
            yield from results
        finally:
            with warnings.catch_warnings():  # joblib's, that not all of them were wanted
                warnings.simplefilter("ignore")
                results.close()


def _on_cluster(experiment: Experiment, tasks: Iterable[Task], workers: Workers) -> Results:
    """Train on the workers of a cluster.

    Not by joblib's backend, which waits for ever for a chunk that has ended the workers that took it.
    """
    with _connected(workers.scheduler) as client:
        shared = client.submit(_itself, experiment, pure=False)
        calls = (client.submit(_guarded, shared, chunk, missing, pure=False) for chunk, missing in tasks)
        first = itertools.islice(calls, chunks_in_work(max(1, sum(client.ncores().values()))))
        running = import_module("distributed").as_completed(first, loop=client.loop)
        for call in running:
            yield call.result()
            for another in itertools.islice(calls, 1):
                running.add(another)


def _itself(experiment: Experiment) -> Experiment:
    """Return an experiment: a task whose result a cluster makes again if the worker that has it is lost."""
    return experiment


def _guarded(experiment: Experiment, chunk: Chunk, missing: NDArray[np.bool_] | None) -> Ended:
    """Train a chunk; a failure travels as a value, since not every backend passes on what is raised."""
    try:
        return chunk, train_chunk(experiment, chunk, missing)
    except Exception as error:
        return chunk, error


def _order(result: Ended) -> tuple[bool, int]:
    """Put what has been finished at the same time into the order of its runs, failures last."""
    chunk, outcome = result
    return isinstance(outcome, Exception), chunk.first + chunk.start


def _start_trackers() -> None:
    """Start the helpers that clean up behind worker processes.

    They come before the workers because starting them unblocks Ctrl-C in this thread, and workers inherit what is
    blocked: they shall not end at Ctrl-C, with a traceback each, but with their parent.
    """
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    for name in ("multiprocessing.resource_tracker", "joblib.externals.loky.backend.resource_tracker"):
        with suppress(ImportError, AttributeError):
            import_module(name).ensure_running()
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _death(error: Exception) -> str | None:
    """Describe the death of a worker; None for any other error."""
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


@contextmanager
def _connected(scheduler: str | None) -> Iterator[Any]:
    """Connect to a cluster all of whose workers have this version of the arithmetic."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise WorkerError("dask is not installed; install it with: pip install 'sweep[dask]'") from None
    try:
        client = distributed.Client(scheduler, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise WorkerError(f"no dask scheduler answers at {scheduler} ({error})") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS_TO_CONNECT)
            versions = client.run(_numerics)
        except TimeoutError:
            advice = "start one: dask worker ADDRESS"
            raise WorkerError(f"the dask scheduler at {scheduler} has no workers; {advice}") from None
        except Exception as error:
            advice = "install it there as well"
            raise WorkerError(f"the workers at {scheduler} cannot run sweep ({error}); {advice}") from None
        for worker, version in versions.items():
            if version != NUMERICS:
                raise WorkerError(f"worker {worker} has version {version} of the arithmetic, not {NUMERICS}; update it")
        yield client


def _numerics() -> int:
    return NUMERICS
