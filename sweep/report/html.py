"""The report: one self-contained page with the question, its answer, the figures and how it was run."""

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sweep.report.axes import censored, label, varying
from sweep.report.columns import sparing
from sweep.report.result import Result
from sweep.report.sentences import NBSP, answer, descriptions, failures, incomplete, percent
from sweep.report.settings import first_rows, grid_keys, n_rows, values_of
from sweep.report.tables import wilson

MAX_ROWS = 200
BROAD = 550
"""Width, in points, above which a figure is scrolled rather than shrunk on a narrow screen."""


class Column(NamedTuple):
    """A column of the summary as shown."""

    name: str
    cells: list[str]
    is_text: bool = False


def write(result: Result, directory: Path | str, extra: Mapping[str, tuple[str, str, str]] | None = None) -> list[Path]:
    """Draw every figure that fits the result, and the report.

    Parameters
    ----------
    result
    directory
    extra
        Name → SVG text, caption and alternative text of further figures, shown after the others.

    Returns
    -------
    list of Path
        `directory`/report.html, figures/*.svg and *.png, and of a large picture *_full.png, all of which are whole.
    """
    from sweep.report import figures

    directory, result = Path(directory), sparing(result)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    drawn = {}
    whole = {}
    for name, draw in figures.figures_for(result).items():
        svg, png, *pictures = figures.save(draw(result), directory / "figures" / name)
        drawn[name] = svg.read_text(encoding="utf-8")
        whole[name] = [picture.relative_to(directory).as_posix() for picture in pictures]
        written += [svg, png, *pictures]
    page = directory / "report.html"
    unfinished = page.with_name("report.html.unfinished")
    unfinished.write_text(render(result, drawn, whole, extra), encoding="utf-8")
    return [unfinished.replace(page), *written]


def render(
    result: Result,
    figures: Mapping[str, str],
    whole: Mapping[str, Sequence[str]] | None = None,
    extra: Mapping[str, tuple[str, str, str]] | None = None,
) -> str:
    """Make the report of a result.

    Parameters
    ----------
    result : Result
    figures : mapping
        The SVG text of each figure to show, by name as in `figures_for`, in reading order.
    whole : mapping
        The files that hold the pictures of a figure one cell a dot, where it has not so many dots itself.
    extra : mapping
        As in `write`.

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
    columns = _columns(result)
    answered = [*incomplete(result), *answer(result)]
    texts = descriptions(result, answered)
    return environment.get_template("template.html").render(
        heading=result.manifest.get("question") or result.manifest["name"],
        answer=answered,
        failures=failures(result),
        figures=[
            _figure(name, svg, texts[name].caption + _shared((whole or {}).get(name, ())), texts[name].alt)
            for name, svg in figures.items()
        ]
        + [_figure(name, *figure) for name, figure in (extra or {}).items()],
        fixed=_fixed(result),
        table={
            "columns": columns,
            "rows": list(zip(*(column.cells for column in columns), strict=True)),
            "n_rows": n_rows(result, "summary"),
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


def _shared(files: Sequence[str]) -> str:
    """Where to find the settings that share a dot."""
    if not files:
        return ""
    named = files[0] if len(files) == 1 else f"{files[0]} to {files[-1].rpartition('/')[2]}"
    return f" Several settings share a dot here; each has one of its own in {named}."


def _fixed(result: Result) -> str:
    """The keys of the grid that take only one value."""
    if n_rows(result, "summary") == 0:
        return ""
    axes = varying(result)
    constant = [key for key in grid_keys(result) if key not in axes]
    return "; ".join(f"{label(key)}: {_cell(values_of(result, key).iloc[0])}" for key in constant)


def _head(result: Result, name: str) -> "pd.Series[Any]":
    return result.part("summary", [name])[name].head(MAX_ROWS)


def _columns(result: Result) -> list[Column]:
    """The summary's columns for people: rates in percent, censored epochs as "> max_epochs"."""
    max_epochs = int(result.manifest["experiment"]["train"]["max_epochs"])
    axes = first_rows(result, varying(result), MAX_ROWS)
    columns = [
        Column(label(key), [_cell(value) for value in axes[key]], not pd.api.types.is_numeric_dtype(axes.dtypes[key]))
        for key in axes.columns.astype(str)
    ]
    n, n_converged = (_head(result, name).to_numpy(np.int64) for name in ("n", "n_converged"))
    interval = zip(*wilson(n_converged, n), strict=True)
    columns += [
        Column("runs", [f"{count:,}" for count in n]),
        Column("converged", [f"{count:,}" for count in n_converged]),
        Column("%", [percent(rate) for rate in n_converged / n]),
        Column(f"95{NBSP}% interval", [f"{percent(low)} – {percent(high)}" for low, high in interval]),
    ]
    for status in ("diverged", "stationary"):
        if (column := result.part("summary", [f"n_{status}"])[f"n_{status}"]).any():
            columns.append(Column(status, [f"{count:,}" for count in column.head(MAX_ROWS)]))
    for name, quantile in (("5 %", "q05"), ("median", "q50"), ("95 %", "q95")):
        epochs = censored(_head(result, f"epochs_{quantile}"))
        cells = [f"{epoch:,.0f}" if np.isfinite(epoch) else f"> {max_epochs:,}" for epoch in epochs]
        columns.append(Column(f"epochs: {name}", cells))
    losses = _head(result, "final_loss_q50")
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
