"""Checks of hand-written gradients: deltas, autodiff and differences, side by side.

    cell         `check_cell`: a cell's delta and collect
    check        `check`: any function with a rule of its own
    report       what came out: `table`, `passed`, `require`
    differences  finite differences that tell a kink from an error
    outputs      the values of a function beside those of its plain form

`python -m jaxseq.gradcheck my_module:my_cell` checks a cell in a file.
"""

from jaxseq.gradcheck.cell import check_cell as check_cell
from jaxseq.gradcheck.check import check as check
from jaxseq.gradcheck.report import (
    GradientError as GradientError,
    Report as Report,
    Row as Row,
    passed as passed,
    require as require,
    table as table,
)
