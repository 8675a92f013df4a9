"""Draws the worked example: the network unrolled over its steps, with every value.

Time runs to the right. From below: the input x_t, the state s_t, the output o_t, the
loss L_t with its target y_t. Forward values and arrows are blue, the errors that go
back along the same edges red; the sums over all steps stand in the bottom row.

Coordinates are pixels of the PNG, 1600 to a width. The SVG is the same from run to run:
its ids are hashed with a fixed salt, and it bears no date.
"""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from jaxseq.types import Array

from .worked_example import Backward, Example, Forward


_WIDTH, _HEIGHT, _DPI = 1600, 1150, 100
_BLUE, _RED, _INK, _GREY = "#1f4e8c", "#b3261e", "#222222", "#6b6b6b"
_PALE_BLUE, _PALE_RED, _PALE = "#e9f0fa", "#fcefed", "#f4f4f1"

_X = (406, 860, 1314)  # the columns, one a step
_X_S0, _S0_WIDTH = 84, 88
_Y_LOSS, _Y_OUTPUT, _Y_STATE, _Y_INPUT, _Y_SUMS = 972, 786, 572, 386, 132
_NODE_WIDTH, _NODE_HEIGHT = 236, 66
_LANE = 12  # from a column's middle to its forward and to its backward arrow

_STYLE: dict[Any, Any] = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "svg.fonttype": "path",
    "svg.hashsalt": "jaxseq",
}


def draw(
    folder: Path, example: Example, values: Forward, errors: Backward
) -> list[Path]:
    """Writes `unrolled.png` and `unrolled.svg`.

    Args:
        folder: where to; exists.
        example: the exercise, of three steps.
        values: of the forward pass.
        errors: of the backward pass.

    Returns:
        The paths of the two files.
    """
    paths = [folder / "unrolled.png", folder / "unrolled.svg"]
    # A context, so that the caller's own figures keep their style.
    with matplotlib.rc_context(_STYLE):
        figure = Figure((_WIDTH / _DPI, _HEIGHT / _DPI), dpi=_DPI, facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, _WIDTH), ylim=(0, _HEIGHT))
        axes.axis("off")
        _title(axes, values)
        for t in range(len(_X)):
            _edges(axes, values, errors, t)
            _nodes(axes, example, values, t)
        _sums(axes, errors)
        figure.savefig(paths[0], dpi=_DPI)
        figure.savefig(paths[1], metadata={"Date": None})
    return paths


def _title(axes, values):
    loss = _number(values.losses.sum())
    forward = (
        r"$s_t=\tanh(U x_t+W s_{t-1}+b_s),\quad o_t=\mathrm{softmax}(V s_t+b_o),$"
        rf"$\quad L=-\sum_t\,y_t^\mathsf{{T}}\,\log o_t={loss}$"
    )
    backward = (
        r"$\delta^o_t=o_t-y_t,\quad\delta_t="
        r"(V^\mathsf{T}\delta^o_t+W^\mathsf{T}\delta_{t+1})\odot(1-s_t^2)$"
    )
    _text(axes, 40, 1112, "Back-propagation through time", 23, _INK, "left")
    subtitle = "The lecture’s worked example, unrolled over its three steps"
    _text(axes, 40, 1068, subtitle, 14.5, _GREY, "left")
    for y, color, word, ends, equations in (
        (1112, _BLUE, "forward", (636, 690), forward),
        (1068, _RED, "backward", (690, 636), backward),
    ):
        _arrow(axes, (ends[0], y), (ends[1], y), color)
        _text(axes, 702, y, word, 14.5, color, "left")
        _text(axes, 802, y, equations, 14.5, color, "left")


def _nodes(axes, example, values, t):
    """Draws x_t, s_t, o_t, L_t and y_t, and before the first step s_0."""
    x, step = _X[t], t + 1
    loss = rf"$L_{step}={float(values.losses[t]):.5f}$"
    _box(axes, x, _Y_LOSS, 150, 46, _PALE_BLUE, _BLUE, round_by=20)
    _text(axes, x, _Y_LOSS, loss, 15, _BLUE)
    _arrow(axes, (x - 118, _Y_LOSS), (x - 77, _Y_LOSS), _GREY)
    target = rf"$y_{step}=({_integers(example.ys[t])})$"
    _text(axes, x - 124, _Y_LOSS, target, 14, _INK, "right")
    _node(axes, x, _Y_OUTPUT, rf"$o_{step}$", _row(values.outputs[t]), _BLUE)
    _node(axes, x, _Y_STATE, rf"$s_{step}$", _row(values.states[t]), _BLUE)
    _node(axes, x, _Y_INPUT, rf"$x_{step}$", f"({_integers(example.xs[t])})", _INK)
    if t == 0:
        first = f"({_integers(example.s_0)})"
        _node(axes, _X_S0, _Y_STATE, r"$s_0$", first, _INK, width=_S0_WIDTH)


def _edges(axes, values, errors, t):
    """Draws the arrows into step t, forward and back, with what they carry."""
    x, step = _X[t], t + 1
    half = _NODE_HEIGHT / 2
    edges = (
        (
            (_Y_OUTPUT + half, _Y_LOSS - 23),
            ("cross-entropy", ""),
            (rf"$\delta^o_{step}=o_{step}-y_{step}$  (BP1)", errors.output_deltas),
        ),
        (
            (_Y_STATE + half, _Y_OUTPUT - half),
            (rf"$V s_{step}+b_o$", _row(values.logits[t])),
            (rf"$V^\mathsf{{T}}\delta^o_{step}$", errors.d_from_output),
        ),
        (
            (_Y_INPUT + half, _Y_STATE - half),
            (rf"$U x_{step}+b_s$", _row(values.projected[t])),
            (rf"$\delta_{step}$  (BP2)", errors.state_deltas),
        ),
    )
    for (low, high), forward, (name, deltas) in edges:
        _arrow(axes, (x - _LANE, low), (x - _LANE, high), _BLUE)
        _arrow(axes, (x + _LANE, high), (x + _LANE, low), _RED)
        y, backward = (low + high) / 2, (name, _row(deltas[t]))
        _carried(axes, x - _LANE - 14, y, forward, _BLUE, "right")
        _carried(axes, x + _LANE + 14, y, backward, _RED, "left")
    _recurrence(axes, values, errors, t)


def _recurrence(axes, values, errors, t):
    """Draws the arrows between s_{t-1} and s_t."""
    step = t + 1
    start = _X[t - 1] + _NODE_WIDTH / 2 if t else _X_S0 + _S0_WIDTH / 2
    end = _X[t] - _NODE_WIDTH / 2
    middle = (start + end) / 2
    _arrow(axes, (start, _Y_STATE + _LANE), (end, _Y_STATE + _LANE), _BLUE)
    recurrent = rf"$W s_{step - 1}$"
    _text(axes, middle, _Y_STATE + 54, recurrent, 14.5, _BLUE)
    _text(axes, middle, _Y_STATE + 31, _row(values.recurrent[t]), 13, _BLUE)
    if t:
        _arrow(axes, (end, _Y_STATE - _LANE), (start, _Y_STATE - _LANE), _RED)
        back = rf"$W^\mathsf{{T}}\delta_{step}$  (BP2T)"
        _text(axes, middle, _Y_STATE - 54, back, 14.5, _RED)
        row = _row(errors.d_from_next[t - 1])
        _text(axes, middle, _Y_STATE - 31, row, 13, _RED)


def _sums(axes, errors):
    """Draws the gradients, each with the sum that it is."""
    cell, readout = errors.gradients
    boxes = (
        (40, 400, r"$\nabla U=\sum_t\,\delta_t\,x_t^\mathsf{T}$", "BP4U", cell.U),
        (460, 300, r"$\nabla W=\sum_t\,\delta_t\,s_{t-1}^\mathsf{T}$", "BP4W", cell.W),
        (780, 200, r"$\nabla b_s=\sum_t\,\delta_t$", "BP3", cell.b[:, None]),
        (
            1000,
            300,
            r"$\nabla V=\sum_t\,\delta^o_t\,s_t^\mathsf{T}$",
            "BP4V",
            readout.V,
        ),
        (1320, 240, r"$\nabla b_o=\sum_t\,\delta^o_t$", "BP3", readout.b[:, None]),
    )
    _text(
        axes, 40, _Y_SUMS + 134, "Gradients, summed over the steps", 14.5, _RED, "left"
    )
    for left, width, equation, name, total in boxes:
        middle = left + width / 2
        _box(axes, middle, _Y_SUMS, width, 212, _PALE_RED, _RED, round_by=10)
        _text(axes, left + 16, _Y_SUMS + 76, equation, 15, _RED, "left")
        _text(axes, left + width - 16, _Y_SUMS + 76, name, 13, _GREY, "right")
        _matrix(axes, middle, _Y_SUMS - 28, total)


def _matrix(axes, x, y, rows):
    """Writes a matrix between square brackets, its middle at (x, y)."""
    num_rows, num_columns = rows.shape
    width, height = 98, 34
    margin = 12 if (rows < 0).any() else 19  # a minus needs room on the left
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            # Right-aligned, so that the points stand below each other.
            edge = x + (j + 1 - num_columns / 2) * width - margin
            line = y + ((num_rows - 1) / 2 - i) * height
            _text(axes, edge, line, _number(value), 15, _INK, "right")
    side, top = num_columns * width / 2, num_rows * height / 2
    for sign in (-1, 1):
        out, inside = x + sign * side, x + sign * (side - 8)
        axes.plot(
            (inside, out, out, inside),
            (y - top, y - top, y + top, y + top),
            color=_INK,
            linewidth=1.3,
        )


def _node(axes, x, y, name, value, color, width=_NODE_WIDTH):
    fill = _PALE_BLUE if color == _BLUE else _PALE
    _box(axes, x, y, width, _NODE_HEIGHT, fill, color, round_by=10)
    _text(axes, x, y + 13, name, 17, color)
    _text(axes, x, y - 15, value, 13.5, color)


def _carried(axes, x, y, name_and_value, color, align):
    """Writes what a vertical arrow carries: its name over its value."""
    name, value = name_and_value
    _text(axes, x, y + 13, name, 14.5, color, align)
    _text(axes, x, y - 13, value, 13, color, align)


def _box(axes, x, y, width, height, fill, edge, round_by):
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle=f"round,pad=0,rounding_size={round_by}",
            facecolor=fill,
            edgecolor=edge,
            linewidth=1.3,
        )
    )


def _arrow(axes, start, end, color):
    head = "-|>,head_width=0.22,head_length=0.5"
    line = dict(arrowstyle=head, color=color, linewidth=1.6, shrinkA=0, shrinkB=0)
    axes.annotate("", xy=end, xytext=start, arrowprops=line)


def _text(axes, x, y, text, size, color, align="center"):
    axes.text(x, y, text, size=size, color=color, ha=align, va="center")


def _row(values: Array) -> str:
    return f"({', '.join(map(_number, values))})"


def _number(value: Array) -> str:
    """Writes a number to 5 digits, with a typographer's minus."""
    return f"{float(value):z.5f}".replace("-", "−")


def _integers(values: Array) -> str:
    return ", ".join(f"{float(value):g}" for value in values)
