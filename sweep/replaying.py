"""One run of a result trained again, with its weights and its whole learning curve."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.errors import UnknownRunError
from sweep.spec import models
from sweep.spec.experiment import Experiment, load
from sweep.spec.schema import OUTCOME, STATUSES
from sweep.spec.training_sets import TrainingSet as Table

if TYPE_CHECKING:
    import pandas as pd

    from sweep.engine.outcome import Outcome
    from sweep.engine.training import Trained
    from sweep.kernel.plan import Plan
    from sweep.results.result import Result

MAX_POINTS = 1_000_000
"""Points of a learning curve at most."""

_SHOWN = 10
"""Points of the learning curve in the text, about."""


class Retrained(NamedTuple):
    """A run trained again, without its curve.

    Attributes
    ----------
    setting
        Every key of the grid → its value; `seed` last.
    table
        Its training set.
    trained
        What became of it, its kernel's plan and its weights.
    """

    setting: Mapping[str, Any]
    table: Table
    trained: "Trained"


@dataclass(frozen=True)
class Replay:
    """A run trained again.

    Attributes
    ----------
    run
        Its number.
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
        `status`, `epochs`, `converged_epoch`, `period` and `final_loss` as the result has them.
    identical
        Whether these are the replay's, bit for bit.
    """

    run: int
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


def replay(result: "Result", run: int) -> Replay:
    """Train one run of a result again.

    Parameters
    ----------
    result
    run
        Its number, as in the table of runs.

    Raises
    ------
    UnknownRunError
        A ``ValueError``: if the result has no such run.
    """
    import pandas as pd

    experiment = load(result.manifest["experiment"])
    try:
        experiment.locate(run)
    except ValueError as error:
        raise UnknownRunError(f"run: {error}") from None
    stored = _stored(result, run)
    setting, table, trained = train_again(without_curves(experiment), run)
    found = _plain(trained.outcome)
    every = -(-found["epochs"] // (MAX_POINTS - 1)) or 1
    again = train_again(_recording(experiment, every, max(1, found["epochs"])), run).trained
    losses = again.outcome.curves[0]
    points = np.flatnonzero(~np.isnan(losses))
    return Replay(
        run=run,
        setting={key: setting[key] for key in (*experiment.columns, "seed")},
        **found,
        weight_names=models.weight_names(trained.plan.n_inputs, trained.plan.hidden, trained.plan.shortcut),
        initial_weights=trained.initial[0],
        final_weights=trained.final[0],
        curve=pd.DataFrame({"epoch": points * every, "loss": losses[points]}),
        outputs=_outputs(table, trained.plan, trained.final[0]),
        stored=stored,
        identical=same_bits(stored, trained.outcome) and same_bits(stored, again.outcome),
    )


def train_again(experiment: Experiment, run: int) -> Retrained:
    """Train one run of an experiment again, recording its losses only if the experiment says so."""
    from sweep.engine.training import train_one

    setting = experiment.setting(run)
    table = experiment.table(setting["gate"], setting["encoding"])
    return Retrained(setting, table, train_one(experiment, *experiment.locate(run)))


def without_curves(experiment: Experiment) -> Experiment:
    """The same experiment, whose losses are not recorded."""
    return _recording(experiment, 0)


def same_bits(stored: Mapping[str, Any], outcome: "Outcome") -> bool:
    """Whether what a result has of a run is what became of it, the one of the outcome, bit for bit."""
    return _bits(stored) == _bits(_plain(outcome))


def command(path: Path, run: int) -> str:
    """What to type to replay a run of a result on disk."""
    return shlex.join(["sweep", "replay", str(path), str(run)])


def text(replay: Replay) -> list[str]:
    """A replay, in lines for people."""
    setting = ", ".join(f"{key} {_short(value)}" for key, value in replay.setting.items())
    converged = (
        "never converged" if replay.converged_epoch is None else f"converged at epoch {replay.converged_epoch:,}"
    )
    if replay.period is not None:
        converged += f", back at the same weights every {_counted(replay.period, 'epoch')}"
    lines = [
        f"run {replay.run}: {setting}",
        f"{replay.status.replace('_', ' ')} after {_counted(replay.epochs, 'epoch')}, {converged}, "
        f"final loss {replay.final_loss!r}",
    ]
    if replay.identical:
        lines.append("the same as in the result, bit for bit")
    else:
        changes = [f"{key} is {replay.stored[key]!r} there" for key in OUTCOME if _differs(replay, key)]
        lines.append(f"NOT the same as in the result: {', '.join(changes) or 'recording the curve changed it'}")
    rows = list(zip(replay.weight_names, replay.initial_weights, replay.final_weights, strict=True))
    lines += ["", *_table(["weight", "initial", "final"], rows)]
    lines += ["", *_table(list(replay.outputs.columns), list(replay.outputs.itertuples(index=False)))]
    which = np.unique(np.linspace(0, len(replay.curve) - 1, _SHOWN).round().astype(int))
    points = [(f"{point.epoch:,}", point.loss) for point in replay.curve.iloc[which].itertuples(index=False)]
    return [*lines, "", *_table(["epoch", "loss"], points)]


def _stored(result: "Result", run: int) -> dict[str, Any]:
    """What became of a run, as the result has it."""
    columns = ["run", *OUTCOME]
    rows: list[dict[str, Any]]
    if result.path is None or "runs" in vars(result):
        import pyarrow as pa

        frame = result.runs
        rows = pa.Table.from_pandas(frame.loc[frame["run"] == run, columns], preserve_index=False).to_pylist()
    elif "runs.parquet" in result.manifest["files"]:
        from pyarrow import parquet

        path = result.path / "runs.parquet"
        rows = parquet.read_table(path, columns=columns, filters=[("run", "==", run)]).to_pylist()
    else:
        rows = _row_of_csv(result.path / "runs.csv", columns, run)
    if not rows:
        done, n_runs = result.manifest["n_done"], result.manifest["n_runs"]
        raise UnknownRunError(
            f"run: found {run}, which is not done yet; allowed: one of the {done:,} of {n_runs:,} runs that are; "
            "run the experiment again with the same directory to go on"
        )
    return {key: rows[0][key] for key in OUTCOME}


def _row_of_csv(path: Path, columns: list[str], run: int) -> list[dict[str, Any]]:
    """The row of a run, read in pieces."""
    import pyarrow as pa
    from pyarrow import compute, csv

    types = {"run": pa.int64(), "status": pa.string(), "final_loss": pa.float64()}
    types |= dict.fromkeys(("epochs", "converged_epoch", "period"), pa.int64())
    options = csv.ConvertOptions(column_types=types, include_columns=columns)
    with csv.open_csv(path, convert_options=options) as reader:
        for batch in reader:
            if batch.num_rows and batch["run"][-1].as_py() >= run:
                rows: list[dict[str, Any]] = batch.filter(compute.equal(batch["run"], run)).to_pylist()
                return rows
    return []


def _recording(experiment: Experiment, every: int, max_epochs: int | None = None) -> Experiment:
    """The same experiment with its losses recorded, and no further than to an epoch at which the run has ended."""
    max_epochs = max_epochs or experiment.train.max_epochs
    return replace(
        experiment, train=experiment.train.model_copy(update={"record_every": every, "max_epochs": max_epochs})
    )


def _plain(outcome: "Outcome") -> dict[str, Any]:
    """What became of the one run of an outcome."""
    converged_epoch, period = int(outcome.converged_epoch[0]), int(outcome.period[0])
    return {
        "status": STATUSES[outcome.status[0]],
        "epochs": int(outcome.epochs[0]),
        "converged_epoch": None if converged_epoch < 0 else converged_epoch,
        "period": None if period < 0 else period,
        "final_loss": float(outcome.final_loss[0]),
    }


def _bits(outcome: Mapping[str, Any]) -> tuple[Any, ...]:
    """Equal for two outcomes exactly if they are the same bit for bit."""
    return tuple(value.hex() if isinstance(value, float) else value for value in (outcome[key] for key in OUTCOME))


def _outputs(table: Table, plan: "Plan", weights: NDArray[np.float64]) -> "pd.DataFrame":
    """The model's output for each row, by the kernel's own arithmetic on NumPy arrays."""
    import pandas as pd

    from sweep.kernel.functions import sigmoid
    from sweep.kernel.model import through_row

    columns = list(table.inputs.T)
    with np.errstate(all="ignore"):
        row = through_row(  # type: ignore[no-untyped-call]
            plan, list(weights), columns, table.targets, [0.0] * weights.size, with_loss=False
        )
        logit = np.asarray(row.logit, np.float64)
        output = logit if plan.output == "linear" else sigmoid(logit)[0]  # type: ignore[no-untyped-call]
    inputs = {f"x{i}": column for i, column in enumerate(columns, 1)}
    return pd.DataFrame({**inputs, "target": table.targets, "output": np.broadcast_to(output, table.targets.shape)})


def _differs(replay: Replay, key: str) -> bool:
    one, other = replay.stored[key], getattr(replay, key)
    return bool(one.hex() != other.hex() if isinstance(one, float) else one != other)


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Rows under their names, aligned to the right."""
    cells = [list(names), *([_short(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
