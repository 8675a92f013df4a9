"""The result of an evaluation as a table, as lines with signatures, and as JSON.

The table and the lines are in per cent, as ROUGE is printed everywhere; JSON holds the
numbers themselves, 0 to 1.
"""

from typing import Any, NamedTuple

from jaxseq.summarize.rouge import bootstrap
from jaxseq.summarize.rouge.bootstrap import Interval, Resampling
from jaxseq.summarize.rouge.evaluation import Evaluation, signature, values
from jaxseq.summarize.rouge.metrics import Score


MEASURES = Score._fields


class Row(NamedTuple):
    """One number of a report.

    Attributes:
        metric: as "ROUGE-L".
        measure: "precision", "recall" or "f".
        signature: what the number is.
        interval: its mean and where that lies.
        difference: the same of its difference to a baseline, None without one.
    """

    metric: str
    measure: str
    signature: str
    interval: Interval
    difference: Interval | None


def rows(
    evaluation: Evaluation,
    baseline: Evaluation | None = None,
    resampling: Resampling = bootstrap.DEFAULT,
) -> list[Row]:
    """All numbers of an evaluation.

    Args:
        evaluation: of a system.
        baseline: of another one, for the same pairs, metrics and settings.
        resampling: how intervals are drawn.

    Returns:
        For each metric precision, recall and F.

    Raises:
        ValueError: naming the argument.
    """
    made = []
    for metric in evaluation.scores:
        table = values(evaluation, metric)
        found = bootstrap.intervals(table, resampling)
        differences: list[Interval | None] = [None] * len(MEASURES)
        if baseline is not None:
            theirs = values(baseline, metric)
            differences = [
                bootstrap.difference(x, y, resampling)
                for x, y in zip(table.T, theirs.T, strict=True)
            ]
        for measure, one, gap in zip(MEASURES, found, differences, strict=True):
            name = signature(evaluation, metric, measure)
            made.append(Row(metric, measure, name, one, gap))
    return made


def table(report: list[Row]) -> str:
    """A line for each metric: each measure with its interval, in per cent.

    Args:
        report: what an evaluation gave.
    """
    lines = [" " * 12 + "".join(f"{measure:<24}" for measure in MEASURES)]
    for metric in dict.fromkeys(row.metric for row in report):
        cells = (_cell(row.interval) for row in report if row.metric == metric)
        lines.append(f"{metric:<12}" + "".join(f"{cell:<24}" for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def quotations(report: list[Row], measure: str, resampling: Resampling) -> str:
    """A line for each metric that can stand by itself: signature, number, interval.

    Args:
        report: what an evaluation gave.
        measure: precision, recall or F.
        resampling: how the intervals are drawn.
    """
    level = f"{100 * resampling.level:g} %"
    how = f"({level}, {resampling.num_resamples} resamples, seed {resampling.seed})"
    lines = []
    for row in report:
        if row.measure != measure:
            continue
        lines.append(f"{row.signature} = {_cell(row.interval)} {how}")
        if row.difference is not None:
            paired = _cell(row.difference, sign="+")
            lines.append(f"    minus the baseline: {paired} (paired)")
    return "\n".join(lines)


def as_json(report: list[Row], resampling: Resampling) -> dict[str, Any]:
    """The report as what `json.dump` takes.

    Args:
        report: what an evaluation gave.
        resampling: how the intervals are drawn.
    """
    return {
        "scores": [
            {
                "metric": row.metric,
                "measure": row.measure,
                "signature": row.signature,
                **row.interval._asdict(),
                "difference": row.difference and row.difference._asdict(),
            }
            for row in report
        ],
        "interval": resampling._asdict(),
    }


def _cell(interval: Interval, sign: str = "") -> str:
    mean, low, high = (f"{100 * number:{sign}.2f}" for number in interval)
    return f"{mean} [{low}, {high}]"
