"""Ctrl-C: the command ends at once, whatever it is doing, and says what became of its work.

An exception would come too late or not at all: threads in compiled code cannot be told to stop, and whoever is on the
stack may swallow it. So the signal goes to a thread that does nothing but wait for it.
"""

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

EXIT_STATUS = 130

_SHOW_CURSOR = "\x1b[?25h"
_SECONDS_TO_END_WORKERS = 5


class Interrupt:
    """Reaction to Ctrl-C, to be kept up to date as the work goes on.

    Attributes
    ----------
    message
        Fate of the work, in words.
    clean
        What to do before the process ends, if anything; returns what then became of the work. A second Ctrl-C does not
        wait for it.
    has_workers
        Whether worker processes do the work: then Python is asked to end, which ends them in good order. It is not
        waited for long, since the ``KeyboardInterrupt`` may be swallowed; workers notice that they are alone.
    """

    def __init__(self) -> None:
        self.message = ""
        self.clean: Callable[[], str] | None = None
        self.has_workers = False
        self.over = False
        self._ending = threading.Lock()

    def watch(self) -> None:
        """Begin; to be called before any thread starts, which would get the signal."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started us wants it ignored
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            threading.Thread(target=self._wait, daemon=True).start()

    def end(self) -> None:
        """Do what is to be done and say what became of the work, once; nothing can be said any more after it."""
        with self._ending:
            if self.over:
                return
            self.over = True
            try:
                if self.clean:
                    self.message = self.clean()
            except Exception as error:
                self.message = str(error)
            start = f"{_SHOW_CURSOR}\n" if os.isatty(2) else ""  # sys.stderr may be a wrapper of Rich
            os.write(2, f"{start}sweep: {'; '.join(filter(None, ('interrupted', self.message)))}\n".encode())
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)

    def leave(self, status: int) -> NoReturn:
        """Exit without taking the interpreter apart, which with everything loaded takes half a second.

        That matters to no one but worker processes, which Python's own exit ends in good order, and to threads in
        compiled code, which it would let run on.
        """
        if self.has_workers:
            sys.exit(status)
        os._exit(status)

    def _wait(self) -> None:
        signal.sigwait({signal.SIGINT})
        threading.Thread(target=self._end, daemon=True).start()
        signal.sigwait({signal.SIGINT})
        os._exit(EXIT_STATUS)

    def _end(self) -> None:
        try:
            self.end()
            if self.has_workers:
                _thread.interrupt_main()
                time.sleep(_SECONDS_TO_END_WORKERS)
        finally:
            os._exit(EXIT_STATUS)
