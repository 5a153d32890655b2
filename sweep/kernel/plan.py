"""Plans: everything that a kernel is compiled for, which is the same for all runs of a chunk, and nothing else."""

import ast
import functools
from dataclasses import dataclass, fields, replace
from typing import Any

from sweep.kernel.machine import cpu_features

_BLOCK = 8
_STRAIGHT_UNITS, _STRAIGHT_PARAMS = 40, 12
"""Units × rows, and parameters, up to which code without loops is faster than code with them."""
_FEW_UNITS = 8
"""Units × rows that leave a CPU waiting for results unless there are many models."""
_MANY_PARAMS = 128
"""Parameters that fill a cache of the first level with two registers to a value."""


def vector_width() -> int:
    """Models in a register of this CPU."""
    return 8 if "+avx512f" in cpu_features() else 4


def natural_width() -> int:
    """Models side by side that keep this CPU's vector units busy in most kernels; a matter of speed alone."""
    return 2 * vector_width()


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
    block : int
        Rows that go through together, a power of two where the table is Boolean; 0: all, as code without loops; None:
        as suits the plan. A matter of speed alone, like the width.
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
    block: int | None = None

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
    def n_units(self) -> int:
        """Units × rows: activations of a pass."""
        return self.n_rows * (self.hidden + 1)

    @property
    def is_straight(self) -> bool:
        """Rows of a Boolean table are written out, with their inputs built in."""
        return bool(self.bits) and (self.block == 0 or (self.block is None and self.n_units <= _STRAIGHT_UNITS))

    @property
    def n_together(self) -> int:
        """Rows of a block."""
        return min(self.block or _BLOCK, self.n_rows)

    @property
    def n_abreast(self) -> int:
        """Rows whose activations are computed together, on four of 16 registers; where 32 are, `arrange` is enough."""
        vectors = self.width // vector_width()
        return max(4 // vectors, 1) if vectors and vector_width() == 4 else 1

    @property
    def units_together(self) -> int:
        """Hidden units that go through together: two read an input once; one makes short code, for a page."""
        return 1 if self.units_are_straight or self.width == 1 else 2

    @property
    def checks_ahead(self) -> bool:
        """What must be finite is checked before many epochs, not in each, unless a weight may overflow meanwhile."""
        tame = not self.hidden or self.activation in ("sigmoid", "tanh")
        return tame and not self.soft_targets and self.optimizer == "gd" and self.is_straight and self.width > 1

    @property
    def starts_from_nothing(self) -> bool:
        """The first term of a sum is the sum; else it is added to +0.0, and a sum is never −0.0."""
        return self.is_straight and self.n_units <= 20

    @property
    def units_are_straight(self) -> bool:
        """Loops over hidden units are written out."""
        return self.is_straight or self.n_params <= _STRAIGHT_PARAMS

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


def fitting(**choices: Any) -> Plan:
    """The plan of these choices with the width that suits it.

    Rows of a block and vectors of models both hide the latency of an operation; together they should fill the
    registers, and no more. Updates after each row wait for one another, and have models alone to fill them with.
    """
    plan = Plan(**choices, width=1)
    if plan.is_straight:
        vectors = 4 if plan.n_units <= (2 * _FEW_UNITS if plan.online else _FEW_UNITS) else 2
    else:
        few = plan.n_together < _BLOCK or plan.online
        vectors = 2 if few and plan.n_params <= _MANY_PARAMS else 1
    return replace(plan, width=vectors * vector_width())
