"""What a sweep found, to be looked at from Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import pandas as pd

from sweep.spec.experiment import Experiment


class Tables(Protocol):
    """Where the tables of a result come from: "runs", "summary", and "curves" where losses were recorded."""

    def load(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        """A table, or some columns of it; None if there is no such table."""


@dataclass(frozen=True)
class InMemory:
    """Tables that are there already."""

    frames: Mapping[str, pd.DataFrame | None]

    def load(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
        """A table, or some columns of it."""
        frame = self.frames[name]
        return frame if frame is None or columns is None else frame[list(columns)]


@dataclass(frozen=True)
class Result:
    """What a sweep found. Of one on disk, a table is read when it is first asked for.

    Attributes
    ----------
    manifest : dict
        Versions, machine, time and checksums, and the experiment as resolved.
    experiment : Experiment
        The experiment whose runs these are.
    path : Path or None
        Where it lies on disk.
    """

    tables: Tables = field(repr=False)
    manifest: Mapping[str, Any] = field(repr=False)
    experiment: Experiment = field(repr=False)
    path: Path | None = None

    @classmethod
    def of(
        cls,
        runs: pd.DataFrame,
        summary: pd.DataFrame,
        curves: pd.DataFrame | None,
        manifest: Mapping[str, Any],
        experiment: Experiment,
    ) -> Self:
        """A result in memory."""
        return cls(InMemory({"runs": runs, "summary": summary, "curves": curves}), manifest, experiment)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run: `run`, the columns of the grid, `seed` and what became of it.

        `status` is one of `sweep.kernel.STATUSES`, `epochs` the updates applied, `converged_epoch` missing if never,
        `period` the epochs after which a stationary run's weights come back, missing for others, and `final_loss` in
        nats for bce and ∞ if diverged.
        """
        return self._table("runs")

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per grid point, all seeds together; see `sweep.results.tables.summaries`."""
        return self._table("summary")

    @cached_property
    def curves(self) -> pd.DataFrame | None:
        """`run`, `epoch`, `loss` where losses were recorded."""
        return self.tables.load("curves")

    def part(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of a table, without reading the others."""
        if name in vars(self):
            frame: pd.DataFrame = getattr(self, name)
            return frame[list(columns)]
        return self._table(name, columns)

    def _repr_html_(self) -> str:
        """What a notebook shows: the question, its answer, the main figure, how often runs converged."""
        from sweep.page.notebook import shown

        return shown(self)

    def _table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        frame = self.tables.load(name, columns)
        if frame is None:
            raise ValueError(f"this result has no table of {name}")
        return frame
