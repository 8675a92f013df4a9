"""Ratios of times, taken within a point: time of the other / time of jaxseq.

Above 1 jaxseq is faster. Times of different points, or of different runs, are never
divided by each other: only what ran interleaved is compared.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .problem import Point
from .records import Record, point_of


class Ratio(NamedTuple):
    """How much longer another one takes at a point."""

    point: Point
    value: float


def timed(record: Record) -> dict[str, dict]:
    """Returns the contenders that were timed, by name."""
    return {
        name: entry
        for name, entry in record["contenders"].items()
        if "backward" in entry
    }


def ratio(record: Record, name: str, which: str = "backward") -> float:
    """Divides a contender's time by that of jaxseq in the same form.

    Args:
        record: of the point.
        name: of the contender, one of `timed`.
        which: "forward", or "backward" for both passes together.

    Returns:
        The ratio; NaN where jaxseq was not timed.
    """
    entry = record["contenders"][name]
    base = record["contenders"][entry["against"]]
    if which not in base:
        return math.nan
    return entry[which]["median"] / base[which]["median"]


def ratios(results: Sequence[Record], name: str, cell: str) -> list[Ratio]:
    """Returns a contender's ratios, both passes, at the points of a cell.

    None for jaxseq itself.
    """
    return [
        Ratio(point_of(record), ratio(record, name))
        for record in results
        if record["point"]["cell"] == cell and _is_comparable(record, name)
    ]


def geometric_mean(values: Iterable[float]) -> float:
    """Returns the mean that ratios have; NaN of nothing."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def percent_of_gemm(record: Record, name: str, which: str = "backward") -> float:
    """Returns a contender's GFLOP/s as per cent of the machine's own product."""
    return 100 * gflops(record, name, which) / record["gemm"]["jax"]


def gflops(record: Record, name: str, which: str = "backward") -> float:
    """Returns the textbook's operations by the time that they took."""
    seconds = record["contenders"][name][which]["median"]
    return 1e-9 * record["num_flops"][which] / seconds


def _is_comparable(record: Record, name: str) -> bool:
    there = timed(record)
    return name in there and there[name]["against"] in there.keys() - {name}
