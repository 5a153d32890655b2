"""Plans: everything that a kernel is compiled for, which is the same for all runs of a chunk, and nothing else."""

import ast
import functools
from dataclasses import dataclass, fields

from sweep.kernel.machine import cpu_features


def natural_width() -> int:
    """Models side by side that keep this CPU's vector units busy; a matter of speed alone.

    Two registers to a value: together with the rows of a table, which are independent of each other, they hide the
    latency of an arithmetic operation, and fewer values have to be kept in memory than with four.
    """
    return 2 * (8 if "+avx512f" in cpu_features() else 4)


_STRAIGHT_UNITS = 20
"""Units × rows, up to which the pass over a Boolean table is straight-line code with its inputs built in."""
_STRAIGHT_PARAMS = 12
_BLOCK = 4


@dataclass(frozen=True)
class Plan:
    """The choices a kernel is specialised for, as integers and short words.

    Attributes
    ----------
    n_inputs, n_rows : int
        Size of the training set.
    bits : str
        "01" or "pm1": the table is Boolean, complete and in counting order, so that its inputs are known; "": they
        are read from memory.
    soft_targets : bool
        Targets are numbers, and losses are added up; else they are the signs of 0 and 1, and one product of
        probabilities tells whether a cross-entropy is below its target.
    stop_loss, stop_error : bool
        Which criteria must hold for a run to have converged.
    early_stop : bool
        True if a run ends when it has converged.
    width : int
        Models side by side.
    hidden : int
        Hidden units; 0 is logistic regression.
    activation, output, loss, optimizer : str
        Names in `sweep.spec.models`.
    online : bool
        An update after every row instead of one after all rows.
    shortcut : bool
        Weights from the inputs to the output, past the hidden layer.
    bias : bool
        Biases are trained; else they stay what they are.
    sums : bool
        Sums of losses are kept along a run; see `descent.SUMS`.
    """

    n_inputs: int
    n_rows: int
    bits: str
    soft_targets: bool
    stop_loss: bool
    stop_error: bool
    early_stop: bool
    width: int
    hidden: int = 0
    activation: str = "sigmoid"
    output: str = "sigmoid"
    loss: str = "bce"
    optimizer: str = "gd"
    online: bool = False
    shortcut: bool = False
    bias: bool = True
    sums: bool = False

    @property
    def n_direct(self) -> int:
        """Weights that lead straight from the inputs to the output."""
        return self.n_inputs if self.shortcut or not self.hidden else 0

    @property
    def n_params(self) -> int:
        """Weights and biases, in the order W1 (row by row), b1, w2, direct weights, b2."""
        return self.hidden * (self.n_inputs + 2) + self.n_direct + 1

    @property
    def n_hidden_params(self) -> int:
        """Parameters of the hidden layer, W1 and b1: the first ones."""
        return self.hidden * (self.n_inputs + 1)

    @property
    def is_straight(self) -> bool:
        """Rows are straight-line code with their inputs built in."""
        return bool(self.bits) and self.n_rows * (self.hidden + 1) <= _STRAIGHT_UNITS

    @property
    def starts_from_nothing(self) -> bool:
        """The first term of a sum is the sum; else it is added to +0.0, and a sum is never −0.0."""
        return bool(self.bits) and self.n_rows * (self.hidden + 1) <= 20

    @property
    def units_are_straight(self) -> bool:
        """Loops over hidden units are written out."""
        return self.is_straight or self.n_params <= _STRAIGHT_PARAMS

    @property
    def block(self) -> int:
        """Rows that go through together."""
        return min(_BLOCK, self.n_rows)

    @property
    def text(self) -> str:
        """Line of words that stands for the plan; `parse` reads it."""
        return " ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self))

    @staticmethod
    @functools.cache
    def parse(text: str) -> "Plan":
        """Read a plan from a line that `text` has made."""
        words = (word.split("=") for word in text.split(" "))
        return Plan(**{name: ast.literal_eval(value) for name, value in words})
