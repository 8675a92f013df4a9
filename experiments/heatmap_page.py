"""Alignment heatmaps as one page of HTML that needs nothing else, not even a network.

Each example is a table in the layout of Rush et al. 2015: the document's words down the
right, the summary along the top, dark is high. Pointing at a place, or moving to it by
Tab and the arrow keys, shows its number. Words are text wherever they stand: escaped.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from . import pages
from .heatmap import Alignment, summary_labels


STYLE = """
.map { overflow-x: auto; }
.map table { border-collapse: collapse; font-size: 13px; line-height: 1.1;
  overflow-wrap: normal; }
.map td { width: 21px; min-width: 21px; height: 21px; padding: 0;
  border: 1px solid #ddd; background-color: #fff; background-image: linear-gradient(
  rgb(0 0 0 / var(--w)), rgb(0 0 0 / var(--w))); }
.map td:hover, .map td:focus { outline: 3px solid #d95f02; outline-offset: -2px; }
.map th { font-weight: normal; white-space: nowrap; padding: 0 4px; }
.map thead th { vertical-align: bottom; padding: 4px 1px; }
/* Turned, not upright: some Chinese fonts have no heights of upright columns. */
.map thead span { display: inline-block; writing-mode: vertical-rl;
  white-space: nowrap; text-orientation: sideways; }
.map thead td { border: 0; background: none; }
.map tbody th { text-align: left; }
"""

HOW = """<p>Each column is the attention as its word was written, and sums to 1: white
is 0, black is 1. Point at a place, or move with Tab and the arrow keys, to read its
number. A word with * stands in the place of an unknown one.</p>"""


def page(title: str, examples: Mapping[int, Alignment], language: str = "en") -> str:
    """Returns the page.

    Args:
        title: its heading.
        examples: what to show, in this order, by its number.
        language: of the texts, such as "en" or "zh": browsers choose glyphs by it.
    """
    sections = [section(number, each) for number, each in examples.items()]
    body = "\n".join([HOW, *sections])
    return pages.frame(title, body, language=language, style=STYLE)


def write(
    path: Path, title: str, examples: Mapping[int, Alignment], language: str = "en"
) -> Path:
    """Writes the page, whole or not at all; returns its path."""
    return pages.write(path, page(title, examples, language))


def section(number: int, alignment: Alignment, heading: str = "h2") -> str:
    """Returns one example as HTML, for a page with `STYLE`.

    Args:
        number: of the example.
        alignment: the example.
        heading: the tag of its heading.
    """
    words = summary_labels(alignment)
    join = alignment.space.join
    texts = {"document": join(alignment.document), "summary": join(words)}
    if alignment.reference:
        texts["reference"] = alignment.reference
    listed = "".join(f"<dt>{k}</dt><dd>{escape(v)}</dd>" for k, v in texts.items())
    heads = "".join(
        f'<th scope="col"><span>{escape(word)}</span></th>' for word in words
    )
    rows = [
        _row(words, word, column, is_first=place == 0)
        for place, (word, column) in enumerate(
            zip(alignment.document, alignment.weights.T.tolist(), strict=True)
        )
    ]
    body = "\n".join(rows)
    return f"""<section>
<{heading}>{number}</{heading}>
<dl>{listed}</dl>
<p class="number" aria-live="polite"></p>
<div class="map"><table role="grid" data-marks
aria-label="attention of example {number}">
<thead><tr>{heads}<td></td></tr></thead>
<tbody>
{body}
</tbody></table></div>
</section>"""


def _row(
    words: Sequence[str], place: str, numbers: Sequence[float], is_first: bool
) -> str:
    cells = []
    for at, (word, number) in enumerate(zip(words, numbers, strict=True)):
        says = escape(f"{word} ← {place}: {number:.3f}")
        order = 0 if is_first and at == 0 else -1
        cells.append(
            f'<td role="gridcell" tabindex="{order}" data-n="{number:.6g}" '
            f'style="--w:{number:.3f}" aria-label="{says}"></td>'
        )
    return f'<tr data-row>{"".join(cells)}<th scope="row">{escape(place)}</th></tr>'
