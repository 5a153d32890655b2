"""Wu, Bartlett, Telgarsky & Yu 2024: large learning rates on separable tables."""

from typing import NamedTuple, cast

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

import sweep
from experiments.replication.drawing import GREY, log_scale, panels, styled
from experiments.replication.parts import (
    BLUE,
    GREEN,
    NEW,
    ORANGE,
    PURPLE,
    VERMILLION,
    Array,
    Claim,
    Section,
    groups,
    markdown,
    trained,
)
from experiments.replication.statistics import NO, UNDECIDED, YES, slope, together

RISE = 1e-9
"""By more than this part of itself the loss must rise, or rounding may have done it."""
EPOCHS_PER_RATE = 10
SMALL, LARGE = (3.0, 30.0), (100.0, 1000.0)
"""Ranges of the rate η = T/10 over which the fall of the loss is measured."""
ORDINARY = 10.0
"""Rates up to which nothing oscillates for long."""
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE)


class Steps(NamedTuple):
    """One table: its rates, the last epoch at which the loss rose at each, and its loss after 10 η epochs."""

    rates: Array
    last_rise: NDArray[np.int64]
    loss: Array


def large_steps(result: sweep.Result) -> Section:
    """Compare how long descent oscillates, and how fast the loss falls at rates that grow with the time there is."""
    tables, max_epochs = _tables(result), trained(result)["max_epochs"]
    rows, ends, falls, gates = [], [], [], {}
    for name, steps in tables.items():
        end, small, large = _rise_slope(steps), _loss_slope(steps, SMALL), _loss_slope(steps, LARGE)
        ends.append(_below(end, 1.0))
        if name.isupper() or "-" in name:
            falls.append(_bounded(steps))
            gates[name] = int(steps.last_rise.max())
        rows.append([name, str(steps.last_rise.max()), *map(_written, (end, small, large))])
    source = "Wu et al. 2024"
    few = max(gates.values())
    claims = [
        Claim(
            source,
            "oscillation ends within O(η) epochs: slope at most 1",
            "slopes " + ", ".join(row[2] for row in rows),
            together(ends),
        ),
        Claim(
            source,
            "loss of order 1/T² or less after T epochs at a rate of order T",
            f"T² times the loss largest below rate {ORDINARY:g} in {falls.count(YES)} of {len(falls)} gates",
            together(falls),
        ),
        Claim(
            NEW,
            "how long do gates make it oscillate?",
            f"at most {few} epochs at any rate up to {tables['AND'].rates[-1]:,.0f}",
            "–",
        ),
    ]
    text = [
        "*They proved* that gradient descent on separable data, from zero weights and at a constant rate η, leaves "
        "the phase "
        "in which its loss oscillates within O(η) epochs, and that its loss after T epochs at a rate of order T is "
        "at most of "
        "order 1/T², where small rates give 1/T. *We measured* full-batch logistic regression from zero weights at "
        "51 rates "
        f"from 1 to 100,000, the loss kept at each of {max_epochs:,} epochs. The four gates have margins of ordinary "
        "size; of the table "
        "*close* it is small (0.02). The last rise is the last epoch in which the loss rose by more than a billionth "
        "of itself.",
        "Slopes are of straight lines through logarithms, by least squares, with 95 % intervals from the scatter about "
        "the line: there is one run at each rate, and nothing is drawn at random. The first claim holds for a table "
        "if the interval of "
        "its slope lies below 1. For the second, the rate is T/10; at small rates the loss is "
        "1/(γ² η T) with γ the margin, and so goes as 1/T². The claim holds for a gate if T² times the loss is "
        "nowhere larger than at rates up "
        f"to {ORDINARY:g}. *close* has no part in it: its margin asks for many more epochs than 10 η.",
        markdown(
            [
                "table",
                "last rise at any rate",
                "slope of the last rise over η",
                f"slope of the loss over T, η {SMALL[0]:g}–{SMALL[1]:g}",
                f"η {LARGE[0]:g}–{LARGE[1]:g}",
            ],
            rows,
        ),
        "**New**: the bound is far from what Boolean gates do. From zero weights all weights are multiples of η, and "
        "for large η an epoch "
        "is one of the perceptron's, which needs a fixed number of them whatever η is. After that the loss is about "
        "e to the minus η times "
        "a margin: hence slopes far below −2 at large rates, except where those weights leave a row on the dividing "
        "line.",
    ]
    alt = "Last epoch at which the loss rose, and loss after 10 η epochs, against the learning rate"
    return Section("Large steps: Wu, Bartlett, Telgarsky & Yu 2024", claims, text, _figure(tables), alt)


def _tables(result: sweep.Result) -> dict[str, Steps]:
    assert result.curves is not None
    losses = result.curves["loss"].to_numpy(np.float64).reshape(len(result.runs), -1)
    tables = {}
    for gate, part in groups(result.runs, "gate"):
        rates, curves = part["learning_rate"].to_numpy(np.float64), losses[part.index]
        rises = curves[:, 1:] > curves[:, :-1] * (1 + RISE)
        last = np.where(rises.any(axis=1), rises.shape[1] - np.argmax(rises[:, ::-1], axis=1), 0)
        after = np.minimum(np.round(EPOCHS_PER_RATE * rates), curves.shape[1] - 1).astype(np.int64)
        known = EPOCHS_PER_RATE * rates <= curves.shape[1] - 1
        tables[str(gate)] = Steps(rates, last, np.where(known, curves[np.arange(len(rates)), after], np.nan))
    return tables


def _rise_slope(steps: Steps) -> tuple[float, float, float] | None:
    rose = steps.last_rise > 0
    return slope(np.log(steps.rates[rose]), np.log(steps.last_rise[rose])) if rose.sum() > 2 else None


def _loss_slope(steps: Steps, rates: tuple[float, float]) -> tuple[float, float, float] | None:
    used = (steps.rates >= 0.99 * rates[0]) & (steps.rates <= 1.01 * rates[1]) & (steps.loss > 0)
    return slope(np.log(steps.rates[used]), np.log(steps.loss[used])) if used.sum() > 2 else None


def _below(rise: tuple[float, float, float] | None, most: float) -> str:
    """Tell if a slope is at most so large, by its interval; a loss that never rose has none."""
    if rise is None:
        return YES
    _, low, high = rise
    return YES if high <= most else NO if low > most else UNDECIDED


def _bounded(steps: Steps) -> str:
    """Tell if T² times the loss is nowhere larger than at ordinary rates."""
    scaled = steps.loss * steps.rates**2
    return YES if np.nanmax(scaled) == np.nanmax(scaled[steps.rates <= 1.01 * ORDINARY]) else NO


def _written(fall: tuple[float, float, float] | None) -> str:
    return "–" if fall is None else f"{fall[0]:.2f} ({fall[1]:.2f} to {fall[2]:.2f})".replace("-", "−")


@styled
def _figure(tables: dict[str, Steps]) -> Figure:
    colours = dict(zip(tables, COLOURS, strict=False))
    legend = [Line2D([], [], color=colour, label=name) for name, colour in colours.items()]
    legend.append(Line2D([], [], color=GREY, ls="--", label="slope 1; slope −2"))
    titles = ["last epoch at which the loss rose", "loss after 10 η epochs"]
    rise, fall = panels(
        titles, "Gradient descent at large learning rates, separable tables", "learning rate η", "", legend
    )
    for name, steps in tables.items():
        rose = steps.last_rise > 0
        rise.plot(steps.rates[rose], steps.last_rise[rose], color=colours[name], marker="o", markersize=2.5)
        fall.plot(steps.rates, np.where(steps.loss > 1e-20, steps.loss, np.nan), color=colours[name])
    rates = np.array([1.0, 1e5])
    rise.plot(rates, rates, "--", color=GREY)
    fall.plot(rates, rates**-2.0, "--", color=GREY)
    fall.tick_params(labelleft=True)
    log_scale(rise, "y", (0.8, 3e3), 4)
    log_scale(fall, "y", (1e-15, 3), 4)
    for axes, most in ((rise, 1.2e5), (fall, 1.2e3)):
        log_scale(axes, "x", (0.9, most), 4)
    return cast(Figure, rise.figure)
