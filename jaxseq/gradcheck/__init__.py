"""Checks of hand-written gradients: deltas, autodiff and differences, side by side."""

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
