"""The gradient check of every cell: deltas, autodiff and differences, side by side.

Paper: none; the tool is `jaxseq.gradcheck`, the equations are in each cell's file.
Expected: every row "equal"; for the truncated gradients of 1986, 1990 and 1997 rows
that are "truncated": equal to autodiff with `stop_gradient`, unlike the full gradient.
Ours: all cells pass. Run time: about half a minute on two cores.

    python -m experiments.gradient_check
"""

import argparse
import sys

from jaxseq.cells import (
    Cell,
    activations,
    elman,
    gru,
    jordan,
    lstm,
    lstm_1997,
    lstm_1997_blocks,
    lstm_coupled,
    lstm_peephole,
)
from jaxseq.gradcheck import check_cell, passed, table


CELLS: tuple[Cell, ...] = (
    elman.cell(activations.tanh),
    elman.cell(activations.logistic),
    elman.cell(activations.relu),
    elman.cell(activations.identity),
    elman.one_step(),
    jordan.cell(num_outputs=4),
    jordan.cell(num_outputs=4, mu=0.5),
    jordan.one_step(num_outputs=4, mu=0.5),
    lstm.cell(),
    lstm_1997.cell(),
    lstm_1997.truncated(),
    lstm_1997_blocks.cell(2),
    lstm_1997_blocks.truncated(2),
    lstm_coupled.cell(),
    lstm_peephole.cell(),
    gru.reset_after(),
    gru.reset_before(),
)


def main(argv: list[str] | None = None) -> int:
    """Prints a table for each cell; returns 1 if any fails, else 0."""
    argparse.ArgumentParser(
        prog="python -m experiments.gradient_check",
        description="Compares the deltas of every cell with autodiff and differences.",
    ).parse_args(argv)
    failed = []
    for cell in CELLS:
        report = check_cell(cell)
        print(table(report), end="\n\n")
        if not passed(report):
            failed.append(cell.name)
    print(f"{len(CELLS) - len(failed)} of {len(CELLS)} cells passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
