"""Files that something else has written, and that are never replaced."""

from pathlib import Path

from sweep.errors import StoreError
from sweep.store.chunk_store import CHUNKS
from sweep.store.files import Tree
from sweep.store.manifest import INCOMPLETE, MANIFEST, TABLES, intact
from sweep.store.table_files import CHECKSUMS

_BEGINNING = 4096


def check_directory(tree: Tree) -> None:
    """Refuse to write a result where files with its names are of no result.

    They are of one where there are chunks or a manifest, and where a table is as SHA256SUMS says: in a repository often
    nothing else is kept of a result.

    Raises
    ------
    StoreError
        If there are others; nothing has been written.
    """
    if not tree.path.is_dir() or tree.is_directory(CHUNKS) or intact(tree)[0]:
        return
    sums = _checksums(tree)
    names = [name for name in (MANIFEST, INCOMPLETE, "report.html", *TABLES) if tree.exists(name)]
    strange = [name for name in names if name not in sums or not _has(tree, name, sums[name])]
    if tree.exists(CHECKSUMS) and not sums:
        strange.append(CHECKSUMS)
    if tree.names("figures"):
        strange.append("figures")
    if strange:
        raise StoreError(
            f"{tree.path}: no result, but files with the names of one ({', '.join(strange)}), which are not replaced; "
            "choose another directory with --out, or move them away"
        )


def _checksums(tree: Tree) -> dict[str, str]:
    """Return what SHA256SUMS says of tables; nothing if it is not such a file."""
    try:
        pairs = [line.split("  ", 1) for line in tree.read(CHECKSUMS).decode().splitlines()]
        sums = {name: digest for digest, name in pairs}
    except (OSError, ValueError):
        return {}
    return sums if sums.keys() <= {*TABLES} else {}


def _has(tree: Tree, name: str, digest: str) -> bool:
    try:
        return tree.sha256(name) == digest
    except OSError:
        return False


def check_file(file: Path, mark: str, what: str) -> None:
    """Refuse to replace a file that has no `mark` near its beginning, and so is not `what` is to be written.

    Raises
    ------
    StoreError
        If it is another file.
    """
    if not file.is_file():
        return
    with file.open("rb") as opened:
        if mark.encode() not in opened.read(_BEGINNING):
            raise StoreError(f"{file}: there is such a file already, which is no {what}; allowed: a new one")
