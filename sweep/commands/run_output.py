"""Output of `sweep run` and `sweep report` at their end: the answer, a small table, the files."""

import os

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from sweep.answer.overview import overview
from sweep.page.shown import Result


def show_answer(result: Result) -> None:
    """Print the answer to the question, then `show_overview`."""
    console = Console(highlight=False, markup=False)
    for sentence in result.answer:
        console.print(sentence)
    show_overview(result)


def show_overview(result: Result) -> None:
    """Print a few rows that say how often and how fast runs converged, on a terminal with a rule under their heads."""
    console = Console(highlight=False, markup=False)
    found = overview(result.findings)
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False, header_style="bold")
    for i, name in enumerate(found.columns):
        table.add_column(name, justify="right" if i else "left", no_wrap=i > 0, overflow="fold")
    for row in found.rows:
        table.add_row(*row)
    if found.rows:
        console.print(table, soft_wrap=False)
    if found.note:
        console.print(found.note, soft_wrap=False)


def list_files(result: Result) -> None:
    """Print the files of a result: the report first if there is one, tables, and the number of figures."""
    assert result.path is not None
    files = ["manifest.json", *result.manifest["files"]]
    figures = [name for name in files if name.startswith("figures/")]
    for name in sorted(set(files) - set(figures), key=lambda name: (not name.endswith(".html"), name)):
        typer.echo(result.path / name)
    if figures:
        typer.echo(f"{result.path / 'figures'}{os.sep} ({len(figures)} files)")


def say_nothing_to_do(result: Result) -> None:
    """Say on standard error that every run and every file is there already."""
    runs, files = f"{result.manifest['n_runs']:,} runs", f"{len(result.manifest['files'])} files"
    typer.echo(f"{result.manifest['name']}: nothing to do, all {runs} and {files} are there", err=True)
