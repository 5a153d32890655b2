"""Results of a sweep: tables, the experiment that they belong to, and how they were made."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.engine.tally import middle_epochs, middle_losses
from sweep.results.settings import Settings
from sweep.results.statistics import censored
from sweep.spec import schema
from sweep.spec.experiment import Experiment


class Tables(Protocol):
    """Source of the tables of a result: "runs", "summary", and "curves" where losses were recorded."""

    @property
    def complete(self) -> bool:
        """True if the tables are known to hold every run of the experiment."""

    def load(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        """Return a table, or some columns of it; None if there is no such table."""


@dataclass(frozen=True)
class InMemory:
    """Tables in memory."""

    frames: Mapping[str, pd.DataFrame]
    complete = False

    def load(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        """Return a table, or some columns of it; None if there is no such table."""
        frame = self.frames.get(name)
        return frame if frame is None or columns is None else frame[list(columns)]


@dataclass(frozen=True)
class Result:
    """Result of a sweep. A table on disk is read when it is first asked for.

    Attributes
    ----------
    manifest : dict
        Versions, machine, time and checksums, and the experiment as resolved.
    experiment : Experiment
        The experiment whose runs these are.
    path : Path or None
        Its directory, if it is on disk.
    """

    tables: Tables = field(repr=False)
    manifest: Mapping[str, Any] = field(repr=False)
    experiment: Experiment = field(repr=False)
    path: Path | None = None

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run: `run`, the columns of the grid, `seed` and the outcome.

        `status` is one of `sweep.spec.schema.STATUSES`, `epochs` the updates applied, `converged_epoch` missing if
        never, `period` the epochs after which a stationary run's weights come back, missing for others, and
        `final_loss` in nats for bce and ∞ if diverged. `answers` is what the final weights answer to each row of a
        Boolean table, such as "0110"; empty for other tables, and for a run that diverged.
        """
        return self._table("runs")

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per grid point, all seeds together; see `sweep.results.tables.summaries`."""
        return self._table("summary")

    @cached_property
    def curves(self) -> pd.DataFrame | None:
        """Columns `run`, `epoch` and `loss`; None where losses were not recorded."""
        return self.tables.load("curves")

    @cached_property
    def counts(self) -> pd.DataFrame:
        """With ``keep = "summary"``: how many runs of each setting ended alike, and in which bins of epochs and losses.

        See `sweep.results.counting.counts_table`.
        """
        return self._table("counts")

    @property
    def keeps_runs(self) -> bool:
        """True if there is a table of runs, not of counts."""
        return self.experiment.keep == "runs"

    @cached_property
    def settings(self) -> Settings:
        """The setting of each row of the summary."""
        if self.tables.complete:
            return Settings(self.experiment)
        if not self.keeps_runs:
            return Settings(self.experiment, np.unique(self._read("counts", ["run"])["run"]))
        run = self._read("runs", ["run"])["run"].to_numpy(np.int64)
        return Settings(self.experiment, run[self.first_of_rows])

    def to_xarray(self) -> Any:
        """Return the summary as an `xarray.Dataset`: a dimension for each key of the grid that varies.

        Numbers are float64, missing where a union of grids has no such setting. Keys of one value are attributes.

        Raises
        ------
        ImportError
            If xarray is not installed.
        ValueError
            If settings differ in what is no column, such as given weights.
        """
        try:
            import xarray
        except ImportError:
            raise ImportError("to_xarray needs xarray; install it with: pip install xarray") from None
        settings, summary = self.settings, self.summary
        keys = [key for key in settings.keys if settings.varies(key)]
        shape = [len(settings.values(key)) for key in keys]
        cells = (
            np.ravel_multi_index([settings.codes(key) for key in keys], shape) if keys else np.zeros(settings.n, int)
        )
        if len(np.unique(cells)) < settings.n:
            raise ValueError("some settings differ in what is no column, such as given weights; use result.summary")
        found = {}
        for name in summary.columns[len(settings.keys) :]:
            values = np.full(math.prod(shape), np.nan)
            values[cells] = summary[name].to_numpy(np.float64, na_value=np.nan)
            found[name] = keys, values.reshape(shape)
        fixed = {key: settings.values(key)[0] for key in settings.keys if key not in keys and settings.n}
        return xarray.Dataset(found, {key: settings.values(key) for key in keys}, fixed)

    @property
    def n_runs(self) -> int:
        """Number of runs that there are."""
        return self.experiment.n_runs if self.tables.complete else int(self.n.sum())

    @cached_property
    def n(self) -> NDArray[np.integer[Any]]:
        """Number of runs of each row of the summary."""
        return self._read("summary", ["n"])["n"].to_numpy()

    @cached_property
    def n_outcomes(self) -> NDArray[np.integer[Any]]:
        """Number of rows that the table of runs, or of counts, has for each row of the summary."""
        return self.n if self.keeps_runs else np.unique(self._read("counts", ["run"])["run"], return_counts=True)[1]

    @property
    def first_of_rows(self) -> NDArray[np.int64]:
        """The row of the table of runs, or of counts, at which those of each row of the summary begin."""
        return np.cumsum(self.n_outcomes, dtype=np.int64) - self.n_outcomes

    def of_runs(self, values: NDArray[Any]) -> NDArray[Any]:
        """Repeat a value of each row of the summary for all of its runs, or counts."""
        n = self.n_outcomes
        return np.repeat(values, n if len(n) == 0 or n.min() < n.max() else int(n[0]))

    def epochs_of_runs(self) -> NDArray[np.float64]:
        """Return the epoch at which each run, or the runs of each count, converged; infinite for the others."""
        runs = self.outcomes(["status", "converged_epoch"])
        epochs = censored(runs["converged_epoch"])
        epochs[(runs["status"] != "converged").to_numpy()] = np.inf
        return epochs

    def outcomes(self, columns: Sequence[str]) -> pd.DataFrame:
        """Return `status`, `converged_epoch` or `final_loss` of each run; of a count, the middles of its bins."""
        if self.keeps_runs:
            return self.part("runs", columns)
        counts = self._read("counts", schema.COUNTS)
        found: dict[str, Any] = {"status": counts["status"]}
        low, high = (counts[name].to_numpy(np.int64, na_value=-1) for name in ("epoch_low", "epoch_high"))
        found["converged_epoch"] = pd.array(middle_epochs(low, high), "Int64")
        found["converged_epoch"][low < 0] = pd.NA
        found["final_loss"] = middle_losses(*(counts[name].to_numpy() for name in ("loss_low", "loss_high")))
        return pd.DataFrame({name: found[name] for name in columns}, copy=False)

    @property
    def weights(self) -> NDArray[np.int64] | None:
        """Number of runs of each count; None where there are single runs."""
        return None if self.keeps_runs else self._read("counts", ["n"])["n"].to_numpy(np.int64)

    def part(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """Return some columns of a table, without reading the others; keys of the grid are not read at all."""
        settings = self.settings
        keys = [] if name == "curves" else [key for key in columns if key in self.experiment.grids[0].values]
        read = self._read(name, [column for column in columns if column not in keys])
        if not keys:
            return read
        found: dict[str, Any] = {column: read[column].array for column in columns if column not in keys}
        for key in keys:
            codes = settings.codes(key)
            found[key] = settings.decoded(key, codes if name == "summary" else self.of_runs(codes))
        return pd.DataFrame({column: found[column] for column in columns}, copy=False)

    def _read(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        if name in vars(self):
            frame: pd.DataFrame = getattr(self, name)
            return frame[list(columns)]
        return self._table(name, columns)

    def _table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        frame = self.tables.load(name, columns)
        if frame is None:
            kept = "" if self.keeps_runs else ': keep = "summary" kept counts instead'
            raise ValueError(f"this result has no table of {name}{kept}")
        return frame
