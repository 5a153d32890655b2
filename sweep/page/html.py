"""The report: one self-contained page with the question, its answer, the figures and how it was run."""

import base64
import hashlib
import json
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.analysis.findings import Findings
from sweep.analysis.representatives import Course, Model
from sweep.answer.answer import answer, incomplete
from sweep.answer.captions import KEPT, TITLES, described, failures
from sweep.answer.glossary import GLOSSARY, explained, found
from sweep.answer.listing import Column, columns, listing, run_column
from sweep.engine.copies import in_copies
from sweep.page import kernels
from sweep.page.drawn import Drawn, drawn, for_page
from sweep.page.live_section import live
from sweep.page.pointing import FRACTION, pointing
from sweep.plots.registry import Draw, figures_for
from sweep.results.result import Result
from sweep.spec.schema import STATUS
from sweep.words import cell, counted, ended, label, percent

if TYPE_CHECKING:
    from markupsafe import Markup

NONE = "'none'"
_FAILURES = (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError)
_PAGE = Path(__file__).parent


def write(
    findings: Findings,
    directory: Path | str,
    models: Sequence[Model] = (),
    courses: Sequence[Course] = (),
    all_kernels: bool = False,
    processes: int = 1,
) -> list[Path]:
    """Draw every figure that fits the result, and the report; a figure that fails is left out, and named there.

    Parameters
    ----------
    findings
    directory : path
    models
        Of the runs of `Findings.representatives`, trained again, for their decision surfaces.
    courses
        Of its runs that are `followed`, trained again, for the figure of their training.
    all_kernels
        True for a page that trains every kind of run of the result, however large it becomes.
    processes
        Figures that are drawn at a time, each in a process of its own.

    Returns
    -------
    list of Path
        `directory`/report.html, figures/*.svg and *.png, and of a large picture *_full.png, all of which are whole.
    """
    directory = Path(directory)
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    replay, more = (_command(findings.result, *words) for words in (["replay"], ["report", "--all-kernels"]))
    figures = figures_for(findings, models, courses)
    tasks = [partial(_draw, findings, name, draw, directory) for name, draw in figures.items()]
    (trained, failed), *made = in_copies([partial(_train, findings, replay, more, all_kernels), *tasks], processes)
    shown = {name: found for name, found in zip(figures, made, strict=True) if isinstance(found, Drawn)}
    page = directory / "report.html"
    unfinished = page.with_name("report.html.unfinished")
    text = render(findings, shown, trained, [*failed, *(found for found in made if isinstance(found, str))])
    unfinished.write_text(text, encoding="utf-8")
    return [unfinished.replace(page), *(file for found in shown.values() for file in found.files)]


def _train(findings: Findings, replay: str | None, more: str | None, all_kernels: bool) -> tuple[str | None, list[str]]:
    """Make what the page needs to train runs; if it fails, what to say of it as well."""
    try:
        return live(findings, replay, more, all_kernels), []
    except _FAILURES as error:
        return None, [_left_out("section that trains runs could not be made", error)]


def _left_out(what: str, error: Exception) -> str:
    return f"The {what} and is left out: {error or type(error).__name__}."


def _draw(findings: Findings, name: str, draw: Draw, directory: Path) -> Drawn | str:
    """Draw a figure and write its files; if it fails, return what to say of it."""
    try:
        return drawn(draw(findings), directory / "figures" / name)
    except _FAILURES as error:
        return _left_out(f"figure “{TITLES[name]}” could not be drawn", error)


def render(
    findings: Findings,
    figures: Mapping[str, Drawn],
    trained: str | None = None,
    failed: Sequence[str] = (),
) -> str:
    """Make the report of a result.

    Parameters
    ----------
    findings
    figures : mapping
        Those to show, by name as in `figures_for`, in reading order. The first one stands beside the answer.
    trained : str
        What the page needs to train runs itself, made by `live`: "" where that is too much, None for no such section.
    failed : sequence of str
        A sentence for each figure that could not be drawn.

    Returns
    -------
    str
        A page that needs nothing else, neither files nor network.
    """
    result, missing, answered = findings.result, incomplete(findings), answer(findings)
    shown = [
        for_page(name, figure, described(findings, name, [*missing, *answered])) for name, figure in figures.items()
    ]
    listed = listing(findings)
    listed_columns = [*columns(findings, listed.rows), run_column(findings, listed.rows)]
    replay = _command(result, "replay")
    scripts = [(_PAGE / f"report/{name}.js").read_text(encoding="utf-8") for name in ("panels", "points", "table")]
    if trained:
        scripts.append(kernels.script())
    page: str = template("report/page.html").render(
        heading=result.manifest.get("question") or result.manifest["name"],
        policy=policy(scripts, trains=bool(trained)),
        style=styles("report/page", "live/live") if trained else styles("report/page"),
        scripts=scripts,
        live=trained,
        larger=_command(result, "report", "--all-kernels") if trained == "" else None,
        incomplete=[*missing, *failed],
        answer=answered,
        counted=counted,
        outcomes=_outcomes(findings),
        failures=failures(findings),
        words=explained([*answered, *(str(figure["caption"]) for figure in shown), failures(findings)]),
        with_words=_linker(),
        word_id=_word_id,
        main=shown[0] if shown else None,
        figures=shown[1:],
        data=_json(
            {
                **pointing(findings, {name: figure.marks for name, figure in figures.items()}, listed),
                "replay": replay,
                "seeds": _seeds(findings),
                "complete": result.manifest.get("complete", True),
                "fraction": FRACTION,
            }
        ),
        replay=replay,
        fixed=_fixed(findings),
        table={
            "columns": listed_columns,
            "rows": ["".join(cells) for cells in zip(*map(_cells, listed_columns), strict=True)],
            "n_axes": sum(column.key in findings.varying for column in listed_columns),
            "n_rows": listed.n_rows,
            "selection": listed.selection,
        },
        provenance=_provenance(result),
        again=_again(result),
        files=sorted(result.manifest["files"].items()),
    )
    return page


def _cells(column: Column) -> Iterator[str]:
    """Write the cells of a column for the page; each different one once, as a template would take long."""
    from markupsafe import escape

    kind = ' class="t"' if column.is_text else ""
    texts = [f"<td{kind}>{escape(text)}</td>" for text in column.texts]
    return map(texts.__getitem__, column.codes.tolist())


def _linker() -> Callable[[str], "Markup"]:
    """Make a function that links words of a text to the glossary, each at its first place on the page."""
    from markupsafe import Markup, escape

    linked: set[str] = set()

    def link(text: str) -> "Markup":
        made, end = Markup(), 0
        for word, match in found(text):
            if word not in linked:
                linked.add(word)
                made += escape(text[end : match.start()])
                made += Markup('<a class="word" href="#{}" title="{}">{}</a>').format(
                    _word_id(word), GLOSSARY[word], match.group()
                )
                end = match.end()
        return made + escape(text[end:])

    return link


def _word_id(word: str) -> str:
    return re.sub(r"\W+", "-", f"word-{word}").rstrip("-")


def policy(scripts: Iterable[str], trains: bool) -> str:
    """State what a page may do: show itself, run its own scripts, WebAssembly if it trains, and nothing else."""
    sums = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii") for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in sums)
    allowed += " 'wasm-unsafe-eval'" if trains else ""
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed or NONE}"


def _json(data: Any) -> str:
    """Data that may stand within an element: no text in it ends one."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", r"\u003c")


def template(name: str) -> Any:
    """Load a template of this room."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(name)


def styles(*names: str) -> str:
    """Read style sheets of this room, one after another."""
    return "".join((_PAGE / f"{name}.css").read_text(encoding="utf-8") for name in names)


def _place(result: Result) -> str | None:
    """The result's directory as one would type it: from the working directory, if it lies there."""
    if result.path is None:
        return None
    absolute = Path(os.path.normpath(result.path.absolute()))
    here = Path.cwd()
    return (absolute.relative_to(here) if absolute.is_relative_to(here) else absolute).as_posix()


def _command(result: Result, name: str, *options: str) -> str | None:
    """Return a command on the result; None where that is in memory only."""
    place = _place(result)
    return None if place is None else shlex.join(["sweep", name, place, *options])


def _seeds(findings: Findings) -> list[tuple[int, int]] | None:
    """Return the first run and the first seed of each grid; None where what a page prints tells no single setting."""
    experiment, keys = findings.experiment, findings.settings.keys
    if not findings.result.manifest.get("complete", True):
        return None
    for key in experiment.grids[0].values:
        values = {value for grid in experiment.grids for value in grid.values[key]}
        if len(values) > 1 and (key not in keys or len(set(map(cell, values))) < len(values)):
            return None
    if len({grid.weights for grid in experiment.grids}) > 1:
        return None
    return [(first, grid.seeds[0]) for grid, first in zip(experiment.grids, experiment.firsts, strict=False)]


def _again(result: Result) -> list[str]:
    """Return the commands that train every run again elsewhere, and compare."""
    place = _place(result)
    if place is None:
        return []
    again = f"{place}-again"
    program = f"import sweep; sweep.run(sweep.read({place!r}).manifest['experiment'], {again!r})"
    quoted = shlex.quote(program) if re.search(r'["$`!\\\\]', program) else f'"{program}"'
    return [f"python -c {quoted}", shlex.join(["sweep", "compare", place, again])]


def _outcomes(findings: Findings) -> list[dict[str, str]]:
    """How many runs ended in which way, for a bar."""
    counts = findings.status_counts
    n = sum(counts.values())
    return [
        {
            "name": ended(name, findings.train.max_epochs),
            "count": f"{counts[name]:,}",
            "percent": percent(counts[name] / n),
            "share": f"{counts[name] / n:.6f}",
            "colour": status.colour,
        }
        for name, status in sorted(STATUS.items(), key=lambda item: not item[1].is_finite)
        if counts[name]
    ]


def _fixed(findings: Findings) -> str:
    """The keys of the grid that take only one value."""
    if findings.n_settings == 0:
        return ""
    settings = findings.settings
    constant = [key for key in settings.keys if key not in findings.varying]
    return "; ".join(f"{label(key)}: {cell(settings.values(key)[0])}" for key in constant)


def _provenance(result: Result) -> list[tuple[str, str]]:
    manifest = result.manifest
    versions = ", ".join(f"{package} {version}" for package, version in manifest["versions"].items())
    kept = [] if result.keeps_runs else [("kept", KEPT)]
    return [
        ("experiment", manifest["name"]),
        *kept,
        ("runs", f"{counted(manifest['n_runs'], 'run')} of {counted(manifest['n_points'], 'setting')}"),
        ("time", f"{manifest['seconds']:.3g} seconds, {counted(manifest['jobs'], 'job')}"),
        ("processor", manifest["cpu"]),
        ("versions", versions),
    ]
