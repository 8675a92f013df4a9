"""What a gradient check found: a row for each parameter, to read or to test.

Verdicts:

    equal       by hand, by autodiff and by differences agree
    both zero   all three are 0 everywhere: the parameter has no influence
    kink        by hand and by autodiff agree, the function has a kink at this point
    truncated   the rule holds errors back: by hand and by autodiff (with
                `stop_gradient`) agree, and differ from the full gradient, as they
                should
    differs     the hand-written rule is wrong (or the function is not what it says);
                in a row "output": the function's value is not that of its plain form
"""

from typing import NamedTuple


EQUAL = "equal"
BOTH_ZERO = "both zero"
KINK = "kink"
TRUNCATED = "truncated"
DIFFERS = "differs"


class GradientError(Exception):
    """A hand-written gradient is wrong."""


class Row(NamedTuple):
    """One parameter, at its worst entry.

    Attributes:
        parameter: its path, as in "params.W"; or that of an output.
        entry: the index at which the three disagree most.
        by_hand: ∂L/∂ of the entry by the written rule; of an output, its value.
        by_autodiff: the same by JAX, of the plain form.
        by_differences: the same by finite differences.
        absolute: largest distance of by_hand from the other two.
        relative: the same over the parameter's largest gradient.
        verdict: one of those above.
    """

    parameter: str
    entry: tuple[int, ...]
    by_hand: float
    by_autodiff: float
    by_differences: float
    absolute: float
    relative: float
    verdict: str


class Report(NamedTuple):
    """All parameters of one check.

    Attributes:
        name: of what was checked.
        is_truncated: whether the rule says that it holds errors back.
        rows: one a parameter, and one an output that is not as it should be.
    """

    name: str
    is_truncated: bool
    rows: tuple[Row, ...]


def passed(report: Report) -> bool:
    """Tells whether the rule is right: no row differs.

    A rule that says it truncates must be seen to: some row must be truncated.

    Args:
        report: what an evaluation gave.
    """
    verdicts = [row.verdict for row in report.rows]
    return DIFFERS not in verdicts and report.is_truncated == (TRUNCATED in verdicts)


def require(report: Report) -> None:
    """Raises unless the rule is right.

    Args:
        report: what an evaluation gave.

    Raises:
        GradientError: with the parameter and index of each row that differs, and the
            whole table.
    """
    if passed(report):
        return
    wrong = [
        f"{row.parameter}{list(row.entry)}"
        for row in report.rows
        if row.verdict == DIFFERS
    ]
    if wrong:
        what = f"wrong at {', '.join(wrong)}"
    elif report.is_truncated:
        what = "said to be truncated, but equal to the full gradient"
    else:
        what = "truncated, without saying so"
    raise GradientError(f"{report.name}: {what}\n{table(report)}")


def table(report: Report) -> str:
    """Writes a report as lines of text, the parameters in order.

    Args:
        report: what an evaluation gave.
    """
    header = (
        "parameter",
        "worst at",
        "by hand",
        "autodiff",
        "differences",
        "absolute",
        "relative",
        "verdict",
    )
    lines: list[tuple[str, ...]] = [header]
    for row in report.rows:
        lines.append(
            (
                row.parameter,
                str(list(row.entry)),
                f"{row.by_hand:.9g}",
                f"{row.by_autodiff:.9g}",
                f"{row.by_differences:.9g}",
                f"{row.absolute:.1e}",
                f"{row.relative:.1e}",
                row.verdict,
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    body = "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )
    verdict = "passed" if passed(report) else "FAILED"
    return f"{report.name}: {verdict}\n{body}"
