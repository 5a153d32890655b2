"""Edge of stability: the learning rate up to which descent settles at the least loss of a table, beside theory's.

For a table that is not separable, gradient descent is stable at the minimiser below the critical learning rate 2/λ and
ends in cycles beyond it; see `sweep.spec.theory.NotSeparable`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.layout import Layout
from sweep.analysis.names import values_by_name
from sweep.analysis.predictions import with_columns, with_panels
from sweep.results.result import Result
from sweep.results.settings import Settings
from sweep.results.statistics import quantiles
from sweep.spec.keys import Train
from sweep.spec.schema import QUANTILES
from sweep.spec.theory import NotSeparable

SETTLED = 1e-6
"""Nats above the least loss up to which a run counts as settled there."""

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]


class Edge(NamedTuple):
    """Edge of stability of one table.

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
    n_beyond, n_cycles : int
        Runs at the learning rates from `unsettled` on, and those of them seen to end in a cycle: their weights come
        back bit for bit, after two epochs or more.
    """

    gate: str
    encoding: str
    theory: NotSeparable
    settled: float | None
    unsettled: float | None
    above: float
    finite: bool
    n_beyond: int
    n_cycles: int

    @property
    def half_width(self) -> float | None:
        """Half the distance between `settled` and `unsettled`, relative to their middle."""
        if self.settled is None or self.unsettled is None:
            return None
        return (self.unsettled - self.settled) / (self.unsettled + self.settled)

    @property
    def measured(self) -> bool:
        """True if both ends of the edge were found."""
        return self.half_width is not None


def edges(result: Result, covered: pd.DataFrame) -> list[Edge]:
    """Find the edge of every table that is not separable and has learning rates on both sides of the predicted one.

    The runs of all other settings of a table count together.
    """
    table = _not_separable(covered)
    if len(table) == 0:
        return []
    table = with_columns(result, table, ["learning_rate"])
    lowest, highest, n, n_cycles = _ends(result)
    infimum = np.array([theory.infimum for theory in table["theory"]])
    table = table.assign(lowest=lowest[table.index] - infimum, highest=highest[table.index] - infimum)
    table = table.assign(n=n[table.index], n_cycles=n_cycles[table.index])
    found = []
    for at, of_table in table.groupby(["gate", "encoding"], sort=False, observed=True):
        gate, encoding = map(str, at) if isinstance(at, tuple) else ("", "")
        theory = of_table["theory"].iloc[0]
        by_rate = of_table.groupby("learning_rate").agg(
            {"lowest": "min", "highest": "max", "n": "sum", "n_cycles": "sum"}
        )
        rates = by_rate.index.to_numpy(np.float64)
        across = rates[0] < theory.critical_learning_rate < rates[-1]
        if across and not _stop_before(result.experiment.train, theory):
            found.append(_edge(gate, encoding, theory, rates, by_rate))
    return found


class Below(NamedTuple):
    """Runs below the critical learning rate of tables that are not separable.

    Attributes
    ----------
    n, n_cycles : int
        Runs, and those of them seen to end in a cycle: their weights come back bit for bit, after two epochs or more,
        and their loss is more than `SETTLED` above the least. Closer to it, weights alternate by rounding alone.
    n_tables : int
    with_cycles : list of str
        Gates of the tables that have such runs.
    """

    n: int
    n_cycles: int
    n_tables: int
    with_cycles: list[str]


def below(result: Result, covered: pd.DataFrame) -> Below | None:
    """Count the runs below the critical learning rate of their table that end in cycles; None where there are none."""
    table = with_columns(result, _not_separable(covered), ["learning_rate"])
    table = table[table["learning_rate"] < np.array([theory.critical_learning_rate for theory in table["theory"]])]
    if len(table) == 0:
        return None
    summary, runs = result.part("summary", ["n"]), result.part("runs", ["final_loss", "period"])
    bound = np.full(len(summary), np.inf)
    bound[table.index] = [theory.infimum + SETTLED for theory in table["theory"]]
    is_cycle = (runs["period"].to_numpy(np.int64, na_value=0) > 1) & (
        runs["final_loss"].to_numpy() > result.of_runs(bound)
    )
    n_cycles = np.add.reduceat(is_cycle, result.first_of_rows, dtype=np.int64)
    counts = table.assign(n=summary["n"].to_numpy()[table.index], n_cycles=n_cycles[table.index])
    by_table = counts.groupby(["gate", "encoding"], observed=True)["n_cycles"].sum()
    with_cycles = [str(gate) for gate, _ in by_table.index[by_table > 0]]
    return Below(int(counts["n"].sum()), int(by_table.sum()), len(by_table), with_cycles)


def edge_layout(layout: Layout, found: Sequence[Edge]) -> Layout | None:
    """Lay out the final losses across the edges, tables side by side; None where there is nothing to show.

    Learning rates run along the figure, and every table has lines and panels of its own.
    """
    room = layout.x == "learning_rate" and not layout.by_inputs and "encoding" not in layout.pooled
    if not room or not any(edge.finite for edge in found):
        return None
    if layout.lines in ("gate", "encoding"):  # which have edges of their own
        return replace(layout, panels=(*layout.panels, layout.lines), lines=None)
    return layout


def _not_separable(table: pd.DataFrame) -> pd.DataFrame:
    return table[[isinstance(theory, NotSeparable) for theory in table["theory"]]]


def _ends(result: Result) -> tuple[Array, Array, Numbers, Numbers]:
    """The lowest and the highest final loss of each setting, its runs, and those whose weights come back in a cycle."""
    runs = result.part("runs", ["final_loss", "period"])
    n, first = result.part("summary", ["n"])["n"].to_numpy(np.int64), result.first_of_rows
    loss, cycles = runs["final_loss"].to_numpy(), runs["period"].to_numpy(np.int64, na_value=0) > 1
    counts = np.add.reduceat(cycles, first, dtype=np.int64)
    return np.minimum.reduceat(loss, first), np.maximum.reduceat(loss, first), n, counts


def _stop_before(train: Train, theory: NotSeparable) -> bool:
    """Return True if runs end on their way to the least loss, as the target lies above it."""
    target = train.target_loss
    above = target is None or target > theory.infimum + SETTLED
    reached = target is None or target > theory.infimum
    return bool(train.early_stop and reached and above)


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
        int(by_rate["n"].iloc[first:].sum()),
        int(by_rate["n_cycles"].iloc[first:].sum()),
    )


def losses_across(result: Result, covered: pd.DataFrame, layout: Layout, found: Sequence[Edge]) -> pd.DataFrame:
    """Take quantiles of the final losses: one row per panel, line and learning rate of the tables of some edges.

    Columns panel, line, x, gate, encoding, order (where the panel stands), and q05, q50, q95 in nats.
    """
    names = ["final_loss_q05", "final_loss_q50", "final_loss_q95"]
    tables = {(edge.gate, edge.encoding) for edge in found if edge.finite}
    rows = _not_separable(with_panels(result, with_columns(result, covered, [*layout.axes, *names]), layout))
    wanted = [pair in tables for pair in zip(rows["gate"].astype(str), rows["encoding"].astype(str), strict=True)]
    rows = rows[wanted]
    if layout.lines:
        codes, lines = values_by_name(result.settings, layout.lines)
        line = pd.Categorical.from_codes(codes[rows.index], categories=pd.Index(lines)).remove_unused_categories()
    else:
        line = pd.Categorical([""]).take(np.zeros(len(rows), np.intp))
    made = pd.DataFrame(
        {
            "panel": rows["panel"].astype(str),
            "line": line,
            "x": rows["learning_rate"].astype("float64"),
            "gate": rows["gate"].astype(str),
            "encoding": rows["encoding"].astype(str),
            "order": _order(result.settings, rows, layout),
            "q05": rows[names[0]],
            "q50": rows[names[1]],
            "q95": rows[names[2]],
        }
    )
    keys = ["panel", "line", "x"]
    if made.duplicated(keys).any():
        made = _together(result, made, keys)
    return made.sort_values("x", kind="stable", ignore_index=True)


def _order(settings: Settings, rows: pd.DataFrame, layout: Layout) -> NDArray[np.int64]:
    """Return where the panel of each row stands among the others: in order of the values of its axes."""
    order = np.zeros(len(rows), np.int64)
    for key in layout.panels:
        codes, names = values_by_name(settings, key)
        order = order * len(names) + codes[rows.index]
    return order


def _together(result: Result, made: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Take the quantiles over the runs of several settings that are drawn as one point."""
    loss = result.part("runs", ["final_loss"])["final_loss"].to_numpy()
    first, n = result.first_of_rows, result.n
    kept = made.drop_duplicates(keys).set_index(keys, drop=False)
    wanted = [QUANTILES.index(q) for q in (5, 50, 95)]
    for at, rows in made.groupby(keys, observed=True).groups.items():
        runs = np.concatenate([np.arange(first[row], first[row] + n[row]) for row in rows])
        kept.loc[at, ["q05", "q50", "q95"]] = quantiles(loss[runs])[wanted]
    return kept.reset_index(drop=True)
