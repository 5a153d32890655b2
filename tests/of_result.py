"""What is drawn and said of a result: functions of findings, as functions of a result."""

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.figure import Figure

from sweep.analysis.findings import Findings
from sweep.answer import answer as _sentences
from sweep.answer import captions
from sweep.answer import listing as _listing
from sweep.answer import overview as _overview
from sweep.answer.captions import Description
from sweep.page import html
from sweep.plots.registry import FIGURES
from sweep.plots.registry import figures_for as _figures_for
from sweep.results.result import Result


def figures_for(result: Result) -> dict[str, Callable[[Result], Figure]]:
    return {name: _of(draw) for name, draw in _figures_for(Findings(result)).items()}


def _of(draw: Callable[[Findings], Figure]) -> Callable[[Result], Figure]:
    return lambda result: draw(Findings(result))


success_rate = _of(FIGURES["success_rate"].draw)
epochs_to_converge = _of(FIGURES["epochs_to_converge"].draw)
success_curves = _of(FIGURES["success_curves"].draw)
final_loss = _of(FIGURES["final_loss"].draw)
stability = _of(FIGURES["stability"].draw)
learned_instead = _of(FIGURES["learned_instead"].draw)
learning_curves = _of(FIGURES["learning_curves"].draw)
heat_map = _of(FIGURES["heat_map"].draw)


def answer(result: Result) -> list[str]:
    return _sentences.answer(Findings(result))


def descriptions(result: Result, answered: Sequence[str]) -> dict[str, Description]:
    findings = Findings(result)
    return {name: captions.described(findings, name, answered) for name in _figures_for(findings)}


def failures(result: Result) -> str:
    return captions.failures(Findings(result))


def listing(result: Result, *options: Any) -> _listing.Listing:
    return _listing.listing(Findings(result), *options)


def overview(result: Result, *most: int, **options: int) -> _overview.Overview:
    return _overview.overview(Findings(result), *most, **options)


def render(result: Result, *args: Any, **options: Any) -> str:
    return html.render(Findings(result), *args, **options)
