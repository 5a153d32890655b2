"""The command line. Whatever takes time to import is imported where it is used."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.interrupt import EXIT_STATUS, Interrupt

if TYPE_CHECKING:
    from types import FrameType

    from rich.console import Console

    from sweep.results.result import Result
    from sweep.session import Started

FAILED = 1
BAD_INPUT = 2
LOCKED = 3

app = typer.Typer(
    name="sweep",
    help="Train millions of tiny seeded models over grids of settings, and see what came out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
interrupt = Interrupt()


class Backend(StrEnum):
    """joblib's backends that work here."""

    threading = "threading"
    loky = "loky"
    dask = "dask"


File = Annotated[Path, typer.Argument(metavar="FILE", help="The experiment, in TOML.", show_default=False)]
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="A result, as `sweep run` left it.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. seeds=1000; may be repeated."),
]
Jobs = Annotated[int | None, typer.Option(min=1, metavar="N", help="Workers at a time.", show_default="one per core")]


@app.command()
def run(
    file: File,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the result goes.", show_default="results/NAME")
    ] = None,
    overrides: Overrides = None,
    jobs: Jobs = None,
    backend: Annotated[Backend, typer.Option(help="Workers are threads, processes, or a cluster's.")] = (
        Backend.threading
    ),
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of the cluster, with --backend dask.", show_default=False)
    ] = None,
    chunk_size: Annotated[
        int | None, typer.Option(min=1, help="Runs a worker takes at a time; no result depends on it.", hidden=True)
    ] = None,
    figures: Annotated[bool, typer.Option(help="Draw figures and report.html as well.")] = True,
) -> None:
    """Train every run of an experiment, or go on where that was interrupted; leave tables, figures and a report."""
    if (backend is Backend.dask) != (scheduler is not None):
        raise _refused("--backend dask and --scheduler ADDRESS go together")
    interrupt.message, interrupt.raises = "nothing of this run was kept", backend is not Backend.threading
    from rich.console import Console

    from sweep import api
    from sweep.progress import Progress, counted, duration

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    progress = Progress(console)
    trained = False

    def on_start(started: "Started") -> None:
        nonlocal trained
        trained = True
        interrupt.clean = started.stop
        experiment = started.experiment
        settings = f"{experiment.n_points:,} settings" if experiment.n_points > 1 else "one setting"
        console.print(f"{experiment.name}: {experiment.n_runs:,} runs, {settings} → {started.directory}")
        if started.n_chunks_done:
            console.print(f"{experiment.name}: {started.n_chunks_done:,} of {started.n_chunks:,} chunks done")
        progress.start(experiment.name, experiment.n_runs, started.n_runs_done)

    with _failures(), progress, _without_blas():
        result = api.run(
            file,
            out,
            overrides=overrides or (),
            jobs=jobs or -1,
            backend=backend.value,
            scheduler=scheduler,
            chunk_size=chunk_size,
            figures=False,
            on_start=on_start,
            on_chunk=progress.add,
            say=_say,
        )
    manifest = result.manifest
    drawn = any(name.endswith(".html") for name in manifest["files"])
    interrupt.clean = None
    interrupt.message = f"the tables are complete; draw the figures with: sweep report {result.path}"
    if trained:
        said = f"{manifest['name']}: {', '.join(counted(manifest['statuses']))}"
        if manifest["n_trained"]:
            speed = progress.n_epochs / max(manifest["seconds"], 1e-9) / 1e6
            cores = "1 core" if manifest["jobs"] == 1 else f"{manifest['jobs']} cores"
            said += f"; {duration(manifest['seconds'])}, {speed:,.1f} M model-epochs/s on {cores}"
        console.print(said)
        _show_overview(console, result)
    elif drawn or not figures:
        files = len(manifest["files"])
        console.print(f"{manifest['name']}: nothing to do, all {manifest['n_runs']:,} runs and {files} files are there")
    if figures and not drawn:
        with _failures():
            result = api.draw(result)
    _list_files(result)


@app.command()
def plan(file: File, overrides: Overrides = None, jobs: Jobs = None) -> None:
    """Say what would be run: how many runs, the first of them, time, memory and disk; nothing is written."""
    from sweep import planning
    from sweep.spec.experiment import load

    with _failures(), _without_blas():
        for line in planning.text(planning.plan(load(file, overrides or ()), jobs or -1)):
            typer.echo(line)


@app.command()
def report(
    directory: Directory,
    show: Annotated[bool, typer.Option("--open", help="Show report.html in the browser.")] = False,
) -> None:
    """Draw figures and report.html again, from the tables and by replaying single runs."""
    from sweep import api

    with _failures():
        result = api.draw(api.read(directory))
    _list_files(result)
    if show:
        _open(directory / "report.html")


@app.command()
def replay(
    directory: Directory,
    run: Annotated[int, typer.Argument(metavar="RUN", help="Its number, as in the table of runs.", min=0)],
    curve: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the whole learning curve there, as CSV.")
    ] = None,
) -> None:
    """Train one run of a result again, bit for bit, and show its weights and its learning curve."""
    from sweep import api, replaying

    with _failures(), _without_blas():
        replayed = replaying.replay(api.read(directory), run)
        for line in replaying.text(replayed):
            typer.echo(line)
        if curve:
            replayed.curve.to_csv(curve, index=False)
            typer.echo(curve)
    if not replayed.identical:
        raise typer.Exit(FAILED)


@app.command()
def zoom(
    directory: Directory,
    x0: Annotated[float, typer.Argument(help="Where the window begins along the last numeric axis.")],
    x1: Annotated[float, typer.Argument(help="Where it ends there.")],
    y0: Annotated[float, typer.Argument(help="Where it begins along the axis before.")],
    y1: Annotated[float, typer.Argument(help="Where it ends there.")],
    grid: Annotated[int, typer.Option(min=0, help="Which [[grid]] of the experiment, from 0.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where it goes.", show_default="NAME_zoom.toml")
    ] = None,
) -> None:
    """Write the experiment of a smaller window of the plane that a result shows; run it with `sweep run`."""
    from sweep import api, zooming

    with _failures():
        result = api.read(directory)
        file = out or Path(f"{result.experiment.name}_zoom.toml")
        text = zooming.zoomed(result, (x0, x1), (y0, y1), grid)
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    typer.echo(file)


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(metavar="A", help="A result.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
) -> None:
    """Pair the runs of two results by their settings and seeds; exit status 1 if any differ or lack their pair."""
    from sweep import api, comparing

    with _failures():
        comparison = comparing.compare(api.read(one), api.read(other))
    for line in comparing.text(comparison):
        typer.echo(line)
    if not comparison.same:
        raise typer.Exit(FAILED)


@app.command()
def verify(
    directory: Directory,
    repair: Annotated[bool, typer.Option("--repair", help="Make again what is not as it was written.")] = False,
) -> None:
    """Check every file of a result against what was written; exit status 1 if any is not."""
    from sweep import api

    with _failures(), _without_blas():
        n_files, problems = api.verify(directory, repair, _say)
    for problem in problems:
        typer.echo(problem)
    if problems:
        advice = "" if repair else f"; make them again with: sweep verify {directory} --repair"
        typer.echo(f"{directory}: {len(problems):,} of {n_files:,} files are not as they were written{advice}")
        raise typer.Exit(FAILED)
    typer.echo(f"{directory}: all {n_files:,} files are as they were written")


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what went wrong into a message and an exit status."""
    from sweep import api

    try:
        yield
    except api.LockedError as error:
        raise _ended(str(error), LOCKED) from None
    except api.FailedError as error:
        raise _ended(str(error), FAILED) from None
    except (*api.SweepError, OSError) as error:
        raise _refused(str(error)) from None
    except MemoryError:
        raise _ended(
            "out of memory; what was finished is kept, and the same command goes on from there", FAILED
        ) from None
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_STATUS) from None  # `main` says what became of the work


def _say(line: str) -> None:
    typer.echo(f"sweep: {line}", err=True)


@contextmanager
def _without_blas() -> Iterator[None]:
    """Keep Numba from importing scipy.linalg, a third of a second, for kernels that multiply no matrices."""
    sys.meta_path.insert(0, _NoneForNumba)
    try:
        yield
    finally:
        sys.meta_path.remove(_NoneForNumba)


class _NoneForNumba:
    """A finder by which Numba, and nobody else, finds no scipy.linalg: reports need it, and may be mended meanwhile."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Nothing; refuses to go on where Numba asks."""
        if name == "scipy.linalg":
            frame: FrameType | None = sys._getframe(1)
            while frame is not None and frame.f_globals.get("__name__", "").startswith("importlib"):
                frame = frame.f_back
            if frame is not None and frame.f_globals.get("__name__", "").startswith("numba"):
                raise ModuleNotFoundError(f"{name} is not for kernels that multiply no matrices", name=name)


def _refused(message: str) -> typer.Exit:
    return _ended(message, BAD_INPUT)


def _ended(message: str, status: int) -> typer.Exit:
    for line in message.splitlines():
        _say(line)
    return typer.Exit(status)


def _show_overview(console: "Console", result: "Result") -> None:
    """A few rows that say how often and how fast runs converged, on a terminal with a rule under their heads."""
    from rich import box
    from rich.table import Table

    from sweep.analysis.findings import Findings
    from sweep.answer.overview import overview

    found = overview(Findings(result))
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False, header_style="bold")
    for i, name in enumerate(found.columns):
        table.add_column(name, justify="right" if i else "left", no_wrap=i > 0, overflow="fold")
    for row in found.rows:
        table.add_row(*row)
    if found.rows:
        console.print(table, soft_wrap=False)
    if found.note:
        console.print(found.note, soft_wrap=False)


def _open(page: Path) -> None:
    """Show a page in the browser, or say that there is none."""
    import webbrowser

    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except webbrowser.Error:
        opened = False
    if not opened:
        raise _ended(f"no browser could be opened here; open {page} in one", FAILED)


def _list_files(result: "Result") -> None:
    """What was left: the report first if there is one, tables, and how many figures."""
    assert result.path is not None
    files = ["manifest.json", *result.manifest["files"]]
    figures = [name for name in files if name.startswith("figures/")]
    for name in sorted(set(files) - set(figures), key=lambda name: (not name.endswith(".html"), name)):
        typer.echo(result.path / name)
    if figures:
        typer.echo(f"{result.path / 'figures'}{os.sep} ({len(figures)} files)")


def main() -> None:
    """Entry point of the command `sweep`."""
    interrupt.watch()
    status = FAILED
    try:
        app()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else FAILED
    except Exception:
        sys.excepthook(*sys.exc_info())
    if status == EXIT_STATUS:
        if interrupt.clean:
            interrupt.message = interrupt.clean()
        interrupt.say()
    _leave(status)


def _leave(status: int) -> None:
    """Exit without taking the interpreter apart, which with everything loaded takes half a second.

    That matters to no one but worker processes, which Python's own exit ends in good order, and to threads in compiled
    code, which it would let run on.
    """
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    if interrupt.raises:
        sys.exit(status)
    os._exit(status)
