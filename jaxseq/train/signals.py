"""A request to stop, heard between updates: SIGTERM, SIGINT and SIGHUP.

The first signal is noted; the loop then writes a checkpoint and raises `Stopped`, which
ends the program with the code that the shell knows, 128 + the signal's number. A second
one ends it at once, whatever it is doing: what is half written is not there for the
next run. Outside the main thread, where Python hears no signals, none is changed.

SIGHUP says that the terminal or the connection has gone. It comes from the system, from
the shell and from the system once more, so that it is never the second signal. A
program that was started by `nohup` ignores it, and goes on to do so. What is written to
a terminal that has gone would be an error in the place of a checkpoint; it is dropped.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType


# Where the system has no terminals to close, as Windows, there is no SIGHUP.
_NAMES = ("SIGTERM", "SIGINT", "SIGHUP")
SIGNALS = tuple(each for each in signal.Signals if each.name in _NAMES)


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
        self._terminals = [out for out in (1, 2) if os.isatty(out)]

    def hear(self, signum: int, frame: FrameType | None) -> None:
        """Notes a signal; ends the process if it is the second one.

        Args:
            signum: the signal's number.
            frame: not read.
        """
        del frame
        is_hangup = _is_hangup(signum)
        if is_hangup:
            _drop([out for out in self._terminals if not os.isatty(out)])
        if self.signum is None:
            self.signum = signum
        elif not is_hangup:
            os._exit(128 + signum)


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
    before = {each: signal.getsignal(each) for each in SIGNALS}
    for each, handler in before.items():
        if not (_is_hangup(each) and handler is signal.SIG_IGN):
            signal.signal(each, stop.hear)
    try:
        yield stop
    finally:
        for each, handler in before.items():
            # None: a handler that is not Python's, and cannot be put back.
            signal.signal(each, signal.SIG_DFL if handler is None else handler)


def _is_hangup(signum: int) -> bool:
    return signal.Signals(signum).name == "SIGHUP"


def _drop(outs: list[int]) -> None:
    """Has what is written there go nowhere."""
    with open(os.devnull, "wb") as nowhere:
        for out in outs:
            os.dup2(nowhere.fileno(), out)
