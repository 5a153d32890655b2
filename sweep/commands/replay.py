"""One run of a result trained again, with its weights and its whole learning curve."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sweep.commands.address import address_of
from sweep.engine.retraining import differences, plain, recording, same_bits, train_again
from sweep.errors import UnknownRunError
from sweep.spec import models
from sweep.spec.schema import OUTCOME, STATUS
from sweep.spec.training_sets import TrainingSet
from sweep.words import cell, counted

if TYPE_CHECKING:
    import pandas as pd

    from sweep.kernel.plan import Plan
    from sweep.results.result import Result

MAX_POINTS = 1_000_000
"""Points of a learning curve at most."""

_SHOWN = 10
"""Points of the learning curve in the text, about."""


@dataclass(frozen=True)
class Replay:
    """A run trained again, with its learning curve.

    Attributes
    ----------
    run
        Its number.
    address
        "KEY=VALUE" texts by which it is found when numbers have shifted.
    setting
        Column of the grid → its value; `seed` last.
    status, epochs, converged_epoch, period, final_loss
        As in the table of runs; None for a run that never converged, or is not stationary.
    weight_names
        "W1[0,0]", …, "b1[0]", …, "w2[0]", …, "u[0]", …, "b2"; of logistic regression "w1", …, "b".
    initial_weights, final_weights : float64, shape (n_params,)
        In that order, before the first update and after the last.
    curve : DataFrame
        `epoch` and `loss`, of every epoch or, of more than a million, of every second, third, ….
    outputs : DataFrame
        A row for each row of the training set: its inputs `x1`, `x2`, …, `target` and `output`, by the final weights.
    stored
        `status`, `epochs`, `converged_epoch`, `period` and `final_loss` as the result has them; nothing if it keeps
        counts only.
    identical
        True if these, or those of a second training, are the replay's bit for bit.
    """

    run: int
    address: Sequence[str]
    setting: Mapping[str, Any]
    status: str
    epochs: int
    converged_epoch: int | None
    period: int | None
    final_loss: float
    weight_names: Sequence[str]
    initial_weights: NDArray[np.float64]
    final_weights: NDArray[np.float64]
    curve: "pd.DataFrame"
    outputs: "pd.DataFrame"
    stored: Mapping[str, Any]
    identical: bool

    def __str__(self) -> str:
        """The replay in lines for people."""
        return "\n".join(text(self))


def replay(result: "Result", run: int) -> Replay:
    """Train the run of this number again; `UnknownRunError`, a ``ValueError``, if the result has none."""
    import pandas as pd

    experiment = result.experiment
    try:
        experiment.locate(run)
    except ValueError as error:
        raise UnknownRunError(f"run: {error}") from None
    stored = _stored(result, run)
    _, table, trained = train_again(recording(experiment, 0), run)
    found = plain(trained.outcome)
    every = -(-found["epochs"] // (MAX_POINTS - 1)) or 1
    again = train_again(recording(experiment, every, max(1, found["epochs"])), run).trained
    losses = again.outcome.curves[0]
    points = np.flatnonzero(~np.isnan(losses))
    return Replay(
        run=run,
        address=address_of(experiment, run),
        setting=experiment.row(run),
        **found,
        weight_names=models.weight_names(trained.plan.n_inputs, trained.plan.hidden, trained.plan.shortcut),
        initial_weights=trained.initial[0],
        final_weights=trained.final[0],
        curve=pd.DataFrame({"epoch": points * every, "loss": losses[points]}),
        outputs=_outputs(table, trained.plan, trained.final[0]),
        stored=stored,
        identical=same_bits(stored or found, trained.outcome) and same_bits(stored or found, again.outcome),
    )


def text(replay: Replay) -> list[str]:
    """Return a replay in lines for people."""
    setting = ", ".join(f"{key} {cell(value)}" for key, value in replay.setting.items())
    how, first = STATUS[replay.status].term, replay.converged_epoch
    converged = ", never converged" if first is None else f", converged at epoch {first:,}"
    if replay.status == "max_epochs" and first is None:
        converged = ""
    if replay.period is not None:
        converged += f", back at the same weights every {counted(replay.period, 'epoch')}"
    lines = [
        f"run {replay.run}: {setting}",
        *([f"address: {shlex.join(replay.address)}"] if replay.address else []),
        f"{how} after {counted(replay.epochs, 'epoch')}{converged}, final loss {replay.final_loss!r}",
    ]
    if replay.identical and not replay.stored:
        lines.append("the result keeps counts, not runs: there is no outcome of this run to compare with")
    elif replay.identical:
        lines.append("the same as in the result, bit for bit")
    else:
        found = {key: getattr(replay, key) for key in OUTCOME}
        changes = [f"{key} is {replay.stored[key]!r} there" for key in differences(replay.stored or found, found)]
        lines.append(f"NOT the same as in the result: {', '.join(changes) or 'recording the curve changed it'}")
    rows = list(zip(replay.weight_names, replay.initial_weights, replay.final_weights, strict=True))
    lines += ["", *_table(["weight", "initial", "final"], rows)]
    lines += ["", *_table(list(replay.outputs.columns), list(replay.outputs.itertuples(index=False)))]
    which = np.unique(np.linspace(0, len(replay.curve) - 1, _SHOWN).round().astype(int))
    points = [(f"{point.epoch:,}", point.loss) for point in replay.curve.iloc[which].itertuples(index=False)]
    return [*lines, "", *_table(["epoch", "loss"], points)]


def _stored(result: "Result", run: int) -> dict[str, Any]:
    """Return the outcome of a run as the result has it; nothing where it keeps counts only."""
    if not result.keeps_runs:
        return {}
    import pyarrow as pa
    from pyarrow import compute

    from sweep.results.on_disk import OnDisk

    if isinstance(result.tables, OnDisk) and "runs" not in vars(result):
        pieces = result.tables.pieces("runs")
    else:
        frame = result.runs
        pieces = iter([pa.Table.from_pandas(frame[frame["run"] == run], preserve_index=False)])
    for piece in pieces:
        rows: list[dict[str, Any]] = piece.filter(compute.equal(piece["run"], run)).select(OUTCOME).to_pylist()
        if rows:
            return rows[0]
    done, n_runs = result.manifest["n_done"], result.manifest["n_runs"]
    raise UnknownRunError(
        f"run: found {run}, which is not done yet; allowed: one of the {done:,} of {n_runs:,} runs that are; "
        "run the experiment again with the same directory to go on"
    )


def _outputs(table: TrainingSet, plan: "Plan", weights: NDArray[np.float64]) -> "pd.DataFrame":
    """Return the model's output for each row, by the kernel's own arithmetic on NumPy arrays."""
    import pandas as pd

    from sweep.kernel.model import answer, logit

    columns = list(table.inputs.T)
    with np.errstate(all="ignore"):
        z = np.asarray(logit(plan, list(weights), columns), np.float64)  # type: ignore[no-untyped-call]
        output = answer(plan, z)  # type: ignore[no-untyped-call]
    inputs = {f"x{i}": column for i, column in enumerate(columns, 1)}
    return pd.DataFrame({**inputs, "target": table.targets, "output": np.broadcast_to(output, table.targets.shape)})


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return rows under their names, aligned to the right."""
    lines = [list(names), *([cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in lines]
