"""The edge of stability: final losses over the learning rate, and where theory has them leave the least one."""

from dataclasses import replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from sweep.analysis.findings import Findings
from sweep.analysis.stability import Edge
from sweep.plots.drawing.canvas import GREY, panels
from sweep.plots.drawing.lines import band, plot
from sweep.plots.drawing.looks import line_handles, looks_of, per
from sweep.plots.drawing.marks import Drawing, figure_of
from sweep.plots.drawing.scales import log_scale, scale_x
from sweep.plots.drawing.style import styled

MEASURED = "#56B4E9"


@styled
def stability(findings: Findings) -> Drawing:
    """Draw the final loss over the learning rate, of each table that is not separable, and its predicted edge.

    Lines are the median of the final losses and bands their 5–95 % range. Marked are the least loss that any weights
    have, the critical learning rate that theory predicts, and between which learning rates the measured edge lies.

    Raises
    ------
    ValueError
        If no table has learning rates on both sides of its critical one, or tables are too many to tell apart.
    """
    layout, table = findings.edge_layout, findings.edge_losses
    if layout is None or table is None:
        raise ValueError(
            "this result has no learning rates on both sides of a critical one, or tables too many to tell apart"
        )
    found = {(edge.gate, edge.encoding): edge for edge in findings.edges if edge.finite}
    looks = looks_of(list(table["line"].cat.categories), layout, findings.settings)
    names = list(dict.fromkeys(table.sort_values("order", kind="stable")["panel"]))
    legend: list[Artist] = [
        *line_handles(looks, layout, findings.settings),
        Line2D([], [], color="#000000", linewidth=1.1, label="predicted edge 2/λ"),
        Patch(color=MEASURED, alpha=0.4, label="measured edge"),
        Line2D([], [], color="#000000", linewidth=1.3, linestyle=(0, (1, 1.2)), label="least loss of any weights"),
    ]
    title = "Final loss across the edge of stability" + per(replace(layout, by_inputs=False))
    title += ": median and 5–95\N{NO-BREAK SPACE}%"
    all_axes = panels(names, title, "learning rate η", "final loss (nats)", legend)
    losses = table[["q05", "q50", "q95"]].to_numpy()
    losses = losses[np.isfinite(losses)]
    low = min(float(losses.min()), *(edge.theory.infimum for edge in found.values()))
    high = max(float(losses.max()), 1.01 * low)
    for axes, name in zip(all_axes, names, strict=True):
        of_panel = table[table["panel"] == name]
        members = [(look, of_panel[of_panel["line"] == line]) for line, look in looks.items()]
        for look, line in members:
            x, *quantiles = (line[name].to_numpy() for name in ("x", "q05", "q95", "q50"))
            band(axes, look, x, *quantiles[:2])
            plot(axes, look, x, quantiles[2])
        for key in dict.fromkeys(zip(of_panel["gate"], of_panel["encoding"], strict=True)):
            edge = found[key]
            axes.axhline(edge.theory.infimum, color="#000000", linewidth=1.3, linestyle=(0, (1, 1.2)))
            if edge.settled is not None and edge.unsettled is not None:
                axes.axvspan(edge.settled, edge.unsettled, color=MEASURED, alpha=0.4, linewidth=1)
            predicted = edge.theory.critical_learning_rate
            axes.axvline(predicted, color="#000000", linewidth=1.1)
            axes.annotate(
                f"2/λ = {predicted:.6g}" + (f"\nmeasured:\n{_between(edge)}" if edge.measured else ""),
                (min(predicted, edge.settled or predicted), 0.96),
                xycoords=axes.get_xaxis_transform(),
                xytext=(-5, 0),
                textcoords="offset points",
                ha="right",
                va="top",
                color=GREY,
            )
        scale_x(axes, (of_panel if len(names) <= 4 else table)["x"].to_numpy())
        if high > 4 * low:
            log_scale(axes, "y", (low / 1.25, high * 1.25), 4)
        else:
            axes.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
            axes.yaxis.set_major_locator(MaxNLocator(4))
    return figure_of(all_axes[0])


def _between(edge: Edge) -> str:
    """Between which learning rates the measured edge lies."""
    return f"{edge.settled:.6g} – {edge.unsettled:.6g}"
