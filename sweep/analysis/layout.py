"""Layout of a figure: the axis along it, those with panels, the one with lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

from sweep.analysis.names import inputs_of
from sweep.results.settings import Settings

MAX_PANELS = 24
MAX_LINES = 7
PLANE = 16
"""Least number of values on each of two numeric axes for their plane to be drawn as a picture."""


@dataclass(frozen=True)
class Layout:
    """Part of each axis of a grid in a figure.

    Attributes
    ----------
    x : str or None
        The numeric axis along the figure.
    panels : tuple of str
        The axes each combination of whose values gets a panel.
    lines : str or None
        The axis whose values get a line within each panel.
    pooled : tuple of str
        The axes without room: their values are counted together.
    by_inputs : bool
        Gates too many to show one by one are counted together by their number of inputs.
    plane : tuple of two str, or None
        The two longest numeric axes, upwards and to the right, of a grid that is rather a picture than lines.
    """

    x: str | None
    panels: tuple[str, ...] = ()
    lines: str | None = None
    pooled: tuple[str, ...] = ()
    by_inputs: bool = False
    plane: tuple[str, str] | None = None

    @property
    def lines_mix(self) -> bool:
        """True if lines would count settings of the plane together, so that only its picture is drawn."""
        return self.plane is not None and bool(set(self.plane) & set(self.pooled))

    @property
    def axes(self) -> list[str]:
        """The axes that have panels, lines, or a direction of their own."""
        return [key for key in (*self.panels, self.lines, self.x) if key]

    @property
    def panels_only(self) -> Self:
        """The layout without lines. Their axis becomes one of panels if there is no other, or if there is a plane."""
        lines = (self.lines,) if self.lines else ()
        panels = self.panels + lines if self.plane else self.panels or lines
        return replace(self, x=None, panels=panels, lines=None, pooled=(), plane=None)


class Combinations:
    """Combinations of values that occur in a union of grids, counted without being listed.

    Values of a key that occur in the same grids are exchangeable: they are counted together, by that set of grids.
    Sets of grids are integers, one bit for each grid.

    Parameters
    ----------
    grids
        Key → its values, of each grid, which has all combinations of them.
    """

    def __init__(self, grids: Sequence[Mapping[str, Iterable[Any]]]) -> None:
        self._all = (1 << len(grids)) - 1
        self._classes = {key: _classes([grid[key] for grid in grids]) for key in (grids[0] if grids else ())}

    def n_values(self, key: str) -> int:
        """Return the number of values of a key."""
        return sum(self._classes[key].values())

    def n(self, keys: Iterable[str]) -> int:
        """Return the number of combinations of the values of some keys."""
        ordered = tuple(keys)

        @cache
        def count(grids: int, depth: int) -> int:
            if depth == len(ordered):
                return 1
            classes = self._classes[ordered[depth]].items()
            return sum(n * count(grids & where, depth + 1) for where, n in classes if grids & where)

        return count(self._all, 0)

    def follows(self, key: str, other: str) -> bool:
        """Return True if the value of `other` tells that of `key`."""
        return self.n([other, key]) == self.n_values(other)

    def most_within(self, key: str, others: Iterable[str]) -> int:
        """Return the most values of a key that go with one combination of others."""
        ordered = tuple(others)

        @cache
        def most(grids: int, depth: int) -> int:
            if depth == len(ordered):
                return sum(n for where, n in self._classes[key].items() if grids & where)
            return max(most(grids & where, depth + 1) for where in self._classes[ordered[depth]] if grids & where)

        return most(self._all, 0)


def _classes(of_grids: Sequence[Iterable[Any]]) -> dict[int, int]:
    """Return how many values occur in the same grids, by the set of these grids."""
    homes: dict[Any, int] = {}
    for number, values in enumerate(of_grids):
        for value in values:
            homes[value] = homes.get(value, 0) | 1 << number
    counts: dict[int, int] = {}
    for where in homes.values():
        counts[where] = counts.get(where, 0) + 1
    return counts


def categories_first(settings: Settings, keys: Iterable[str]) -> list[str]:
    """Order keys of the grid: the gate, then the other categories, then numbers."""
    return sorted(keys, key=lambda key: (key != "gate", settings.is_numeric(key)))


def varying(settings: Settings) -> list[str]:
    """Return the keys of the grid that take more than one value, in file order."""
    return [key for key in settings.keys if settings.varies(key)]


def combinations_of(settings: Settings, keys: Sequence[str], by_inputs: bool = False) -> Combinations:
    """Count which values of some keys occur together, gates by their number of inputs if asked."""
    grids: list[dict[str, Iterable[Any]]] = []
    for part in settings.parts:
        grids.append({key: settings.codes_in(part, key).tolist() for key in keys})
        if by_inputs:
            gates = part.grid.values["gate"]
            grids[-1]["gate"] = {inputs_of(gates[at]) for at in part.occurring("gate").tolist()}
    return Combinations(grids)


def choose_layout(settings: Settings) -> Layout:
    """Give each varying axis its part.

    The longest numeric axis runs along the figure, of several the learning rate or else the first. It does not count
    where it has no value at some points, or where another one goes with it (parity of 2 to 7 bits, say, each with its
    own number of hidden units). Lines are, of the other axes except the gate, the one with the most values at a fixed
    combination of the rest. Panels are as many of the remaining axes as fit: the gate first, then categories, then
    numbers. An axis that follows from lines and panels needs no place of its own.
    """
    keys = categories_first(settings, varying(settings))
    counts = combinations_of(settings, keys)
    x = _along(settings, keys, counts)
    plane = _plane(settings, keys, counts)
    by_inputs = "gate" in keys and counts.n_values("gate") > MAX_PANELS
    if by_inputs:
        counts = combinations_of(settings, keys, by_inputs)
    others = [key for key in keys if key != x]
    lines = _lines(settings, others, counts, x)

    panels: list[str] = []
    pooled: list[str] = []
    for key in others:
        shown = [axis for axis in (lines, *panels) if axis]
        if key == lines or (shown and counts.n([*shown, key]) == counts.n(shown)):
            continue
        fits = counts.n([*panels, key]) <= MAX_PANELS
        (panels if fits else pooled).append(key)
    return Layout(x, tuple(panels), lines, tuple(pooled), by_inputs, plane)


def _along(settings: Settings, keys: Sequence[str], counts: Combinations) -> str | None:
    """Choose the axis along the figure."""
    numeric = [key for key in keys if settings.is_numeric(key) and None not in settings.values(key)]
    before = {key: keys[: keys.index(key)] for key in numeric}
    free = [
        key
        for key in numeric
        if not any(
            counts.follows(key, other) and (other in before[key] or not counts.follows(other, key))
            for other in keys
            if other != key
        )
    ]
    return max(free, key=lambda key: (counts.n_values(key), key == "learning_rate"), default=None)


def _lines(settings: Settings, keys: Sequence[str], counts: Combinations, x: str | None) -> str | None:
    """Choose the axis for the lines; the only one beside x has lines if it is short, and panels otherwise."""
    if len(keys) == 1:
        (key,) = keys
        most = MAX_LINES if settings.is_numeric(key) else 3
        return key if x is not None and counts.n_values(key) <= most else None
    found, best = None, (1, 0)
    for key in keys:
        n = counts.n_values(key)
        if key == "gate" or n > MAX_LINES:
            continue
        within = counts.most_within(key, [other for other in keys if other != key])
        if within > 1 and (within, n) >= best:
            found, best = key, (within, n)
    return found


def _plane(settings: Settings, keys: Sequence[str], counts: Combinations) -> tuple[str, str] | None:
    """Choose the two longest numeric axes, if they are long enough for a picture."""
    long = [key for key in keys if settings.is_numeric(key) and counts.n_values(key) >= PLANE]
    longest = sorted(long, key=lambda key: -counts.n_values(key))[:2]
    if len(longest) < 2 or counts.n(longest) < PLANE**2:
        return None
    upwards, rightwards = (key for key in settings.keys if key in longest)
    return upwards, rightwards
