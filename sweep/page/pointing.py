"""What a page needs to tell the numbers of a point of a figure: compact data, each setting once.

Points stand for rows of the summary. A row that the page's table lists is named by its line there. For other rows, and
for cells of pictures, the same columns are packed: each text once, and a deflated array of indices of texts.
"""

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.findings import Findings
from sweep.answer.listing import Column, Listing, columns, pooled
from sweep.plots.drawing.marks import Cells, Series
from sweep.spec.schema import FAILURES

MAX_CELLS = 2**20
"""Most cells of pictures that a page has data for; of more, every second, third, … cell in both directions has some."""
MAX_BYTES = 2_500_000
"""Of all packed columns; then those that tell less are left out."""
EFFORT = 6
"""Of zlib, 1 to 9."""
FRACTION = 10_000
"""Positions are in parts of the figure's width and height."""
_TELL_LESS = (*FAILURES, "epochs_q05", "epochs_q95", "final_loss_q50")

Marked = Sequence[Series | Cells]


def pointing(findings: Findings, figures: Mapping[str, Marked], listed: Listing) -> dict[str, Any]:
    """All that can be pointed at, for json.

    Returns
    -------
    dict
        `pooled`: of settings counted together, the columns that have a meaning, by key. `packed`: stores of settings,
        each with `n`, `columns`: [key, texts, numbers of texts] and `runs`, the first runs' differences as float64, −1
        where there is no setting; the numbers are unsigned integers as wide as they have to be; all little-endian,
        deflated, in base64. `figures`: by name, `series`: x and y in parts of FRACTION and `records`, an index: a
        line of the listing, beyond its length a place in the first store, and −1, −2, … a place among the pooled; or
        `cells`: their box, `shape`, the number of their `store`, their `first` place in it, and the `step`.
    """
    singles, groups = _rows(figures)
    unlisted = np.setdiff1d(singles, listed.rows)
    numbers = dict(zip(groups, range(-1, -len(groups) - 1, -1), strict=True))
    budget = MAX_BYTES
    stores = []
    if len(unlisted):
        stores.append(_packed(findings, unlisted, budget))
        budget -= _size(stores[-1])
    described: dict[str, Any] = {}
    for name, marked in figures.items():
        series = [mark for mark in marked if isinstance(mark, Series)]
        pictures = [mark for mark in marked if isinstance(mark, Cells)]
        described[name] = {"series": [_series(mark, listed.rows, unlisted, numbers) for mark in series]}
        if pictures:
            step = _step(pictures)
            shown = [np.asarray(mark.rows[::step, ::step], np.int64) for mark in pictures]
            stores.append(_packed(findings, np.concatenate([rows.ravel() for rows in shown]), budget))
            budget -= _size(stores[-1])
            firsts = np.cumsum([0, *(rows.size for rows in shown)]).tolist()
            described[name]["cells"] = [
                {
                    "box": [round(side, 5) for side in (mark.left, mark.top, mark.width, mark.height)],
                    "shape": list(mark.rows.shape),
                    "store": len(stores) - 1,
                    "first": first,
                    "step": step,
                }
                for mark, first in zip(pictures, firsts, strict=False)
            ]
    return {
        "pooled": pooled(findings, [np.frombuffer(rows, np.int64) for rows in groups]),
        "packed": stores,
        "figures": {name: found for name, found in described.items() if found["series"] or "cells" in found},
    }


def _rows(figures: Mapping[str, Marked]) -> tuple[NDArray[np.int64], list[bytes]]:
    """The rows that single points stand for, and the groups of rows of others, each once."""
    singles: list[NDArray[np.int64]] = []
    groups: dict[bytes, None] = {}
    for series in (series for marked in figures.values() for series in marked if isinstance(series, Series)):
        for rows in series.rows:
            if len(rows) == 1:
                singles.append(rows)
            else:
                groups[rows.tobytes()] = None
    return np.unique(np.concatenate(singles)) if singles else np.empty(0, np.int64), list(groups)


def _series(
    series: Series, listed: NDArray[np.int64], unlisted: NDArray[np.int64], groups: Mapping[bytes, int]
) -> dict[str, Any]:
    records = []
    for rows in series.rows:
        if len(rows) > 1:
            records.append(groups[rows.tobytes()])
        elif (at := int(np.searchsorted(listed, rows[0]))) < len(listed) and listed[at] == rows[0]:
            records.append(at)
        else:
            records.append(len(listed) + int(np.searchsorted(unlisted, rows[0])))
    found: dict[str, Any] = {
        "x": np.round(FRACTION * series.x).astype(int).tolist(),
        "y": np.round(FRACTION * series.y).astype(int).tolist(),
        "records": records,
    }
    if series.line:
        found["line"] = series.line
    if series.numbers:
        found["numbers"] = {name: [f"{value:.4g}" for value in values] for name, values in series.numbers.items()}
    return found


def _step(pictures: Sequence[Cells]) -> int:
    step = 1
    while sum(picture.rows[::step, ::step].size for picture in pictures) > MAX_CELLS:
        step += 1
    return step


def _packed(findings: Findings, rows: NDArray[np.int64], budget: int) -> dict[str, Any]:
    """Settings as arrays; −1 stands for none."""
    exists = rows >= 0
    runs = np.full(len(rows), -1.0)
    runs[exists] = findings.settings.first_runs(rows[exists])
    packed = {column.key: _codes(column, exists) for column in columns(findings, rows[exists])}
    for key in [key for key in packed if key not in _TELL_LESS] + [key for key in _TELL_LESS if key in packed]:
        budget -= sum(map(len, packed[key][1])) + len(packed[key][2])
        if budget < 0 and key in _TELL_LESS:
            del packed[key]
    return {"n": len(rows), "columns": list(packed.values()), "runs": _deflated(np.diff(runs, prepend=0.0))}


def _codes(column: Column, exists: NDArray[np.bool_]) -> tuple[str, list[str], str]:
    codes = np.zeros(len(exists), np.min_scalar_type(max(len(column.texts) - 1, 0)))
    codes[exists] = column.codes
    return column.key, column.texts, _deflated(codes)


def _deflated(numbers: NDArray[Any]) -> str:
    little = numbers.astype(numbers.dtype.newbyteorder("<"))
    return base64.b64encode(zlib.compress(little.tobytes(), EFFORT)).decode("ascii")


def _size(store: Mapping[str, Any]) -> int:
    return sum(sum(map(len, texts)) + len(codes) for _, texts, codes in store["columns"]) + len(store["runs"])
