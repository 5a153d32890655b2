"""Files that are whole or not there, and texts that tell when they were changed."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary name to write to; what was written takes the name `path` at the end, and nothing does on failure.

    Once this has returned, the file outlasts a loss of power.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
        flush_directory(path.parent)
    finally:
        part.unlink(missing_ok=True)


def flush_directory(directory: Path) -> None:
    """Make the names in a directory outlast a loss of power."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_unfinished(directory: Path, below: Path) -> None:
    """Remove what a writer that was killed has left half-written, in a directory and anywhere below another one."""
    for part in (*directory.glob(".*.part"), *below.rglob(".*.part")):
        part.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sealed(content: Mapping[str, Any]) -> str:
    """JSON with a checksum of its other content as its last key."""
    return json.dumps({**content, "checksum": _checksum(content)}, indent=2, ensure_ascii=False) + "\n"


def unsealed(text: bytes) -> dict[str, Any]:
    """The content of what `sealed` has made.

    Raises
    ------
    ValueError
        If it is not, to the byte, what was written.
    """
    content = json.loads(text)
    if not isinstance(content, dict) or "checksum" not in content:
        raise ValueError("no checksum")
    del content["checksum"]
    if sealed(content).encode() != text:
        raise ValueError("its checksum differs")
    return content


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
