"""Numbers, units and names as text: each rule once."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from sweep.spec.gates import shown
from sweep.spec.keys import KEYS
from sweep.spec.schema import STATUS

NBSP = "\N{NO-BREAK SPACE}"
ENCODINGS = {"01": "inputs 0 and 1", "pm1": "inputs −1 and +1"}
NUMBERS = (int, float, np.number)

_LABELS = {"learning_rate": "learning rate η", "init": "start", "hidden": "hidden units"}
_SYMBOLS = {"learning_rate": "η"}
_SMALL = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_SMALL += ["thirteen", "fourteen", "fifteen", "sixteen"]
_UNITS = {"bce": "nats", "mse": "mean squared error"}


def label(axis: str) -> str:
    """Return the name of a grid key as a reader would say it."""
    if axis not in KEYS:
        return f"initial weight {axis}"
    return _LABELS.get(axis, axis.replace("_", " "))


def assignment(axis: str, value: object) -> str:
    """Write a value of a numeric axis with its name, as short as is clear."""
    return unbroken(f"{_SYMBOLS.get(axis, label(axis))} = {value}")


def unbroken(text: str) -> str:
    """Return a text that does not break across lines."""
    return text.replace(" ", NBSP)


def joined(parts: Sequence[str]) -> str:
    """Join parts to "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def capital(text: str) -> str:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def counted(count: float, noun: str) -> str:
    """Write a count with its noun, such as "1 epoch" or "2,000 epochs"."""
    return f"{int(count):,} {noun}{'' if count == 1 else 's'}"


def small(count: int) -> str:
    """Write a count as a word up to sixteen, else as a number."""
    return _SMALL[count] if count < len(_SMALL) else f"{count:,}"


def span(counts: Collection[int]) -> str:
    """Write the range of some counts: "10 to 20", or "10" if all are the same."""
    low, high = f"{min(counts):,}", f"{max(counts):,}"
    return low if low == high else f"{low} to {high}"


def ordinal(count: int) -> str:
    """Write an ordinal, such as "2nd" or "11th"."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th") if count % 100 not in (11, 12, 13) else "th"
    return f"{count:,}{ending}"


def percent(share: float) -> str:
    """Write a share in percent, with the decimals it takes to tell it from 0 and 100."""
    distance = 100 * min(share, 1 - share)
    if distance <= 0:
        return "100" if share > 0.5 else "0"
    decimals = 1 if distance >= 0.95 else 2 if distance >= 0.01 else math.ceil(-math.log10(distance))
    return f"{100 * share:.{decimals}f}"


def p_value(p: float) -> str:
    """Write the p of a test: "p = 0.012"."""
    return f"p{NBSP}<{NBSP}0.001" if p < 0.001 else f"p{NBSP}={NBSP}{p:.2g}"


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


def cell(value: Any) -> str:
    """Write a value of the grid for a table: six digits of a number, the name of a gate, "none" for a hole."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else shown(str(value))


def exact(target: float) -> str:
    """Write a target with all its digits: ln 2 + 4e-10 is not 0.693147, below which no weights bring XOR."""
    short = f"{target:g}"
    return short if float(short) == target else repr(float(target))


def loss_unit(kinds: Sequence[str]) -> str:
    """Return the units of losses of these kinds, for an axis."""
    return " or ".join(_UNITS[kind] for kind in kinds)


def nats(kinds: Sequence[str]) -> str:
    """Return the unit that follows a loss in a sentence, where there is one."""
    return f"{NBSP}nats" if list(kinds) == ["bce"] else ""


def of_group(name: str, n_converged: int, n: int) -> str:
    """Tell how many runs of a group converged."""
    return f"{name}: {n_converged:,} of {n:,} runs converged"


def outcome(stored: Mapping[str, Any]) -> list[str]:
    """Tell how a run ended, and its final loss unless it diverged."""
    status, first = STATUS[stored["status"]], stored["converged_epoch"]
    epochs = counted(stored["epochs"], "epoch")
    how = f"{status.term} after {epochs}"
    if stored["status"] == "converged" and first != stored["epochs"]:
        how = f"converged at epoch {first:,}, trained for {epochs}"
    return [how, f"loss {stored['final_loss']:.3g}"] if status.is_finite else [how]


def ended(status: str, max_epochs: int) -> str:
    """Return a status as a reader would say it, with the epochs that were too few."""
    term = STATUS[status].term
    return f"{term} after {counted(max_epochs, 'epoch')}" if status == "max_epochs" else term


def loss_in_words(loss: float, kinds: Sequence[str]) -> str:
    """Write a loss for a sentence, with its unit."""
    if not math.isfinite(loss):
        return "infinite"
    return f"{loss:.3g}{nats(kinds)}" if loss >= 1e-9 else f"less than 1e-9{nats(kinds)}"


def epochs_text(epoch: float, max_epochs: int) -> str:
    """Write epochs for a table: those later than max_epochs, which are not known, as "> max_epochs"."""
    return f"{epoch:,.0f}" if math.isfinite(epoch) else f"> {max_epochs:,}"


def loss_text(loss: float) -> str:
    """Write a loss for a table, to three digits."""
    return f"{loss:.3g}" if math.isfinite(loss) else "∞"


def duration(seconds: float) -> str:
    """Return a time for people: "4.2 s", "35 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 59.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
