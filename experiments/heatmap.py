"""The alignment heatmap: which words of the document each word of a summary came from.

The layout is that of Figure 1 of Rush et al. 2015: the document's words down the
right-hand side, the summary along the top, dark is high; each column is the attention
as that word was written, and sums to 1. The shades go from 0 to 1, whatever a figure's
largest number is, so that figures compare.

A word with * stands in the place of an unknown one. A model that smooths its values
(ABS) may attend one or two words beside the one it writes.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxseq.checks import describe, expect

from . import results
from .fonts import font_for


TOLERANCE = 1e-3  # of a column's sum: attention may have been taken in bfloat16
_CELL, _LETTER, _MARGIN = 0.26, 0.09, 0.8  # inches: of a place, of a letter, around
_NAME = re.compile(r"heatmap_(\d\d|[1-9]\d\d)\.(json|png|svg)")


class Alignment(NamedTuple):
    """A summary and the attention with which it was written.

    Attributes:
        document: M words.
        summary: T words.
        weights: `[T, M]`, rows sum to 1.
        is_replaced: T, whether a word stands in the place of an unknown one.
        reference: the summary that a person wrote, to show beside it.
        space: stands between two words of a text; "" where they are characters.
    """

    document: tuple[str, ...]
    summary: tuple[str, ...]
    weights: np.ndarray
    is_replaced: tuple[bool, ...]
    reference: str = ""
    space: str = " "


def align(
    document: Sequence[str],
    summary: Sequence[str],
    weights: np.ndarray,
    is_replaced: Sequence[bool] | None = None,
    reference: str = "",
    space: str = " ",
) -> Alignment:
    """Cuts the padding off an attention matrix, and checks what is left.

    Args:
        document: M words, 1 or more.
        summary: T words, 1 or more.
        weights: `[≥ T, ≥ M]` attention, 0 on padding.
        is_replaced: `[T]`; none is, by default.
        reference: a summary to show beside it.
        space: between two words of a text.

    Raises:
        ValueError: naming the argument.
    """
    T, M = len(summary), len(document)
    for argument, words in (("document", document), ("summary", summary)):
        is_words = not isinstance(words, str) and len(words) > 0
        expect(is_words, argument, "a list of words, 1 or more", repr(words)[:40])
    weights = np.asarray(weights)
    fits = weights.ndim == 2 and weights.shape[0] >= T and weights.shape[1] >= M
    expect(fits, "weights", f"shape [{T}, {M}] or more", describe(weights))
    weights = weights.astype(np.float64)
    is_beyond = np.ones(weights.shape, bool)
    is_beyond[:T, :M] = False
    largest = np.max(np.abs(weights[is_beyond]), initial=0.0)
    expect(largest == 0, "weights", f"0 beyond [{T}, {M}]", largest)
    weights = weights[:T, :M].copy()
    is_in_range = (weights >= 0) & (weights <= 1 + TOLERANCE)
    expect(bool(is_in_range.all()), "weights", "numbers in 0 to 1", _first(weights))
    sums = weights.sum(1)
    is_one = np.abs(sums - 1) <= TOLERANCE
    wrong = sums[~is_one][:1]
    expect(bool(is_one.all()), "weights", "a sum of 1 at each word", wrong)
    marks = [False] * T if is_replaced is None else [bool(mark) for mark in is_replaced]
    expect(len(marks) == T, "is_replaced", f"{T} of them", len(marks))
    words = (tuple(document), tuple(summary))
    return Alignment(*words, weights, tuple(marks), reference, space)


def _first(weights):
    """Returns the number that is farthest from 0 … 1, NaN before all."""
    return weights.flat[np.argmax(np.abs(weights - 0.5))]


def summary_labels(alignment: Alignment) -> list[str]:
    """Returns the words of the summary, with * where one replaced an unknown word."""
    marks = zip(alignment.summary, alignment.is_replaced, strict=True)
    return [word + "*" * is_replaced for word, is_replaced in marks]


def draw(axes: Any, alignment: Alignment, font: str) -> None:
    """Draws `[M, T]` on matplotlib's axes, in the layout of Rush et al."""
    rows = alignment.weights.T
    axes.imshow(rows, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks(np.arange(rows.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#cccccc", linewidth=0.4)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    _label(axes.xaxis, summary_labels(alignment), font, "top")
    _label(axes.yaxis, alignment.document, font, "right")


def _label(axis, labels, font, side):
    axis.set_ticks(range(len(labels)), labels, parse_math=False, family=font)
    axis.set_ticks_position(side)
    axis.set_tick_params(which="both", length=0, labelsize=9)
    is_long = max(map(len, labels)) > 2  # Chinese words often are not: left upright
    if side == "top" and is_long:
        axis.set_tick_params(rotation=90)


def name_of(number: int) -> str:
    """Returns the name of an example's files, without ending."""
    return f"heatmap_{number:02}"


def number_of(path: Path) -> int:
    """Returns the number of the example that a file of `name_of` shows."""
    return int(path.stem.removeprefix("heatmap_"))


def find(folder: Path) -> list[Path]:
    """Returns the files that `write` may have written into a folder, by number."""
    files = [path for path in folder.glob("heatmap_*") if _NAME.fullmatch(path.name)]
    return sorted(filter(Path.is_file, files), key=number_of)


def remove_others(folder: Path, written: Sequence[Path]) -> None:
    """Removes the heatmaps of a folder that are not among those written.

    Args:
        folder: of the results.
        written: files that stay.
    """
    for path in find(folder):
        if path not in written:
            path.unlink()


def write(folder: Path, number: int, alignment: Alignment) -> list[Path]:
    """Writes the numbers, and the figure as PNG and SVG where it can be drawn.

    Without matplotlib, or a font that has the words' characters, it says so and writes
    the numbers only.

    Args:
        folder: where to; exists.
        number: of the example: it names the files.
        alignment: what to draw.

    Returns:
        The files.
    """
    name = name_of(number)
    numbers = alignment._replace(weights=alignment.weights.tolist())._asdict()
    written = [results.write_json(folder / f"{name}.json", numbers)]
    if not results.can_draw():
        return written
    import matplotlib
    from matplotlib.figure import Figure

    text = "".join((*alignment.document, *alignment.summary, "*"))
    font = font_for(text)
    if font is None:
        print("no heatmap: no font has these words' characters", file=sys.stderr)
        return written
    down, along = len(alignment.document), len(alignment.summary)
    longest = max(map(len, (*alignment.document, *alignment.summary)))
    sides = _MARGIN + _LETTER * longest
    figure = Figure((along * _CELL + sides, down * _CELL + sides))
    draw(figure.add_subplot(), alignment, font)
    # A context, so that the caller's own figures keep their style.
    with matplotlib.rc_context({"svg.hashsalt": "jaxseq"}):
        for ending, metadata in (("png", None), ("svg", {"Date": None})):

            def save(part, ending=ending, metadata=metadata):
                figure.savefig(
                    part,
                    format=ending,
                    dpi=150,
                    bbox_inches="tight",
                    metadata=metadata,
                )

            written.append(results.replace(folder / f"{name}.{ending}", save))
    return written
