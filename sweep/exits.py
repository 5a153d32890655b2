"""Ends of a command: messages for people, and exit statuses."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import typer

from sweep.errors import ExperimentError, FailedError, LockedError, StoreError
from sweep.interrupt import EXIT_STATUS

FAILED, BAD_INPUT, LOCKED = 1, 2, 3


class Output(io.FileIO):
    """File that takes what is written even where that cannot be, so that a command does its work to the end.

    `problems` gets why a write failed, unless whoever read has seen enough.
    """

    def __init__(self, stream: TextIO, problems: list[OSError]):
        super().__init__(stream.fileno(), "w", closefd=False)
        self.problems = problems

    def write(self, data: Any) -> int:
        """Write bytes; returns how many were taken."""
        try:
            return super().write(data)
        except BrokenPipeError:
            pass
        except OSError as error:
            self.problems.append(error)
        return len(data)


def outlasting(stream: TextIO | None, errors: str, problems: list[OSError]) -> TextIO | None:
    """Return a text file that writes where another one does, by an `Output`; `errors` are those of encoding."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # one that was closed is None
    buffer = io.BufferedWriter(Output(stream, problems))
    return io.TextIOWrapper(buffer, stream.encoding, errors, line_buffering=stream.line_buffering)


@contextmanager
def failures() -> Iterator[None]:
    """Turn an error into a message and an exit status."""
    try:
        yield
    except LockedError as error:
        raise ended(str(error), LOCKED) from None
    except FailedError as error:
        raise ended(str(error), FAILED) from None
    except (ExperimentError, StoreError, OSError) as error:
        raise ended(str(error), BAD_INPUT) from None
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


def ended(message: str, status: int) -> typer.Exit:
    """Write a message of one or more lines; returns the exit to raise."""
    for line in message.splitlines():
        say(line)
    return typer.Exit(status)
