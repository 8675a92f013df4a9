"""Checks the gradient of a cell in a user's file: `python -m jaxseq.gradcheck`.

    python -m jaxseq.gradcheck my_module:my_cell

`my_cell` is a `Cell`, or a function without arguments that returns one. Prints a row
for each parameter. Exit status: 0 if the deltas are right, 1 if not, 2 if the check
could not be made.
"""

import argparse
import importlib
import sys

from jaxseq.cells.cell import Cell
from jaxseq.gradcheck.cell import check_cell
from jaxseq.gradcheck.report import DIFFERS, passed, table


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
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
    except (ValueError, TypeError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        print(f"gradcheck: {first_line}", file=sys.stderr)
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


if __name__ == "__main__":
    sys.exit(main())
