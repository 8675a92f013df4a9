"""The benchmark's figures: time, and per cent of the GEMM, against T, H and B."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..results import can_draw, replace
from .peers import BASE
from .problem import Point
from .ratios import percent_of_gemm, timed
from .records import Record, point_of


NAMES = ("rnn_time.png", "rnn_percent.png")
AXES = {"steps": "T", "hidden": "H", "batch": "B"}
COLOURS = {
    BASE.name: "black",
    "jaxseq-states": "sienna",
    "jaxseq-outputs": "tab:pink",
    "jaxseq-chunked": "tab:brown",
    "jaxseq-sqrt": "plum",
    "jaxseq-sharded": "magenta",
    "jaxseq-plain": "tab:gray",
    "flax-linen": "tab:blue",
    "flax-nnx": "tab:cyan",
    "haiku": "tab:green",
    "equinox": "tab:olive",
    "keras": "tab:red",
    "torch": "tab:orange",
    "torch-graph": "gold",
    "cudnn": "tab:purple",
}


class Line(NamedTuple):
    """One contender in one panel."""

    name: str
    xs: list[int]
    ys: list[float]


def draw(folder: Path, results: Sequence[Record]) -> list[Path]:
    """Draws what the results hold; returns the paths.

    A panel shows what one size does, the other two fixed: where most points lie, in the
    middle of the grid if there is a choice.
    """
    measured = [record for record in results if timed(record)]
    if not measured:
        return []
    if not can_draw():
        return []
    time, percent = (folder / name for name in NAMES)
    _figure(time, measured, _milliseconds, "forward and backward, ms")
    _figure(percent, measured, percent_of_gemm, "% of the machine's GEMM")
    return [time, percent]


def lines(
    results: Sequence[Record], axis: str, value: Callable[[Record, str], float]
) -> tuple[str, list[Line]]:
    """Returns one panel: what is fixed, in words, and each contender's line.

    Args:
        results: of one cell.
        axis: a field of `Point`, the one that varies.
        value: of a record and a contender's name.
    """
    groups: dict[Point, list[Record]] = defaultdict(list)
    for record in results:
        groups[point_of(record)._replace(**{axis: 0})].append(record)
    most = max(map(len, groups.values()))
    fullest = [point for point, group in groups.items() if len(group) == most]
    fixed = min(fullest, key=lambda point: _octaves(point, _middle(results)))
    points = defaultdict(list)
    for record in groups[fixed]:
        for name in timed(record):
            x = getattr(point_of(record), axis)
            points[name].append((x, value(record, name)))
    others = [f"{AXES[a]} = {getattr(fixed, a)}" for a in AXES if a != axis]
    drawn = [
        Line(name, *map(list, zip(*sorted(points[name]), strict=True)))
        for name in points
    ]
    return ", ".join(others), drawn


def _middle(results: Sequence[Record]) -> dict[str, int]:
    """Returns the middle one of each size's values."""
    values = {a: sorted({getattr(point_of(r), a) for r in results}) for a in AXES}
    return {a: values[a][len(values[a]) // 2] for a in AXES}


def _octaves(point: Point, middle: dict[str, int]) -> float:
    """Returns how far a point is from the middle, over the sizes that it fixes."""
    fixed = (a for a in AXES if getattr(point, a))
    return sum(abs(math.log2(getattr(point, a) / middle[a])) for a in fixed)


def _milliseconds(record: Record, name: str) -> float:
    return 1e3 * record["contenders"][name]["backward"]["median"]


def _figure(path: Path, results: Sequence[Record], value, label: str) -> None:
    from matplotlib.figure import Figure

    by_cell = defaultdict(list)
    for record in results:
        by_cell[record["point"]["cell"]].append(record)
    varying = [
        axis for axis in AXES if len({getattr(point_of(r), axis) for r in results}) > 1
    ] or ["batch"]
    size = (1.5 + 3.2 * len(varying), 1.2 + 2.6 * len(by_cell))
    figure = Figure(figsize=(max(size[0], 7.0), size[1]), dpi=130, layout="constrained")
    panels = figure.subplots(len(by_cell), len(varying), squeeze=False)
    for row, (cell, records) in zip(panels, by_cell.items(), strict=True):
        for axes, axis in zip(row, varying, strict=True):
            _panel(axes, axis, *lines(records, axis, value))
            axes.set_title(f"{cell}, {axes.get_title()}", fontsize="small")
            if value is percent_of_gemm:
                axes.set_ylim(0, max(75, axes.get_ylim()[1]))
                axes.axhline(70, color="0.6", lw=0.8, ls=":")
            else:
                _plain_log_scale(axes)
        row[0].set_ylabel(label, fontsize="small")
    known = {}
    for axes in panels.flat:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            known.setdefault(name, handle)
    figure.legend(known.values(), known, loc="outside right center", fontsize="small")
    figure.suptitle(_where(results), fontsize="small")
    replace(path, lambda part: figure.savefig(part, format="png"))


def _panel(axes, axis: str, fixed: str, drawn: Sequence[Line]) -> None:
    from matplotlib.ticker import NullLocator, StrMethodFormatter

    for name, xs, ys in drawn:
        is_base = name == BASE.name
        axes.plot(
            xs,
            ys,
            marker="o" if is_base else ".",
            color=COLOURS.get(name, "gold"),
            lw=2.2 if is_base else 1.2,
            ls="-" if name in COLOURS else "--",
            zorder=3 if is_base else 2,
            label=name,
        )
    axes.set_title(fixed)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted({x for line in drawn for x in line.xs}))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(AXES[axis], fontsize="small")
    axes.tick_params(labelsize="small")
    axes.grid(alpha=0.3)


def _plain_log_scale(axes) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _where(results: Sequence[Record]) -> str:
    host = results[-1]["machine"]
    device = host["cpu"] if host["platform"] == "cpu" else host["device"]
    dtype = results[-1]["point"]["dtype"]
    busy = ", BUSY at some points" if any(r["busy"] for r in results) else ""
    return (
        f"{device}, {host['num_cores']} cores, {dtype}, "
        f"jax {host['versions'].get('jax', '?')}{busy}"
    )
