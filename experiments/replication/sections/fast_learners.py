"""Quickprop, delta-bar-delta and RPROP on XOR: Fahlman 1988, Jacobs 1988, Riedmiller & Braun 1993."""

import math
from typing import Any, NamedTuple, cast

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import sweep
from experiments.replication.drawing import log_scale, panels, percent_ticks, styled
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
    all_epochs,
    epochs_range,
    groups,
    markdown,
    runs_each,
    share,
    trained,
)
from experiments.replication.sections.published import JACOBS_MEAN
from experiments.replication.statistics import (
    NO,
    YES,
    count_is_expected,
    median_interval,
    predictive_ranges,
    quantile,
    range_of_mean,
    scanned,
)

FAHLMAN_MEAN, FAHLMAN_MEDIAN, FAHLMAN_RESTARTED, FAHLMAN_TRIALS = 24.22, 19, 14, 100
JACOBS_FAST, JACOBS_FAST_SUCCESSES, JACOBS_FAST_FAILED, JACOBS_TRIALS = 250.4, 23, 2, 25
EACH_OF_THREE, EACH_OF_TWO = 1 - 0.05 / 3, 0.975
"""Shares of predictive ranges that hold together with 95 %."""
NAMES = {
    "gd": "back-propagation",
    "momentum": "with momentum 0.9",
    "delta_bar_delta": "delta-bar-delta",
    "quickprop": "quickprop",
    "rprop": "RPROP",
}
QUICKPROP_KEYS = ["loss", "encoding", "learning_rate", "growth", "init_scale"]
KEYS = ["optimizer", "learning_rate", "init_scale"]


class Best(NamedTuple):
    """The setting of an optimizer that half of the seeds chose, and the epochs of the other half."""

    rate: float
    scale: float
    epochs: Array


def fast_learners(quickprop: sweep.Result, learners: sweep.Result) -> Section:
    """Compare quickprop's numbers with Fahlman's, and the methods with each other."""
    fahlman, quick_rows, nearest = _fahlman(quickprop)
    jacobs, jacobs_row = _jacobs(learners)
    best, max_epochs = _best(learners), trained(learners)["max_epochs"]
    rows = []
    for name, label in NAMES.items():
        found = best[name]
        low, median, high = (quantile(found.epochs, percent) for percent in (5, 50, 95))
        ratio = _ratio(best["gd"].epochs, found.epochs)
        k = int(np.isfinite(found.epochs).sum())
        setting = f"{found.rate:g}, ±{found.scale:g}"
        rows.append([label, setting, epochs_range(low, median, high, max_epochs), share(k, found.epochs.size), ratio])
    factors = "; ".join(f"{row[0]}: {row[4]}" for row in rows[1:])
    claims = [*fahlman, *jacobs, Claim(NEW, "how many times as fast as plain back-propagation?", factors, "–")]
    n_settings = len(quickprop.summary)
    text = [
        "**Fahlman 1988** let quickprop learn XOR on 2-2-1 until every output was right within 0.4 of its target, "
        "and began again "
        f"after a number of epochs without success: mean {FAHLMAN_MEAN:g} epochs, median {FAHLMAN_MEDIAN}, "
        f"{FAHLMAN_RESTARTED} of {FAHLMAN_TRIALS} "
        "trials restarted. *Not known here* are his rate, his start and what he did to the error. *We assumed* a "
        "restart after "
        f"{trained(quickprop)['restart_after']} epochs, epochs of all starts added up, and scanned {n_settings} "
        "settings of loss, coding of the inputs, rate, "
        f"growth limit μ and start, {runs_each(quickprop.summary)} fresh seeds each; his additions to the derivative "
        "and to the error are left out. A setting is "
        "compatible if all three numbers lie in what it predicts for 100 trials, each range holding "
        f"{100 * EACH_OF_THREE:.1f} %. {nearest}",
        markdown(
            ["loss", "inputs", "rate", "μ", "start", "mean (of 100)", "median (of 100)", "restarted", "compatible?"],
            quick_rows,
        ),
        "**Jacobs 1988**: delta-bar-delta took a mean of "
        f"{JACOBS_FAST:g} epochs with {JACOBS_FAST_FAILED} of {JACOBS_TRIALS} trials left out, plain back-propagation "
        f"{JACOBS_MEAN:g}. "
        f"His κ, φ, θ and rate for XOR are not known here; ours are κ 0.035, φ 0.333, θ 0.7. {jacobs_row}",
        f"**Side by side**: every output within {trained(learners)['target_error']:g}, no restarts, up to "
        f"{max_epochs:,} epochs, squared error, "
        f"{runs_each(learners.summary)} seeds a setting. The best of nine settings of rate and start is chosen by its "
        "median on half of "
        "the seeds; the table has the other half. *Times as fast* is the ratio of medians, its interval from those "
        "of both (97.5 % each); "
        "the methods share seeds, which makes it wider than it need be.",
        markdown(["method", "rate, start", "median (5–95 %)", "converged", "times as fast"], rows),
    ]
    alt = "Share of runs that have learned XOR against epochs, by method"
    return Section("Fast learners: Fahlman 1988, Jacobs 1988", claims, text, _figure(best, max_epochs), alt)


def _fahlman(result: sweep.Result) -> tuple[list[Claim], list[list[str]], str]:
    rows, verdicts = [], []
    for key, runs in groups(result.runs, QUICKPROP_KEYS):
        found = all_epochs(runs)
        successes = found[np.isfinite(found)]
        if successes.size < found.size:
            verdicts.append(NO)  # none of his trials failed in the end
            continue
        restarted, n = int((runs["restarts"] > 0).sum()), len(runs)
        means, medians = predictive_ranges(successes, FAHLMAN_TRIALS, EACH_OF_THREE)
        expected = count_is_expected(FAHLMAN_RESTARTED, FAHLMAN_TRIALS, restarted, n, EACH_OF_THREE)
        agree = [means[0] <= FAHLMAN_MEAN <= means[1], medians[0] <= FAHLMAN_MEDIAN <= medians[1], expected]
        verdicts.append(YES if all(agree) else NO)
        loss, encoding, rate, growth, scale = key
        mean = float(successes.mean())
        cells = [str(loss), str(encoding), f"{rate:g}", f"{growth:g}", f"±{scale:g}"]
        cells += [
            f"{mean:.1f} ({means[0]:.1f}–{means[1]:.1f})",
            f"{np.median(successes):g} ({medians[0]:g}–{medians[1]:g})",
        ]
        rows.append((abs(math.log(mean / FAHLMAN_MEAN)), [*cells, share(restarted, n), verdicts[-1]]))
    rows.sort(key=lambda row: (row[1][-1] != YES, row[0]))
    shown = [row for _, row in rows[:8]]
    n_yes = verdicts.count(YES)
    reported = (
        f"mean {FAHLMAN_MEAN:g} epochs, median {FAHLMAN_MEDIAN}, {FAHLMAN_RESTARTED} of {FAHLMAN_TRIALS} restarted"
    )
    claim = Claim("Fahlman 1988", reported, f"compatible with {n_yes} of {len(verdicts)} settings", scanned(verdicts))
    return [claim], shown, f"The table has the {len(shown)} settings that come nearest."


def _jacobs(result: sweep.Result) -> tuple[list[Claim], str]:
    runs = result.runs[result.runs["optimizer"] == "delta_bar_delta"]
    verdicts, words = [], []
    for (_, rate, scale), part in groups(runs, KEYS):
        found = all_epochs(part)
        successes = found[np.isfinite(found)]
        if successes.size:
            low, high = range_of_mean(successes, JACOBS_FAST_SUCCESSES, EACH_OF_TWO)
            failed = found.size - successes.size
            expected = count_is_expected(JACOBS_FAST_FAILED, JACOBS_TRIALS, failed, found.size, EACH_OF_TWO)
            verdicts.append(YES if low <= JACOBS_FAST <= high and expected else NO)
            if verdicts[-1] == YES:
                words.append(f"rate {rate:g}, ±{scale:g}: mean {successes.mean():.0f} (of 23: {low:.0f}–{high:.0f})")
    reported = f"delta-bar-delta: {JACOBS_FAST:g} epochs on average, {JACOBS_FAST_FAILED} of {JACOBS_TRIALS} left out"
    measured = f"compatible with {verdicts.count(YES)} of {len(verdicts)} settings"
    sentence = f"Compatible: {'; '.join(words)}." if words else "No setting of ours is compatible with it."
    return [Claim("Jacobs 1988", reported, measured, scanned(verdicts))], sentence


def _best(result: sweep.Result) -> dict[str, Best]:
    """For each optimizer the setting of the lowest median on half of the seeds, and the epochs of the other half."""
    middle = (int(result.runs["seed"].min()) + int(result.runs["seed"].max()) + 1) // 2
    best: dict[str, tuple[float, Best]] = {}
    for (optimizer, rate, scale), runs in groups(result.runs, KEYS):
        chooses = (runs["seed"] < middle).to_numpy()
        found = all_epochs(runs)
        score = quantile(found[chooses], 50)
        if str(optimizer) not in best or score < best[str(optimizer)][0]:
            best[str(optimizer)] = score, Best(float(rate), float(scale), found[~chooses])
    return {name: found for name, (_, found) in best.items()}


def _ratio(slow: Array, fast: Array) -> str:
    """Write how many times as low a median is, with the interval that those of both medians give."""
    (low_slow, high_slow), (low_fast, high_fast) = median_interval(slow, 2), median_interval(fast, 2)
    middle = quantile(slow, 50) / max(quantile(fast, 50), 1)
    return f"{middle:.1f} ({low_slow / max(high_fast, 1):.1f}–{high_slow / max(low_fast, 1):.1f})"


@styled
def _figure(best: dict[str, Best], max_epochs: int) -> Figure:
    colours = dict(zip(NAMES, (VERMILLION, ORANGE, GREEN, BLUE, PURPLE), strict=True))
    legend: list[Any] = [Line2D([], [], color=colours[name], label=label) for name, label in NAMES.items()]
    title = "Runs that have learned XOR, each method at its best setting"
    (axes,) = panels([""], title, "epochs", "share of runs", legend)
    for name, found in best.items():
        first = np.sort(found.epochs)
        learned = np.arange(1, len(first) + 1) / len(first)
        finite = np.isfinite(first)
        axes.plot(np.maximum(first[finite], 1), learned[finite], color=colours[name], drawstyle="steps-post")
    axes.set_ylim(-0.03, 1.03)
    percent_ticks(axes.yaxis)
    log_scale(axes, "x", (3, max_epochs), 4)
    return cast(Figure, axes.figure)
