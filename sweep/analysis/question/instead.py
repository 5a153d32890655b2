"""What failed runs learned instead: the functions that their final weights answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.analysis.losses import CONSTANTS
from sweep.analysis.names import Named, combinations
from sweep.results.result import Result
from sweep.results.statistics import PIECE
from sweep.spec.experiment import Experiment
from sweep.spec.gates import NAMES, n_inputs, truth_table

MAX_GROUPS = 24
FUNCTIONS = {table: name for name, table in NAMES.items() if len(table) == 4 and "-" not in name}
"""Truth table → name, of all functions of two inputs."""
WRONG = ("none wrong", "≤ ⅛ wrong", "≤ ¼ wrong", "≤ ⅜ wrong", "≤ ½ wrong", "> ½ wrong")
"""Shares of the rows that a run answers wrongly."""
HALF = "½ always"
"""The run ends at the loss of answering ½ to every row: which function its last bits make is no finding."""
NEAR = 1e-3
"""Relative distance from that loss up to which it counts as reached."""
DIVERGED = "diverged"


@dataclass(frozen=True, eq=False)
class Instead:
    """Answers of the failed runs of groups of settings, in drawing order, as far as they have a failed run.

    Attributes
    ----------
    kinds
        What failed runs answer: names of functions where all gates have two inputs, else of `WRONG`; and `HALF` and
        `DIVERGED`.
    counts : int64, shape (n_names, n_kinds)
        Failed runs; the sum of a row is all of a group's, and no row is 0.
    right : intp, shape (n_names,)
        The kind that is the gate itself, or no row wrong; −1 where no failed run of any group answers so.
    rows
        Rows of the summary that have failed runs, of each group.
    gates
        The gate of each group; empty where it has several.
    """

    names: list[str]
    kinds: list[str]
    functions: bool
    counts: NDArray[np.int64]
    right: NDArray[np.intp]
    rows: list[NDArray[np.int64]]
    gates: list[str]

    def of_gate(self, gate: str) -> NDArray[np.int64]:
        """Return the failed runs of a gate by kind: int64, shape (n_kinds,)."""
        counts: NDArray[np.int64] = self.counts[[other == gate for other in self.gates]].sum(axis=0)
        return counts


def instead(result: Result, keys: Sequence[str]) -> Instead | None:
    """Count what failed runs of Boolean tables answer; None where there are none, or where all of them diverged.

    Groups are the combinations of the values of the first keys, of as many as there is room for; of many gates, their
    numbers of inputs.
    """
    experiment, settings = result.experiment, result.settings
    gates = [str(gate) for gate in settings.values("gate")]
    boolean = np.array([_is_boolean(experiment, gate) for gate in gates])
    summary, gate_of = result.part("summary", ["n", "n_converged"]), settings.codes("gate")
    rows = np.flatnonzero((summary["n"] > summary["n_converged"]).to_numpy() & boolean[gate_of])
    if not len(rows):
        return None
    found = _failed(result, rows)
    if not found["answers"].ne("").any():
        return None
    failing = [gates[code] for code in np.unique(gate_of[rows])]
    by_inputs = len(failing) > MAX_GROUPS
    group = _groups(result, keys, by_inputs, rows)
    functions = not by_inputs and all(gate not in experiment.tables and n_inputs(gate) == 2 for gate in failing)
    of_row = np.array(gates, object)[gate_of[rows]]
    at = np.searchsorted(rows, found["row"])
    kinds = [*(FUNCTIONS.values() if functions else WRONG), HALF, DIVERGED]
    kind = cache(partial(_kind, experiment, functions))
    pairs = zip(of_row[at].tolist(), found["answers"].tolist(), strict=True)
    kind_of = np.array([kinds.index(kind(*pair)) for pair in pairs], np.intp)
    counts = np.zeros((len(group.names), len(kinds)), np.int64)
    np.add.at(counts, (group.codes[at], kind_of), found["n"].to_numpy())
    occurs = np.flatnonzero(counts.any(axis=0))
    kinds, counts = [kinds[at] for at in occurs.tolist()], counts[:, occurs]
    members = [rows[group.codes == code] for code in range(len(group.names))]
    of_groups = [sorted(set(of_row[group.codes == code])) for code in range(len(group.names))]
    single = [of[0] if len(of) == 1 else "" for of in of_groups]
    itself = [FUNCTIONS[truth_table(gate)] if functions and gate else WRONG[0] for gate in single]
    right = np.array([kinds.index(kind) if kind in kinds else -1 for kind in itself])
    return Instead(group.names, kinds, functions, counts, right, members, single)


def _is_boolean(experiment: Experiment, gate: str) -> bool:
    return gate not in experiment.tables or experiment.tables[gate].is_boolean


def _failed(result: Result, rows: NDArray[np.intp]) -> pd.DataFrame:
    """Return columns row, answers and n: how many failed runs of rows of the summary answer what."""
    runs = result.part("runs", ["status", "answers", "final_loss"])
    texts = [*map(str, runs["answers"].cat.categories), HALF]
    settings = result.settings
    half = np.array([CONSTANTS[kind].loss for kind in settings.values("loss")])[settings.codes("loss")]
    ends = np.cumsum(result.n, dtype=np.int64)
    found = []
    for start in range(0, len(runs), PIECE):
        piece = runs.iloc[start : start + PIECE]
        failed = np.flatnonzero((piece["status"] != "converged").to_numpy(np.bool_))
        row = np.searchsorted(ends, start + failed, side="right")
        known = np.isin(row, rows)
        failed, row = failed[known], row[known]
        is_half = np.abs(piece["final_loss"].to_numpy()[failed] / half[row] - 1) < NEAR
        codes = np.where(is_half, len(texts) - 1, piece["answers"].cat.codes.to_numpy(np.int64)[failed])
        found.append(np.unique(row * len(texts) + codes, return_counts=True))
    every, counts = (np.concatenate(parts) for parts in zip(*found, strict=True))
    pairs, at = np.unique(every, return_inverse=True)
    which, code = np.divmod(pairs, len(texts))
    n = np.bincount(at, counts, len(pairs)).astype(np.int64)
    return pd.DataFrame({"row": which, "answers": np.array(texts, object)[code], "n": n})


def _groups(result: Result, keys: Sequence[str], by_inputs: bool, rows: NDArray[np.intp]) -> Named:
    """Name the group of each of some rows of the summary, by those keys that tell groups apart and leave them few."""
    taken: list[str] = []
    found = combinations(result.settings, taken, by_inputs, rows)
    for key in keys:
        more = combinations(result.settings, [*taken, key], by_inputs, rows)
        if len(found.names) < len(more.names) <= MAX_GROUPS:
            taken, found = [*taken, key], more
    return found


def _kind(experiment: Experiment, functions: bool, gate: str, answers: str) -> str:
    """Return what kind of answer of a gate a truth table is."""
    if answers in ("", HALF):
        return answers or DIVERGED
    if functions:
        return FUNCTIONS[answers]
    own = experiment.tables.get(gate)
    right = truth_table(gate) if own is None else "".join("01"[int(target)] for target in own.targets)
    wrong = Fraction((int(right, 2) ^ int(answers, 2)).bit_count(), len(right))
    return WRONG[min(-(-wrong * 8 // 1), 5)]
