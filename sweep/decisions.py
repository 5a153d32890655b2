"""The decision surfaces of a result: runs chosen, trained again bit for bit, and drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweep.replaying import same_bits, train_again, without_curves
from sweep.spec.experiment import Experiment, load

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sweep.report.result import Result
    from sweep.report.sentences import Description
    from sweep.report.surfaces import Choice

MAX_WORK = 50_000_000
"""Epochs × rows × (hidden units + 1) that a report trains again for its figure at most: some seconds."""


def surfaces(result: "Result", chosen: "Sequence[Choice]") -> "Figure":
    """Train chosen runs of a result again, and draw what they answer.

    Parameters
    ----------
    result
    chosen
        Runs, at least one; see `sweep.report.surfaces.choices`.

    Raises
    ------
    ValueError
        If a run's table has not two inputs and targets from 0 to 1.
    """
    from sweep.report.surfaces import Trained, draw, has_plane

    experiment = without_curves(load(result.manifest["experiment"]))
    trained = []
    for choice in chosen:
        setting, table, again = train_again(experiment, choice.run)
        if not has_plane(table):
            raise ValueError(f"run: found {choice.run}, whose table has not two inputs and targets from 0 to 1")
        trained.append(Trained(setting, table, again.final[0], same_bits(choice.stored, again.outcome)))
    return draw(result, chosen, trained)


def for_report(result: "Result") -> "tuple[Figure, Description] | None":
    """The figure of a result's surfaces, with its caption; None where there is none, or it would take long."""
    from sweep.report.surfaces import choices, description

    chosen = choices(result)
    if not chosen or _work(load(result.manifest["experiment"]), chosen) > MAX_WORK:
        return None
    return surfaces(result, chosen), description(result, chosen)


def _work(experiment: Experiment, chosen: "Sequence[Choice]") -> int:
    """Epochs × rows × (hidden units + 1) of all chosen runs together, at most."""
    hidden: int = max(max(grid.values["hidden"]) for grid in experiment.grids)
    n_rows: int = max([4, *(table.targets.size for table in experiment.tables.values())])
    n_epochs: int = sum(choice.stored["epochs"] for choice in chosen)
    return n_epochs * n_rows * (hidden + 1)
