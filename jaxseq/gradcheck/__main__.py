"""Checks the gradient of a cell in a file of yours.

    python -m jaxseq.gradcheck my_module:my_cell

`my_cell` is a `Cell`, or a function without arguments that returns one. Prints a row
for each parameter. Exit status: 0 if the deltas are right, 1 if not, 2 if the check
could not be made.
"""

import dataclasses
import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from jaxseq import commands
from jaxseq.cells.cell import Cell
from jaxseq.gradcheck.cell import check_cell
from jaxseq.gradcheck.report import DIFFERS, passed, table


@dataclasses.dataclass(frozen=True)
class Config:
    """Compare a cell's deltas with autodiff and finite differences."""

    cell: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="MODULE:CELL")]]
    """As in my_module:my_cell; the working directory is seen first."""

    num_inputs: int = 3
    """I, size of the inputs."""

    num_hidden: int = 4
    """H, size of the state."""

    num_steps: int = 6
    """T, length of the sequence."""

    seed: int = 0
    """Of parameters, inputs and states."""


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status.

    Args:
        args: the command line; None for this program's.

    Raises:
        SystemExit: code 2 after one line on stderr, for what a user can mend.
    """
    config = commands.parse(Config, args, __doc__)
    try:
        report = check_cell(
            load(config.cell),
            num_inputs=config.num_inputs,
            num_hidden=config.num_hidden,
            num_steps=config.num_steps,
            seed=config.seed,
        )
    except (Exception, SystemExit) as error:  # whatever the user's module raises
        commands.fail(_reason(error, config.cell))
    print(table(report))
    if passed(report):
        return 0
    wrong = [row for row in report.rows if row.verdict == DIFFERS]
    places = ", ".join(f"{row.parameter}{list(row.entry)}" for row in wrong)
    print(f"error: wrong at {places}", file=sys.stderr)
    return 1


def load(spec: str) -> Cell:
    """Finds a cell by its module and name, the working directory first.

    Args:
        spec: "module:name".

    Raises:
        ValueError: saying what was not found.
    """
    module_name, colon, name = spec.partition(":")
    if not (module_name and colon and name):
        raise ValueError(f"cell: expected MODULE:CELL, got {spec}")
    sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name.removesuffix(".py"))
    except ImportError as error:
        raise ValueError(f"cell: module {module_name}: {error}") from error
    finally:
        sys.path.remove("")
    if not hasattr(module, name):
        raise ValueError(f"cell: expected {name} in {module_name}, got no such name")
    found = getattr(module, name)
    made = found() if callable(found) and not isinstance(found, Cell) else found
    if not isinstance(made, Cell):
        raise ValueError(f"cell: expected a jaxseq.cells.Cell, got {made!r}")
    return made


def _reason(error: BaseException, spec: str) -> str:
    """Says in one line what was raised and where in the user's module, if it was."""
    first_line, *_ = str(error).splitlines() or [""]
    what = f"{type(error).__name__}: {first_line}"
    if isinstance(error, ValueError):
        what = first_line
    name = spec.partition(":")[0].removesuffix(".py").rpartition(".")[2]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).stem == name:
            return f"{what} ({Path(frame.filename).name}, line {frame.lineno})"
    return what


if __name__ == "__main__":
    sys.exit(main())
