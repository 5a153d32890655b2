"""Mingard et al. 2019: what a perceptron without bias answers before it is trained."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy import stats

import sweep
from experiments.replication.drawing import panels, styled
from experiments.replication.parts import BLUE, VERMILLION, Claim, Section, markdown, percent
from experiments.replication.statistics import ERROR, NO, YES, wilson
from sweep.words import joined

POSSIBLE = {2: 6, 3: 32, 4: 370, 5: 11_292}
"""Functions of so many inputs that a perceptron without bias may answer; OEIS A034997."""


class Counts(NamedTuple):
    """Starts of one number of inputs.

    Attributes
    ----------
    n_inputs
    starts : int64, shape (2^n + 1,)
        By the number of rows that they answer 1.
    chi_square, p
        Of the hypothesis that 0 … 2^n − 1 rows are equally likely.
    n_functions
        Different functions among the answers.
    """

    n_inputs: int
    starts: NDArray[np.int64]
    chi_square: float
    p: float
    n_functions: int


def first_guess(result: sweep.Result) -> Section:
    """Count the rows answered 1 at the start, and test that each count is equally likely."""
    found = counts(result.part("runs", ["gate", "answers"]))
    m = len(found)
    least = min(one.p for one in found)
    told = ", ".join(f"{one.chi_square:.1f} ({2**one.n_inputs - 1})" for one in found)
    inputs = [one.n_inputs for one in found]
    seen, possible = [one.n_functions for one in found], [POSSIBLE[n] for n in inputs]
    n = int(found[0].starts.sum())
    claims = [
        Claim(
            "Mingard et al. 2019",
            "a perceptron without bias answers 1 to t of 2ⁿ rows with probability 2⁻ⁿ, for each t below 2ⁿ",
            f"n = {inputs[0]} to {inputs[-1]}: χ² (degrees of freedom) {told}; least p {least:.2g}",
            YES if least >= ERROR / m else NO,
        ),
        Claim(
            "OEIS A034997",
            f"{_listed(possible)} functions are possible",
            f"{_listed(seen)} are answered",
            YES if seen == possible else NO,
        ),
    ]
    rows = []
    for one in found:
        ratios = one.starts[:-1] / one.starts.sum() * 2**one.n_inputs
        cells = [f"{one.chi_square:.1f}", str(2**one.n_inputs - 1), f"{one.p:.2g}", f"{one.n_functions:,}"]
        total, ends = f"{one.starts.sum():,}", f"{ratios.min():.4f} to {ratios.max():.4f}"
        rows.append([str(one.n_inputs), total, percent(0.5**one.n_inputs) + " %", ends, *cells])
    text = [
        "*They proved* that a perceptron on inputs 0 and 1 without a bias, its weights drawn independently and "
        "symmetrically about 0, answers 1 to t rows with the same probability 2⁻ⁿ for each t from 0 to 2ⁿ − 1: "
        "functions that are nearly constant have a head start, since there are few of them. An answer is 1 if the "
        "weighted sum is above 0; that of row 0…0 is 0, so that it is never answered 1. *We measured* the column "
        f"`answers` of {n:,} starts from N(0, 1) for each n, after one step so small that it changes no bit of a "
        "weight.",
        f"The claim holds unless one of the {m} χ² tests over t = 0 … 2ⁿ − 1 has a p below {ERROR:g}/{m}, or a start "
        "answers 1 to all rows. Seeds are the same for all n, which this bound allows for. A yes says that no "
        "deviation was found; the column of ratios says how large one may have been overlooked. The functions that are "
        "possible are the regions into which the planes Σ wᵢ = 0, over all sets of inputs, cut the space of weights; "
        "the second claim holds if as many different functions are answered.",
        "The protocol's seeds begin at 0. A trial with other seeds for each n came first and found p = 0.011 at n = 5 "
        "(seeds 3,000,000 to 3,999,999), which by this rule is a no. Another million of seeds gave 0.67 there, "
        "and six samples of 4,000,000 draws from one generator 0.54 to 0.77.",
        markdown(
            ["n", "starts", "2⁻ⁿ", "share / 2⁻ⁿ, least to most", "χ²", "degrees of freedom", "p", "functions seen"],
            rows,
        ),
    ]
    alt = "Share of starts by the number of rows that they answer 1"
    return Section("The first guess: Mingard et al. 2019", claims, text, _figure(found), alt)


def _listed(numbers: Sequence[int]) -> str:
    return joined([f"{number:,}" for number in numbers])


def counts(runs: pd.DataFrame) -> list[Counts]:
    """Count starts by the rows that they answer 1, for each number of inputs; columns gate and answers."""
    texts = [str(text) for text in runs["answers"].cat.categories]
    every = np.bincount(runs["answers"].cat.codes, minlength=len(texts))
    found = []
    for n_rows in sorted({len(text) for text in texts}):
        here = [at for at, text in enumerate(texts) if len(text) == n_rows and every[at]]
        starts = np.zeros(n_rows + 1, np.int64)
        np.add.at(starts, [texts[at].count("1") for at in here], every[here])
        expected = starts.sum() / n_rows
        chi_square = float(((starts[:-1] - expected) ** 2 / expected).sum())
        p = 0.0 if starts[-1] else float(stats.chi2.sf(chi_square, n_rows - 1))
        found.append(Counts(n_rows.bit_length() - 1, starts, chi_square, p, len(here)))
    return found


@styled
def _figure(found: list[Counts]) -> Figure:
    legend = [
        Line2D([], [], color=BLUE, marker="o", markersize=4, ls="", label="starts, with 95 % intervals"),
        Line2D([], [], color=VERMILLION, ls="--", label="theory: 2⁻ⁿ"),
    ]
    names = [f"{one.n_inputs} inputs" for one in found]
    all_axes = panels(names, "What a perceptron answers before training", "rows answered 1", "share / 2⁻ⁿ", legend)
    for axes, one in zip(all_axes, found, strict=True):
        total, size = int(one.starts.sum()), 2**one.n_inputs
        for t, k in enumerate(one.starts[:-1].tolist()):
            axes.vlines(t, *(size * end for end in wilson(k, total)), color=BLUE)
            axes.plot(t, size * k / total, "o", color=BLUE, markersize=3)
        axes.axhline(1, color=VERMILLION, ls="--")
        axes.set_ylim(0.95, 1.05)
    return cast(Figure, all_axes[0].figure)
