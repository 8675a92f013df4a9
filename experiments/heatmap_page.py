"""Alignment heatmaps as one page of HTML that needs nothing else, not even a network.

Each example is a table in the layout of Rush et al. 2015: the document's words down the
right, the summary along the top, dark is high. Pointing at a place, or moving to it by
Tab and the arrow keys, shows its number. Words are text wherever they stand: escaped.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from experiments import results
from experiments.heatmap import COPIED, Alignment, summary_labels


_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.45 system-ui, "Noto Sans CJK SC", "PingFang SC",
  "Microsoft YaHei", sans-serif; color: #1a1a1a; background: #fff;
  max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 2.5rem 0 .3rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem;
  margin: 0; }
dt { color: #595959; } dd { margin: 0; }
.number { min-height: 1.5em; margin: .6rem 0 .2rem; font-variant-numeric: tabular-nums;
  position: sticky; top: 0; background: #fff; z-index: 1; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; line-height: 1.1;
  overflow-wrap: normal; }
td { width: 21px; min-width: 21px; height: 21px; padding: 0; border: 1px solid #ddd;
  background: rgb(0 0 0 / var(--w)); }
td:hover, td:focus { outline: 3px solid #d95f02; outline-offset: -2px; }
th { font-weight: normal; white-space: nowrap; padding: 0 4px; }
thead th { vertical-align: bottom; padding: 4px 1px; }
/* Turned, not upright: some Chinese fonts have no heights of upright columns. */
thead span { display: inline-block; writing-mode: vertical-rl; white-space: nowrap;
  text-orientation: sideways; }
thead td, tr.gap td { border: 0; background: none; }
tbody th { text-align: left; } tr.gap td { height: 8px; }
tr.copied th { color: #595959; font-style: italic; }
"""

# One place of a table takes part in Tab's order; the arrow keys move from there.
_SCRIPT = """
for (const table of document.querySelectorAll("table")) {
  const output = table.closest("section").querySelector(".number");
  const rows = [...table.tBodies[0].rows]
    .map(row => [...row.querySelectorAll("td[data-n]")]).filter(row => row.length);
  const show = cell => { output.textContent = cell.getAttribute("aria-label"); };
  table.addEventListener("mouseover", e => e.target.dataset.n && show(e.target));
  table.addEventListener("focusin", e => e.target.dataset.n && show(e.target));
  table.addEventListener("keydown", e => {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0],
      ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[e.key], y = rows.findIndex(r => r.includes(e.target));
    if (!move || y < 0) return;
    const x = rows[y].indexOf(e.target);
    const next = rows[y + move[0]]?.[x + move[1]];
    e.preventDefault();
    if (!next) return;
    e.target.tabIndex = -1; next.tabIndex = 0; next.focus();
  });
}
"""

_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
 style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<p>Each column is the attention as its word was written, and sums to 1: white is 0,
black is 1. Point at a place, or move with Tab and the arrow keys, to read its number. A
word with * stands in the place of an unknown one.</p>
{examples}
<script>{script}</script>
</body>
</html>
"""


def page(title: str, examples: Sequence[Alignment], language: str = "en") -> str:
    """Returns the page.

    Args:
        title: its heading.
        examples: what to show, in this order.
        language: of the texts, such as "en" or "zh": browsers choose glyphs by it.
    """
    sections = [_section(number, each) for number, each in enumerate(examples, start=1)]
    return _PAGE.format(
        language=escape(language),
        title=escape(title),
        style=_STYLE,
        script=_SCRIPT,
        examples="\n".join(sections),
    )


def write(
    path: Path, title: str, examples: Sequence[Alignment], language: str = "en"
) -> Path:
    """Writes the page, whole or not at all; returns its path."""
    text = page(title, examples, language)
    return results.replace(path, lambda part: part.write_text(text, "utf-8"))


def _section(number: int, alignment: Alignment) -> str:
    words = summary_labels(alignment)
    texts = {"document": " ".join(alignment.document), "summary": " ".join(words)}
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
    if alignment.copied is not None:
        rows.append(f'<tr class="gap"><td colspan="{len(words) + 1}"></td></tr>')
        row = _row(words, COPIED, alignment.copied, is_first=False)
        rows.append(row.replace("<tr>", '<tr class="copied">', 1))
    body = "\n".join(rows)
    return f"""<section>
<h2>{number}</h2>
<dl>{listed}</dl>
<p class="number" aria-live="polite"></p>
<div class="scroll"><table role="grid" aria-label="attention of example {number}">
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
    return f'<tr>{"".join(cells)}<th scope="row">{escape(place)}</th></tr>'
