"""The edge of stability: up to which learning rate descent settles at the least loss of a table, beside theory's.

Of a table that is not separable, gradient descent is stable at the minimiser below the critical learning rate 2/λ and
ends in cycles beyond it; see `sweep.report.theory.NotSeparable`.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sweep.report.axes import Layout, choose_layout, place, quantiles
from sweep.report.canvas import GREY, bands, log_scale, panels, scale_x, styled
from sweep.report.looks import figure_of, line_handles, looks_of, per
from sweep.report.predictions import covered, with_panels
from sweep.report.result import Result
from sweep.report.settings import grid_keys, n_rows
from sweep.report.tables import QUANTILES
from sweep.report.theory import NotSeparable

SETTLED = 1e-6
"""Nats above the least loss up to which a run counts as settled there."""
MEASURED = "#56B4E9"

Array = NDArray[np.float64]


class Edge(NamedTuple):
    """The edge of stability of one table.

    Attributes
    ----------
    gate, encoding : str
        The table.
    theory : NotSeparable
        What is predicted.
    settled : float or None
        The highest learning rate at which every run ended within `SETTLED` of the least loss.
    unsettled : float or None
        The learning rate from which on no run did.
    above : float
        At the learning rates from `unsettled` on, the most by which a run's final loss is above the least, in nats;
        infinite if one diverged.
    finite : bool
        Whether any run ended with a finite loss.
    """

    gate: str
    encoding: str
    theory: NotSeparable
    settled: float | None
    unsettled: float | None
    above: float
    finite: bool

    @property
    def measured(self) -> float | None:
        """The middle of `settled` and `unsettled`."""
        if self.settled is None or self.unsettled is None:
            return None
        return (self.settled + self.unsettled) / 2

    @property
    def half_width(self) -> float | None:
        """How far `measured` is from either, relative to it."""
        middle = self.measured
        return None if middle is None or self.unsettled is None else (self.unsettled - middle) / middle

    @property
    def difference(self) -> float | None:
        """How far `measured` is from the predicted edge, relative to that."""
        predicted = self.theory.critical_learning_rate
        return None if self.measured is None else self.measured / predicted - 1


def edges(result: Result) -> list[Edge]:
    """The edge of every table that is not separable and whose learning rates lie on both sides of the predicted one.

    The runs of all other settings of a table count together.
    """
    if "learning_rate" not in grid_keys(result) or n_rows(result, "runs") == 0:
        return []
    table = _not_separable(covered(result))
    if len(table) == 0:
        return []
    table = table.join(result.part("summary", ["learning_rate", "n"]).reset_index(drop=True))
    lowest, highest = _extremes(result)
    infimum = np.array([theory.infimum for theory in table["theory"]])
    table = table.assign(lowest=lowest[table.index] - infimum, highest=highest[table.index] - infimum)
    found = []
    for at, of_table in table.groupby(["gate", "encoding"], sort=False, observed=True):
        gate, encoding = map(str, at) if isinstance(at, tuple) else ("", "")
        theory = of_table["theory"].iloc[0]
        by_rate = of_table.groupby("learning_rate").agg({"lowest": "min", "highest": "max"})
        rates = by_rate.index.to_numpy(np.float64)
        across = rates[0] < theory.critical_learning_rate < rates[-1]
        if across and not _stop_before(result, theory):
            found.append(_edge(gate, encoding, theory, rates, by_rate))
    return found


def has_edge(result: Result) -> bool:
    """Whether the figure has something to show."""
    return _has_room(choose_layout(result)) and any(edge.finite for edge in edges(result))


@styled
def stability(result: Result) -> Figure:
    """Draw the final loss over the learning rate, of each table that is not separable, and its predicted edge.

    Lines are the median of the final losses and bands their 5–95 % range. Marked are the least loss that any weights
    have, the critical learning rate that theory predicts, and between which learning rates the measured edge lies.

    Raises
    ------
    ValueError
        If no table has learning rates on both sides of its critical one, or tables are too many to tell apart.
    """
    found = {(edge.gate, edge.encoding): edge for edge in edges(result) if edge.finite}
    layout = _panelled(choose_layout(result))
    if not found or not _has_room(layout):
        raise ValueError(
            "this result has no learning rates on both sides of a critical one, or tables too many to tell apart"
        )
    table = _losses(result, layout, list(found))
    looks = looks_of(table, layout, result)
    names = list(dict.fromkeys(table.sort_values("order", kind="stable")["panel"]))
    legend: list[Artist] = [
        *line_handles(looks, layout, result),
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
        bands(axes, [(look.colour, line["x"], line["q05"], line["q95"]) for look, line in members])
        for look, line in members:
            axes.plot(line["x"], line["q50"], look.style, color=look.colour)
        for key in dict.fromkeys(zip(of_panel["gate"], of_panel["encoding"], strict=True)):
            edge = found[key]
            axes.axhline(edge.theory.infimum, color="#000000", linewidth=1.3, linestyle=(0, (1, 1.2)))
            if edge.settled is not None and edge.unsettled is not None:
                axes.axvspan(edge.settled, edge.unsettled, color=MEASURED, alpha=0.4, linewidth=1)
            predicted = edge.theory.critical_learning_rate
            axes.axvline(predicted, color="#000000", linewidth=1.1)
            axes.annotate(
                f"2/λ = {predicted:.6g}" + (f"\nmeasured:\n{_between(edge)}" if edge.measured is not None else ""),
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


def _has_room(layout: Layout) -> bool:
    """Whether learning rates run along the figure, and every table has lines and panels of its own."""
    return layout.x == "learning_rate" and not layout.by_inputs and "encoding" not in layout.pooled


def _between(edge: Edge) -> str:
    """Between which learning rates the measured edge lies."""
    return f"{edge.settled:.6g} – {edge.unsettled:.6g}"


def _not_separable(table: pd.DataFrame) -> pd.DataFrame:
    return table[[isinstance(theory, NotSeparable) for theory in table["theory"]]]


def _extremes(result: Result) -> tuple[Array, Array]:
    """The lowest and the highest final loss of each setting."""
    loss = result.part("runs", ["final_loss"])["final_loss"].to_numpy()
    n = result.part("summary", ["n"])["n"].to_numpy(np.int64)
    first = np.cumsum(n) - n
    return np.minimum.reduceat(loss, first), np.maximum.reduceat(loss, first)


def _stop_before(result: Result, theory: NotSeparable) -> bool:
    """Whether runs end on their way to the least loss, as the target lies above it."""
    train = result.manifest["experiment"]["train"]
    target = train.get("target_loss")
    above = target is None or target > theory.infimum + SETTLED
    reached = target is None or target > theory.infimum
    return bool(train.get("early_stop", True) and reached and above)


def _edge(gate: str, encoding: str, theory: NotSeparable, rates: Array, by_rate: pd.DataFrame) -> Edge:
    all_settled = (by_rate["highest"] <= SETTLED).to_numpy()
    none_settled = (by_rate["lowest"] > SETTLED).to_numpy()
    last = np.flatnonzero(all_settled)
    first = int(np.flatnonzero(~none_settled)[-1]) + 1 if not none_settled.all() else 0
    beyond = first < len(rates)
    return Edge(
        gate,
        encoding,
        theory,
        float(rates[last[-1]]) if len(last) else None,
        float(rates[first]) if beyond else None,
        float(by_rate["highest"].iloc[first:].max()) if beyond else 0.0,
        bool(np.isfinite(by_rate["lowest"]).any()),
    )


def _panelled(layout: Layout) -> Layout:
    """The same layout, with tables side by side: they have edges of their own."""
    if layout.lines in ("gate", "encoding"):
        return replace(layout, panels=(*layout.panels, layout.lines), lines=None)
    return layout


def _losses(result: Result, layout: Layout, tables: list[tuple[str, str]]) -> pd.DataFrame:
    """The quantiles of the final losses: one row per panel, line and learning rate of some tables.

    Columns panel, line, x, gate, encoding, order (where the panel stands), and q05, q50, q95 in nats.
    """
    columns = list(dict.fromkeys([key for key in (*layout.panels, layout.lines, "learning_rate") if key]))
    names = ["final_loss_q05", "final_loss_q50", "final_loss_q95"]
    rows = _not_separable(with_panels(result, layout, [*columns, *names, "n"]))
    wanted = [pair in tables for pair in zip(rows["gate"].astype(str), rows["encoding"].astype(str), strict=True)]
    rows = rows[wanted]
    line = place(rows[layout.lines]) if layout.lines else pd.Categorical([""]).take(np.zeros(len(rows), np.intp))
    made = pd.DataFrame(
        {
            "panel": rows["panel"].astype(str),
            "line": line,
            "x": rows["learning_rate"].astype("float64"),
            "gate": rows["gate"].astype(str),
            "encoding": rows["encoding"].astype(str),
            "order": _order(rows, layout),
            "q05": rows[names[0]],
            "q50": rows[names[1]],
            "q95": rows[names[2]],
        }
    )
    keys = ["panel", "line", "x"]
    if made.duplicated(keys).any():
        made = _together(result, made, keys)
    return made.sort_values("x", kind="stable", ignore_index=True)


def _order(rows: pd.DataFrame, layout: Layout) -> NDArray[np.int64]:
    """Where the panel of each row stands among the others: in order of the values of its axes."""
    places = [place(rows[key]).cat.codes.to_numpy(np.int64) for key in layout.panels]
    order = np.zeros(len(rows), np.int64)
    for codes in places:
        order = order * (int(codes.max()) + 1) + codes
    return order


def _together(result: Result, made: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The quantiles over the runs of several settings that are drawn as one point."""
    loss = result.part("runs", ["final_loss"])["final_loss"].to_numpy()
    n = result.part("summary", ["n"])["n"].to_numpy(np.int64)
    first = np.cumsum(n) - n
    kept = made.drop_duplicates(keys).set_index(keys, drop=False)
    wanted = [QUANTILES.index(q) for q in (5, 50, 95)]
    for at, rows in made.groupby(keys, observed=True).groups.items():
        runs = np.concatenate([np.arange(first[row], first[row] + n[row]) for row in rows])
        kept.loc[at, ["q05", "q50", "q95"]] = quantiles(loss[runs])[wanted]
    return kept.reset_index(drop=True)
