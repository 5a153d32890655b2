"""Training, seen: what models answer after 0, 10, 100, … epochs, until they stop."""

import textwrap
from collections.abc import Sequence

from sweep.analysis.representatives import Course
from sweep.plots.decision_surfaces import legend_of, picture, with_bar
from sweep.plots.drawing.canvas import picture_rows
from sweep.plots.drawing.marks import Drawing, figure_of
from sweep.plots.drawing.style import styled
from sweep.words import counted, of_group, outcome

_N_CELLS = 97
_WRAP = 88


@styled
def training(courses: Sequence[Course]) -> Drawing:
    """Draw the output of models over the plane of their two inputs, in the course of their training.

    Parameters
    ----------
    courses
        At least one; each gets a row of panels.
    """
    names, titles = [], []
    for choice, epochs, _ in ((course.choice, course.epochs, course.models) for course in courses):
        who = f"{choice.role}: run {choice.run:,}" if choice.role else f"Run {choice.run:,}"
        names.append("\n".join(textwrap.wrap(f"{who}, {', '.join(outcome(choice.stored))}", _WRAP)))
        titles.append([counted(epoch, "epoch") for epoch in epochs])
    group = courses[0].choice.group
    title = "What models answer while they train" + (f"; {of_group(*group)}" if group else "")
    legend = legend_of([course.models[-1] for course in courses])
    made = picture_rows(names, titles, title, ("first input", "second input"), legend, row_gap=0.15)
    for axes, course in zip(made, courses, strict=True):
        for panel, model in zip(axes, course.models, strict=True):
            picture(panel, model, _N_CELLS)
            panel.tick_params(labelleft=panel is axes[0], labelbottom=axes is made[-1])
    return with_bar(figure_of(made[0][0]))
