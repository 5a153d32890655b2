"""Tesauro & Janssens 1988: parity."""

import math
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import sweep
from experiments.replication.drawing import log_scale, panels, scale_x, styled
from experiments.replication.parts import (
    BLUE,
    VERMILLION,
    Array,
    Claim,
    Section,
    all_epochs,
    epochs,
    epochs_range,
    groups,
    markdown,
    rows_of,
    runs_each,
    share,
    their_rate,
    trained,
)
from experiments.replication.statistics import (
    NO,
    POSSIBLE,
    YES,
    counted,
    median_interval,
    quantile,
    within,
)

TESAURO_JANSSENS = {2: 24, 3: 33, 4: 75, 5: 128, 6: 312, 7: 781, 8: 1953}
SAME_GROWTH = 1.25
"""Two growth factors agree if neither is more than this times the other."""
SETTING = ["learning_rate", "momentum", "init_scale"]


class Fresh(NamedTuple):
    """The chosen setting for one N, and what runs from fresh seeds did with it."""

    setting: tuple[float, ...]
    epochs: Array

    def quantile(self, percent: int) -> float:
        """A quantile of the epochs over all runs, ∞ if later than the last."""
        return quantile(self.epochs, percent)


def parity(scan: sweep.Result, fresh: sweep.Result) -> Section:
    """Compare N-2N-1 on the parity of N bits, at the setting chosen in a scan and run again from fresh seeds."""
    max_epochs = trained(fresh)["max_epochs"]
    measured = _chosen_and_fresh(scan, fresh)
    rows, verdicts = [], []
    for bits, runs in measured.items():
        low, median, high = (runs.quantile(percent) for percent in (5, 50, 95))
        verdicts.append(POSSIBLE if low <= TESAURO_JANSSENS[bits] <= high else NO)
        rate, momentum, scale = runs.setting
        rows.append(
            [
                f"{bits}-{2 * bits}-1",
                f"{TESAURO_JANSSENS[bits]:,}",
                epochs_range(low, median, high, max_epochs),
                f"η {their_rate('online', rate):g}, α {momentum:g}, ±{scale:g}",
                share(int(np.isfinite(runs.epochs).sum()), runs.epochs.size),
                verdicts[-1],
            ]
        )
    source, medians = "Tesauro & Janssens 1988", [epochs(runs.quantile(50), max_epochs) for runs in measured.values()]
    reported = f"epochs to learn parity of N bits: {', '.join(f'{t:,}' for t in TESAURO_JANSSENS.values())}"
    agrees = POSSIBLE if set(verdicts) == {POSSIBLE} else counted(_as_yes(verdicts), "N")
    claims = [Claim(source, reported, f"medians {', '.join(medians)}", agrees)]
    growth, sentence = _growth(measured)
    claims += [Claim(source, *growth)] if growth else []
    n_settings, n_chosen = len(scan.summary) // len(rows), runs_each(scan.summary)
    text = [
        "*They reported* epochs of online back-propagation until every output was within 0.1 of its target. *Not "
        "known here*: their rates, momenta and starts, and how runs that never learn entered their averages.",
        f"*We chose* for each N, among {n_settings} settings of rate, momentum and width of the start (uniform), the "
        "one "
        f"with the lowest median over {n_chosen} seeds, rows in counting order. *We measured* it on "
        f"{runs_each(fresh.summary)} fresh "
        f"seeds, others for each N, up to {max_epochs:,} epochs: the best of {n_settings} owes a part of its lead to "
        "luck, "
        "which fresh seeds do not share. The table asks whether their number, of which it is not known how many runs "
        "it "
        "is an average of, lies in the 5–95 % range of single runs. “+” marks a quantile later than the last epoch. "
        f"{sentence}",
        markdown(
            ["network", "theirs", "ours: median (5–95 %)", "chosen setting", "converged", "theirs in our range?"], rows
        ),
    ]
    alt = "Epochs to learn parity against the number of bits"
    return Section("Parity: Tesauro & Janssens 1988", claims, text, _figure(measured, max_epochs), alt)


def best_settings(summary: pd.DataFrame) -> dict[int, tuple[float, ...]]:
    """For each N the rate, the momentum and the size of the start with the lowest median of all runs."""
    best = {}
    for gate, part in groups(summary, "gate"):
        by = ["epochs_q50", "converged_rate", *SETTING]
        top = rows_of(part.sort_values(by, ascending=[True, False, True, True, True], na_position="last"))[0]
        best[int(str(gate).removeprefix("parity-"))] = tuple(float(getattr(top, key)) for key in SETTING)
    return dict(sorted(best.items()))


def _chosen_and_fresh(scan: sweep.Result, fresh: sweep.Result) -> dict[int, Fresh]:
    runs = fresh.runs
    measured = {}
    for bits, setting in best_settings(scan.summary).items():
        of_setting = [np.isclose(runs[key].astype(float), value) for key, value in zip(SETTING, setting, strict=True)]
        part = runs[np.logical_and.reduce([runs["gate"] == f"parity-{bits}", *of_setting])]
        if part.empty:
            wanted = ", ".join(f"{key} = {value:g}" for key, value in zip(SETTING, setting, strict=True))
            raise ValueError(f"parity_fresh has no runs of parity-{bits} with {wanted}, the best setting of parity")
        known = set(scan.runs["seed"][scan.runs["gate"] == f"parity-{bits}"])
        if known & set(part["seed"]):
            raise ValueError(f"parity_fresh: seeds of parity-{bits} are among those that chose its setting")
        measured[bits] = Fresh(setting, all_epochs(part))
    return measured


def _as_yes(verdicts: list[str]) -> list[str]:
    return [YES if verdict == POSSIBLE else verdict for verdict in verdicts]


def _growth(measured: dict[int, Fresh]) -> tuple[tuple[str, str, str] | None, str]:
    """The growth a bit from the least to the greatest N whose median converged: theirs, ours, verdict; and a "
    "sentence."""
    usable = [bits for bits, runs in measured.items() if math.isfinite(runs.quantile(50))]
    if len(usable) < 2:
        return None, ""
    first, last = usable[0], usable[-1]

    def a_bit(factor: float) -> float:
        return float(factor ** (1 / (last - first)))

    theirs = a_bit(TESAURO_JANSSENS[last] / TESAURO_JANSSENS[first])
    ours = a_bit(measured[last].quantile(50) / measured[first].quantile(50))
    (low_first, high_first), (low_last, high_last) = (
        median_interval(measured[bits].epochs, 2) for bits in (first, last)
    )
    low, high = a_bit(low_last / max(high_first, 1)), a_bit(high_last / max(low_first, 1))
    alike = within(low, high, theirs / SAME_GROWTH, theirs * SAME_GROWTH)
    most = f"{high:.2f}" if math.isfinite(high) else "∞"
    said = f"{ours:.2f}-fold ({low:.2f}–{most})"
    return (f"epochs grow {theirs:.2f}-fold a bit (N = {first} … {last})", said, alike), (
        f"From N = {first} to {last} their epochs grow {theirs:.2f}-fold a bit, our medians {said}, an interval that "
        "follows from those of both medians (order statistics, 97.5 % each). We call growths alike if they differ by "
        f"less than a factor {SAME_GROWTH:g}, which must hold over the whole interval."
    )


@styled
def _figure(measured: dict[int, Fresh], max_epochs: int) -> Figure:
    theirs = Line2D([], [], color=VERMILLION, ls="--", marker="s", markersize=5, label="Tesauro & Janssens")
    ours = Line2D([], [], color=BLUE, marker="o", markersize=5, label="ours: median and 5–95 %, fresh seeds")
    (axes,) = panels([""], "Epochs to learn parity", "bits", "epochs", [theirs, ours])
    axes.plot(list(TESAURO_JANSSENS), list(TESAURO_JANSSENS.values()), "s--", color=VERMILLION, markersize=5)
    for bits, runs in measured.items():
        low, high = (min(max(runs.quantile(percent), 1), max_epochs) for percent in (5, 95))
        axes.vlines(bits, low, high, color=BLUE, linewidth=4, alpha=0.3)
    medians = {bits: runs.quantile(50) for bits, runs in measured.items() if math.isfinite(runs.quantile(50))}
    axes.plot(list(medians), list(medians.values()), "o-", color=BLUE, markersize=5)
    scale_x(axes, np.array(list(TESAURO_JANSSENS), np.float64))
    axes.set_xticks(list(TESAURO_JANSSENS))
    log_scale(axes, "y", (5, max(max_epochs, 2000) * 1.3), 5)
    return cast(Figure, axes.figure)
