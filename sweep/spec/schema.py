"""Statuses of runs, columns of the tables and backends: each name stated once, for every room."""

from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

N = TypeVar("N", int, "NDArray[np.int64]")

NUMERICS = 3
"""Version of the arithmetic and of what is kept of a run: results of another one are never mixed with those of this."""


class Status(NamedTuple):
    """A way for a run to end, and how it is told.

    Attributes
    ----------
    term
        What tables, legends and the glossary call it.
    became
        The same as the verb of a sentence about runs.
    colour
        In figures and on the page.
    meaning
        What the glossary says of the term; empty if it says nothing.
    because
        Said of a single run after a colon; {period} stands for the epochs after which it repeats itself. May be empty.
    is_early
        True for one that may come before max_epochs.
    is_finite
        True for one with a finite final loss and answers.
    """

    term: str
    became: str
    colour: str
    meaning: str = ""
    because: str = ""
    is_early: bool = False
    is_finite: bool = True


STATUS = {
    "converged": Status(
        "converged",
        "converged",
        "#0072B2",
        "met the target, which the experiment sets, within the epochs that it allows",
        is_early=True,
    ),
    "diverged": Status(
        "diverged",
        "diverged",
        "#1A1A1A",
        "a weight or the loss is no longer a finite number",
        "a weight or the loss is no longer a finite number",
        is_early=True,
        is_finite=False,
    ),
    "stationary": Status(
        "stationary",
        "became stationary",
        "#E69F00",
        "at the end the weights come back bit for bit within 16 epochs; more would show nothing new",
        "short of the target, its weights come back every {period}",
    ),
    "max_epochs": Status("not converged", "had not converged", "#B5B5B5"),
}
"""Outcomes of training, in the order of their codes. `max_epochs` is that of all runs that have no other one."""
STATUSES = tuple(STATUS)
EARLY = [code for code, status in enumerate(STATUS.values()) if status.is_early]
INFINITE = [code for code, status in enumerate(STATUS.values()) if not status.is_finite]
"""Codes of statuses that may come before max_epochs, and of those without a finite loss."""

OUTCOME = ("status", "epochs", "converged_epoch", "period", "final_loss")
"""Columns of the table of runs that hold the outcome; `run`, the columns of the grid and `seed` stand before them."""
ANSWERS = "answers"
"""Column after the outcome: what the final weights answer to each row of a Boolean table, a text of 0 and 1."""
COUNTS_OF_ANSWERS = (ANSWERS, "n", "n_converged")
"""Columns of the table of answers after those of the grid."""

RESTARTS = ("restarts",)
"""Column of the table of runs after the answers, with restart_after."""
SUMS = ("mean_of_last", "sum_of_losses", "sum_of_inverses")
"""Columns of the table of runs after the answers, with last_losses."""

CURVES = ("run", "epoch", "loss")
"""Columns of the learning curves."""

QUANTILES = (5, 25, 50, 75, 95)
"""Percent."""
EPOCH_QUANTILES = tuple(f"epochs_q{percent:02d}" for percent in QUANTILES)
LOSS_QUANTILES = tuple(f"final_loss_q{percent:02d}" for percent in QUANTILES)

FAILURES = {f"n_{name}": name for name in STATUSES if name not in ("converged", "max_epochs")}
"""Column of the summary → the status whose runs it counts."""
COUNTED = ("n", "n_converged", *FAILURES)
"""Columns of the summary that count runs."""
SUMMARY = (
    *("n", "n_converged", "converged_rate", "converged_low", "converged_high"),
    *FAILURES,
    *EPOCH_QUANTILES,
    *LOSS_QUANTILES,
)
"""Columns of the summary after those of the grid."""

COUNTS = ("status", "epoch_low", "epoch_high", "loss_low", "loss_high", "n")
"""Columns of the counts after `run` and those of the grid."""

NULLABLE = ("converged_epoch", "period", "epoch_low", "epoch_high", *EPOCH_QUANTILES)
"""Columns of integers that may be missing."""
FLOATS = ("final_loss", "loss_low", "loss_high", "converged_rate", "converged_low", "converged_high", *LOSS_QUANTILES)
"""Columns of floating-point numbers, keys of the grid not counted; all others but the texts hold integers."""

TAKEN = ("run", "seed", *OUTCOME, ANSWERS, *RESTARTS, *SUMS, *SUMMARY, *COUNTS, "rate", "interval", "settings")
"""Columns of the tables and of the page beside those of the grid: a name in `weights` must not be one of them."""

BACKENDS = ("threading", "loky", "dask")
"""What runs are trained in: threads, processes by joblib's loky, or the workers of a dask cluster."""


def status_code(status: str) -> int:
    """Return the code under which arrays hold a status."""
    return STATUSES.index(status)


def quantile_rank(percent: int, n: N) -> N:
    """Return the place of a quantile among n sorted values; n may be an array.

    A quantile is an order statistic, the smallest value that at least so many percent of the values do not exceed:
    never interpolated, and therefore the same bits everywhere.
    """
    return -(-percent * n // 100) - 1


def quantile_ranks(n: int) -> list[int]:
    """Return the places of the QUANTILES among n sorted values."""
    return [quantile_rank(percent, n) for percent in QUANTILES]
