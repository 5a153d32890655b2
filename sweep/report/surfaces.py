"""Decision surfaces: what trained models answer between the rows of their table, and which runs are worth a look."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from sweep.report.axes import assignment, categories_first, combinations_in, is_numeric, unbroken, varying
from sweep.report.canvas import GREY, colour_bar, picture_rows, styled
from sweep.report.columns import sparing
from sweep.report.looks import figure_of
from sweep.report.result import Result
from sweep.report.sentences import Description, number
from sweep.report.settings import experiment, grid_keys, n_rows, values_of
from sweep.spec.gates import truth_table
from sweep.spec.training_sets import TrainingSet as Table

MAX_ROWS = 3
"""Gates, or numbers of hidden units, that get a row of panels."""
OUTCOME = ("status", "epochs", "converged_epoch", "period", "final_loss")
MARGIN = 0.4
"""Of the plane around the rows of the table, in spans of each input."""

_N_CELLS = 241
_N_SHADES = 41
"""Odd, so that one is that of ½; few, so that steps show and files are small."""
_WRAP = 31
_NUMBERED_ROWS = 16
"""Rows of a table up to which each point bears its target."""
_ORANGE, _BLUE = "#D55E00", "#0072B2"
COLOURS = LinearSegmentedColormap.from_list("output", [_ORANGE, "#F4C6A6", "#FFFFFF", "#A6CDE6", _BLUE])
"""From output 0 to output 1, both ends told apart by every kind of colour vision; white at ½."""

Array = NDArray[np.float64]


def _sigmoid(a: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -a)))


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0.0),
}


class Choice(NamedTuple):
    """A run worth a look.

    Attributes
    ----------
    row
        What is common to the panels beside it, with how many of its runs converged.
    role
        Why it was chosen: "Fastest", "Median", "Failed", ….
    run
        Its number.
    stored
        `status`, `epochs`, `converged_epoch`, `period` (None where missing) and `final_loss` in the table of runs.
    """

    row: str
    role: str
    run: int
    stored: Mapping[str, Any]


@dataclass(frozen=True)
class Trained:
    """A run trained again, as far as its surface takes.

    Attributes
    ----------
    setting
        Every key of the grid → its value; `seed` last.
    table
        Its training set, of two inputs.
    weights : float64, shape (n_params,)
        After the last update, in the order of `sweep.spec.inits.draw`.
    identical
        Whether it came out as the table of runs has it, bit for bit.
    """

    setting: Mapping[str, Any]
    table: Table
    weights: Array
    identical: bool


def choices(result: Result, max_rows: int = MAX_ROWS) -> list[Choice]:
    """Choose the runs whose surfaces tell most: row by row the fastest, the median and a failed one.

    A row is a gate or a table of one's own with two inputs and targets from 0 to 1; of a single one, a number of hidden
    units if that varies. The rows go from the smallest share of runs that converged to the largest; of more than
    `max_rows`, these two and, at even steps of rank, some between them.

    Runs are ordered by the epoch at which they converged (those that did not come last), then by final loss, then by
    number. The fastest is the first, the median the middle one, the lower of two; the failed one is in the middle of
    those that did not converge. Where none did, these are the lowest, the median and the highest finite loss. A run
    that is two of these is named once.

    Returns
    -------
    list of Choice
        Empty if no table has two inputs, or there are no runs.
    """
    if n_rows(result, "runs") == 0 or "gate" not in grid_keys(result):
        return []
    result = sparing(result)
    if not (tables := _tables(result)):
        return []
    keys = [key] if (key := _key(result)) else []
    gates = combinations_in(result, "runs", ["gate"]).cat
    eligible = np.isin(gates.categories.to_numpy(object), list(tables))[gates.codes.to_numpy()]
    rows = combinations_in(result, "runs", keys or ["gate"]).cat
    codes = np.where(eligible, rows.codes.to_numpy(), -1)
    status = result.part("runs", ["status"])["status"]
    converged = (status == "converged").to_numpy()
    n = np.bincount(codes[eligible], minlength=len(rows.categories))
    n_converged = np.bincount(codes[eligible & converged], minlength=len(rows.categories))
    found: list[tuple[str, str, int]] = []
    for code in _ranked(n, n_converged, max_rows):
        places = np.flatnonzero(codes == code)
        row = f"{rows.categories[code]}: {n_converged[code]:,} of {n[code]:,} runs converged"
        columns = result.part("runs", ["converged_epoch", "final_loss"]).iloc[places]
        epochs = columns["converged_epoch"].to_numpy(np.float64, na_value=np.inf)
        epochs[~converged[places]] = np.inf
        roles = _roles(epochs, columns["final_loss"].to_numpy(np.float64))
        found += [(row, role, int(places[at])) for role, at in roles.items()]
    runs = _stored(result, [place for *_, place in found])
    return [Choice(row, role, *run) for (row, role, _), run in zip(found, runs, strict=True)]


def chosen(result: Result, runs: Sequence[int]) -> list[Choice]:
    """Choose runs by their numbers, all in one row.

    Raises
    ------
    ValueError
        If the result has no such run.
    """
    numbers = result.part("runs", ["run"])["run"].to_numpy()
    places = [np.flatnonzero(numbers == run) for run in runs]
    for run, found in zip(runs, places, strict=True):
        if len(found) == 0:
            raise ValueError(f"run: found {run}, which is not among the {len(numbers):,} runs of this result")
    return [Choice("", "", *run) for run in _stored(result, [int(found[0]) for found in places])]


@styled
def draw(result: Result, chosen: Sequence[Choice], trained: Sequence[Trained]) -> Figure:
    """Draw the output of models over the plane of their two inputs, their tables' rows, and where the output is ½.

    Parameters
    ----------
    result
        From which the runs were chosen.
    chosen
        At least one; `row` after `row`, at most three each.
    trained
        Of each choice.
    """
    rows: dict[str, list[tuple[Choice, Trained]]] = {}
    for choice, model in zip(chosen, trained, strict=True):
        rows.setdefault(choice.row, []).append((choice, model))
    if any(len(row) > 3 for row in rows.values()):
        rows = {"\0" * i: group for i, group in enumerate(_threes([one for row in rows.values() for one in row]))}
    titles = [[_title(result, choice, model) for choice, model in row] for row in rows.values()]
    legend: list[Artist] = [Line2D([], [], color="black", linewidth=1.6, label="output ½")]
    targets = np.concatenate([model.table.targets for model in trained])
    for target, colour in ((0, _ORANGE), (1, _BLUE)):
        if (targets == target).any():
            legend.append(_point(colour, label=f"row of the table with target {target}"))
    made = picture_rows(
        [name.strip("\0") for name in rows], titles, "What the models answer", ("first input", "second input"), legend
    )
    for axes, row in zip(made, rows.values(), strict=True):
        for one, (_, model) in zip(axes, row, strict=True):
            _panel(one, model)
    figure = figure_of(made[0][0])
    bar = colour_bar(figure, "output")
    bar.imshow(np.linspace(0, 1, 256)[:, None], COLOURS, origin="lower", aspect="auto", extent=(0, 1, 0, 1))
    bar.yaxis.tick_right()
    bar.xaxis.set_major_locator(NullLocator())
    bar.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    bar.yaxis.set_major_formatter(lambda share, _: {0.0: "0", 0.5: "½", 1.0: "1"}[share])
    return figure


def description(result: Result, chosen: Sequence[Choice]) -> Description:
    """Caption and alternative text of the figure of `choices`."""
    rows = list(dict.fromkeys(choice.row for choice in chosen))
    which = (
        "Runs are in order of the epoch at which they converged, then of their final loss, then of their number: the "
        "fastest is the first, the median in the middle, and the failed one in the middle of those that did not "
        "converge; where none did, shown are the lowest, the median and the highest finite loss."
    )
    kinds = _kinds(result)
    if len(kinds) > len(rows):
        which += (
            f" Of {len(kinds):,} {'gates' if _key(result) == 'gate' else 'numbers of hidden units'}, {len(rows)} are "
            "shown: that of which the fewest runs converged first, that of which the most did last, and between them "
            "others at even steps of rank."
        )
    told = []
    for row in rows:
        runs = [f"{one.role.lower()} run {one.run} {_outcome(one.stored)}" for one in chosen if one.row == row]
        told.append(f"{row}; {'; '.join(runs)}.")
    return Description(
        "What single models answer over the plane of their two inputs, by their weights after the last epoch. Each run "
        f"was trained again, bit for bit. {which}",
        " ".join(["Colour maps of the outputs of single models.", *told]),
    )


def logits(model: Trained, inputs: Array) -> Array:
    """The logit z of a model, equations (1) and (2) of `sweep.kernel.model`, in NumPy's own arithmetic.

    Parameters
    ----------
    model
    inputs : float64, shape (n, n_inputs)

    Returns
    -------
    float64, shape (n,)
        NaN or infinite where weights are not finite.
    """
    n, hidden = inputs.shape[1], model.setting["hidden"]
    ends = (hidden * n, hidden * (n + 1), hidden * (n + 2), model.weights.size - 1)
    W1, b1, w2, u, b2 = np.split(model.weights, ends)
    with np.errstate(all="ignore"):
        z = np.full(len(inputs), b2[0])
        if hidden:
            z = z + ACTIVATIONS[model.setting["activation"]](inputs @ W1.reshape(hidden, n).T + b1) @ w2
        return z + inputs @ u if u.size else z


def outputs(model: Trained, z: Array) -> Array:
    """The output of a model for its logits."""
    with np.errstate(all="ignore"):
        return z if model.setting["output"] == "linear" else _sigmoid(z)


def has_plane(table: Table) -> bool:
    """Whether a training set has two inputs, and targets from 0 to 1."""
    return table.inputs.shape[1] == 2 and bool(((table.targets >= 0) & (table.targets <= 1)).all())


def _tables(result: Result) -> list[str]:
    """The gates, and tables of one's own, that have a plane."""
    own = experiment(result).tables
    gates = dict.fromkeys(map(str, values_of(result, "gate")))
    return [gate for gate in gates if (has_plane(own[gate]) if gate in own else len(truth_table(gate)) == 4)]


def _key(result: Result) -> str | None:
    """The key of the grid whose values get a row each."""
    if len(_tables(result)) > 1:
        return "gate"
    return "hidden" if "hidden" in varying(result) else None


def _kinds(result: Result) -> list[Any]:
    """The values that get a row each."""
    if _key(result) != "hidden":
        return _tables(result)
    settings = result.part("summary", ["gate", "hidden"])
    return sorted(set(settings["hidden"][settings["gate"].isin(_tables(result))]))


def _ranked(n: NDArray[np.int64], n_converged: NDArray[np.int64], most: int) -> list[int]:
    """Groups of runs that there are, at most so many, from the smallest share that converged to the largest."""
    there = np.flatnonzero(n)
    ranked = there[np.argsort(n_converged[there] / n[there], kind="stable")]
    if len(ranked) > most:
        ranked = ranked[np.linspace(0, len(ranked) - 1, most).round().astype(int)]
    return [int(group) for group in ranked]


def _roles(epochs: Array, loss: Array) -> dict[str, int]:
    """Role → position of the run that has it; epochs are infinite for runs that did not converge."""
    n, failed = len(epochs), np.flatnonzero(np.isinf(epochs))
    if n == 1:
        return {"The one run": 0}
    best, middle = _nth(epochs, loss, 0), _nth(epochs, loss, (n - 1) // 2)
    if len(failed) < n:
        places = {"Fastest": best, "Median": middle}
        if len(failed):
            places["Failed"] = int(failed[_nth(epochs[failed], loss[failed], (len(failed) - 1) // 2)])
    else:
        places = {"Lowest loss": best, "Median loss": middle}
        if len(finite := np.flatnonzero(np.isfinite(loss))):
            places["Highest finite loss"] = int(finite[loss[finite].argmax()])
    named: dict[int, list[str]] = {}
    for role, place in places.items():
        named.setdefault(place, []).append(role)
    return {" and ".join(several).capitalize(): place for place, several in named.items()}


def _nth(epochs: Array, loss: Array, n: int) -> int:
    """The position of the n-th run, from 0, in the order of epochs, then of losses, then of positions."""
    epoch = np.partition(epochs, n)[n]
    n -= int(np.count_nonzero(epochs < epoch))
    tied = np.flatnonzero(epochs == epoch)
    value = np.partition(loss[tied], n)[n]
    n -= int(np.count_nonzero(loss[tied] < value))
    return int(tied[np.flatnonzero(loss[tied] == value)[n]])


def _stored(result: Result, places: Sequence[int]) -> list[tuple[int, dict[str, Any]]]:
    """The numbers and the outcomes of runs, given by their rows in the table of runs."""
    rows = result.part("runs", ["run", *OUTCOME]).iloc[list(places)]
    found = []
    for run, status, epochs, *known, loss in zip(*(rows[name].to_numpy(object) for name in rows), strict=True):
        converged_epoch, period = (None if pd.isna(number) else int(number) for number in known)
        values = (str(status), int(epochs), converged_epoch, period, float(loss))
        found.append((int(run), dict(zip(OUTCOME, values, strict=True))))
    return found


def _threes(ones: Sequence[tuple[Choice, Trained]]) -> list[list[tuple[Choice, Trained]]]:
    return [list(ones[at : at + 3]) for at in range(0, len(ones), 3)]


def _title(result: Result, choice: Choice, model: Trained) -> str:
    """Which run a panel shows, its setting and its outcome, in lines."""
    of_row = _key(result) if choice.row else None
    shown = [key for key in categories_first(result, varying(result)) if key != of_row]
    parts = [_value(result, key, model.setting[key]) for key in shown if model.setting[key] is not None]
    setting = ", ".join([*parts, unbroken(f"seed {model.setting['seed']}")])
    who = f"{choice.role}: run {choice.run:,}" if choice.role else f"Run {choice.run:,}"
    outcome, comma, loss = _outcome(choice.stored).partition(", loss")
    lines = [who, *textwrap.wrap(setting, _WRAP), *textwrap.wrap(outcome, _WRAP)]
    return "\n".join([*lines, f"loss{loss}"] if comma else lines)


def _value(result: Result, key: str, value: Any) -> str:
    if not is_numeric(result, key):
        return unbroken(str(value)) if isinstance(value, str) else assignment(key, str(value).lower())
    return assignment(key, number(value) if abs(value) < 1000 else f"{value:.0f}".replace("-", "\N{MINUS SIGN}"))


def _outcome(stored: Mapping[str, Any]) -> str:
    """What became of a run, with its final loss."""
    epochs, first = _epochs(stored["epochs"]), stored["converged_epoch"]
    loss = f", loss {stored['final_loss']:.3g}"
    match stored["status"]:
        case "converged" if first == stored["epochs"]:
            return f"converged after {epochs}{loss}"
        case "converged":
            return f"converged at epoch {first:,}, trained for {epochs}{loss}"
        case "diverged":
            return f"diverged after {epochs}"
        case "stationary":
            return f"stationary after {epochs}{loss}"
    return f"not converged in {epochs}{loss}"


def _epochs(count: int) -> str:
    return f"{count:,} epoch{'' if count == 1 else 's'}"


def _panel(axes: Axes, model: Trained) -> None:
    """The picture, the line where the output is ½, and the rows of the table."""
    inputs, targets = model.table.inputs, model.table.targets
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = MARGIN * np.where(high > low, high - low, 1.0)
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    axes.set(xlim=(left, right), ylim=(bottom, top))
    for axis, values in ((axes.xaxis, inputs[:, 0]), (axes.yaxis, inputs[:, 1])):
        few = np.unique(values)
        axis.set_major_locator(FixedLocator(few.tolist()) if len(few) <= 3 else MaxNLocator(3))
    axes.spines[:].set_visible(True)
    if not model.identical:
        _note(axes, "came out otherwise than\nin the table of runs")
        return
    x, y = np.linspace(left, right, _N_CELLS), np.linspace(bottom, top, _N_CELLS)
    plane = np.column_stack([grid.ravel() for grid in np.meshgrid(x, y)])
    z = logits(model, plane).reshape(_N_CELLS, _N_CELLS)
    shown = np.round(np.clip(outputs(model, z), 0, 1), 9)
    if not np.isfinite(z).any():
        _note(axes, "no finite output")
        return
    shades = np.round(shown * (_N_SHADES - 1)) / (_N_SHADES - 1)
    picture = COLOURS(shades, bytes=True)[..., :3].copy()
    picture[np.isnan(shown)] = 0xB5
    axes.imshow(picture, origin="lower", aspect="auto", extent=(left, right, bottom, top), interpolation="none")
    if (np.abs(shown - 0.5) < 0.5 / _N_SHADES).all():
        _note(axes, "about ½ everywhere")
    height = z - 0.5 if model.setting["output"] == "linear" else z
    if np.nanmin(shown) < 0.5 < np.nanmax(shown):  # else of ½ everywhere the line would be noise
        height = np.where(np.isfinite(height), height, np.nan)
        height = np.round(height / np.nanmax(np.abs(height)), 12)  # whose products overflow otherwise
        axes.contour(x, y, height, levels=[0.0], colors="black", linewidths=1.6, linestyles="-")
    numbered = len(targets) <= _NUMBERED_ROWS
    for (x1, x2), target in zip(inputs.tolist(), targets.tolist(), strict=True):
        dark = abs(target - 0.5) > 0.25
        size = 13 if numbered else 5
        colour = COLOURS(target)
        axes.plot(x1, x2, "o", markersize=size, color=colour, markeredgecolor="black", clip_on=False, zorder=3)
        if numbered:
            text_colour = "white" if dark else "black"
            axes.text(
                x1, x2, f"{target:.2g}", color=text_colour, fontsize=8.5, ha="center", va="center_baseline", zorder=4
            )


def _point(colour: str, label: str) -> Line2D:
    return Line2D([], [], color=colour, marker="o", linewidth=0, markersize=8, markeredgecolor="black", label=label)


def _note(axes: Axes, text: str) -> None:
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY, bbox=ground, zorder=2.5)
