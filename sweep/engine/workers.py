"""Number and kind of workers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workers:
    """Number and kind of workers; no result depends on them.

    Attributes
    ----------
    jobs
        Workers at a time; −1 is one per core. A cluster has as many as it has.
    backend
        "threading", "loky" for processes, "dask" for a cluster.
    scheduler
        With "dask", the address of the cluster's scheduler.
    chunk_size
        Runs that a worker takes at a time; None for as many as take a fraction of a second.
    """

    jobs: int = -1
    backend: str = "threading"
    scheduler: str | None = None
    chunk_size: int | None = None

    @property
    def n_jobs(self) -> int:
        """Workers of this machine at a time."""
        import joblib

        return int(joblib.effective_n_jobs(self.jobs))
