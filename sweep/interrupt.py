"""Ctrl-C: the command ends at once, whatever it is doing, and says what became of its work.

An exception would come too late or not at all: threads in compiled code cannot be told to stop, and whoever is on the
stack may swallow it. So the signal goes to a thread that does nothing but wait for it.
"""

import _thread
import os
import signal
import threading
from collections.abc import Callable

EXIT_STATUS = 130

_SHOW_CURSOR = "\x1b[?25h"


class Interrupt:
    """What happens at Ctrl-C; to be kept up to date as the work goes on.

    Attributes
    ----------
    message
        What became of the work.
    clean
        What to do before the process ends, if anything; returns what then became of the work. A second Ctrl-C does not
        wait for it.
    raises
        Whether to raise ``KeyboardInterrupt`` in the main thread instead: where worker processes do the work, it comes
        in time, and ends them in good order.
    """

    def __init__(self) -> None:
        self.message = ""
        self.clean: Callable[[], str] | None = None
        self.raises = False

    def watch(self) -> None:
        """Begin; to be called before any thread starts, which would get the signal."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started us wants it ignored
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            threading.Thread(target=self._wait, daemon=True).start()

    def say(self) -> None:
        """The message, on stderr."""
        start = f"{_SHOW_CURSOR}\n" if os.isatty(2) else ""  # sys.stderr may be a wrapper of Rich
        os.write(2, f"{start}sweep: {'; '.join(filter(None, ('interrupted', self.message)))}\n".encode())

    def _wait(self) -> None:
        signal.sigwait({signal.SIGINT})
        if self.raises:
            _thread.interrupt_main()
            return
        threading.Thread(target=self._end, daemon=True).start()
        signal.sigwait({signal.SIGINT})
        os._exit(EXIT_STATUS)

    def _end(self) -> None:
        try:
            if self.clean:
                self.message = self.clean()
        except Exception as error:
            self.message = str(error)
        try:
            self.say()
        finally:
            os._exit(EXIT_STATUS)
