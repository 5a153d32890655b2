"""Single runs trained again, with their weights."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from sweep.engine.outcome import Outcome
from sweep.engine.training import Trained, train_one
from sweep.spec.experiment import Experiment
from sweep.spec.schema import OUTCOME, STATUSES
from sweep.spec.training_sets import TrainingSet


class Retrained(NamedTuple):
    """A run trained again: its setting as `Experiment.setting` has it, its training set, and what came out."""

    setting: Mapping[str, Any]
    table: TrainingSet
    trained: Trained


def train_again(experiment: Experiment, run: int) -> Retrained:
    """Train one run of an experiment again, recording its losses only if the experiment says so."""
    setting = experiment.setting(run)
    table = experiment.table(setting["gate"], setting["encoding"])
    return Retrained(setting, table, train_one(experiment, *experiment.locate(run)))


def recording(experiment: Experiment, every: int, max_epochs: int | None = None) -> Experiment:
    """Return the same experiment with every so many losses recorded, of `max_epochs` epochs at most if given."""
    update = {"record_every": every, "max_epochs": max_epochs or experiment.train.max_epochs}
    return replace(experiment, train=experiment.train.model_copy(update=update))


def plain(outcome: Outcome) -> dict[str, Any]:
    """Return the columns of the table of runs for the only run of an outcome."""
    converged_epoch, period = int(outcome.converged_epoch[0]), int(outcome.period[0])
    return {
        "status": STATUSES[outcome.status[0]],
        "epochs": int(outcome.epochs[0]),
        "converged_epoch": None if converged_epoch < 0 else converged_epoch,
        "period": None if period < 0 else period,
        "final_loss": float(outcome.final_loss[0]),
    }


def same_bits(stored: Mapping[str, Any], outcome: Outcome) -> bool:
    """Return True if a result has the only run of an outcome bit for bit as it is there."""
    return not differences(stored, plain(outcome))


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the columns in which two outcomes of a run differ, numbers compared by their bits."""

    def bits(value: Any) -> Any:
        return value.hex() if isinstance(value, float) else value

    return [key for key in OUTCOME if bits(one[key]) != bits(other[key])]
