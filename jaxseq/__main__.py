"""One command for everything: `jaxseq lecture`, `jaxseq summarize --help`, ...

    jaxseq                      lists the commands
    jaxseq COMMAND --help       says what a command does and takes; so does
    jaxseq help COMMAND
    jaxseq --version            says which jaxseq this is
    jaxseq --debug COMMAND ...  shows the traceback of an error
    jaxseq lm --debug           does so too, and stops at the first number not finite

Each command is the `main` of a module, which is imported when it is asked for: those of
the experiments, which also run as `python -m experiments.NAME` in a checkout, and the
tools of the library. Results go under `--out`. Exit status: 0, 1 for a failure, 2 for
what a user can mend, 130 for Ctrl-C, 141 if its reader has gone (`| head`); what was
wrong is one line on stderr.
"""

import importlib
import importlib.metadata
import importlib.util
import os
import signal
import sys
import traceback
from collections.abc import Sequence

from jaxseq import closed_pipe
from jaxseq.commands import COMMANDS, ONE_CELL


_BEFORE = """usage: jaxseq [--debug] COMMAND [OPTIONS]
       jaxseq --version

The classic sequence models, with back-propagation through time written out by hand.

commands:"""
_AFTER = """
`jaxseq COMMAND --help` says what a command does, with examples. To begin with:

  jaxseq explain                     a page on back-propagation through time
  jaxseq demo --out out              a tour; look at out/index.html
  jaxseq lm --text book.txt          a language model of a text of yours

Results go under --out. Exit status: 0, 1 for a failure, 2 for what the command line can
mend. An error is one line; `jaxseq --debug COMMAND ...` shows where it arose."""


_STOPPED = "stopped by the keyboard"


def main(args: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status.

    Args:
        args: the command line after "jaxseq"; None for this program's.
    """
    if args is None:
        closed_pipe.end_quietly()
    given = list(sys.argv[1:] if args is None else args)
    is_first = given[:1] == ["--debug"]
    # Of a command that trains it is an option too, which means more than this.
    is_debug = "--debug" in given
    name, rest = (*given[is_first:], "--help")[0], given[is_first + 1 :]
    if name == "help" and rest:  # jaxseq help lm
        name, rest = rest[0], ["--help"]
    if name in ("--help", "-h", "help"):
        print(usage())
        return 0
    if name == "--version":
        print(f"jaxseq {importlib.metadata.version('jaxseq')}")
        return 0
    if name not in COMMANDS:
        known = ", ".join(COMMANDS)
        print(f"error: expected a command ({known}), got {name!r}", file=sys.stderr)
        return 2
    module = COMMANDS[name].module
    # What stands before its options is meant as a cell, whatever it is.
    has_cell = any(":" in each for each in rest) or rest[:1] and rest[0][:1] != "-"
    if name == "gradcheck" and has_cell:
        module = ONE_CELL
    # Programs name themselves by this, in `--help` and in errors.
    before, sys.argv = sys.argv, [f"jaxseq {name}", *rest]
    try:
        found = load(module) if args is not None else _load_unless_stopped(module)
        return found.main(rest) or 0
    except KeyboardInterrupt:
        print(_STOPPED, file=sys.stderr)
        return 130
    except SystemExit as stop:  # has said what was wrong, but not where
        if is_debug and stop.code:
            traceback.print_exc()
        raise
    except Exception as error:
        if is_debug:
            raise
        what = " ".join(str(error).split()) or "no more is known"
        hint = f"jaxseq --debug {name} ... shows where"
        print(f"error: {type(error).__name__}: {what} ({hint})", file=sys.stderr)
        return 1
    finally:
        sys.argv = before


def usage() -> str:
    """Returns the list of the commands."""
    width = max(map(len, COMMANDS))
    lines = [f"  {n:{width}}  {command.summary}" for n, command in COMMANDS.items()]
    return "\n".join([_BEFORE, *lines, _AFTER])


def load(module: str):
    """Imports a command's module.

    Installed, the experiments are part of jaxseq; in a checkout they lie beside it.

    Args:
        module: its name, as in `Command`.
    """
    if not module.startswith("."):
        return importlib.import_module(module)
    is_installed = importlib.util.find_spec("jaxseq.experiments") is not None
    package = "jaxseq.experiments" if is_installed else "experiments"
    return importlib.import_module(module, package)


def _load_unless_stopped(module: str):
    """Imports a command's module, as `load`; Ctrl-C ends the process from there.

    An exception would not do: an extension module that it stops raises another one, an
    `ImportError` that knows nothing of it.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # ignored, as `nohup` has it
        return load(module)
    signal.signal(signal.SIGINT, _end)
    try:
        return load(module)
    finally:
        signal.signal(signal.SIGINT, before)


def _end(*_) -> None:
    print(_STOPPED, file=sys.stderr, flush=True)
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
