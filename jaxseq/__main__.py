"""One command for everything: `jaxseq lecture`, `jaxseq summarize --help`, ...

    jaxseq                      lists the commands
    jaxseq COMMAND --help       says what a command does and takes
    jaxseq --debug COMMAND ...  shows the traceback of an error

Each command is the `main` of a module, which is imported when it is asked for: those of
the experiments, which also run as `python -m experiments.NAME` in a checkout, and the
tools of the library. Results go under `--out`. Exit status: 0, 1 for a failure, 2 for
what a user can mend, 130 for Ctrl-C, 141 if its reader has gone (`| head`); what was
wrong is one line on stderr.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from typing import NamedTuple

from jaxseq import closed_pipe


class Command(NamedTuple):
    """A command of the command line.

    Attributes:
        summary: a line on what it does.
        module: has `main(args) -> exit status or None`; one of the experiments' if it
            begins with a dot.
    """

    summary: str
    module: str


COMMANDS = {
    "lecture": Command(
        "the lecture's network in numbers, forward and backward", ".lecture"
    ),
    "explain": Command(
        "the same as a page to play with, in a browser", "jaxseq.explain.__main__"
    ),
    "gradcheck": Command(
        "deltas against autodiff and differences: all cells, or MODULE:CELL",
        ".gradient_check",
    ),
    "hopfield": Command(
        "a Hopfield network that recalls pictures", ".classics.hopfield_picture"
    ),
    "classics": Command("what the classic papers showed", ".classics.__main__"),
    "lm": Command("a recurrent language model, of any text", ".language_model"),
    "word2vec": Command("word vectors, of any text", ".word2vec"),
    "neighbours": Command("what is near a word, from a file of vectors", ".neighbours"),
    "summarize": Command("train a summarizer, or have it summarize", ".summarize"),
    "rouge": Command("score summaries", "jaxseq.summarize.rouge.__main__"),
    "demo": Command("a tour in under five minutes, as a page", ".demo"),
    "bench": Command("time jaxseq and its peers side by side", ".bench.__main__"),
}


def main(args: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status.

    Args:
        args: the command line after "jaxseq"; None for this program's.
    """
    if args is None:
        closed_pipe.end_quietly()
    given = list(sys.argv[1:] if args is None else args)
    is_debug = given[:1] == ["--debug"]
    name, rest = (*given[is_debug:], "--help")[0], given[is_debug + 1 :]
    if name in ("--help", "-h", "help"):
        print(usage())
        return 0
    if name not in COMMANDS:
        known = ", ".join(COMMANDS)
        print(f"error: expected a command ({known}), got {name!r}", file=sys.stderr)
        return 2
    module = COMMANDS[name].module
    if name == "gradcheck" and any(":" in each for each in rest):
        module = "jaxseq.gradcheck.__main__"
    # Programs name themselves by this, in `--help` and in errors.
    before, sys.argv = sys.argv, [f"jaxseq {name}", *rest]
    try:
        return load(module).main(rest) or 0
    except KeyboardInterrupt:
        print("stopped by the keyboard", file=sys.stderr)
        return 130
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
    first = "usage: jaxseq [--debug] COMMAND ...   (COMMAND --help says more)"
    return "\n".join([first, "", *lines])


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


if __name__ == "__main__":
    sys.exit(main())
