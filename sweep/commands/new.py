"""An experiment file to start from."""

from pathlib import Path

from sweep.errors import StoreError

TEXT = """\
question = "Does a larger start help OR, or NAND?"

[grid]                                   # a list or a range is an axis, a scalar is fixed; axes multiply
gate = ["OR", "NAND"]                    # a name, a truth table such as "0110", a family: "all-2", "parity-3"
learning_rate = { from = 0.01, to = 10, num = 7, scale = "log" }
init = ["uniform(0, 1)", "normal(0, 1)", "uniform(-5, 5)"]
seeds = 100                              # seeds 0 to 99; or [3, 5, 8], or { from = 1000, count = 100 }

# Networks with one hidden layer: each key a value or an axis.
# hidden = 2                             # hidden units; 0 is logistic regression
# activation = "sigmoid"                 # "tanh", "relu"
# loss = "bce"                           # "mse"
# optimizer = "gd"                       # "momentum", "nesterov", "adam", "rmsprop"

[train]
max_epochs = 10_000
target_loss = 0.01                       # mean over the rows, in nats; a run that gets below it has converged
# record_every = 100                     # keeps the loss every so many epochs, for learning curves

# A table of your own, to be named in gate: numbers, the last column the target.
# [tables.points]
# csv = "points.csv"
"""


def write_new(file: Path, text: str) -> None:
    """Write a file that is not there yet; `StoreError` if anything has its name."""
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise StoreError(f"{file}: there is such a file already; allowed: a new one") from None
