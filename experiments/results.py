"""Files of results: whole or not at all, and figures where matplotlib is there."""

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path


def replace(path: Path, write: Callable[[Path], object]) -> Path:
    """Has a file written beside its place, then moves it there.

    Args:
        path: the place.
        write: writes to the path that it is given.

    Returns:
        The place.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def sweep(folder: Path) -> None:
    """Removes what killed programs have left of `replace` and its like in a folder."""
    for part in folder.glob(".*.part"):
        number = part.name.split(".")[-2]
        if number.isdigit() and not _runs(int(number)):
            with contextlib.suppress(OSError):  # of another user: it may stay
                part.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Says whether a process is there; yes, where that cannot be asked."""
    if os.name != "posix":  # elsewhere signal 0 is no question
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def write_json(path: Path, result: object) -> Path:
    """Writes a result as JSON; returns the path."""
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    return replace(path, lambda part: part.write_text(text, "utf-8"))


def settings(config) -> dict:
    """Turns a frozen Config into what JSON can hold: paths and tuples."""
    return {name: _plain(value) for name, value in dataclasses.asdict(config).items()}


def _plain(value):
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def can_draw() -> bool:
    """Says whether figures can be drawn, and on stderr what is missing for them."""
    try:
        # Only the figures need matplotlib: the numbers come without it.
        import matplotlib.figure  # noqa: F401
    except ModuleNotFoundError as error:
        missing = f"no figure: {error.name} is not installed"
        print(f'{missing} (pip install "jaxseq[plots]")', file=sys.stderr)
        return False
    return True
