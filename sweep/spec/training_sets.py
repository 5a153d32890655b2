"""Training sets: of Boolean gates, and tables of one's own."""

import csv
import io
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, model_validator

from sweep.spec.gates import MAX_INPUTS, canonical, truth_table
from sweep.spec.messages import InvalidError, not_allowed, show, validate
from sweep.spec.reading import opened

MAX_LINE = 1_000_000
"""Characters of a line of a CSV file."""


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Rows that a model is trained on.

    Attributes
    ----------
    inputs : float64 array, shape (n_rows, n_inputs), C-contiguous
    targets : float64 array, shape (n_rows,)
        Each in [0, 1] for cross-entropy.
    """

    inputs: NDArray[np.float64]
    targets: NDArray[np.float64]

    @property
    def is_boolean(self) -> bool:
        """True if inputs are all 0 and 1, or −1 and 1, and targets 0 and 1, in no more rows than a gate may have."""
        are_bits = any(np.isin(self.inputs, (low, 1.0)).all() for low in (0.0, -1.0))
        return are_bits and len(self.targets) <= 2**MAX_INPUTS and bool(np.isin(self.targets, (0.0, 1.0)).all())

    def least_loss(self, loss: str) -> float:
        """Return the least mean loss, "bce" in nats or "mse", of any outputs that are the same for the same inputs.

        It is that of the mean target of the rows with these inputs.
        """
        _, group, n = np.unique(self.inputs, axis=0, return_inverse=True, return_counts=True)
        y, p = self.targets, (np.bincount(group, self.targets) / n)[group]
        if loss == "mse":
            return float(np.mean((y - p) ** 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = np.where(y > 0.0, y * np.log(p), 0.0) + np.where(y < 1.0, (1.0 - y) * np.log1p(-p), 0.0)
        return float(-parts.mean())


def boolean_table(gate: str, encoding: str) -> TrainingSet:
    """Return the training set of one gate: 2^n rows in counting order, the first input most significant.

    Inputs are 0 and 1 with the encoding "01", −1 and +1 with "pm1"; targets are 0 and 1 in both.
    """
    outputs = truth_table(gate)
    bits = np.array(list(itertools.product((0.0, 1.0), repeat=len(outputs).bit_length() - 1)))
    inputs = {"01": bits, "pm1": 2.0 * bits - 1.0}[encoding]
    return TrainingSet(inputs, np.array([float(output) for output in outputs]))


class Source(BaseModel, extra="forbid"):
    """Table of one's own, as it is written: either the path of a CSV file or the rows."""

    csv: str | None = Field(default=None, pattern=r"^[^\x00]+$", description="the path of a CSV file")
    rows: list[list[Any]] | None = Field(default=None, description="a list of rows, each a list of numbers")

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.csv is None) == (self.rows is None):
            raise ValueError("allowed: either csv or rows")
        return self


def own_table(name: str, written: Mapping[str, Any], folder: Path, probabilities: bool) -> TrainingSet:
    """Read a [tables.NAME] table; `folder` is where paths begin, `probabilities` and errors as in `table_from_rows`."""
    try:
        canonical(name)
    except ValueError:
        pass
    else:
        raise ValueError(f"{show(name)} is the name of a gate; allowed: any other name")
    source = validate(Source, written)
    try:
        own = table_from_csv(folder / source.csv, probabilities) if source.csv else None
        return own or table_from_rows(source.rows or [], probabilities)
    except ValueError as error:
        raise InvalidError([("csv" if source.csv else "rows", str(error))]) from None


def table_from_rows(
    rows: Sequence[Sequence[object]], probabilities: bool = True, places: Sequence[str] = ()
) -> TrainingSet:
    """Make a training set of rows of equal length, 2 or more, of finite numbers: the inputs, then the target.

    Targets must lie in [0, 1] if they are `probabilities`. ``ValueError`` names the row and the column of what is not
    allowed, the row as in `places`, or "row 1", "row 2", ….
    """
    if not rows:
        raise ValueError("no rows; a table needs at least one")
    places = places or [f"row {number}" for number in range(1, len(rows) + 1)]
    width = len(rows[0])
    if width < 2:
        raise ValueError(f"{places[0]}: found {width} column; a row needs one input or more, then the target")
    for place, row in zip(places, rows, strict=True):
        if len(row) != width:
            raise ValueError(f"{place}: found {len(row)} columns, but {places[0]} has {width}")
        for column, cell in enumerate(row, 1):
            if isinstance(cell, bool) or not isinstance(cell, (int, float)) or not abs(cell) <= sys.float_info.max:
                raise ValueError(f"{place}, column {column}: {not_allowed(cell, 'a finite number')}")
            if probabilities and column == width and not 0 <= cell <= 1:
                raise ValueError(f"{place}, column {column}: {not_allowed(cell, 'a target from 0 to 1')}")
    array = np.array(rows, dtype=np.float64)
    return TrainingSet(np.ascontiguousarray(array[:, :-1]), array[:, -1].copy())


def table_from_csv(path: Path, probabilities: bool = True) -> TrainingSet:
    """Read a training set from a CSV file: numbers separated by commas, the last column the target.

    A first line without any number is a header; blank lines are passed over. `probabilities` as in `table_from_rows`.
    ``ValueError`` names the file, the line and the column of what is not allowed.
    """
    lines = list(_rows_of(path))
    if lines and all(cell.strip() and not _is_number(cell) for cell in lines[0][1]):
        del lines[0]
    if not lines:
        raise ValueError(f"{path}: no rows; a table needs at least one")
    rows = [[_number(cell, f"{place}, column {i}") for i, cell in enumerate(cells, 1)] for place, cells in lines]
    return table_from_rows(rows, probabilities, [place for place, _ in lines])


def _rows_of(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the place and the cells of each row of a CSV file that is not blank."""
    last = 0
    try:
        with opened(path) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
            reader = csv.reader(_lines_of(path, text), strict=True)
            for cells in reader:
                last = reader.line_num
                if cells:
                    yield f"{path}, line {last}", cells
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8 text") from None
    except csv.Error as error:
        unclosed = "unexpected end" in str(error) or reader.line_num > last + 1
        problem = "a quote is opened and never closed" if unclosed else f"not a CSV file ({error})"
        raise ValueError(f"{path}, line {last + 1}: {problem}") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error})") from None


def _lines_of(path: Path, file: TextIO) -> Iterator[str]:
    """Yield the lines of a file; ``ValueError`` for one that is longer than MAX_LINE."""
    for number in itertools.count(1):
        line = file.readline(MAX_LINE)
        if len(line) == MAX_LINE:
            found = f"found a line of more than {MAX_LINE // 10**6} MB"
            raise ValueError(f"{path}, line {number}: {found}; allowed: numbers separated by commas")
        if not line:
            return
        yield line


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _number(cell: str, place: str) -> float:
    if not cell.strip():
        raise ValueError(f"{place}: empty; a table has no holes")
    if not _is_number(cell):
        raise ValueError(f"{place}: {not_allowed(cell, 'a number')}")
    return float(cell)
