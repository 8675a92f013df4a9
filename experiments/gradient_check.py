"""The gradient check of every cell: deltas, autodiff and differences, side by side.

Paper: none; the tool is `jaxseq.gradcheck`, the equations are in each cell's file.
Expected: every row "equal"; for the truncated gradients of 1986, 1990 and 1997 rows
that are "truncated": equal to autodiff with `stop_gradient`, unlike the full gradient.
Ours: all cells pass. Run time: about half a minute on two cores.

    python -m experiments.gradient_check
    python -m experiments.gradient_check --out out      writes result.json as well
    python -m jaxseq.gradcheck my_module:my_cell        a cell in a file of yours
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from jaxseq import commands
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
from jaxseq.gradcheck import Report, check_cell, passed, table

from . import cli, results


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


@dataclasses.dataclass(frozen=True)
class Config:
    """Compare the deltas of every cell with autodiff and differences."""

    out: Path | None = None
    """Folder of the results, OUT/gradient_check/; left out: no file is written."""


def main(args: Sequence[str] | None = None) -> int:
    """Prints a table for each cell; returns 1 if any fails, else 0."""
    config = commands.parse(Config, args, __doc__)
    numbers = None
    if config.out is not None:
        folder = cli.results_folder(config.out, "gradient_check")
        numbers = cli.result_file(folder, "result.json")
    reports = []
    for cell in CELLS:
        reports.append(check_cell(cell))
        print(table(reports[-1]), end="\n\n")
    num_passed = sum(map(passed, reports))
    if numbers is not None:
        results.write_json(numbers, {"cells": list(map(_record, reports))})
    print(f"{num_passed} of {len(CELLS)} cells passed")
    return 0 if num_passed == len(CELLS) else 1


def _record(report: Report) -> dict:
    """Turns a report into what JSON can hold."""
    rows = [row._asdict() for row in report.rows]
    return report._asdict() | {"rows": rows, "passed": passed(report)}


if __name__ == "__main__":
    sys.exit(main())
