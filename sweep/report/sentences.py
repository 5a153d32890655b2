"""What a sweep found, in plain sentences made from its numbers."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sweep.report.axes import (
    assignment,
    categories_first,
    censored,
    choose_layout,
    inputs_of,
    joined,
    label,
    main_numeric_axis,
    varying,
)
from sweep.report.looks import panels_only
from sweep.report.losses import constants, exact, kinds, nats
from sweep.report.overlays import infima, law_caption
from sweep.report.planes import Plane, planes
from sweep.report.reasons import ENCODINGS, comparisons, edge_sentences, how_counted, separability
from sweep.report.result import Result
from sweep.report.settings import n_rows
from sweep.report.stability import has_edge
from sweep.report.success import caption, has_curves
from sweep.report.tables import wilson

NBSP = "\N{NO-BREAK SPACE}"
MAX_NAMED = 4
NUMBERS = (int, float, np.number)
_SINGULARS = {"hidden": "number of hidden units"}
_PLURALS = {"learning_rate": "learning rates", "hidden": "numbers of hidden units"}
_SMALL = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_SMALL += ["thirteen", "fourteen", "fifteen", "sixteen"]
_COUNTS = ["n", "n_converged", "n_diverged", "n_stationary"]


class Description(NamedTuple):
    """What a figure shows, and, for who cannot see it, what it finds."""

    caption: str
    alt: str


def answer(result: Result) -> list[str]:
    """Answer the experiment's question: who converged and how often, where, how fast, and what became of the rest.

    The values of one axis (the gate if it varies, else the hidden units, else the first other axis) are told one by one
    where they are few and together where many say the same, and after gates those of the hidden units; of planes, each.
    An interval is given where all runs are of one setting: the share among runs of several settings depends on the
    settings chosen, and these share their seeds.
    """
    n = n_rows(result, "runs")
    if n == 0:
        return ["There are no runs, so there is no answer yet."]
    if n == 1:
        return [_the_one_run(result), *separability(result)]
    subject = _subject(result)
    if subject is None:
        return [*_one_setting(result), *separability(result), *_speed(result), *_outcomes(result)]
    layout = choose_layout(result)
    if layout.by_inputs:
        return [*_gates_by_inputs(result), *separability(result), *_outcomes(result)]
    if layout.plane is not None:
        return [*_by_plane(result, layout.plane), *separability(result), *_outcomes(result)]
    return [
        *edge_sentences(result, resolved=True),
        *_by_value(result, subject),
        *(_by_value(result, "hidden") if subject == "gate" and "hidden" in varying(result) else []),
        *separability(result),
        *_along(result, subject),
        *_speed(result),
        *_outcomes(result),
        *comparisons(result),
    ]


def incomplete(result: Result) -> list[str]:
    """A sentence that warns of what is missing, if anything is."""
    manifest = result.manifest
    if manifest.get("complete", True):
        return []
    done = f"{manifest['n_done']:,} of its {manifest['n_runs']:,} runs"
    return [f"Incomplete: the sweep was interrupted, and these are {done}."]


def failures(result: Result) -> str:
    """Say what converging means here and how the runs that did not were counted: a line for each kind of statistic."""
    train = result.manifest["experiment"]["train"]
    max_epochs = f"{train['max_epochs']:,}"
    criteria = []
    if train.get("target_loss") is not None:
        criteria.append(f"its loss is below {exact(train['target_loss'])}{nats(result)}")
    if train.get("target_error") is not None:
        criteria.append(f"every |output − target| is below {exact(train['target_error'])}")
    stationary = ""
    if _column(result, "n_stationary").any():
        stationary = " A stationary run is back at earlier weights, bit for bit: training on would only repeat itself."
    lines = [
        f"A run has converged once {' and '.join(criteria)}, within {max_epochs} epochs. No run is left out: in the "
        f"quantiles of epochs, one that did not converge counts as later than {max_epochs}, and in those of the final "
        f"loss, one that diverged counts as infinite.{stationary}",
        f"Intervals are Wilson’s, at 95{NBSP}%, for independent runs; runs with the same seed share their random "
        "numbers across settings.",
    ]
    layout = choose_layout(result)
    compared = not layout.by_inputs and layout.plane is None
    return "\n".join([*lines, *how_counted(result, compared, compared or has_edge(result))])


def descriptions(result: Result, answered: Sequence[str]) -> dict[str, Description]:
    """Caption and alternative text for each figure, by name, given the `answer`; without runs there are none."""
    if n_rows(result, "runs") == 0:
        return {}
    layout = choose_layout(result)
    n = _column(result, "n")
    per_point = f"{n.min():,}" if n.min() == n.max() else f"{n.min():,} to {n.max():,}"
    per_point += " run" if n.max() == 1 else " runs"
    together = ""
    if layout.pooled:
        together = f" Counted together: all values of {joined([label(axis) for axis in layout.pooled])}."
    if layout.by_inputs:
        together += " Gates with the same number of inputs are counted together."
    shown = [layout.x, *layout.panels, layout.lines, *layout.pooled]
    if follow := [label(key) for key in varying(result) if key not in shown]:
        together += f" Not shown, as it follows from what is: {joined(follow)}."
    interval = (
        ""
        if layout.pooled or layout.by_inputs
        else f" Shaded: its 95{NBSP}% Wilson interval, from {per_point} a point."
    )
    median_losses = _median_losses(result)
    least = ""
    if infima(result, panels_only(layout)):
        least = (
            " Broad: the least loss that any weights have, where the table is not linearly separable (by a linear "
            "program)."
        )
    answers_half = " ".join(
        f"{said} is the loss of a model that answers ½ to every input." for *_, said in constants(result)
    )
    return {
        "heat_map": Description(
            "Epochs until the criterion first held, the median where a setting has several runs. Colours are by rank: "
            "each shade stands for equally many settings.",
            " ".join(["Picture of the epochs to convergence.", *answered]),
        ),
        "success_rate": Description(
            f"Share of the runs of a setting that converged.{interval}{together}",
            " ".join(["Share of runs that converged.", *answered]),
        ),
        "epochs_to_converge": Description(
            f"Epochs until the criterion first held: median, and shaded the 5–95{NBSP}% range, over all runs. A "
            f"median’s line ends where it is later than max_epochs; a range is cut there.{together}"
            + law_caption(result),
            " ".join(["Epochs to convergence.", *((not layout.lines_mix and _speed(result)) or answered)]),
        ),
        **_curves_described(result),
        **_edge_described(result),
        "final_loss": Description(
            "Loss at the end of training, by outcome, over all runs"
            + (" and settings" if len(n) > 1 else "")
            + f". {answers_half}".rstrip()
            + least,
            " ".join(["Histograms of the final loss.", *_learned_nothing(result), median_losses]),
        ),
        "learning_curves": Description(
            f"Loss while training: median, shaded the 5–95{NBSP}% range, and thin some single runs. A run that stopped "
            "early keeps its final loss.",
            f"Loss against epochs. {median_losses}",
        ),
    }


def _curves_described(result: Result) -> dict[str, Description]:
    """Of the success curves, where there are any: when a tenth, a half, nine tenths of the runs have converged."""
    if not has_curves(result):
        return {}
    n, n_converged = (int(_column(result, name).sum()) for name in ("n", "n_converged"))
    total = f"By the end, {n_converged:,} of all {n:,} runs of the experiment have converged."
    return {"success_curves": Description(caption(result), f"Share of runs converged against epochs. {total}")}


def _edge_described(result: Result) -> dict[str, Description]:
    """Of the edge of stability, where there is one."""
    if not has_edge(result):
        return {}
    told = [*edge_sentences(result, resolved=True), *edge_sentences(result, resolved=False)]
    return {
        "stability": Description(
            f"Final loss after training: median, and shaded the 5–95{NBSP}% range. Below the critical learning rate "
            "2/λ, λ the largest eigenvalue of the loss’s Hessian at its minimum, theory has gradient descent settle "
            "there, beyond it run in cycles. The measured edge lies between the highest learning rate at which every "
            "run settled and the one from which on none did.",
            " ".join(["Final loss against learning rate.", *told]),
        )
    }


def percent(share: float) -> str:
    """Write a share in percent, with the decimals it takes to tell it from 0 and 100."""
    distance = 100 * min(share, 1 - share)
    if distance <= 0:
        return "100" if share > 0.5 else "0"
    decimals = 1 if distance >= 0.95 else 2 if distance >= 0.01 else math.ceil(-math.log10(distance))
    return f"{100 * share:.{decimals}f}"


def _subject(result: Result) -> str | None:
    """The axis whose values the answer is about: the gate, else the hidden units, else the first other one."""
    keys = categories_first(result, varying(result))
    return "hidden" if "hidden" in keys and "gate" not in keys else next(iter(keys), None)


def _column(result: Result, name: str) -> "pd.Series[Any]":
    return result.part("summary", [name])[name]


def _totals(result: Result) -> tuple[int, int, int, int]:
    """Runs that converged, all runs, diverged, stationary."""
    n, n_converged, n_diverged, n_stationary = (int(_column(result, name).sum()) for name in _COUNTS)
    return n_converged, n, n_diverged, n_stationary


def _the_one_run(result: Result) -> str:
    run = result.runs.iloc[0]
    loss = f"its final loss is {_loss(result, run['final_loss'])}"
    if run["status"] == "converged":
        return f"The one run converged after {_epochs(run['converged_epoch'])}; {loss}."
    how = {
        "diverged": "diverged: a weight or the loss is no longer finite",
        "stationary": f"became stationary: its weights come back every {_epochs_each(run['period'])}; {loss}",
        "max_epochs": f"had not converged after {_epochs(run['epochs'])}; {loss}",
    }
    return f"The one run {how[str(run['status'])]}."


def _one_setting(result: Result) -> list[str]:
    row = result.summary.iloc[0]
    who = str(row["gate"]) if "gate" in row.index else "All runs"
    spread = f"5–95{NBSP}%: {_loss(result, row['final_loss_q05'])} to {_loss(result, row['final_loss_q95'])}"
    return [
        f"{who}: {_share(int(row['n_converged']), int(row['n']), one_setting=True)}.",
        f"The median final loss is {_loss(result, row['final_loss_q50'])} ({spread}).",
    ]


def _share(n_converged: int, n: int, one_setting: bool, each: str = "") -> str:
    said = []
    if 0 < n_converged < n:
        said.append(f"{percent(n_converged / n)}{NBSP}%")
    if one_setting:
        low, high = (float(end) for end in wilson(np.array(n_converged), n))
        said.append(f"95{NBSP}% interval {percent(low)} – {percent(high)}{NBSP}%")
    many = f"all {n:,}" if n_converged == n else f"{n_converged:,} of {n:,}"
    return f"{many} runs {each}converged" + (f" ({', '.join(said)})" if said else "")


def _by_value(result: Result, subject: str) -> list[str]:
    """A sentence for each value of the subject, or for many that say the same; the largest group comes last."""
    by_value = result.part("summary", [subject, *_COUNTS]).groupby(subject, observed=True, dropna=False)
    counts = by_value[_COUNTS].sum()
    one_setting = bool((by_value.size() == 1).all())
    converged, n = counts["n_converged"], counts["n"]
    groups = [counts[converged == 0], counts[converged == n], counts[(converged > 0) & (converged < n)]]
    groups = sorted((group for group in groups if len(group)), key=len)
    sentences = []
    for i, group in enumerate(groups):
        alike = group["n_converged"].nunique() == 1 and group["n"].nunique() == 1
        parts = [group] if alike or len(group) > MAX_NAMED else [group.loc[[name]] for name in group.index]
        for part in parts:
            who = _who(subject, list(part.index), list(counts.index), others=i == len(groups) - 1 > 0)
            where = _where_all(result, subject, part)
            who = _capital(who) if subject == "encoding" else who
            if len(part) > 1 and not alike:
                sentences.append(f"{who}: {_range(subject, part)}{where}.")
            else:
                first, each = part.iloc[0], "each " if len(part) > 1 else ""
                share = _share(int(first["n_converged"]), int(first["n"]), one_setting, each)
                sentences.append(f"{who}: {share}{where}.")
    return sentences


def _range(subject: str, group: pd.DataFrame) -> str:
    rates = group["n_converged"] / group["n"]
    lowest, highest = (rates.min(), rates.idxmin()), (rates.max(), rates.idxmax())
    ends = [f"{percent(rate)}{NBSP}% ({_name(subject, at)})" for rate, at in (lowest, highest)]
    n = f"{group['n'].iloc[0]:,} " if group["n"].nunique() == 1 else ""
    return f"from {ends[0]} to {ends[1]} of the {n}runs of each converged"


def _where_all(result: Result, subject: str, group: pd.DataFrame) -> str:
    """Where along the main numeric axis every run of the group converged, if that is one unbroken part of it."""
    x = main_numeric_axis(result)
    if x is None or x == subject:
        return ""
    summary = result.part("summary", [subject, x, "n", "n_converged"])
    counts = summary[summary[subject].isin(group.index)].groupby(x)[["n", "n_converged"]].sum()
    at = np.flatnonzero(counts["n"] == counts["n_converged"])
    if len(at) in (0, len(counts)) or len(at) != at[-1] - at[0] + 1:
        return ""
    values = [number(value) for value in counts.index[at]]
    if len(values) == 1:
        return f"; every run did at {label(x)} = {values[0]}"
    return f"; every run did at every {_SINGULARS.get(x, label(x))} from {values[0]} to {values[-1]}"


def _along(result: Result, subject: str) -> list[str]:
    """How the share that converged goes along the main numeric axis, where neither it nor the gate is the subject."""
    x = main_numeric_axis(result)
    if x is None or subject in ("gate", x):
        return []
    summary = result.part("summary", [subject, x, "n", "n_converged"])
    n_values = summary[subject].nunique()
    if (summary.groupby(x)[subject].nunique() < n_values).any():
        return []  # other values of the subject at other places: a difference along the axis may as well be theirs
    counts = summary.drop(columns=subject).groupby(x).sum()
    rates = counts["n_converged"] / counts["n"]
    if rates.nunique() == 1:
        return []
    lowest, highest = (rates.min(), rates.idxmin()), (rates.max(), rates.idxmax())
    ends = [f"{percent(rate)}{NBSP}% ({_name(x, at)})" for rate, at in (lowest, highest)]
    return [f"Of the runs with each {_SINGULARS.get(x, label(x))}, from {ends[0]} to {ends[1]} converged."]


def _by_plane(result: Result, axes: tuple[str, str]) -> list[str]:
    """For each plane, how many of its runs converged and where they did first."""
    made, held = planes(result, axes)
    where = [assignment(key, value) for key, value in held.items()]
    epochs = _column(result, "epochs_q50")
    counts = {name: _column(result, name).to_numpy() for name in ("n", "n_converged")}
    sentences = []
    for plane in made:
        rows = [points[points >= 0] for points in plane.points]
        of_plane = {name: sum(int(count[row].sum(dtype=np.int64)) for row in rows) for name, count in counts.items()}
        share = _share(of_plane["n_converged"], of_plane["n"], one_setting=False)
        fastest = _fastest(plane, epochs)
        first = ""
        if fastest is not None:
            count, *values = fastest
            at = joined([f"{label(axis)} = {number(value)}" for axis, value in zip(axes, values, strict=True)])
            first = f"; the fastest setting took {_epochs(count)} ({at})"
        who = ", ".join([*plane.name.splitlines(), *where])
        sentences.append(f"{who}: {share}{first}." if who else f"{_capital(share)}{first}.")
    return sentences


def _fastest(plane: Plane, column: "pd.Series[Any]") -> tuple[float, float, float] | None:
    """The fewest epochs of a plane's settings, and the first values upwards and to the right that took so many."""
    best = math.inf, math.nan, math.nan
    for y, points in zip(plane.y, plane.points, strict=True):
        epochs = np.where(points >= 0, censored(column.take(points)), np.inf)
        at = int(epochs.argmin())
        if epochs[at] < best[0]:
            best = float(epochs[at]), float(y), float(plane.x[at])
    return best if math.isfinite(best[0]) else None


def _speed(result: Result) -> list[str]:
    """The median epoch at the setting where it is lowest, over the values of the subject."""
    if choose_layout(result).by_inputs:
        return []
    median = pd.Series(censored(_column(result, "epochs_q50")))
    median = median[np.isfinite(median)]
    if len(median) == 0:
        return []
    subject = _subject(result)
    if subject is None or len(varying(result)) == 1:
        best = int(median.index[int(median.argmin())])
        at = "" if subject is None else f", at best ({_name(subject, _column(result, subject).iloc[best])}),"
        return [f"Half of the runs{at} converged within {_epochs(median.min())}."]
    fastest = median.groupby(_column(result, subject).reset_index(drop=True), observed=True, dropna=False).min()
    first, last = (fastest.min(), fastest.idxmin()), (fastest.max(), fastest.idxmax())
    ends = [f"{_epochs(epochs)} ({_name(subject, at)})" for epochs, at in (first, last)]
    within = ends[0] if len(fastest) == 1 else f"{ends[0]} to {ends[1]}"
    if len(fastest) > 1 and fastest.min() == fastest.max():
        within = _epochs(fastest.min())
    each = _SINGULARS.get(subject, label(subject))
    every = _column(result, subject)
    never = list(dict.fromkeys(every[~every.isin(fastest.index)]))
    rest = ""
    if never:
        others = [_name(subject, name) for name in never] if len(never) <= MAX_NAMED else [f"{len(never):,} others"]
        rest = f"; of {joined(others)}, at no setting did half"
    return [f"At the fastest setting of each {each}, half of the runs converged within {within}{rest}."]


def _median_losses(result: Result) -> str:
    median = _column(result, "final_loss_q50")
    if len(median) == 1:
        return f"The median final loss is {_loss(result, median.iloc[0])}."
    lowest, highest = _loss(result, median.min()), _loss(result, median.max())
    return f"The median final losses of the settings go from {lowest} to {highest}."


def _learned_nothing(result: Result) -> list[str]:
    """Which values of the subject never end below the loss of answering ½, but for rounding."""
    known = constants(result)
    if len(known) != 1 or len(kinds(result)) != 1:
        return []
    loss = result.part("runs", ["final_loss"])["final_loss"]
    above = loss >= known[0].loss - 1e-9
    share = f"{percent(float(above.mean()))}{NBSP}% of all runs end at {known[0].name} or above"
    subject = _subject(result)
    layout = choose_layout(result)
    if subject is None or layout.by_inputs or layout.plane is not None:
        return [f"{share}."]
    always = above.groupby(result.part("runs", [subject])[subject], observed=True, dropna=False).all()
    names = [_name(subject, name) for name in always.index[always]]
    among = f", among them every run of {joined(names)}" if 0 < len(names) <= MAX_NAMED else ""
    return [f"{share}{among}."]


def _outcomes(result: Result) -> list[str]:
    """What became of all runs, by status."""
    n_converged, n, n_diverged, n_stationary = _totals(result)
    max_epochs = result.manifest["experiment"]["train"]["max_epochs"]
    parts = {
        "converged": n_converged,
        "diverged": n_diverged,
        "became stationary": n_stationary,
        f"had not converged after {max_epochs:,} epochs": n - n_converged - n_diverged - n_stationary,
    }
    if n in parts.values():
        return []
    said = [f"{count:,} ({percent(count / n)}{NBSP}%) {what}" for what, count in parts.items() if count]
    return [f"Of all {n:,} runs, {joined(said)}."]


def _gates_by_inputs(result: Result) -> list[str]:
    """For each number of inputs, how many gates converged always, sometimes, never."""
    counts = result.part("summary", ["gate", "n", "n_converged"]).groupby("gate", observed=True).sum()
    groups = counts.groupby([inputs_of(str(gate)) for gate in counts.index], sort=False)
    sentences = []
    for name, gates in groups:
        always = int((gates["n_converged"] == gates["n"]).sum())
        never = int((gates["n_converged"] == 0).sum())
        sometimes = len(gates) - always - never
        said = f"{always:,} of the {len(gates):,} gates with {name} converged"
        if (gates["n"] > 1).any():
            said += f" in every run, {sometimes:,} in some and {never:,} in none"
        sentences.append(f"{said}.")
    return sentences


def _who(subject: str, names: Sequence[Any], every: Sequence[Any], others: bool) -> str:
    """Name some values of the subject: each of a few, numbers that follow each other as a range, else how many."""
    if len(names) <= MAX_NAMED:
        return joined([_name(subject, name) for name in names])
    first = list(every).index(names[0])
    if isinstance(names[0], NUMBERS) and list(every[first : first + len(names)]) == list(names):
        return f"{_capital(label(subject))} from {number(names[0])} to {number(names[-1])}"
    count = _SMALL[len(names)] if len(names) < len(_SMALL) else f"{len(names):,}"
    plural = _PLURALS.get(subject, f"{label(subject)}s")
    return f"The {count} other {plural}" if others else f"All {count} {plural}"


def _name(subject: str, value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return f"{label(subject)} = {str(value).lower()}"
    if isinstance(value, NUMBERS):
        return f"{label(subject)} = {number(value)}"
    return ENCODINGS[value] if subject == "encoding" else str(value)


def number(value: Any) -> str:
    """Write a number of the grid: as it is if it has few digits, else the first three."""
    if value < 0:
        return f"−{number(-value)}"
    written = np.format_float_positional(value, trim="-") if 1e-4 <= value < 1e7 else ""
    if 0 < len(written.replace(".", "").lstrip("0")) <= 5:
        return written
    if value == 0 or 1e-4 <= value < 1e7:
        return np.format_float_positional(value, precision=3, unique=True, fractional=False, trim="-")
    return f"{value:.3g}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _epochs(count: float) -> str:
    return f"{int(count):,} epoch{'' if count == 1 else 's'}"


def _epochs_each(period: float) -> str:
    return "epoch" if pd.isna(period) or period == 1 else _epochs(period)


def _loss(result: Result, loss: float) -> str:
    if not math.isfinite(loss):
        return "infinite"
    return f"{loss:.3g}{nats(result)}" if loss >= 1e-9 else f"less than 1e-9{nats(result)}"
