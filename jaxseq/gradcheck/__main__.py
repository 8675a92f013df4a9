"""Checks the gradient of a cell in a user's file: `python -m jaxseq.gradcheck`.

    python -m jaxseq.gradcheck my_module:my_cell

`my_cell` is a `Cell`, or a function without arguments that returns one. Prints a row
for each parameter. Exit status: 0 if the deltas are right, 1 if not, 2 if the check
could not be made.
"""

import argparse
import importlib
import sys
import traceback
from pathlib import Path

from jaxseq.cells.cell import Cell
from jaxseq.gradcheck.cell import check_cell
from jaxseq.gradcheck.report import DIFFERS, passed, table


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status.

    Args:
        argv: arguments, in the place of those of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m jaxseq.gradcheck",
        description="Compares a cell's deltas with autodiff and finite differences.",
    )
    parser.add_argument("cell", metavar="MODULE:CELL", help="as in my_module:my_cell")
    parser.add_argument("--num-inputs", type=int, default=3)
    parser.add_argument("--num-hidden", type=int, default=4)
    parser.add_argument("--num-steps", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    try:
        report = check_cell(
            load(args.cell),
            num_inputs=args.num_inputs,
            num_hidden=args.num_hidden,
            num_steps=args.num_steps,
            seed=args.seed,
        )
    except (Exception, SystemExit) as error:  # whatever the user's module raises
        print(f"gradcheck: {_reason(error, args.cell)}", file=sys.stderr)
        return 2
    print(table(report))
    if passed(report):
        return 0
    for row in report.rows:
        if row.verdict == DIFFERS:
            place = f"{row.parameter}{list(row.entry)}"
            print(f"gradcheck: wrong at {place}", file=sys.stderr)
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
