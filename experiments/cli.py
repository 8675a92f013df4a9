"""Command lines of the experiments: a frozen dataclass in, one line out on error.

    @dataclasses.dataclass(frozen=True)
    class Config:
        '''What the experiment does.'''

        out: Path = Path("out")
        '''Folder of the results.'''

    config = cli.parse(Config, args)
    folder = cli.results_folder(config.out, "lecture")

What a user can get wrong ends the program with exit code 2 and one line on stderr:
options that tyro refuses, a `ValueError` of the dataclass' own `__post_init__`, a
folder that cannot be made, a result that cannot be written. A program whose reader has
gone (`| head`) ends in silence.
"""

import contextlib
import io
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import tyro

from jaxseq import closed_pipe

from . import results


Config = TypeVar("Config")

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = " │|╭╮╰╯─"


def parse(config: type[Config], args: Sequence[str] | None = None) -> Config:
    """Reads a command line into a frozen dataclass.

    Args:
        config: the dataclass; its docstrings are the help text.
        args: the command line after the program's name; None for this program's.

    Returns:
        An instance of `config`.

    Raises:
        SystemExit: code 2 after one line on stderr; code 0 after `--help`.
    """
    if args is None:
        closed_pipe.end_quietly()
    prog = _command(config)
    refusal = io.StringIO()
    try:
        with contextlib.redirect_stderr(refusal):
            return tyro.cli(config, prog=prog, args=args)
    except SystemExit as stop:
        if not stop.code:
            raise
    message = _first_section(refusal.getvalue())
    # Of our own error, whose option says more than the record's name; a frame, where
    # the terminal has no lines to draw it, ends in dashes.
    own = re.search(r"Error parsing \w+: (--.*?)(?: -{9,}|$)", message)
    fail(own[1] if own else message)


def expect(condition: bool, name: str, expected: str, got: object) -> None:
    """Refuses an option, in a dataclass' `__post_init__`, unless the condition holds.

    Args:
        condition: what should be true.
        name: of the field.
        expected: what it should be, in words.
        got: what came.

    Raises:
        ValueError: "--option: expected ..., got ...".
    """
    if not condition:
        option = "--" + name.replace("_", "-")
        raise ValueError(f"{option}: expected {expected}, got {got}")


def results_folder(out: Path, name: str) -> Path:
    """Makes the folder `out/name` if it is missing, and returns its path.

    What programs that were killed had begun to write there is removed.

    Raises:
        SystemExit: code 2 after one line on stderr, if that is impossible.
    """
    folder = out / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f"--out {out}: cannot make the folder {folder}: {error.strerror}")
    results.sweep(folder)
    return folder


def result_file(folder: Path, name: str) -> Path:
    """Returns `folder/name`, after a check that a file can be put there.

    To be asked before the work whose result it is to hold.

    Raises:
        SystemExit: code 2 after one line on stderr, if that is impossible.
    """
    path = folder / name
    if path.is_dir():
        fail(f"cannot write {path}: it is a folder")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")
    return path


def fail(message: str) -> NoReturn:
    """Ends the program as every error of a user does.

    Raises:
        SystemExit: code 2 after one line on stderr.
    """
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def _command(config: type) -> str | None:
    """Names the program: `jaxseq COMMAND`, the module that runs, or the config's."""
    if sys.argv[0].startswith("jaxseq "):
        return sys.argv[0]
    for module in ("__main__", config.__module__):
        name = getattr(getattr(sys.modules[module], "__spec__", None), "name", "")
        if name.startswith(("experiments.", "jaxseq.experiments.")):
            return f"python -m {name.removesuffix('.__main__')}"
    return None


def _first_section(text: str) -> str:
    """Takes the message out of tyro's frame, without the help text under its rule."""
    words: list[str] = []
    for line in _COLOURS.sub("", text).splitlines():
        content = line.strip(_FRAME)
        if content and not line.startswith("╭"):
            words.append(content)
        elif words:
            break
    return " ".join(words)
