"""Experiment files as they are written: TOML and overrides read into a plain dict, and messages about them."""

import errno
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sweep.errors import ExperimentError
from sweep.spec.keys import KEYS
from sweep.spec.messages import Collector, InvalidError, did_you_mean, printable, show, unknown_key

MAX_SHOWN = 5
MAX_BYTES = 64_000_000
"""Of a file that is read."""
NAME = r"\w[\w. -]*"
"""Pattern of an experiment's name, which is also that of a directory."""


@dataclass(frozen=True)
class Written:
    """An experiment as it is written, overrides applied, not yet checked.

    Messages say that a problem is at `place`. `name` is made of the file's stem, possibly empty, and the paths of
    tables begin in `folder`. `overridden` has, by dotted key, the override that set it.
    """

    place: str
    name: str
    folder: Path
    data: dict[str, Any]
    overridden: Mapping[str, str]

    def refusal(self, error: InvalidError) -> ExperimentError:
        """Return an error with a line for each of the first few problems; an override is named where it set the key."""
        lines = []
        for key, text in error.items:
            name = key
            for path, override in self.overridden.items():
                if key == path or key.startswith(f"{path}."):
                    name = override + key[len(path) :]
            lines.append(f"{self.place}: {name}: {text}" if name else f"{self.place}: {text}")
        lines = list(dict.fromkeys(map(printable, lines)))
        rest = len(lines) - MAX_SHOWN
        return ExperimentError("\n".join(lines[:MAX_SHOWN] + [f"{self.place}: … and {rest} more"] * (rest > 0)))


def read(
    source: str | os.PathLike[str] | Mapping[str, Any],
    overrides: Iterable[str],
    sections: Mapping[str, Sequence[str]],
) -> Written:
    """Read a TOML file, or copy a dict, and apply overrides; arguments and errors as of `sweep.spec.experiment.load`.

    `sections` has every top-level key, and the keys below it that an override may name alone.
    """
    if isinstance(source, Mapping):
        written = Written("the experiment", "sweep", Path(), {}, {})
    else:
        path = Path(source)
        written = Written(str(path), name_of(path.stem), path.parent, {}, {})
    found = Collector()
    overridden: dict[str, str] = {}
    with found.at(""):
        written.data.update(_plain(source) if isinstance(source, Mapping) else _read(Path(source)))
    if not found.items:
        for override in overrides:
            key = override.partition("=")[0].strip()
            with found.at(f"--set {key}"):
                overridden[_override(written.data, override, sections)] = f"--set {key}"
    if found.items:
        raise written.refusal(InvalidError(found.items))
    return replace(written, overridden=overridden)


def name_of(stem: str) -> str:
    """Make a name of a file's stem; an empty one if it has no letter and no digit.

    >>> name_of("gates"), name_of("gates (copy)"), name_of("e=mc2"), name_of("..")
    ('gates', 'gates_copy', 'e_mc2', '')
    """
    if re.fullmatch(NAME, stem):
        return stem
    return re.sub(r"\W*[^\w. -]\W*", "_", stem).strip("_. -")


def _plain(value: Any) -> Any:
    """Copy a value into the types that TOML has."""
    match value:
        case Mapping():
            return {_unicode(str(key)): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case np.ndarray() | np.generic():
            return value.tolist()
        case os.PathLike():
            return str(value)
        case str():
            return _unicode(value)
    return value


def _unicode(text: str) -> str:
    """Return a text that UTF-8 can encode; ``ValueError`` for one with lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"found {show(text[error.start])} in a text, which is no character") from None
    return text


def _read(path: Path) -> dict[str, Any]:
    try:
        with opened(path) as file:
            content = file.read()
    except FileNotFoundError:
        near = did_you_mean(path.name, [other.name for other in path.parent.glob("*.toml")])
        raise ValueError(f"no such file{near}") from None
    except IsADirectoryError:
        raise ValueError("found a directory; allowed: an experiment file (TOML)") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"not UTF-8 text (byte 0x{content[error.start]:02x} in line {line})") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not valid TOML: {_quotes_wanted(content, str(error)) or error}") from None
    except (ValueError, RecursionError):
        raise ValueError("not usable TOML: a number has too many digits, or lists are nested too deeply") from None


def _quotes_wanted(content: bytes, problem: str) -> str | None:
    """Return what to say where a truth table without quotes is the problem, if it is."""
    at = re.search(r"\(at line (\d+),.*\)", problem)
    if at is None:
        return None
    line = content.decode("utf-8-sig").splitlines()[int(at[1]) - 1]
    key, equals, _ = line.partition("=")
    table = re.search(r"(?<![\w.\"'])0[01]+(?![\w.\"'])", line)
    if table is None or (equals and key.strip() != "gate"):
        return None
    return f'a truth table takes quotes, such as "{table[0]}" {at[0]}'


def _override(data: dict[str, Any], override: str, sections: Mapping[str, Sequence[str]]) -> str:
    """Apply one "KEY=VALUE" to `data`; return the full dotted key."""
    key, sign, text = _unicode(override).partition("=")
    parts = key.strip().split(".")
    if not sign:
        raise ValueError("allowed: KEY=VALUE, such as learning_rate=0.1")
    if parts[0] not in sections:
        homes = {key: section for section, keys in sections.items() for key in keys}
        if parts[0] not in homes:
            raise ValueError(unknown_key(parts[0], [*homes, *sections]))
        parts.insert(0, homes[parts[0]])
    value = _value(parts, text.strip())
    if len(parts) == 1:
        data[parts[0]] = value
        return parts[0]
    root = data.setdefault(parts[0], {})
    for table in root if isinstance(root, list) else [root]:
        for depth, part in enumerate(parts[1:], 1):
            if not isinstance(table, dict):
                raise ValueError(f"{'.'.join(parts[:depth])} is {show(table)}, not a table")
            table = table.setdefault(part, {}) if depth < len(parts) - 1 else table  # noqa: PLW2901
        table[parts[-1]] = value
    return ".".join(parts)


def _value(parts: Sequence[str], text: str) -> Any:
    """Return the TOML value of a text, or the text itself where it is none or the key takes one, as in gate=1001."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        parsed = {}
    if parsed.keys() != {"value"}:
        if text.startswith(("[", "{", '"', "'")):
            raise ValueError(f"found {text}, which is not valid TOML (texts within a list need quotes)")
        return text
    takes_text = parts[-1] in ("name", "question", "runs", "keep", "compare", "csv") or (
        parts[-1] in KEYS and not KEYS[parts[-1]].numeric and KEYS[parts[-1]].type is not bool
    )
    return text if takes_text and not isinstance(parsed["value"], (str, list, dict)) else parsed["value"]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be read; ``OSError`` for one that might never end, as a device or a pipe, or is too large."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # a pipe would block without
        status = os.fstat(file.fileno())
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "no regular file")
        if status.st_size > MAX_BYTES:
            raise OSError(errno.EFBIG, f"larger than {MAX_BYTES // 10**6} MB")
        yield file
