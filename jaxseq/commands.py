"""The commands of the command line, and how each reads its options.

    @dataclasses.dataclass(frozen=True)
    class Config:
        '''What the program does.'''

        out: Path = Path("out")
        '''Folder of the results.'''

    config = commands.parse(Config, args, __doc__)

A program's `--help` is its module's docstring and the docstrings of its options. Where
it was called as `jaxseq NAME`, this is also what its examples call it. What a user can
get wrong ends it with exit status 2 and one line on stderr: options that are none, and
a `ValueError` of the dataclass' own `__post_init__`.
"""

import contextlib
import io
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn, TypeVar

from jaxseq import closed_pipe


Config = TypeVar("Config")


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
    "report": Command("all results that there are, on one page", ".report"),
    "bench": Command("time jaxseq and its peers side by side", ".bench.__main__"),
}
ONE_CELL = "jaxseq.gradcheck.__main__"
"""What `jaxseq gradcheck MODULE:CELL` runs."""

_HERE = "ABOUT"  # where tyro, which would lay it out otherwise, leaves room for it
_LEAST_COLUMNS, _MOST_COLUMNS = 60, 100
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NUMBER = re.compile(r"\d+\. ")
_RULE = re.compile(r"[╭╰]|[│ ]+[─-]{9}")  # without lines to draw with, of dashes


def parse(
    config: type[Config],
    args: Sequence[str] | None,
    about: str | None,
    default: Config | None = None,
) -> Config:
    """Reads a command line into a frozen dataclass.

    Args:
        config: the dataclass; its docstrings are the help of the options.
        args: the command line after the program's name; None for this program's.
        about: the module's docstring: what the program does, with examples.
        default: what is left out is as here; None for the defaults of the dataclass.

    Returns:
        An instance of `config`.

    Raises:
        SystemExit: code 2 after one line on stderr; code 0 after `--help`.
    """
    if args is None:
        closed_pipe.end_quietly()
    if sys.stdout is None:  # closed, as by `>&-`: what is printed goes nowhere
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
    import tyro  # half a second, which no user of the library should wait

    if isinstance(sys.stdout, io.TextIOWrapper):
        # What its encoding does not have is printed as an escape, as in a string.
        sys.stdout.reconfigure(errors="backslashreplace")
    # Of this encoding, for which tyro chooses what it draws frames with.
    helped = io.TextIOWrapper(io.BytesIO(), sys.stdout.encoding or "utf-8")
    refusal = io.StringIO()
    try:
        with (
            _wide_enough(),
            contextlib.redirect_stdout(helped),
            contextlib.redirect_stderr(refusal),
        ):
            return tyro.cli(
                config,
                prog=_program(config),
                args=args,
                description=_HERE,
                default=tyro.MISSING_NONPROP if default is None else default,
            )
    except SystemExit as stop:
        if not stop.code:
            helped.seek(0)
            print(helped.read().replace(_HERE, _about(about or ""), 1), end="")
            raise
    fail(_message(refusal.getvalue()))


def fail(message: str) -> NoReturn:
    """Ends the program as every error of a user does.

    Args:
        message: what is wrong, in one line.

    Raises:
        SystemExit: code 2 after one line on stderr.
    """
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def _program(config: type) -> str | None:
    """Names the program: `jaxseq COMMAND`, the module that runs, or the config's."""
    if sys.argv[0].startswith("jaxseq "):
        return sys.argv[0]
    for module in ("__main__", config.__module__):
        name = getattr(getattr(sys.modules[module], "__spec__", None), "name", "")
        if name.startswith(("experiments.", "jaxseq.")):
            return f"python -m {name.removesuffix('.__main__')}"
    return None


def _columns() -> int:
    """Returns the terminal's width, as wide as the help needs at least."""
    return max(_LEAST_COLUMNS, shutil.get_terminal_size().columns)


@contextlib.contextmanager
def _wide_enough() -> Iterator[None]:
    """Has tyro see a terminal of the least width: in a narrow one it never ends."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(_columns())
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def _about(text: str) -> str:
    """Lays a docstring out for the terminal, the programs called as this one was."""
    width = min(_columns(), _MOST_COLUMNS) - 1
    paragraphs = []
    for part in text.strip("\n").split("\n\n"):
        if part.startswith(" "):
            paragraphs.append(_as_called(part))
            continue
        # "Expected: ..." and its like and "1. ..." keep a line of their own.
        lines = re.split(r"\n(?=[A-Z]\w+(?: \w+)?: |\d+\. )", part)
        filled = []
        for line in lines:
            words = _as_called(" ".join(line.split()))
            number = _NUMBER.match(words)
            hanging = " " * (number.end() if number else 0)
            filled.append(textwrap.fill(words, width, subsequent_indent=hanging))
        paragraphs.append("\n".join(filled))
    return "\n\n".join(paragraphs)


def _as_called(text: str) -> str:
    """Names the programs in a text as this one was called."""
    if not sys.argv[0].startswith("jaxseq "):
        return text
    for name, command in COMMANDS.items():
        module = command.module.removesuffix(".__main__")
        module = f"experiments{module}" if module[0] == "." else module
        text = re.sub(
            rf"python -m {re.escape(module)}(?![\w.])", f"jaxseq {name}", text
        )
    return text.replace("python -m jaxseq.gradcheck", "jaxseq gradcheck")


def _message(text: str) -> str:
    """Says in a sentence what tyro says in a frame."""
    section = _first_section(text)
    joined = " ".join(line.strip() for line in section)
    if joined.startswith("Missing from "):
        # Their names; what each is lies deeper in.
        names = [line.strip() for line in section if re.match(r" {4}\S", line)]
        return f"missing: {', '.join(names)} (--help says more)"
    found = re.match(r"Error parsing (\S+): (.*)", joined)
    if not found:
        return joined
    option, message = found.groups()
    # Our own errors name the option themselves: what tyro names is the record.
    return message if message.startswith("--") else f"{option}: {message}"


def _first_section(text: str) -> list[str]:
    """Takes the lines out of tyro's frame, without the help text under its rule."""
    sections: list[list[str]] = [[]]
    for line in _COLOURS.sub("", text).splitlines():
        if _RULE.match(line):
            sections.append([])
        else:
            sections[-1].append(line[2:].rstrip(" │"))
    return sections[:2][-1]  # the first is the title
