"""The figures that jaxseq means to reach, judged by results: reached, missed, unknown.

They are meant for the full grid on an idle machine of two cores, in float32; the last
ones for a GPU.
"""

import json
import math
from collections.abc import Sequence
from typing import NamedTuple

from .peers import BASE, cudnn
from .problem import Point
from .ratios import (
    Ratio,
    geometric_mean,
    percent_of_gemm,
    ratios,
    timed,
)
from .records import Record, point_of


JAX_PEERS = ("jaxseq-plain", "flax-linen", "flax-nnx", "haiku", "equinox", "keras")
CELLS = ("lstm", "gru", "elman")
H100_POINT = Point("lstm", batch=16, hidden=768, steps=1024, dtype="bfloat16")


class Goal(NamedTuple):
    """A figure to reach, and what was found."""

    text: str
    found: str
    is_reached: bool | None  # None where nothing was measured to judge it by


def judge(results: Sequence[Record]) -> list[Goal]:
    """Judges all goals.

    Args:
        results: of the points that were measured, none left out.
    """
    by_peer = {name: _all_cells(results, name) for name in JAX_PEERS}
    on_gpu = [r for r in results if r["machine"]["platform"] == "gpu"]
    return [
        _at_least(
            "never under 0.95 of the best JAX peer",
            0.95,
            _best(by_peer | {cudnn.PEER.name: _all_cells(results, cudnn.PEER.name)}),
        ),
        *(
            _mean_at_least(f"{name}, mean at least 1.5", 1.5, found)
            for name, found in by_peer.items()
        ),
        *_torch(results),
        _at_least(
            "70 % of the GEMM at B >= 32, H >= 256", 70, _percents(results), "{:.0f} %"
        ),
        _at_most("compiles in 1.2 of the plain scan's time", 1.2, _compiling(results)),
        _at_most("compiling flat in T, within 1.2", 1.2, _flatness(results)),
        _at_most("memory at most 0.5 of flax-linen's", 0.5, _memory(results)),
        _at_most(
            "jaxseq-chunked: memory at most 0.5 of flax-linen's",
            0.5,
            _memory(results, "jaxseq-chunked"),
        ),
        *(
            _at_most(
                f"{name}: at most 1.25 of the time", 1.25, _all_cells(results, name)
            )
            for name in ("jaxseq-chunked", "jaxseq-states")
        ),
        *_gpu(on_gpu),
    ]


def _torch(results: Sequence[Record]) -> list[Goal]:
    lstm, gru, elman = (ratios(results, "torch", cell) for cell in CELLS)
    return [
        _mean_at_least("torch nn.LSTM, mean at least 1.0", 1.0, lstm),
        _at_least("torch nn.LSTM, no point under 0.7", 0.7, lstm),
        _mean_at_least("torch nn.GRU, mean at least 1.3", 1.3, gru),
        _mean_at_least("torch nn.RNN, mean at least 1.3", 1.3, elman),
    ]


def _gpu(results: Sequence[Record]) -> list[Goal]:
    if not results:
        return []
    milliseconds = [
        Ratio(H100_POINT, 1e3 * timed(record)[BASE.name]["backward"]["median"])
        for record in results
        if point_of(record) == H100_POINT and BASE.name in timed(record)
    ]
    flax = _all_cells(results, "flax-linen") + _all_cells(results, "flax-nnx")
    return [
        _at_most("bfloat16, 26 ms (meant for an H100)", 26, milliseconds, "{:.1f} ms"),
        _at_least("on a GPU, at least 1.5 of Flax everywhere", 1.5, flax),
    ]


def _all_cells(results: Sequence[Record], name: str) -> list[Ratio]:
    return [found for cell in CELLS for found in ratios(results, name, cell)]


def _best(by_peer: dict[str, list[Ratio]]) -> list[Ratio]:
    """Returns the ratio to the fastest of the others at each point."""
    best: dict[Point, float] = {}
    for found in by_peer.values():
        for point, value in found:
            best[point] = min(value, best.get(point, math.inf))
    return [Ratio(point, value) for point, value in best.items()]


def _percents(results: Sequence[Record]) -> list[Ratio]:
    return [
        Ratio(point, percent_of_gemm(record, BASE.name))
        for record in results
        for point in [point_of(record)]
        if point.batch >= 32 and point.hidden >= 256 and BASE.name in timed(record)
    ]


def _compiling(results: Sequence[Record]) -> list[Ratio]:
    return _costs(results, "jaxseq-plain", ("compile_seconds",))


def _memory(results: Sequence[Record], own: str = BASE.name) -> list[Ratio]:
    return _costs(results, "flax-linen", ("temp", "output"), own)


def _costs(
    results: Sequence[Record], name: str, keys: Sequence[str], own: str = BASE.name
) -> list[Ratio]:
    """Divides what jaxseq's two passes cost by what they cost another."""
    found = []
    for record in results:
        there = timed(record)
        costs = [there.get(who, {}).get("backward", {}) for who in (own, name)]
        # Some devices do not tell how much memory a program takes.
        if all(key in cost for cost in costs for key in keys):
            ours, theirs = (sum(cost[key] for key in keys) for cost in costs)
            found.append(Ratio(point_of(record), ours / theirs))
    return found


def _flatness(results: Sequence[Record]) -> list[Ratio]:
    """Divides the time to compile the longest by that of the shortest sequence.

    Of one machine, its versions and one commit only.
    """
    groups: dict[tuple[Point, str], list[tuple[int, float]]] = {}
    for record in results:
        point, there = point_of(record), timed(record)
        if BASE.name in there:
            seconds = there[BASE.name]["backward"]["compile_seconds"]
            about = json.dumps([record["machine"], record["commit"]], sort_keys=True)
            group = groups.setdefault((point._replace(steps=0), about), [])
            group.append((point.steps, seconds))
    return [
        Ratio(point._replace(steps=max(group)[0]), max(group)[1] / min(group)[1])
        for (point, _), group in groups.items()
        if len(group) > 1
    ]


def _mean_at_least(text: str, limit: float, found: Sequence[Ratio]) -> Goal:
    if not found:
        return Goal(text, "not measured", None)
    mean = geometric_mean(ratio.value for ratio in found)
    return Goal(text, f"{mean:.2f} over {len(found)} points", mean >= limit)


def _at_least(
    text: str, limit: float, found: Sequence[Ratio], form: str = "{:.2f}"
) -> Goal:
    return _all_within(text, found, [r.value - limit for r in found], form)


def _at_most(
    text: str, limit: float, found: Sequence[Ratio], form: str = "{:.2f}"
) -> Goal:
    return _all_within(text, found, [limit - r.value for r in found], form)


def _all_within(
    text: str, found: Sequence[Ratio], margins: Sequence[float], form: str
) -> Goal:
    """Judges a goal that each point must reach, by the margins that each one has."""
    if not found:
        return Goal(text, "not measured", None)
    worst = found[margins.index(min(margins))]
    num_missed = sum(margin < 0 for margin in margins)
    where = (
        f"{worst.point.cell} B {worst.point.batch} T {worst.point.steps} "
        f"H {worst.point.hidden}"
    )
    missed = f"; {num_missed} of {len(found)} points miss it" if num_missed else ""
    return Goal(text, f"{form.format(worst.value)} at {where}{missed}", not num_missed)
