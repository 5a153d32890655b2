"""Files below one directory: whole or not there, and never reached through a link.

A result may come from somebody else. Every file and directory below it is opened by its name within an open directory
and without following a link, is written under a temporary name that nobody can foresee, flushed, and renamed.
"""

import errno
import hashlib
import itertools
import os
import re
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

SET_ASIDE = "set-aside"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FLUSHED_AT_A_TIME = 8
_UNFINISHED = re.compile(r"\..*\.[0-9a-f]{16}\.part", re.DOTALL)


class Tree:
    """A directory and everything below it that is a directory or a file with one name.

    Names are relative to the directory, with "/" in between. The directory itself may be reached through links: they
    are followed once, and it need not exist yet. Several threads may write files at a time.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self._root = os.path.realpath(path)
        self._naming = threading.RLock()

    def exists(self, name: str) -> bool:
        """Return True if anything has this name, be it a link that leads nowhere."""
        try:
            with self._parent(name) as (folder, last):
                os.lstat(last, dir_fd=folder)
        except FileNotFoundError:
            return False
        return True

    def is_directory(self, name: str) -> bool:
        """Return True if a directory has this name."""
        try:
            os.close(self._open_folder(name))
        except OSError:
            return False
        return True

    def names(self, folder: str = "") -> list[str]:
        """List what is in a directory, in order; nothing if there is no such directory."""
        prefix = f"{folder}/" if folder else ""
        try:
            handle = self._open_folder(folder)
        except OSError:
            return []
        try:
            return sorted(f"{prefix}{name}" for name in os.listdir(handle))  # noqa: PTH208
        finally:
            os.close(handle)

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading; ``OSError`` if it is not there, or no file with one name."""
        return os.fdopen(self._open(name, os.O_RDONLY), "rb")

    def read(self, name: str) -> bytes:
        """Read a file."""
        with self.open(name) as file:
            return file.read()

    def sha256(self, name: str) -> str:
        """Compute the hexadecimal SHA-256 of a file."""
        with self.open(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

    def open_own(self, name: str) -> int:
        """Open a file of the directory itself for reading and writing, made if it is not there."""
        if self.exists(name) and not self._is_file(name):
            self.set_aside(name)
        return self._open(name, os.O_RDWR | os.O_CREAT)

    @contextmanager
    def new_file(self, name: str) -> Iterator[BinaryIO]:
        """Write a file that has its name only once it is whole, and outlasts a loss of power from then on.

        Anything else that has the name is set aside; a file is replaced.
        """
        with self._parent(name) as (folder, last):
            part = _unfinished(last)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE
            try:
                with os.fdopen(os.open(part, flags, 0o666, dir_fd=folder), "wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                self._make_way(name)
                os.replace(part, last, src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(part, dir_fd=folder)
                raise

    def make(self, name: str) -> None:
        """Make a directory, and those above it; anything else that has such a name is set aside."""
        above, _, _ = name.rpartition("/")
        if above:
            self.make(above)
        with self._naming:
            if self.is_directory(name):
                return
            self._make_way(name, file=False)
            with self._parent(name) as (folder, last):
                os.mkdir(last, dir_fd=folder)
                os.fsync(folder)

    def remove(self, name: str) -> None:
        """Remove a file if it is there; anything else that has the name is set aside."""
        with suppress(FileNotFoundError), self._parent(name) as (folder, last):
            self._make_way(name)
            os.unlink(last, dir_fd=folder)

    def remove_directory(self, name: str) -> None:
        """Remove a directory with everything in it, as far as that can be done."""
        with self._parent(name) as (folder, last):
            shutil.rmtree(last, ignore_errors=True, dir_fd=folder)

    def set_aside(self, name: str) -> Path:
        """Move a file, a directory or a link to where nothing looks for it; returns its new path."""
        home = next(home for home in _numbered(SET_ASIDE) if self._is_or_becomes_directory(home))
        _, _, last = name.rpartition("/")
        place = next(place for place in _numbered(f"{home}/{last}") if not self.exists(place))
        with self._parent(name) as (folder, last), self._parent(place) as (new_folder, new_last):
            os.rename(last, new_last, src_dir_fd=folder, dst_dir_fd=new_folder)
        return self.path / place

    @contextmanager
    def drafts(self) -> Iterator[Path]:
        """Make a directory for files that `adopt` then gives their names; what is left of it is removed."""
        name = _unfinished("drafts")
        handle = self._open_folder("")
        try:
            os.mkdir(name, 0o700, dir_fd=handle)
            yield Path(self._root, name)
        finally:
            shutil.rmtree(name, ignore_errors=True, dir_fd=handle)
            os.close(handle)

    def adopt(self, drafts: Path, names: Sequence[str]) -> None:
        """Give files among `drafts` their names, as `new_file` does; they are flushed together."""
        folders = {name.rpartition("/")[0] for name in names}
        for folder in folders - {""}:
            self.make(folder)
        with ThreadPoolExecutor(_FLUSHED_AT_A_TIME) as pool:
            list(pool.map(self._flush, (f"{drafts.name}/{name}" for name in names)))
        for name in names:
            self._make_way(name)
            with self._parent(f"{drafts.name}/{name}") as (old, last), self._parent(name) as (new, new_last):
                os.rename(last, new_last, src_dir_fd=old, dst_dir_fd=new)
        for folder in folders:
            handle = self._open_folder(folder)
            os.fsync(handle)
            os.close(handle)

    def _flush(self, name: str) -> None:
        with self.open(name) as file:
            os.fsync(file.fileno())

    def remove_unfinished(self, *folders: str) -> None:
        """Remove what a writer that was killed has left half-written in directories."""
        for name in (name for folder in folders for name in self.names(folder)):
            if _UNFINISHED.fullmatch(name.rpartition("/")[2]):
                self.remove_directory(name)
                with suppress(OSError), self._parent(name) as (folder, last):
                    os.unlink(last, dir_fd=folder)

    def _open_folder(self, name: str) -> int:
        handle = os.open(self._root, _FOLDER)
        try:
            for part in name.split("/") if name else ():
                _expect(part, handle, stat.S_ISDIR)
                below = os.open(part, _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = below
        except BaseException:
            os.close(handle)
            raise
        return handle

    @contextmanager
    def _parent(self, name: str) -> Iterator[tuple[int, str]]:
        """Open the directory that holds a name; gives it and the name's last part."""
        above, _, last = name.rpartition("/")
        if last in ("", ".", "..") or "\0" in name:
            raise OSError(errno.EINVAL, "not a name of a file")
        handle = self._open_folder(above)
        try:
            yield handle, last
        finally:
            os.close(handle)

    def _open(self, name: str, flags: int) -> int:
        with self._parent(name) as (folder, last):
            try:
                _expect(last, folder, stat.S_ISREG)
            except FileNotFoundError:
                if not flags & os.O_CREAT:
                    raise
            handle = os.open(last, flags | _FILE, 0o666, dir_fd=folder)
            if not _is_plain(os.fstat(handle)):
                os.close(handle)
                raise OSError(errno.EMLINK, "no longer the file that it was")
            return handle

    def _is_file(self, name: str) -> bool:
        with self._parent(name) as (folder, last):
            return _is_plain(os.lstat(last, dir_fd=folder))

    def _make_way(self, name: str, file: bool = True) -> None:
        """Set aside what has a name; a file only if a directory is to have it."""
        with self._naming:
            if self.exists(name) and not (file and self._is_file(name)):
                self.set_aside(name)

    def _is_or_becomes_directory(self, name: str) -> bool:
        if not self.exists(name):
            self.make(name)
        return self.is_directory(name)


def _unfinished(name: str) -> str:
    """Make up a temporary name that nobody can foresee."""
    return f".{name[:200]}.{secrets.token_hex(8)}.part"


def _numbered(name: str) -> Iterator[str]:
    """Generate a name, and then the same name with a number behind."""
    yield name
    yield from (f"{name}.{number}" for number in itertools.count(1))


def _is_plain(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def _expect(name: str, folder: int, kind: "object") -> None:
    """Raise ``OSError`` in words for anything but a directory, or a file with one name."""
    status = os.lstat(name, dir_fd=folder)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, f"{name} is a symbolic link")
    if kind is stat.S_ISDIR and not stat.S_ISDIR(status.st_mode):
        raise OSError(errno.ENOTDIR, f"{name} is not a directory")
    if kind is stat.S_ISREG and not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EISDIR, f"{name} is not a file")
    if kind is stat.S_ISREG and status.st_nlink > 1:
        raise OSError(errno.EMLINK, f"{name} has another name elsewhere, a hard link")
