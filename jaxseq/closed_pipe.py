"""A program whose reader has seen enough ends as Unix tools do: `jaxseq rouge | head`.

Python ignores SIGPIPE, so that writing into a pipe without a reader is an error like
any other: a traceback, or a line that speaks of a broken pipe. Here the signal ends the
process, in silence; a shell calls that status 141.

Reference: signal(7), SIGPIPE.
"""

import signal


def end_quietly() -> None:
    """Has a closed pipe end this process; for a whole program, never for a library.

    Where the system has no such signal, nothing changes.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
