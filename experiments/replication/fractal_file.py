"""The experiment that repeats Sohl-Dickstein's own, written from his data and starts.

    python -m experiments.replication.fractal_file REFERENCE.npz

writes experiments/fractal.toml, and what it needs beside it: the training sets of experiments/fractal, and in
reference.csv the values that his own equations give on coarse grids.
"""

import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path("experiments")
SIDE = {"tanh": 34, "relu": 34, "identity": 122, "tanh_single": 518}
"""Picture elements a side, 11 k + 1 so that the reference grids of 12 a side are among them."""
TABLE = {"tanh": "rows272", "relu": "rows272", "identity": "rows16", "tanh_single": "row1"}
LEAST, MOST = 1e-3, 1e6
"""Of either rate, in his terms."""
HEAD = """\
#:schema ../docs/experiment.schema.json
# Sohl-Dickstein 2024 (arXiv 2402.06184), his own networks, data and starts: 16 inputs, 16 hidden units, no biases,
# output v·φ(√2 x W0/4)/16 or, for the identity, v·(x W0/4)/16. In our terms the hidden weights are c W0 with c = √2/4
# (identity: ¼) and the output's are W1/16, so that his rates η0 and η1 are hidden_learning_rate/c² and
# 256 learning_rate: both from 0.001 to a million, as in his outermost window. He trains 500 steps, and calls a run
# converging if the mean of its last 20 losses is below the first one.
# Written by python -m experiments.replication.fractal_file.
question = "Where, in the plane of two learning rates, does training converge, for the networks of Sohl-Dickstein 2024?"
"""


def scale(name: str) -> float:
    """Our hidden weights are his, times this."""
    return 0.25 if name == "identity" else math.sqrt(2) / 4


def starting_weights(name: str, W0: NDArray[np.float64], W1: NDArray[np.float64]) -> list[float]:
    """His start in the order of ours: W1, b1, w2, b2."""
    return [*(scale(name) * W0).T.ravel().tolist(), *[0.0] * W0.shape[1], *(W1[:, 0] / 16).tolist(), 0.0]


def grid_of(name: str, weights: list[float]) -> str:
    """The [[grid]] of one of his conditions."""
    squared = 1 / 16 if name == "identity" else 1 / 8
    rows = [weights[i : i + 4] for i in range(0, len(weights), 4)]
    listed = "\n".join(f"    {', '.join(repr(weight + 0.0) for weight in row)}," for row in rows)
    return f"""
[[grid]]  # {name}
gate = "{TABLE[name]}"
hidden = 16
activation = "{name.removesuffix("_single")}"
output = "linear"
loss = "mse"
bias = false
learning_rate = {{ from = {LEAST / 256!r}, to = {MOST / 256!r}, num = {SIDE[name]}, scale = "log" }}
hidden_learning_rate = {{ from = {LEAST * squared!r}, to = {MOST * squared!r}, num = {SIDE[name]}, scale = "log" }}
init = "given"
weights = [
{listed}
]
"""


def write(reference: Path) -> None:
    """Write the experiment, its tables and the reference values."""
    known = np.load(reference)
    (FOLDER / "fractal").mkdir(exist_ok=True)
    text = [HEAD]
    values = ["name,output_rate,input_rate,value"]
    for name in SIDE:
        W0, W1, X, Y, V = (known[f"{name}_{part}"] for part in ("W0", "W1", "X", "Y", "V"))
        text.append(grid_of(name, starting_weights(name, W0, W1)))
        lines = [",".join(map(repr, row)) for row in np.column_stack([X, Y]).tolist()]
        (FOLDER / "fractal" / f"{TABLE[name]}.csv").write_text("\n".join(lines) + "\n")
        values += [f"{name},{i},{j},{V[i, j].item()!r}" for i in range(len(V)) for j in range(len(V))]
    tables = "\n".join(f'[tables.{table}]\ncsv = "fractal/{table}.csv"\n' for table in dict.fromkeys(TABLE.values()))
    (FOLDER / "fractal.toml").write_text("".join([*text, "\n[train]\nmax_epochs = 500\nlast_losses = 20\n\n", tables]))
    (FOLDER / "fractal" / "reference.csv").write_text("\n".join(values) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
