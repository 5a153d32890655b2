"""The report: one self-contained page with the question, its answer, the figures and how it was run."""

import base64
import hashlib
import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sweep.report.axes import label, varying
from sweep.report.columns import sparing
from sweep.report.figures import STATUS_COLOURS
from sweep.report.heatmap import DIVERGED
from sweep.report.listing import cell, columns, listing, run_column
from sweep.report.marks import located
from sweep.report.pointing import FRACTION, Marked, pointing
from sweep.report.result import Result
from sweep.report.sentences import answer, descriptions, failures, incomplete, percent
from sweep.report.settings import grid_keys, n_rows, values_of

BROAD = 550
"""Width, in points, above which a figure is scrolled rather than shrunk on a narrow screen."""
_PAGE = Path(__file__).with_name("page")


class Extra(NamedTuple):
    """A further figure, made elsewhere."""

    svg: str
    caption: str
    alt: str


def write(result: Result, directory: Path | str, extra: Mapping[str, tuple[str, str, str]] | None = None) -> list[Path]:
    """Draw every figure that fits the result, and the report.

    Parameters
    ----------
    result : Result
    directory : path
    extra : mapping
        Further figures for the report; see `render`.

    Returns
    -------
    list of Path
        `directory`/report.html, figures/*.svg and *.png, and of a large picture *_full.png, all of which are whole.
    """
    from sweep.report import figures

    directory, result = Path(directory), sparing(result)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    drawn, whole, marks = {}, {}, {}
    for name, draw in figures.figures_for(result).items():
        figure = draw(result)
        svg, png, *pictures = figures.save(figure, directory / "figures" / name)
        drawn[name] = svg.read_text(encoding="utf-8")
        whole[name] = [picture.relative_to(directory).as_posix() for picture in pictures]
        marks[name] = located(figure)
        written += [svg, png, *pictures]
    page = directory / "report.html"
    unfinished = page.with_name("report.html.unfinished")
    unfinished.write_text(render(result, drawn, whole, marks, extra), encoding="utf-8")
    return [unfinished.replace(page), *written]


def render(
    result: Result,
    figures: Mapping[str, str],
    whole: Mapping[str, Sequence[str]] | None = None,
    marks: Mapping[str, Marked] | None = None,
    extra: Mapping[str, tuple[str, str, str]] | None = None,
) -> str:
    """Make the report of a result.

    Parameters
    ----------
    result : Result
    figures : mapping
        The SVG text of each figure to show, by name as in `figures_for`, in reading order. The first one stands beside
        the answer.
    whole : mapping
        The files that hold the pictures of a figure one cell a dot, where it has not so many dots itself.
    marks : mapping
        What can be pointed at in a figure, by name; see `sweep.report.marks`.
    extra : mapping
        Further figures to show after the others: a name → its SVG text, its caption and its alternative text.

    Returns
    -------
    str
        A page that needs nothing else, neither files nor network.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    missing = incomplete(result)
    answered = answer(result)
    texts = descriptions(result, [*missing, *answered])
    shown = [
        _figure(name, svg, texts[name].caption + _shared((whole or {}).get(name, ())), texts[name].alt)
        for name, svg in figures.items()
    ]
    shown += [_figure(name, *Extra(*made)) for name, made in (extra or {}).items()]
    listed = listing(result)
    listed_columns = [*columns(result, listed.rows), run_column(result, listed.rows)]
    axes = varying(result)
    points = pointing(result, marks or {}, listed)
    replay = _replay(result)
    scripts = {name: (_PAGE / f"{name}.js").read_text(encoding="utf-8") for name in ("points", "table")}
    return environment.get_template("page.html").render(
        heading=result.manifest.get("question") or result.manifest["name"],
        policy=_policy(scripts.values()),
        style=(_PAGE / "page.css").read_text(encoding="utf-8"),
        scripts=scripts,
        incomplete=missing,
        answer=answered,
        outcomes=_outcomes(result),
        failures=failures(result),
        main=shown[0] if shown else None,
        figures=shown[1:],
        data=_json(
            {**points, "replay": replay, "complete": result.manifest.get("complete", True), "fraction": FRACTION}
        ),
        replay=replay,
        fixed=_fixed(result),
        table={
            "columns": listed_columns,
            "rows": list(zip(*(column.cells for column in listed_columns), strict=True)),
            "n_axes": sum(column.key in axes for column in listed_columns),
            "n_rows": listed.n_rows,
            "selection": listed.selection,
        },
        provenance=_provenance(result),
        again=_again(result),
        files=sorted(result.manifest["files"].items()),
    )


def _policy(scripts: Any) -> str:
    """What the page may do: show itself, run its own scripts, and nothing else."""
    sums = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii") for script in scripts)
    allowed = " ".join(f"'sha256-{one}'" for one in sums)
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}"


def _json(data: Any) -> str:
    """Data that may stand within an element: no text in it ends one."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", r"\u003c")


def _place(result: Result) -> str | None:
    """The result's directory as one would type it: from the working directory, if it lies there."""
    if result.path is None:
        return None
    absolute = Path(os.path.normpath(result.path.absolute()))
    here = Path.cwd()
    return (absolute.relative_to(here) if absolute.is_relative_to(here) else absolute).as_posix()


def _replay(result: Result) -> str | None:
    """What to type, but for the number of a run, to replay it."""
    place = _place(result)
    return None if place is None else shlex.join(["sweep", "replay", place])


def _again(result: Result) -> list[str]:
    """What to type to have every run of a result trained again elsewhere, and compared."""
    place = _place(result)
    if place is None:
        return []
    again = f"{place}-again"
    program = f"import sweep; sweep.run(sweep.read({place!r}).manifest['experiment'], {again!r})"
    quoted = shlex.quote(program) if re.search(r'["$`!\\\\]', program) else f'"{program}"'
    return [f"python -c {quoted}", shlex.join(["sweep", "compare", place, again])]


def _outcomes(result: Result) -> list[dict[str, str]]:
    """How many runs ended in which way, for a bar."""
    names = ["n", "n_converged", "n_diverged", "n_stationary"]
    counts = result.part("summary", names)
    n, converged, diverged, stationary = (int(counts[name].sum()) for name in names)
    max_epochs = result.manifest["experiment"]["train"]["max_epochs"]
    parts = [
        ("converged", converged, STATUS_COLOURS["converged"]),
        ("stationary", stationary, STATUS_COLOURS["stationary"]),
        (
            f"not converged after {max_epochs:,} epochs",
            n - converged - diverged - stationary,
            STATUS_COLOURS["max_epochs"],
        ),
        ("diverged", diverged, f"#{bytes(DIVERGED).hex()}"),
    ]
    return [
        {
            "name": name,
            "count": f"{count:,}",
            "percent": percent(count / n),
            "share": f"{count / n:.6f}",
            "colour": colour,
        }
        for name, count, colour in parts
        if count
    ]


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
    return "; ".join(f"{label(key)}: {cell(values_of(result, key).iloc[0])}" for key in constant)


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
