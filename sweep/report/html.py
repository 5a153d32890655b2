"""The report: one self-contained page with the question, its answer, the figures and how it was run."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sweep.report.axes import censored, grid_keys, label, varying
from sweep.report.sentences import NBSP, answer, descriptions, failures, percent
from sweep.report.tables import Result

MAX_ROWS = 200
BROAD = 550
"""Width, in points, above which a figure is scrolled rather than shrunk on a narrow screen."""


class Column(NamedTuple):
    """A column of the summary as shown."""

    name: str
    cells: list[str]
    is_text: bool = False


def write(result: Result, directory: Path | str) -> list[Path]:
    """Draw every figure that fits the result, and the report.

    Returns
    -------
    list of Path
        `directory`/report.html and figures/*.svg and *.png, all of which are whole.
    """
    from sweep.report import figures

    directory = Path(directory)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    drawn = {}
    for name, draw in figures.figures_for(result).items():
        svg, png = figures.save(draw(result), directory / "figures" / name)
        drawn[name] = svg.read_text(encoding="utf-8")
        written += [svg, png]
    page = directory / "report.html"
    unfinished = page.with_name("report.html.unfinished")
    unfinished.write_text(render(result, drawn), encoding="utf-8")
    return [unfinished.replace(page), *written]


def render(result: Result, figures: Mapping[str, str]) -> str:
    """Make the report of a result.

    Parameters
    ----------
    result : Result
    figures : mapping
        The SVG text of each figure to show, by name as in `figures_for`, in reading order.

    Returns
    -------
    str
        A page that needs nothing else, neither files nor network.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = result.summary.head(MAX_ROWS)
    columns = _columns(result, shown)
    answered = answer(result)
    texts = descriptions(result, answered)
    return environment.get_template("template.html").render(
        heading=result.manifest.get("question") or result.manifest["name"],
        answer=answered,
        failures=failures(result),
        figures=[_figure(name, svg, texts[name].caption, texts[name].alt) for name, svg in figures.items()],
        fixed=_fixed(result),
        table={
            "columns": columns,
            "rows": list(zip(*(column.cells for column in columns), strict=True)),
            "n_rows": len(result.summary),
        },
        provenance=_provenance(result),
        files=sorted(result.manifest["files"].items()),
    )


def _figure(name: str, svg: str, caption: str, alt: str) -> dict[str, Any]:
    """An image embedded as data: its identifiers cannot clash with those of the other figures."""
    box = re.search(r'viewBox="0 0 (\S+) (\S+)"', svg)
    if box is None:
        raise ValueError(f"the figure {name} is not an SVG with a viewBox")
    width, height = (round(float(size)) for size in box.groups())
    data = base64.b64encode(svg.encode()).decode("ascii")
    return {
        "name": name,
        "source": f"data:image/svg+xml;base64,{data}",
        "width": width,
        "height": height,
        "broad": width > BROAD,
        "caption": caption,
        "alt": alt,
    }


def _fixed(result: Result) -> str:
    """The keys of the grid that take only one value."""
    if len(result.summary) == 0:
        return ""
    axes = varying(result)
    constant = [key for key in grid_keys(result) if key not in axes]
    return "; ".join(f"{label(key)}: {_cell(result.summary[key].iloc[0])}" for key in constant)


def _columns(result: Result, shown: pd.DataFrame) -> list[Column]:
    """The summary's columns for people: rates in percent, censored epochs as "> max_epochs"."""
    max_epochs = int(result.manifest["experiment"]["train"]["max_epochs"])
    columns = [
        Column(label(key), [_cell(value) for value in shown[key]], not pd.api.types.is_numeric_dtype(shown.dtypes[key]))
        for key in varying(result)
    ]
    interval = zip(shown["converged_low"], shown["converged_high"], strict=True)
    columns += [
        Column("runs", [f"{n:,}" for n in shown["n"]]),
        Column("converged", [f"{n:,}" for n in shown["n_converged"]]),
        Column("%", [percent(rate) for rate in shown["converged_rate"]]),
        Column(f"95{NBSP}% interval", [f"{percent(low)} – {percent(high)}" for low, high in interval]),
    ]
    for status in ("diverged", "stationary"):
        if result.summary[f"n_{status}"].any():
            columns.append(Column(status, [f"{n:,}" for n in shown[f"n_{status}"]]))
    for name, quantile in (("5 %", "q05"), ("median", "q50"), ("95 %", "q95")):
        epochs = censored(shown[f"epochs_{quantile}"])
        cells = [f"{epoch:,.0f}" if np.isfinite(epoch) else f"> {max_epochs:,}" for epoch in epochs]
        columns.append(Column(f"epochs: {name}", cells))
    losses = shown["final_loss_q50"]
    columns.append(Column("final loss: median", [f"{loss:.3g}" if np.isfinite(loss) else "∞" for loss in losses]))
    return columns


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _provenance(result: Result) -> list[tuple[str, str]]:
    manifest = result.manifest
    versions = ", ".join(f"{package} {version}" for package, version in manifest["versions"].items())
    return [
        ("experiment", manifest["name"]),
        ("runs", f"{_plural(manifest['n_runs'], 'run')} of {_plural(manifest['n_points'], 'setting')}"),
        ("time", f"{manifest['seconds']:.3g} seconds, {_plural(manifest['jobs'], 'job')}"),
        ("processor", manifest["cpu"]),
        ("versions", versions),
    ]


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
