"""What the sections of the page are made of, and how numbers are written in them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

import sweep
from experiments.replication.statistics import NO, YES, wilson

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
NEW = "**new**"
"""Source of what nobody reported before."""

Array = NDArray[np.float64]


class Claim(NamedTuple):
    """One line of the page's first table."""

    source: str
    reported: str
    measured: str
    agrees: str


@dataclass(frozen=True)
class Section:
    """What the page says about one experiment."""

    heading: str
    claims: list[Claim]
    text: list[str]
    figure: Figure
    alt: str


def percent(share: float) -> str:
    """Write a share in percent, with one decimal unless it is 0 or 1."""
    return f"{100 * share:.0f}" if share in (0, 1) else f"{100 * share:.1f}"


def share(k: int, n: int, m: int = 1) -> str:
    """Write a share in percent with its interval, one of m."""
    low, high = wilson(k, n, m)
    return f"{percent(k / n)} % ({percent(low)}–{percent(high)})"


def epochs(value: Any, max_epochs: int) -> str:
    """Write a quantile of the epochs over all runs; one that is missing or infinite is later than the last epoch."""
    return f"> {max_epochs:,}" if pd.isna(value) or value == math.inf else f"{int(value):,}"


def epochs_range(low: Any, median: Any, high: Any, max_epochs: int) -> str:
    """Write median and 5–95 % range of the epochs."""
    if later(low) == math.inf:
        return epochs(low, max_epochs)
    most = f"{max_epochs:,}+" if later(high) == math.inf else f"{int(high):,}"
    return f"{epochs(median, max_epochs)} ({int(low):,}–{most})"


def range_of(row: Any, max_epochs: int) -> str:
    """Write median and 5–95 % range of the epochs of a row of a summary."""
    return epochs_range(row.epochs_q05, row.epochs_q50, row.epochs_q95, max_epochs)


def in_range(row: Any, value: float) -> str:
    """Tell if a value lies within the 5–95 % range of the epochs; a missing end is later than any."""
    return YES if later(row.epochs_q05) <= value <= later(row.epochs_q95) else NO


def later(quantile: Any) -> float:
    """Read a quantile of the epochs as a number: a missing one is later than any."""
    return math.inf if pd.isna(quantile) else float(quantile)


def all_epochs(runs: pd.DataFrame) -> Array:
    """The epochs at which runs converged, ∞ for those that did not."""
    return runs["converged_epoch"].to_numpy(np.float64, na_value=np.inf)


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """Rows with their columns as attributes."""
    return list(frame.itertuples())


def groups(frame: pd.DataFrame, keys: str | list[str]) -> list[tuple[Any, pd.DataFrame]]:
    """The parts of a table with equal keys."""
    return list(frame.groupby(keys, observed=True))


def their_rate(update: str, rate: float) -> float:
    """Our learning rate in terms of ½ Σ (target − output)²: batch updates sum over four rows, online ones take one."""
    return rate / 2 if update == "batch" else 2 * rate


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def trained(result: sweep.Result) -> Mapping[str, Any]:
    """The [train] table of a result."""
    return cast(Mapping[str, Any], result.manifest["experiment"]["train"])


def runs_each(summary: pd.DataFrame) -> str:
    """Write the number of runs per setting."""
    least, most = summary["n"].min(), summary["n"].max()
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"
