"""What the experiments' command lines share beside `jaxseq.commands`.

    config = commands.parse(Config, args, __doc__)
    folder = cli.results_folder(config.out, "lecture")

A folder that cannot be made or a result that cannot be written ends the program with
exit code 2 and one line on stderr, as a wrong option does.
"""

import tempfile
from pathlib import Path

from jaxseq import commands

from . import results


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
        raise ValueError(f"{option(name)}: expected {expected}, got {got}")


def option(name: str) -> str:
    """Returns what a field is called on the command line.

    Args:
        name: of the field.
    """
    return "--" + name.replace("_", "-")


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
        commands.fail(f"--out {out}: cannot make the folder {folder}: {error.strerror}")
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
        commands.fail(f"cannot write {path}: it is a folder")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        commands.fail(f"cannot write {path}: {error.strerror}")
    return path
