"""Models of the runs that are worth a look: trained again bit for bit, for the figures of what they answer."""

from collections.abc import Sequence
from dataclasses import replace

from sweep.analysis.representatives import Choice, Course, Model, epochs_of_interest, has_plane
from sweep.engine.retraining import recording, same_bits, train_again
from sweep.spec.experiment import Experiment

MAX_WORK = 50_000_000
"""Epochs × rows × (hidden units + 1) that a report trains again for a figure at most: some seconds."""


def models_of(experiment: Experiment, chosen: Sequence[Choice]) -> list[Model]:
    """Train chosen runs again; ``ValueError`` if the table of one has not two inputs and targets from 0 to 1."""
    models = []
    for choice in chosen:
        setting, table, again = train_again(recording(experiment, 0), choice.run)
        if not has_plane(table):
            raise ValueError(f"run: found {choice.run}, whose table has not two inputs and targets from 0 to 1")
        models.append(Model(setting, table, again.plan, again.final[0], same_bits(choice.stored, again.outcome)))
    return models


def courses_of(experiment: Experiment, chosen: Sequence[Choice]) -> list[Course]:
    """Train chosen runs again, and stop each at some epochs on the way; parameters and errors as in `models_of`."""
    courses = []
    for choice, last in zip(chosen, models_of(experiment, chosen), strict=True):
        epochs = epochs_of_interest(choice.stored["epochs"])
        parts = [train_again(recording(experiment, 0, max(epoch, 1)), choice.run).trained for epoch in epochs[:-1]]
        weights = [part.final[0] if epoch else part.initial[0] for epoch, part in zip(epochs, parts, strict=False)]
        models = [*(replace(last, weights=each) for each in weights), last]
        courses.append(Course(choice, epochs, models))
    return courses


def for_report(experiment: Experiment, chosen: Sequence[Choice]) -> list[Model]:
    """Train chosen runs again, unless that would take long: then there are no models."""
    return models_of(experiment, chosen) if _is_short(experiment, chosen) else []


def courses_for_report(experiment: Experiment, chosen: Sequence[Choice]) -> list[Course]:
    """Train chosen runs again and stop on the way, unless that would take long: then there are no courses."""
    return courses_of(experiment, chosen) if _is_short(experiment, chosen) else []


def _is_short(experiment: Experiment, chosen: Sequence[Choice]) -> bool:
    hidden: int = max(max(grid.values["hidden"]) for grid in experiment.grids)
    n_rows: int = max([4, *(table.targets.size for table in experiment.tables.values())])
    n_epochs: int = sum(choice.stored["epochs"] for choice in chosen)
    return n_epochs * n_rows * (hidden + 1) <= MAX_WORK
