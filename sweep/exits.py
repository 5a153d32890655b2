"""Ends of a command: messages for people, and exit statuses."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer

from sweep.interrupt import EXIT_STATUS

FAILED, BAD_INPUT, LOCKED, PIPE_CLOSED = 1, 2, 3, 128 + signal.SIGPIPE


@contextmanager
def failures() -> Iterator[None]:
    """Turn an error into a message and an exit status."""
    from sweep import api

    try:
        yield
    except api.LockedError as error:
        raise ended(str(error), LOCKED) from None
    except api.FailedError as error:
        raise ended(str(error), FAILED) from None
    except BrokenPipeError:  # whoever reads the output has seen enough
        raise typer.Exit(PIPE_CLOSED) from None
    except (*api.SweepError, OSError) as error:
        raise refused(str(error)) from None
    except MemoryError:
        raise ended("out of memory; what was finished is kept; run again with fewer --jobs", FAILED) from None
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_STATUS) from None  # `main` says what became of the work


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to standard output."""
    for line in lines:
        typer.echo(line)


def say(line: str) -> None:
    """Write a message to standard error."""
    typer.echo(f"sweep: {line}", err=True)


def refused(message: str) -> typer.Exit:
    """Write why input is refused; returns the exit to raise."""
    return ended(message, BAD_INPUT)


def ended(message: str, status: int) -> typer.Exit:
    """Write a message of one or more lines; returns the exit to raise."""
    for line in message.splitlines():
        say(line)
    return typer.Exit(status)
