"""Count the rows that runs answer 1: whether some numbers of rows are more frequent than others."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.results.result import Result
from sweep.results.statistics import PIECE, equal_test, holm, recoded

MAX_GATES = 8
"""Gates up to which each is counted."""
FEWEST_EXPECTED = 5
"""Runs that a number of rows must be expected to have, for the test to hold."""


class Ones(NamedTuple):
    """Runs of a gate by how many of the rows of its table they answer 1, up to the most that some run does.

    Diverged runs do not count. χ² and p are of the hypothesis that these numbers are equally likely, p adjusted for the
    number of gates; NaN where a seed occurs in several runs, so that these are not independent, or runs are few.
    """

    gate: str
    n_rows: int
    counts: NDArray[np.int64]
    chi_square: float
    p: float


def ones(result: Result) -> list[Ones]:
    """Count the rows answered 1 by gate; none without answers, without single runs, or of more than eight gates."""
    gates = [str(gate) for gate in result.settings.values("gate")]
    if not result.keeps_runs or len(gates) > MAX_GATES:
        return []
    answers = result.part("runs", ["answers"])["answers"].cat
    texts, codes = [str(text) for text in answers.categories], answers.codes.to_numpy()
    gate_of, ends = result.settings.codes("gate"), np.cumsum(result.n, dtype=np.int64)
    n = np.zeros(len(gates) * len(texts), np.int64)
    for start in range(0, len(codes), PIECE):
        piece = codes[start : start + PIECE]
        row = np.searchsorted(ends, np.arange(start, start + len(piece)), side="right")
        n += np.bincount(recoded(gate_of, row).astype(np.int64) * len(texts) + piece, minlength=len(n))
    found = []
    for code, of_texts in enumerate(n.reshape(len(gates), len(texts))):
        given = [(text, int(count)) for text, count in zip(texts, of_texts, strict=True) if count and text]
        if given:
            found.append(_of_gate(gates[code], given, alone=int((gate_of == code).sum()) == 1))
    p = iter(holm(np.array([one.p for one in found if math.isfinite(one.p)])).tolist())
    return [one._replace(p=next(p)) if math.isfinite(one.p) else one for one in found]


def _of_gate(gate: str, given: list[tuple[str, int]], alone: bool) -> Ones:
    ever = sum(any(text[row] == "1" for text, _ in given) for row in range(len(given[0][0])))
    counts = np.zeros(ever + 1, np.int64)
    for text, count in given:
        counts[text.count("1")] += count
    tested = alone and ever and counts.mean() >= FEWEST_EXPECTED
    return Ones(gate, len(given[0][0]), counts, *(equal_test(counts) if tested else (math.nan, math.nan)))
