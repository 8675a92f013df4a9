"""Curves over updates, within a page: an SVG with a number at every point, a legend.

Points are marks of `experiments.pages`: pointing at one, or moving to it by Tab and the
arrow keys, shows its number. Nothing is drawn by matplotlib, so that the page can be
made without it.
"""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple


STYLE = """
.curves { --c0: #5a5e66; --c1: #1f4e8c; --c2: #b3261e; max-width: 44rem; }
@media (prefers-color-scheme: dark) { .curves { --c0: #b4b8bf; --c1: #94bdf5;
  --c2: #ff9d94; } }
.curves ul { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; margin: 0 0 .4rem;
  padding: 0; list-style: none; font-size: .85rem; }
.curves li::before { content: ""; display: inline-block; width: 1.5rem;
  margin-right: .5rem; vertical-align: .25em; border-top: .2rem solid var(--c); }
.curves li.level::before { border-top: .15rem dashed var(--c); }
.curves svg { display: block; width: 100%; font: 13px system-ui, sans-serif; }
@media (max-width: 30rem) { .curves svg { font-size: 18px; } }
.curves text { fill: var(--ink); font-variant-numeric: tabular-nums; }
.curves .grid { stroke: var(--line); } .curves .axis { stroke: var(--soft); }
.curves polyline { fill: none; stroke-width: 2; stroke: var(--c); }
.curves .dot { fill: var(--c); }
.curves line.level { stroke: var(--c); stroke-width: 2; stroke-dasharray: 7 5; }
.curves [data-n] { fill: transparent; outline: none; }
.curves [data-n]:hover, .curves [data-n]:focus { fill: var(--c); }
"""

_WIDTH, _HEIGHT = 560, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 530, 34, 308  # of the axes


class Curve(NamedTuple):
    """A line of points, at most some hundred."""

    name: str
    points: Sequence[Sequence[float]]  # (x, y)


class Scale(NamedTuple):
    """How values become heights."""

    height: Callable[[float], float]  # increasing
    ticks: Callable[[float, float], list[float]]  # from the lowest and highest value


def _round_steps(low: float, high: float) -> list[float]:
    """Returns two to seven round numbers of one distance within."""
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(power * n for n in (1, 2, 5, 10) if span / (power * n) <= 6)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Returns 1, 2, 5, 10, ... within; only 1, 10, ... if many are; others if few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for numbers in ((1, 2, 5), (1,)):
        ticks = [n * 10.0**power for power in powers for n in numbers]
        within = [tick for tick in ticks if low <= tick <= high]
        if len(within) <= 8:
            break
    return within if len(within) >= 3 else _round_steps(low, high)


LINEAR = Scale(lambda value: value, _round_steps)
LOG = Scale(math.log, _decades)  # for values above 0


def chart(
    label: str,
    x_label: str,
    y_label: str,
    curves: Sequence[Curve],
    scale: Scale = LINEAR,
    level: tuple[str, float] | None = None,
) -> str:
    """Returns the legend and the curves as HTML, as wide as there is room.

    Args:
        label: what the drawing is of, for who cannot see it.
        x_label: of the axis along the bottom.
        y_label: of the axis up the left side.
        curves: at most two, with one point or more in all.
        scale: of the axis up the left side.
        level: the name and the height of a horizontal line.

    Raises:
        ValueError: if there is no finite point.
    """
    kept = [
        Curve(name, [p for p in points if all(map(math.isfinite, p))])
        for name, points in curves
    ]
    xs = [p[0] for curve in kept for p in curve.points]
    ys = [p[1] for curve in kept for p in curve.points]
    if not xs:
        raise ValueError(f"curves: expected one point or more, got none of {label}")
    if level:
        ys.append(level[1])
    least, most = _apart(min(ys), max(ys))
    low, high = scale.height(least), scale.height(most)
    margin = 0.04 * (high - low)
    low, high = low - margin, high + margin
    left, right = _apart(min(0.0, *xs), max(xs))

    def x_of(x: float) -> float:
        return _LEFT + (x - left) / (right - left) * (_RIGHT - _LEFT)

    def y_of(y: float) -> float:
        return _BOTTOM - (scale.height(y) - low) / (high - low) * (_BOTTOM - _TOP)

    x_ticks = _round_steps(left, right)
    y_ticks = scale.ticks(least, most)
    parts = [
        *(_rule(_LEFT, y_of(tick), _RIGHT, y_of(tick), "grid") for tick in y_ticks),
        *(_text(_LEFT - 8, y_of(tick) + 4, _short(tick), "end") for tick in y_ticks),
        *(_text(x_of(tick), _BOTTOM + 19, _short(tick)) for tick in x_ticks),
        _rule(_LEFT, _BOTTOM, _RIGHT, _BOTTOM, "axis"),
        _text((_LEFT + _RIGHT) / 2, _BOTTOM + 42, x_label),
        _text(4, 14, y_label, "start"),
    ]
    if level:
        y = y_of(level[1])
        line = _rule(_LEFT, y, _RIGHT, y, "level")
        parts.append(f'<g style="--c: var(--c2)">{line}</g>')
    for number, (name, points) in enumerate(kept):
        at = [(x_of(x), y_of(y)) for x, y in points]
        says = [f"{name}, {x:,.6g}: {y:,.5g}" for x, y in points]
        values = [y for _, y in points]
        parts.append(_curve(number, at, values, says))
    body = "".join(parts)
    view = f'viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    legend = _legend([curve.name for curve in kept], level[0] if level else None)
    # A group, not an image: the points in it can be reached.
    return (
        f'<div class="curves">{legend}<svg {view} role="group" '
        f'aria-label="{escape(label)}" data-marks>{body}</svg></div>'
    )


def _apart(low: float, high: float) -> tuple[float, float]:
    """Widens a range whose ends could not be told apart on an axis."""
    size = max(abs(low), abs(high))
    if high - low > 1e-3 * size:
        return low, high
    room = 0.1 * size or 1.0
    return low - room, high + room


def _curve(number, at, values, says):
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    # Few points are measurements of their own, and seen as such.
    dots = at if len(at) <= 20 else []
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" role="img" data-n="{value:.6g}" '
        f'tabindex="{0 if number == place == 0 else -1}" '
        f'aria-label="{escape(words)}"><title>{escape(words)}</title></circle>'
        for place, ((x, y), value, words) in enumerate(
            zip(at, values, says, strict=True)
        )
    )
    drawn = "".join(
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in dots
    )
    return (
        f'<g data-row style="--c: var(--c{number})"><polyline points="{line}"/>'
        f"{drawn}{marks}</g>"
    )


def _legend(names, level):
    """Lists the names: beside each other where there is room, else below."""
    listed = [
        f'<li style="--c: var(--c{number})">{escape(name)}</li>'
        for number, name in enumerate(names)
    ]
    if level is not None:
        listed.append(f'<li class="level" style="--c: var(--c2)">{escape(level)}</li>')
    return f"<ul>{''.join(listed)}</ul>"


def _rule(x1, y1, x2, y2, kind):
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line class="{kind}" {ends}/>'


def _text(x, y, text, anchor="middle"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(value: float) -> str:
    return f"{value:,.6g}"
