"""Edge of stability: the learning rate up to which descent settles at the least loss of a table, beside theory's.

For a table that is not separable, gradient descent is stable at the minimiser below the critical learning rate 2/λ and
ends in cycles beyond it; see `sweep.spec.theory.NotSeparable`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from sweep.analysis.groups import members, quantiles_over_runs
from sweep.analysis.layout import Layout
from sweep.analysis.names import combinations, values_by_name
from sweep.results.result import Result
from sweep.spec.keys import Train
from sweep.spec.schema import LOSS_QUANTILES
from sweep.spec.theory import NotSeparable

SETTLED = 1e-6
"""Nats above the least loss up to which a run counts as settled there."""


class Edge(NamedTuple):
    """Edge of stability of one table.

    Attributes
    ----------
    settled
        The highest learning rate at which every run ended within `SETTLED` of the least loss, if there is one.
    unsettled
        The learning rate from which on no run did.
    finite
        Whether any run ended with a finite loss.
    n_beyond, n_cycles
        Runs at the learning rates from `unsettled` on, and those of them seen to end in a cycle: their weights come
        back bit for bit, after two epochs or more.
    """

    gate: str
    encoding: str
    theory: NotSeparable
    settled: float | None
    unsettled: float | None
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
    found = []
    for _, of_table in _ends(result, covered).groupby(["gate", "encoding"], sort=False, observed=True):
        gate, encoding, theory = of_table.iloc[0][["gate", "encoding", "theory"]]
        sums = {"lowest": "min", "highest": "max", "n": "sum", "n_cycles": "sum"}
        by_rate = of_table.groupby("learning_rate").agg(sums)
        across = by_rate.index[0] < theory.critical_learning_rate < by_rate.index[-1]
        if across and not _stop_before(result.experiment.train, theory):
            found.append(_edge(str(gate), str(encoding), theory, by_rate))
    return found


class Below(NamedTuple):
    """Runs below the critical learning rate of tables that are not separable, and gates whose runs end in a cycle.

    In a cycle, weights come back bit for bit, after two epochs or more, and the loss is more than `SETTLED` above the
    least. Closer to it, weights alternate by rounding alone.
    """

    n: int
    n_cycles: int
    n_tables: int
    with_cycles: list[str]


def below(result: Result, covered: pd.DataFrame) -> Below | None:
    """Count the runs below the critical learning rate of their table that end in cycles; None where there are none."""
    table = _ends(result, covered)
    table = table[table["learning_rate"] < np.array([theory.critical_learning_rate for theory in table["theory"]])]
    if len(table) == 0:
        return None
    by_table = table.groupby(["gate", "encoding"], observed=True)["n_cycles_above"].sum()
    with_cycles = [str(gate) for gate, _ in by_table.index[by_table > 0]]
    return Below(int(table["n"].sum()), int(by_table.sum()), len(by_table), with_cycles)


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
    return table[np.array([isinstance(theory, NotSeparable) for theory in table["theory"]], np.bool_)]


def _ends(result: Result, covered: pd.DataFrame) -> pd.DataFrame:
    """Add to settings of tables that are not separable how their runs end.

    Columns lowest and highest, the final losses above the least one; n_cycles, the runs whose weights come back in a
    cycle, and n_cycles_above, those of them that have not settled.
    """
    table = _not_separable(covered)
    if len(table) == 0:
        return table
    least = np.zeros(result.settings.n)
    least[table.index] = [theory.infimum for theory in table["theory"]]
    runs, first = result.part("runs", ["final_loss", "period"]), result.first_of_rows
    above = runs["final_loss"].to_numpy() - result.of_runs(least)
    cycles = runs["period"].to_numpy(np.int64, na_value=0) > 1
    return table.assign(
        lowest=np.minimum.reduceat(above, first)[table.index],
        highest=np.maximum.reduceat(above, first)[table.index],
        n_cycles=np.add.reduceat(cycles, first, dtype=np.int64)[table.index],
        n_cycles_above=np.add.reduceat(cycles & (above > SETTLED), first, dtype=np.int64)[table.index],
    )


def _stop_before(train: Train, theory: NotSeparable) -> bool:
    """Return True if runs end on their way to the least loss, as the target lies above it."""
    target = train.target_loss
    above = target is None or target > theory.infimum + SETTLED
    reached = target is None or target > theory.infimum
    return bool(train.early_stop and reached and above)


def _edge(gate: str, encoding: str, theory: NotSeparable, by_rate: pd.DataFrame) -> Edge:
    rates = by_rate.index.to_numpy(np.float64)
    settled = np.flatnonzero(by_rate["highest"] <= SETTLED)
    some_settled = np.flatnonzero(by_rate["lowest"] <= SETTLED)
    beyond = int(some_settled[-1]) + 1 if len(some_settled) else 0
    return Edge(
        gate,
        encoding,
        theory,
        float(rates[settled[-1]]) if len(settled) else None,
        float(rates[beyond]) if beyond < len(rates) else None,
        bool(np.isfinite(by_rate["lowest"]).any()),
        int(by_rate["n"].iloc[beyond:].sum()),
        int(by_rate["n_cycles"].iloc[beyond:].sum()),
    )


def losses_across(result: Result, covered: pd.DataFrame, layout: Layout, found: Sequence[Edge]) -> pd.DataFrame:
    """Take quantiles of the final losses: one row per panel, line and learning rate of the tables of some edges.

    Columns panel, line, x, gate, encoding, order (where the panel stands), and q05, q50, q95 in nats.
    """
    tables = {(edge.gate, edge.encoding) for edge in found if edge.finite}
    rows = covered[[pair in tables for pair in zip(covered["gate"], covered["encoding"], strict=True)]]
    order, panels = combinations(result.settings, layout.panels)
    codes, lines = values_by_name(result.settings, layout.lines) if layout.lines else (np.zeros_like(order), [""])
    line = pd.Categorical.from_codes(codes[rows.index], categories=pd.Index(lines)).remove_unused_categories()
    made = pd.DataFrame(
        {
            "panel": np.array(panels, object)[order[rows.index]],
            "line": line,
            "x": rows["learning_rate"].astype("float64"),
            "gate": rows["gate"].astype(str),
            "encoding": rows["encoding"].astype(str),
            "order": order[rows.index],
        }
    )
    keys = ["panel", "line", "x"]
    names = [f"final_loss_{name}" for name in ("q05", "q50", "q95")]
    losses = result.part("summary", names).take(rows.index.to_numpy()).to_numpy()
    if made.duplicated(keys).any():  # settings that are drawn as one point
        points = members(made.groupby(keys, observed=True, sort=False).ngroup().to_numpy())
        together = [rows.index.to_numpy()[at] for at in points]
        made = made.drop_duplicates(keys)
        loss = result.part("runs", ["final_loss"])["final_loss"].to_numpy()
        losses = quantiles_over_runs(result, loss, together)[:, [LOSS_QUANTILES.index(name) for name in names]]
    made[["q05", "q50", "q95"]] = losses
    return made.sort_values("x", kind="stable", ignore_index=True)
