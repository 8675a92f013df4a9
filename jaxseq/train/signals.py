"""A request to stop, heard between updates: SIGTERM and SIGINT.

The first signal is noted; the loop then writes a checkpoint and raises `Stopped`, which
ends the program with the code that the shell knows, 128 + the signal's number. A second
one ends it at once, whatever it is doing: what is half written is not there for the
next run. Outside the main thread, where Python hears no signals, none is changed.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType


SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(SystemExit):
    """A signal asked to stop; ends the program if nobody catches it.

    Attributes:
        name: of the signal.
        number: updates that the checkpoint holds; None without one.
    """

    def __init__(self, signum: int, number: int | None):
        super().__init__(128 + signum)
        self.name = signal.Signals(signum).name
        self.number = number


class Stop:
    """Whether a signal has come: the one thing here that changes."""

    def __init__(self):
        self.signum: int | None = None

    def hear(self, signum: int, frame: FrameType | None) -> None:
        """Notes a signal; ends the process if it is the second one.

        Args:
            signum: the signal's number.
            frame: not read.
        """
        del frame
        if self.signum is not None:
            os._exit(128 + signum)
        self.signum = signum


@contextlib.contextmanager
def heard() -> Iterator[Stop]:
    """Notes signals instead of ending the program, until the block ends.

    Yields:
        Where they are noted.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {each: signal.signal(each, stop.hear) for each in SIGNALS}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            # None: a handler that is not Python's, and cannot be put back.
            signal.signal(each, signal.SIG_DFL if handler is None else handler)
