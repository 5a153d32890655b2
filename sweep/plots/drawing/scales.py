"""Scales of axes: linear or logarithmic as the values ask for, and their ticks."""

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

FEW_VALUES = 9
"""Values of an axis up to which ticks stand at values only: at each, if they do not crowd."""
ZERO = 0.25
"""Where a logarithmic axis shows 0, labelled as such, of what is a whole number otherwise."""


def is_log_spaced(values: NDArray[np.float64]) -> bool:
    """Return True if an axis' values are spread more evenly on a logarithmic than on a linear scale."""
    distinct = np.unique(values)
    if len(distinct) < 2 or distinct[0] <= 0:
        return False
    if len(distinct) == 2:
        return bool(distinct[1] >= 10 * distinct[0])
    linear, log = np.diff(distinct / distinct[-1]), np.diff(np.log(distinct))
    return bool(log.std() / log.mean() < linear.std() / linear.mean())


def scale_x(axes: Axes, values: NDArray[np.float64]) -> None:
    """Set a linear or a logarithmic scale that fits an axis' values."""
    if is_log_spaced(values):
        least, most = float(values.min()), float(values.max())
        margin = (most / least) ** 0.03 if least > most / 1e300 else 1.0
        limits = least / margin, min(most * margin, np.finfo(np.float64).max)
        log_scale(axes, "x", limits, 4, values=np.unique(values))
    else:
        margin = 0.03 * (np.ptp(values) or 1.0)
        axes.set_xlim(values.min() - margin, values.max() + margin)
        distinct = np.unique(values)
        apart = np.diff(distinct).min(initial=np.inf) >= 0.1 * np.ptp(distinct)
        if len(distinct) <= FEW_VALUES and apart:
            axes.xaxis.set_major_locator(FixedLocator(distinct.tolist()))
        else:
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=bool(np.all(values == np.round(values)))))


def log_scale(
    axes: Axes,
    direction: Literal["x", "y"],
    limits: tuple[float, float],
    most: int,
    named: Mapping[float, str] | None = None,
    values: NDArray[np.float64] | None = None,
) -> None:
    """Set a logarithmic scale.

    Its ticks are those with names of their own, and at most `most` powers of ten; of few values, powers of ten among
    them or else the values.
    """
    ticks = log_ticks(limits, most)
    near = math.log(limits[1] / limits[0]) * (0.2 if direction == "x" else 0.1)
    names = dict(named or {})
    if values is not None and len(values) <= FEW_VALUES and not ticks.keys() <= set(values.tolist()):
        ticks = {value: f"{value:g}" for value in values.tolist()}
    nears = {other: near * (1.5 if other in limits else 1) for other in names}  # a name at the end stands inwards
    names |= {
        at: name for at, name in ticks.items() if all(abs(math.log(at / other)) > nears[other] for other in nears)
    }
    axes.set(**{f"{direction}scale": "log", f"{direction}lim": limits})
    axis = axes.xaxis if direction == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(names)))
    axis.set_major_formatter(FixedFormatter(list(names.values())))
    axis.set_minor_locator(NullLocator())


def ends_inward(axes: Axes) -> None:
    """Write ticks at both ends of the axis along a panel inwards, if they are so long that neighbours would meet."""
    at, (first, last) = axes.xaxis.get_majorticklocs(), axes.get_xlim()
    names = axes.xaxis.get_major_formatter().format_ticks(at.tolist())
    for tick, place, name in zip(axes.xaxis.get_major_ticks(len(at)), at, names, strict=True):
        if len(name) > 2 and math.isclose(place, first):
            tick.label1.set_horizontalalignment("left")
        elif len(name) > 2 and math.isclose(place, last):
            tick.label1.set_horizontalalignment("right")


def zero_if(earliest: float) -> dict[float, str]:
    """The tick of 0, if the least value is 0."""
    return {ZERO: "0"} if earliest == 0 else {}


def log_ticks(limits: tuple[float, float], most: int) -> dict[float, str]:
    """At most `most` powers of ten within limits, or where there are fewer than two, some round values; named."""
    first, last = math.ceil(math.log10(limits[0]) - 1e-9), math.floor(math.log10(limits[1]) + 1e-9)
    step = max(math.ceil((last - first + 1) / most), 1)
    ticks = {10.0**power: _power_of_ten(power) for power in range(first, last + 1) if power % step == 0}
    return ticks if len(ticks) > 1 else {value: _round_value(value) for value in _round_values(*limits)}


def _round_values(low: float, high: float) -> list[float]:
    """Up to three of 1, 2 and 5 times powers of ten within limits, or where these are close, values in equal steps."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    within = [value for value in values if low <= value <= high]
    if len(within) < 2:
        even = MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(low, high)
        within = [float(value) for value in even if low <= value <= high] or [low, high]
    return within[:: math.ceil(len(within) / 3)]


def _round_value(value: float) -> str:
    if 1e-3 <= value < 1e5:
        return f"{value:,.12g}"
    digits, power = f"{value:.2e}".split("e")
    return f"{float(digits):g}·{_power_of_ten(int(power))}"


def _power_of_ten(power: int) -> str:
    if -3 <= power <= 3:
        return f"{10.0**power:g}"
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def percent_ticks(axis: Axis) -> None:
    """Set ticks of a share that goes from 0 to 1."""
    axis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axis.set_major_formatter(FixedFormatter(["0 %", "50 %", "100 %"]))
