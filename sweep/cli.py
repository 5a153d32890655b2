"""The command line. What takes time to import is imported where it is used."""

import gc
import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.exits import BAD_INPUT, FAILED, ended, failures, outlasting, print_lines, say
from sweep.interrupt import EXIT_STATUS, Interrupt
from sweep.spec.schema import BACKENDS

if TYPE_CHECKING:
    from sweep.session import Started

app = typer.Typer(
    name="sweep",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
interrupt = Interrupt()


def _backend(name: str) -> str:
    if name not in BACKENDS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(BACKENDS)}.")
    return name


def _version(wanted: bool) -> None:
    if wanted:
        from sweep import __version__

        typer.echo(f"sweep {__version__}")
        raise typer.Exit


File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The path of an experiment file (TOML).", show_default=False)
]
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The directory of a result.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a setting, such as seeds=1000. This option may be repeated."
    ),
]
Jobs = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Use this many workers at a time.", show_default="one per core")
]


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Train millions of tiny seeded models over grids of settings, and see what came out."""


@app.command()
def run(
    file: File,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the result to this directory.", show_default="results/NAME"),
    ] = None,
    overrides: Overrides = None,
    jobs: Jobs = None,
    backend: Annotated[
        str,
        typer.Option(
            metavar="|".join(BACKENDS),
            help="Use threads, processes, or the workers of a dask cluster.",
            callback=_backend,
            autocompletion=lambda: list(BACKENDS),
        ),
    ] = BACKENDS[0],
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Connect to this scheduler, with --backend dask only.", show_default=False
        ),
    ] = None,
    chunk_size: Annotated[
        int | None, typer.Option(min=1, help="Give a worker this many runs at a time.", hidden=True)
    ] = None,
    figures: Annotated[bool, typer.Option(help="Draw figures and report.html as well, or tables only.")] = True,
) -> None:
    """Train every run of an experiment.

    The result is tables, figures and a report. An interrupted sweep goes on; what is there is not trained again.
    """
    if (backend == "dask") != (scheduler is not None):
        raise ended("--backend dask and --scheduler ADDRESS go together", BAD_INPUT)
    interrupt.message, interrupt.has_workers = "nothing of this run was kept", backend != BACKENDS[0]
    from rich.console import Console

    from sweep import api
    from sweep.commands import run_output
    from sweep.engine.runner import compile_ahead
    from sweep.engine.workers import Workers
    from sweep.progress import Progress

    progress = Progress(Console(stderr=True, highlight=False, soft_wrap=True))
    trained = False

    def on_start(started: "Started") -> None:
        nonlocal trained
        trained, interrupt.clean = True, started.stop
        progress.start(started)
        if started.n_chunks_done < started.n_chunks and backend != "dask":
            compile_ahead(started.experiment, Workers(jobs or -1).n_jobs)

    with failures(), progress:
        result = api.run(
            file,
            out,
            overrides=overrides or (),
            jobs=jobs or -1,
            backend=backend,
            scheduler=scheduler,
            chunk_size=chunk_size,
            figures=False,
            on_start=on_start,
            on_chunk=progress.add,
            say=say,
        )
    interrupt.clean = None
    interrupt.message = f"the tables are complete; draw the figures with: sweep report {result.path}"
    drawn = any(name.endswith(".html") for name in result.manifest["files"])
    if trained:
        progress.finish(result.manifest)
    elif drawn or not figures:
        run_output.say_nothing_to_do(result)
    with failures():
        if trained:
            run_output.show_answer(result)
        run_output.list_files(api.draw(result, jobs=jobs or -1) if figures and not drawn else result)


@app.command()
def plan(file: File, overrides: Overrides = None, jobs: Jobs = None) -> None:
    """Say what a sweep would do.

    Shows how many runs there are, the first of them, and estimates of time, memory and disk. Nothing is written.
    """
    from sweep.commands import plan as command
    from sweep.spec.experiment import load

    with failures():
        experiment = load(file, overrides or ())
        for line in experiment.out_of_reach():
            say(line)
        print_lines(command.text(command.plan(experiment, jobs or -1)))


@app.command()
def report(
    directory: Directory,
    all_kernels: Annotated[
        bool, typer.Option("--all-kernels", help="Let the page train every kind of run, also beyond the 24 commonest.")
    ] = False,
    show: Annotated[bool, typer.Option("--open", help="Show report.html in the browser.")] = False,
) -> None:
    """Draw the figures and the report of a result again.

    For a directory of results, write index.html there, which shows all results below it. Exit status 1 if any of them
    cannot be read.
    """
    from sweep import api
    from sweep.commands.run_output import list_files

    page = directory / "report.html"
    problems: list[str] = []
    with failures():
        if api.holds_results(directory):
            page, problems = api.index(directory)
            print_lines([*problems, str(page)])
        else:
            list_files(api.draw(api.read(directory), all_kernels, jobs=-1))
    if show:
        _open(page)
    if problems:
        raise typer.Exit(FAILED)


@app.command()
def replay(
    directory: Directory,
    run: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="The number of a run, or its settings, such as hidden=2 seed=20, which last when numbers shift.",
        ),
    ],
    curve: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the whole learning curve to this file, as CSV.")
    ] = None,
) -> None:
    """Train one run of a result again, bit for bit.

    Shows its weights, its outputs and its learning curve. Exit status 1 if it did not come out as it was.
    """
    from sweep import api
    from sweep.commands import replay as command
    from sweep.commands.address import find
    from sweep.store.strangers import check_file

    with failures():
        result = api.read(directory)
        is_number = len(run) == 1 and run[0].isdecimal()
        replayed = command.replay(result, int(run[0]) if is_number else find(result.experiment, run))
        print_lines(command.text(replayed))
        if curve:
            check_file(curve, "epoch,loss\n", "learning curve")
            replayed.curve.to_csv(curve, index=False)
            typer.echo(curve)
    if not replayed.identical:
        raise typer.Exit(FAILED)


@app.command()
def zoom(
    directory: Directory,
    x0: Annotated[float, typer.Argument(help="Begin the window here along the last numeric axis.")],
    x1: Annotated[float, typer.Argument(help="End it here along that axis.")],
    y0: Annotated[float, typer.Argument(help="Begin it here along the axis before.")],
    y1: Annotated[float, typer.Argument(help="End it here along that axis.")],
    grid: Annotated[int, typer.Option(min=0, help="Zoom into this [[grid]], counted from 0.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the experiment to this file.", show_default="NAME_zoom.toml"),
    ] = None,
) -> None:
    """Write the experiment of a smaller window of the plane that a result shows; run it with `sweep run`."""
    from sweep import api
    from sweep.commands import zoom as zooming
    from sweep.commands.new import write_new

    with failures():
        result = api.read(directory)
        file = out or Path(f"{result.experiment.name}_zoom.toml")
        write_new(file, zooming.zoomed(result, (x0, x1), (y0, y1), grid))
    typer.echo(file)


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(metavar="A", help="The directory of a result.", show_default=False)],
    other: Annotated[Path, typer.Argument(metavar="B", help="The directory of another one.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the comparison to this file, as a page with figures.")
    ] = None,
) -> None:
    """Compare two results run by run.

    Runs are paired by their settings and seeds. Exit status 1 if any differ, or are in one result only.
    """
    from sweep import api
    from sweep.commands import compare as command

    with failures():
        comparison = command.compare(api.read(one), api.read(other))
        print_lines(command.text(comparison))
        if out:
            command.write_page(comparison, [one.as_posix(), other.as_posix()], out)
            typer.echo(out)
    if not comparison.same:
        raise typer.Exit(FAILED)


@app.command()
def verify(
    directory: Directory,
    repair: Annotated[bool, typer.Option("--repair", help="Make damaged files again.")] = False,
) -> None:
    """Check every file of a result against what was written.

    Exit status 1 if any is damaged or missing.
    """
    from sweep import api
    from sweep.store.files import Tree
    from sweep.store.manifest import remedy

    with failures():
        n_files, problems = api.verify(directory, repair, say)
        print_lines(map(str, problems))
        if problems:
            advice = remedy(Tree(directory), repair)
            typer.echo(f"{directory}: {len(problems):,} of {n_files:,} files are not as they were written; {advice}")
        else:
            typer.echo(f"{directory}: all {n_files:,} files are as they were written")
    if problems:
        raise typer.Exit(FAILED)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The path of the new file.", show_default=False)],
) -> None:
    """Write a commented experiment file to start from."""
    from sweep.commands.new import TEXT, write_new

    with failures():
        write_new(file, TEXT)
    typer.echo(f"{file}: run it with: {shlex.join(['sweep', 'run', str(file)])}")


@app.command()
def schema() -> None:
    """Print a JSON Schema of experiment files, for editors."""
    import json

    from sweep.commands.schema import schema as schema_of_files

    with failures():
        typer.echo(json.dumps(schema_of_files(), indent=2, ensure_ascii=False))


def _open(page: Path) -> None:
    """Show a page in the browser; an error if there is none."""
    import webbrowser

    opened = False
    with suppress(webbrowser.Error):
        opened = webbrowser.open(page.resolve().as_uri())
    if not opened:
        raise ended(f"no browser could be opened here; open {page} in one", FAILED)


def main() -> None:
    """Entry point of the command `sweep`."""
    interrupt.watch()
    gc.disable()  # circles, of modules and figures, do not grow with the runs; looking for them is a tenth of the time
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # the others keep a tenth of a large result's memory
    os.environ["MPLBACKEND"] = "agg"  # whatever the user's is
    problems: list[OSError] = []
    sys.stdout = outlasting(sys.stdout, "surrogateescape", problems)  # file names that are not UTF-8
    sys.stderr = outlasting(sys.stderr, "backslashreplace", problems)
    status = FAILED
    try:
        app()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else FAILED
    except Exception:
        sys.excepthook(*sys.exc_info())
    if status == EXIT_STATUS or interrupt.over:
        interrupt.end()
        status = EXIT_STATUS
    for stream in filter(None, (sys.stdout, sys.stderr)):  # one that was closed is None
        stream.flush()
    if problems:
        say(f"the output cannot be written ({problems[0].strerror})")
        status = status or FAILED
    interrupt.leave(status)
