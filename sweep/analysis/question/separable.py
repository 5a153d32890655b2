"""Count the linearly separable ones among many Boolean functions, exactly and without a linear program each.

A function is not linearly separable if it is 1 at two inputs and 0 at two others of the same sum: weights that answer
rightly would have to sum up to more and to less there. For few inputs there is no other obstacle: as many have none as
are linearly separable, 2, 4, 14, 104 and 1,882 for 0 to 4 inputs (OEIS A000609).
"""

import itertools

import numpy as np
from numpy.typing import NDArray

MAX_INPUTS = 4


def separable(tables: NDArray[np.int64], n_inputs: int) -> NDArray[np.bool_]:
    """Tell the linearly separable ones of some Boolean functions.

    Parameters
    ----------
    tables : int64 array, shape (n,)
        Truth tables as numbers: bit i is the output for input i, i the input in binary.
    n_inputs : int
        Up to four.
    """
    rows = range(2**n_inputs)
    pairs: dict[tuple[int, ...], list[int]] = {}
    for a, b in itertools.combinations_with_replacement(rows, 2):
        total = tuple((a >> bit & 1) + (b >> bit & 1) for bit in range(n_inputs))
        pairs.setdefault(total, []).append(1 << a | 1 << b)
    found = np.ones(len(tables), np.bool_)
    for masks in pairs.values():
        ones = np.zeros(len(tables), np.bool_)
        zeros = np.zeros(len(tables), np.bool_)
        for mask in masks:
            ones |= (tables & mask) == mask
            zeros |= (~tables & mask) == mask
        found &= ~(ones & zeros)
    return found
