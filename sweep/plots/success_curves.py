"""Success curves: the share of all runs that have converged by each epoch."""

from dataclasses import replace

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.plots.drawing.canvas import panels
from sweep.plots.drawing.lines import band, plot
from sweep.plots.drawing.looks import check_runs, handle, looks_of_names, per
from sweep.plots.drawing.marks import Drawing, figure_of
from sweep.plots.drawing.scales import ZERO, ends_inward, log_scale, percent_ticks, zero_if
from sweep.plots.drawing.style import styled
from sweep.words import assignment, joined, label

Array = NDArray[np.float64]


@styled
def success_curves(findings: Findings) -> Drawing:
    """Draw the share of all runs that have converged by epoch t, with a pointwise 95 % Wilson interval.

    Runs that diverged, or did not converge within max_epochs, never do. A curve that counts several settings together
    has no interval: these are no repetitions.
    """
    check_runs(findings)
    curves = findings.success_curves
    layout = curves.layout
    earliest = int(curves.epochs[(curves.converged.sum(axis=(0, 1)) > 0).argmax()])
    t = np.maximum(curves.epochs.astype(np.float64), ZERO)
    limits = max(min(earliest, t[-1] / 100), ZERO) / 1.4, float(t[-1])
    ordered = curves.axis is not None and findings.settings.is_numeric(curves.axis)
    looks = list(looks_of_names(curves.lines, ordered).values())
    legend: list[Artist] = []
    if curves.axis is not None:
        names = [assignment(curves.axis, name) if ordered else name for name in curves.lines]
        legend += [handle(look, name) for look, name in zip(looks, names, strict=True)]
    title = "Share of all runs converged by epoch t" + per(replace(layout, lines=curves.axis))
    title += "".join(f"; {assignment(key, value)}" for key, value in curves.held.items())
    if mixed := [label(key) for key in curves.together if key != "gate" or not layout.by_inputs]:
        title += f"; all values of {joined(mixed)} together"
    all_axes = panels(curves.panels, title, "epoch t", "runs converged", legend)
    for axes, *of_panel in zip(all_axes, curves.shares, *curves.intervals, strict=True):
        for look, share, *ends in zip(looks, *of_panel, strict=True):
            band(axes, look, *_steps(t, *ends))
            if np.isfinite(share).all():
                x, y = _steps(t, share)
                plot(axes, look, x, y)
        axes.set_ylim(-0.05, 1.05)
        percent_ticks(axes.yaxis)
        log_scale(axes, "x", limits, 4, zero_if(earliest))
        ends_inward(axes)
    return figure_of(all_axes[0])


def _steps(t: Array, *curves: Array) -> list[Array]:
    """Return the corners of curves that keep each value until the next epoch, those of their ends included."""
    kept = np.append(True, np.any([curve[1:] != curve[:-1] for curve in curves], axis=0))
    kept[-1] = True
    return [np.repeat(t[kept], 2)[1:], *(np.repeat(curve[kept], 2)[:-1] for curve in curves)]
