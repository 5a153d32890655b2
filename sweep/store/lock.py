"""One writer at a time in a directory."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from sweep.errors import LockedError, StoreError
from sweep.store.chunk_store import CHUNKS
from sweep.store.files import Tree

LOCK = ".lock"


class Lock:
    """The right to write in a directory, held within its `with` block and lost with the process.

    Entering the block gives the `Tree` of the directory.

    Parameters
    ----------
    directory
        Made if it is not there.

    Raises
    ------
    LockedError
        On entering, if another process has it.
    StoreError
        On entering, if nothing can be written there.
    """

    def __init__(self, directory: Path):
        self.directory = directory
        self.handle = -1

    def __enter__(self) -> Tree:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            tree = Tree(self.directory)
            self.handle = tree.open_own(LOCK)
            self._lock()
            os.ftruncate(self.handle, 0)
            os.write(self.handle, f"process {os.getpid()} on {os.uname().nodename}".encode())
            chunks = tree.names(CHUNKS)
            tree.remove_unfinished("", CHUNKS, "figures", *chunks)
        except OSError as error:
            self._release()
            raise StoreError(
                f"{self.directory}: results cannot be written there ({error.strerror}); "
                "choose another directory with --out, or make room"
            ) from None
        return tree

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self.handle, 0)
        self._release()

    def _lock(self) -> None:
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self.handle, 1000).decode(errors="replace")
            self._release()
            raise LockedError(
                f"{self.directory}: another sweep is at work there{f' ({holder})' if holder else ''}; "
                "wait for it, or choose another directory with --out"
            ) from None

    def _release(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1
