"""Which of the functions of five inputs logistic regression learns, held against the theory of threshold functions."""

from typing import cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.optimize import linprog

import sweep
from experiments.replication.drawing import panels, scale_x, styled
from experiments.replication.parts import BLUE, NEW, VERMILLION, Claim, Section, markdown, trained
from experiments.replication.statistics import NO, YES
from sweep.spec.classes import members

SEPARABLE = {3: 104, 4: 1_882, 5: 94_572}
"""Linearly separable functions of so many inputs; OEIS A000609."""
NAMES = {3: "three", 4: "four", 5: "five"}
_TOGETHER = 50_000


def five_inputs(result: sweep.Result) -> Section:
    """Count the functions learned by the sizes of their classes, and hold each class against a certificate."""
    runs, train = result.runs, trained(result)
    learned = runs["status"].to_numpy() == "converged"
    gates = runs["gate"].astype(str).to_numpy()
    sizes = pd.Series([len(members(gate)) for gate in gates[learned]], dtype="int64")
    n_inputs = len(gates[0]).bit_length() - 1
    n_separable, n_functions = SEPARABLE[n_inputs], 2**2**n_inputs
    n, last = int(sizes.sum()), int(runs["converged_epoch"].max())
    summable = has_equal_sums(gates)
    with_weights = np.array([has_weights(gate) for gate in gates[~summable]])
    separable = ~summable
    separable[~summable] = with_weights
    settled = bool((summable != separable).all())
    alike = int((learned == separable).sum())
    claims = [
        Claim(
            "OEIS A000609",
            f"{n_separable:,} of the {n_functions:,} functions of {NAMES[n_inputs]} inputs are linearly separable",
            f"{n:,} are learned",
            YES if n == n_separable else NO,
        ),
        Claim(
            "theory",
            "exactly the separable ones are learned",
            f"{alike:,} of {len(gates):,} classes as the linear program says",
            YES if settled and alike == len(gates) else NO,
        ),
        Claim(NEW, "how soon are they learned, at rate 10?", f"all {n:,} within {last} epochs", "–"),
    ]
    by_epoch = sizes.groupby(runs["converged_epoch"][learned].to_numpy(np.int64)).agg(["size", "sum"])
    rows = [[str(epoch), str(row.size_), f"{row.sum_:,}"] for epoch, row in _named(by_epoch)]
    text = [
        f"Functions of {NAMES[n_inputs]} inputs fall into {len(gates):,} classes of those that permuting inputs, "
        "negating inputs "
        "and negating the output "
        "turn into each other. From zero weights and with inputs ±1, gradient descent treats the members of a class "
        "alike, up to the "
        f"names and signs of weights. So one run a class stands for all {n_functions:,}: full-batch logistic "
        "regression "
        "at rate "
        f"{runs['learning_rate'].iloc[0]:g}, until every output is on the right side of ½, up to "
        f"{train['max_epochs']:,} epochs.",
        f"Learned are {int(learned.sum())} classes, which have {n:,} members. *Held against certificates*, class by "
        f"class: {int(summable.sum()):,} have two "
        "rows that must be 1 and two that must be 0 with the same sum of inputs, so that no weights can tell them "
        "apart; for "
        f"{int(separable.sum())} of the other {int((~summable).sum())} a linear program finds weights. A run that "
        "does not learn a separable "
        "function, or learns another one, would show here. Nothing is drawn at random, so there are no intervals.",
        markdown(["epoch at which a class is learned", "classes", "functions"], rows),
    ]
    alt = "Functions learned by epoch"
    return Section("Every function of five inputs", claims, text, _figure(by_epoch["sum"].cumsum(), n_separable), alt)


def _named(by_epoch: pd.DataFrame) -> list[tuple[int, pd.Series]]:
    named = by_epoch.rename(columns={"size": "size_", "sum": "sum_"})
    return [(int(str(epoch)), row) for epoch, row in named.iterrows()]


def _rows(n_inputs: int) -> NDArray[np.int64]:
    """Inputs 0 and 1 in counting order: shape (2^n, n)."""
    return np.arange(2**n_inputs)[:, np.newaxis] >> np.arange(n_inputs)[::-1] & 1


def has_equal_sums(gates: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Tell which functions have two rows answered 1 and two answered 0 (or one twice) with the same sum of inputs."""
    n_rows = len(gates[0])
    inputs = _rows(n_rows.bit_length() - 1)
    pairs: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for i in range(n_rows):
        for j in range(i, n_rows):
            pairs.setdefault(tuple(inputs[i] + inputs[j]), []).append((i, j))
    found = np.zeros(len(gates), np.bool_)
    for start in range(0, len(gates), _TOGETHER):
        text = "".join(gates[start : start + _TOGETHER]).encode()
        ones = np.ascontiguousarray((np.frombuffer(text, np.uint8) == ord("1")).reshape(-1, n_rows).T)
        for equal in pairs.values():
            both = np.logical_or.reduce([ones[i] & ones[j] for i, j in equal])
            neither = np.logical_or.reduce([~(ones[i] | ones[j]) for i, j in equal])
            found[start : start + _TOGETHER] |= both & neither
    return found


def has_weights(gate: str) -> bool:
    """Tell if a linear program finds weights with y (w·x + b) ≥ 1 for all rows, and these hold when rounded."""
    inputs = _rows(len(gate).bit_length() - 1)
    signs = np.array([1 if output == "1" else -1 for output in gate])
    signed = signs[:, np.newaxis] * np.column_stack([inputs, np.ones(len(gate), np.int64)])
    solution = linprog(np.zeros(signed.shape[1]), A_ub=-signed, b_ub=-np.ones(len(gate)), bounds=(None, None))
    if not solution.success:
        return False
    weights = np.round(1000 * solution.x).astype(np.int64)
    return bool((signed @ weights > 0).all())


@styled
def _figure(learned: pd.Series, n_separable: int) -> Figure:
    legend = [
        Line2D([], [], color=BLUE, marker="o", markersize=4, label="functions learned"),
        Line2D([], [], color=VERMILLION, ls="--", label=f"linearly separable functions: {n_separable:,}"),
    ]
    (axes,) = panels([""], "Functions learned by logistic regression", "epochs", "functions", legend)
    axes.plot(learned.index, learned.to_numpy(), color=BLUE, marker="o", markersize=4, drawstyle="steps-post")
    axes.axhline(n_separable, color=VERMILLION, ls="--")
    axes.set_ylim(0, 1.08 * n_separable)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    scale_x(axes, np.array(learned.index, np.float64))
    return cast(Figure, axes.figure)
