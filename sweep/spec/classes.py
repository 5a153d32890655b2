"""Classes of Boolean functions: equal up to permuting inputs, negating inputs, and negating the output.

A function of n inputs is an integer of 2ⁿ bits, its truth table read as a binary number: the first row, where all
inputs are 0, is the highest bit. The representative of a class is its smallest member.
"""

import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]

N_CLASSES = {1: 2, 2: 4, 3: 14, 4: 222, 5: 616_126}
"""Classes of functions of so many inputs (OEIS A000370)."""


@cache
def representatives(n: int) -> tuple[str, ...]:
    """Truth tables of the smallest member of each class of functions of n inputs, in increasing order.

    The 616,126 of five inputs take some seconds.
    """
    smallest = np.flatnonzero(_smallest(n) == np.arange(2**2**n)) if n < 5 else _of_five_inputs()
    return tuple(f"{member:0{2**n}b}" for member in smallest.tolist())


def members(table: str) -> set[str]:
    """Truth tables of all functions in the class of one."""
    found = {"".join(table[row] for row in rows) for rows in _rearrangements(len(table).bit_length() - 1)}
    return found | {member.translate({48: 49, 49: 48}) for member in found}


def _rearrangements(n: int) -> Iterator[list[int]]:
    """The row that each row takes its output from, for each permutation and negation of n inputs."""
    for order in itertools.permutations(range(n)):
        moved = [sum((row >> order[i] & 1) << i for i in range(n)) for row in range(2**n)]
        for negated in range(2**n):
            yield [row ^ negated for row in moved]


@cache
def _transformations(n: int) -> list[tuple[Integers, Integers, int]]:
    """Tables for a function's upper and lower half, and a mask: their exclusive or is the transformed function."""
    size = 2**n
    made = []
    for rows in _rearrangements(n):
        halves = []
        for half in (range(size // 2, size), range(size // 2)):
            values = np.arange(2 ** (size // 2), dtype=np.int32)
            bits = [(values >> (bit - half.start) & 1) << rows.index(bit) for bit in half]
            halves.append(np.bitwise_or.reduce(bits))
        made += [(*halves, 0), (*halves, 2**size - 1)]
    return made


def _transformed(transformation: tuple[Integers, Integers, int], functions: Integers, n: int) -> Integers:
    upper, lower, mask = transformation
    half = 2 ** (n - 1)
    return np.asarray(upper[functions >> half] | lower[functions & (2**half - 1)]) ^ mask


@cache
def _smallest(n: int) -> Integers:
    """The smallest member of the class of every function of n inputs: int32, shape (2^2ⁿ,)."""
    functions = np.arange(2**2**n, dtype=np.int32)
    smallest = functions.copy()
    for transformation in _transformations(n):
        np.minimum(smallest, _transformed(transformation, functions, n), out=smallest)
    return smallest


def _of_five_inputs() -> Integers:
    """The smallest member of each class of functions of five inputs.

    Fixing one input leaves a cofactor, a function of the four others. The upper half of a function's bits is the
    cofactor for a first input of 0. In the smallest member it is the smallest that a transformation of the other four
    makes of any of the ten cofactors. The lower half, its partner, is then the smallest of what the same
    transformations make of their partners.
    """
    n, functions, smallest, transformations = 4, np.arange(2**16, dtype=np.int32), _smallest(4), _transformations(4)
    leads = np.zeros(2**16, np.int32)  # the transformation that makes a function its class's smallest member
    for number, transformation in enumerate(transformations):
        leads[_transformed(transformation, functions, n) == smallest] = number
    found, uppers = [], np.flatnonzero(smallest == functions)
    images = np.array([_transformed(transformation, uppers, n) for transformation in transformations])
    for upper, image in zip(uppers.tolist(), images.T, strict=True):
        best = functions.copy()  # the smallest that transformations which keep `upper` make of a lower half
        for number in np.flatnonzero(image == upper).tolist():
            np.minimum(best, _transformed(transformations[number], functions, n), out=best)
        lower = np.flatnonzero(best == functions)
        for kept in [None, *itertools.product(range(n), (0, 1))]:
            cofactor, partner = _cofactors(upper, lower, kept)
            rival = np.where(smallest[cofactor] < upper, -1, 2**16)
            leading = np.where(smallest[cofactor] == upper, leads[cofactor], -1)
            for number in set(leading.tolist()) - {-1}:
                at = leading == number
                rival[at] = best[_transformed(transformations[number], partner[at], n)]
            lower = lower[rival >= lower]
        found.append((upper << 16) + lower.astype(np.int64))
    return np.concatenate(found)


def _cofactors(upper: int, lower: Integers, fixed: tuple[int, int] | None) -> tuple[Integers, Integers]:
    """A cofactor of each function, and its partner: the lower half first, or one of the other inputs fixed."""
    if fixed is None:
        return lower, np.full(lower.size, upper)
    (keep, value), halves = fixed, []
    for wanted in (value, 1 - value):
        bits = [bit for bit in range(16) if bit >> keep & 1 == wanted]
        half = np.zeros_like(lower)
        for at, bit in enumerate(bits):
            half |= ((upper >> bit & 1) << at + 8) | ((lower >> bit & 1) << at)
        halves.append(half)
    return halves[0], halves[1]
