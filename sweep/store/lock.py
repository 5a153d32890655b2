"""One writer at a time in a directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sweep.errors import LockedError, StoreError
from sweep.store.chunk_store import CHUNKS
from sweep.store.files import Tree

LOCK = ".lock"


@contextmanager
def locked(directory: Path) -> Iterator[Tree]:
    """Hold the right to write in a directory, which is made if it is not there; gives its `Tree`.

    `LockedError` if another process has it, `StoreError` if nothing can be written there.
    """
    with ExitStack() as stack:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            tree = Tree(directory)
            handle = tree.open_own(LOCK)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stack.callback(os.ftruncate, handle, 0)
            os.ftruncate(handle, 0)
            os.write(handle, f"process {os.getpid()} on {os.uname().nodename}".encode())
            tree.remove_unfinished("", CHUNKS, "figures", *tree.names(CHUNKS))
        except BlockingIOError:
            holder = os.read(handle, 1000).decode(errors="replace")
            raise LockedError(
                f"{directory}: another sweep is at work there{f' ({holder})' if holder else ''}; "
                "wait for it, or choose another directory with --out"
            ) from None
        except OSError as error:
            raise StoreError(
                f"{directory}: results cannot be written there ({error.strerror}); "
                "choose another directory with --out, or make room"
            ) from None
        yield tree
