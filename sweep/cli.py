"""The command line. Whatever takes time to import is imported where it is used."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.interrupt import EXIT_STATUS, Interrupt

if TYPE_CHECKING:
    from sweep.api import Result
    from sweep.spec.experiment import Experiment

FAILED = 1
BAD_INPUT = 2

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


@app.command()
def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The experiment, in TOML.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the result goes.", show_default="results/NAME")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. seeds=1000; may be repeated."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Workers at a time.", show_default="one per core")
    ] = None,
    backend: Annotated[Backend, typer.Option(help="Workers are threads, or processes.")] = Backend.threading,
    chunk_size: Annotated[
        int | None, typer.Option(min=1, help="Runs a worker takes at a time; no result depends on it.", hidden=True)
    ] = None,
    figures: Annotated[bool, typer.Option(help="Draw figures and report.html as well.")] = True,
) -> None:
    """Train every run of an experiment; leave tables, figures and a report."""
    interrupt.message, interrupt.raises = "nothing of this run was kept", backend is Backend.loky
    from rich.console import Console

    from sweep import api
    from sweep.engine import store
    from sweep.progress import Progress, counted, duration

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    progress = Progress(console)

    def on_start(experiment: "Experiment", directory: Path | None) -> None:
        assert directory is not None
        interrupt.clean = partial(store.remove_unfinished, directory)
        settings = f"{experiment.n_points:,} settings" if experiment.n_points > 1 else "one setting"
        console.print(f"{experiment.name}: {experiment.n_runs:,} runs, {settings} → {directory}")
        progress.start(experiment.name, experiment.n_runs)

    try:
        with progress, _without_blas():
            result = api.run(
                file,
                out,
                overrides=overrides or (),
                jobs=jobs or -1,
                backend=backend.value,
                chunk_size=chunk_size,
                figures=False,
                on_start=on_start,
                on_chunk=progress.add,
            )
        interrupt.message = f"the tables are complete; draw the figures with: sweep report {result.path}"
        manifest = result.manifest
        speed = manifest["n_epochs"] / max(manifest["seconds"], 1e-9) / 1e6
        console.print(
            f"{manifest['name']}: {', '.join(counted(progress.counts))}; {duration(manifest['seconds'])}, "
            f"{speed:,.1f} M model-epochs/s on {manifest['jobs']} {'core' if manifest['jobs'] == 1 else 'cores'}"
        )
        if figures:
            result = api.draw(result)
    except api.SweepError as error:
        raise _refused(str(error)) from None
    _list_files(result)


@app.command()
def report(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A result, as `sweep run` left it.")],
) -> None:
    """Draw figures and report.html again, from the tables alone."""
    from sweep import api

    try:
        _list_files(api.draw(api.read(directory)))
    except api.SweepError as error:
        raise _refused(str(error)) from None


@contextmanager
def _without_blas() -> Iterator[None]:
    """Keep Numba from importing scipy.linalg, a third of a second, for kernels that multiply no matrices."""
    if "scipy.linalg" in sys.modules:
        yield
        return
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["scipy.linalg"]


def _refused(message: str) -> typer.Exit:
    for line in message.splitlines():
        typer.echo(f"sweep: {line}", err=True)
    return typer.Exit(BAD_INPUT)


def _list_files(result: "Result") -> None:
    """What was left, the report first if there is one."""
    assert result.path is not None
    files = ["manifest.json", *result.manifest["files"]]
    for name in sorted(files, key=lambda name: (not name.endswith(".html"), name.startswith("figures/"), name)):
        typer.echo(result.path / name)


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
