"""Number and kind of workers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workers:
    """Number and kind of workers, as parameters of `sweep.api.run`; no result depends on them.

    A cluster has as many as it has.
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
