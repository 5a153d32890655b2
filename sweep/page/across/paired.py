"""Two results compared: the share of runs that converged, setting by setting, and the epochs of runs, pair by pair."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sweep.plots.drawing.canvas import colour_bar, panels
from sweep.plots.drawing.scales import log_scale, percent_ticks
from sweep.plots.drawing.style import styled

COLOUR = "#0072b2"


@styled
def paired_shares(counts: NDArray[np.int64], names: Sequence[str]) -> Figure:
    """Draw the share of runs that converged in one result over that in the other, a dot for each setting.

    Parameters
    ----------
    counts : int64, shape (n_settings, 3)
        Runs that both results have, and how many of them converged in the first and in the second.
    names
        Of the results.
    """
    (axes,) = panels(
        [""], "Runs that converged, setting by setting", f"in {names[0]}", f"in {names[1]}", [], square=True
    )
    shares = counts[:, 1:] / counts[:, :1]
    places, n = np.unique(shares, axis=0, return_counts=True)
    axes.plot([0, 1], [0, 1], color="#777777", linewidth=1, zorder=1)
    axes.scatter(
        places[:, 0], places[:, 1], s=30 * np.sqrt(n), color=COLOUR, alpha=0.6, linewidths=0, clip_on=False, zorder=2
    )
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    percent_ticks(axes.xaxis)
    percent_ticks(axes.yaxis)
    return axes.figure  # type: ignore[return-value]


@styled
def paired_epochs(counts: NDArray[np.int64], edges: NDArray[np.float64], names: Sequence[str]) -> Figure:
    """Draw the epoch of convergence in one result over that in the other, for runs that converged in both.

    Parameters
    ----------
    counts : int64, shape (n_bins, n_bins)
        Runs by the bin of their epoch in the first and in the second.
    edges : float64, shape (n_bins + 1,)
        Of the bins, in epochs.
    names
        Of the results.
    """
    title = "Epochs to convergence, run by run"
    (axes,) = panels([""], title, f"epochs in {names[0]}", f"epochs in {names[1]}", [], square=True)
    seen = np.flatnonzero(counts.sum(0) + counts.sum(1))
    limits = float(edges[seen[0]]), float(edges[seen[-1] + 1])
    shown = np.ma.masked_equal(counts.T, 0)
    norm = LogNorm(1, max(2, counts.max()))
    mesh = axes.pcolormesh(edges, edges, shown, norm=norm, cmap="viridis_r", rasterized=True, zorder=2)
    axes.plot(limits, limits, color="#777777", linewidth=1, zorder=3)
    log_scale(axes, "x", limits, 5)
    log_scale(axes, "y", limits, 5)
    bar = colour_bar(axes.figure, "runs")  # type: ignore[arg-type]
    axes.figure.colorbar(mesh, cax=bar)
    bar.yaxis.set_minor_locator(MaxNLocator(1))
    return axes.figure  # type: ignore[return-value]
