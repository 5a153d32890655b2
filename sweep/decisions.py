"""Models of the runs that are worth a look: trained again bit for bit, for the figure of their decision surfaces."""

from collections.abc import Sequence

from sweep.analysis.representatives import Choice, Model, has_plane
from sweep.engine.retraining import same_bits, train_again, without_curves
from sweep.spec.experiment import Experiment

MAX_WORK = 50_000_000
"""Epochs × rows × (hidden units + 1) that a report trains again for its figure at most: some seconds."""


def models_of(experiment: Experiment, chosen: Sequence[Choice]) -> list[Model]:
    """Train chosen runs of an experiment again.

    Raises
    ------
    ValueError
        If a run's table has not two inputs and targets from 0 to 1.
    """
    models = []
    for choice in chosen:
        setting, table, again = train_again(without_curves(experiment), choice.run)
        if not has_plane(table):
            raise ValueError(f"run: found {choice.run}, whose table has not two inputs and targets from 0 to 1")
        models.append(Model(setting, table, again.final[0], same_bits(choice.stored, again.outcome)))
    return models


def for_report(experiment: Experiment, chosen: Sequence[Choice]) -> list[Model]:
    """Train chosen runs again, unless that would take long: then there are no models."""
    hidden: int = max(max(grid.values["hidden"]) for grid in experiment.grids)
    n_rows: int = max([4, *(table.targets.size for table in experiment.tables.values())])
    n_epochs: int = sum(choice.stored["epochs"] for choice in chosen)
    return models_of(experiment, chosen) if n_epochs * n_rows * (hidden + 1) <= MAX_WORK else []
