"""What the pages of results share: their frame, their style, figures, tables, marks.

A page is one file of HTML that needs no network, not even for its figures: its content
security policy lets it load nothing from elsewhere. It fits a phone's width: what is
wider scrolls in a box of its own. Words are text wherever they stand: escaped.

Marks are places with a number: of a heatmap, of a curve, of a map. Pointing at one,
touching it, or moving to it by Tab and the arrow keys, shows what it says in the
`.number` of its section. In HTML:

    <section>... <p class="number" aria-live="polite"></p>
    <any data-marks> <any data-row> <any data-n="0.5" aria-label="what it says">

One with `data-near="3 7"` is then of the class "now", and the marks with these numbers
are of the class "near".
"""

import base64
import mimetypes
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from . import results


_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA = re.compile(r"[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_HANGUL = re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1a1a; --soft: #595959;
  --line: #ddd; --wrong: #b3261e; --link: #1f4e8c; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e6e7e9;
  --soft: #a9aeb6; --line: #3a3e45; --wrong: #ff9d94; --link: #94bdf5; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei",
  sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem;
  margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .4rem; } h3 { font-size: 1.05rem; }
a { color: var(--link); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem;
  margin: 0; }
dt, .how { color: var(--soft); } dd { margin: 0; } .how { font-size: .85rem; }
pre { white-space: pre-wrap; font-size: .85rem; }
.number { min-height: 1.5em; margin: .6rem 0 .2rem; font-variant-numeric: tabular-nums;
  position: sticky; top: 0; background: var(--paper); z-index: 1; }
.scroll { overflow-x: auto; margin: .8rem 0; }
.scroll:focus-visible, a:focus-visible { outline: 3px solid #1f6feb; }
img { display: block; margin: .6rem 0; max-width: 100%; height: auto;
  background: #fff; }
.scroll > img { min-width: 32rem; }
table.plain { border-collapse: collapse; font-size: .9rem; overflow-wrap: normal; }
table.plain th, table.plain td { text-align: left; padding: .2rem .9rem .2rem 0;
  vertical-align: top; }
table.plain tr { border-bottom: 1px solid var(--line); }
table.plain .missed { color: var(--wrong); font-weight: bold; }
@media (max-width: 30rem) { table.plain { font-size: .8rem; }
  table.plain th, table.plain td { padding-right: .5rem; } }
"""

# One mark of each group takes part in Tab's order; the arrow keys move from there,
# to the left and right by place, up and down to what is nearest in the next row.
_SCRIPT = """
for (const marks of document.querySelectorAll("[data-marks]")) {
  const output = marks.closest("section").querySelector(".number");
  const rows = [...marks.querySelectorAll("[data-row]")]
    .map(row => [...row.querySelectorAll("[data-n]")]).filter(row => row.length);
  const linked = [...marks.querySelectorAll("[data-near]")];
  const light = mark => {
    const near = mark ? mark.dataset.near.split(" ") : [];
    for (const each of linked) {
      each.classList.toggle("now", each === mark);
      each.classList.toggle("near", near.includes(each.dataset.n)); } };
  const show = event => {
    const mark = event.target.closest("[data-n]");
    if (!mark) return;
    output.textContent = mark.getAttribute("aria-label");
    if (linked.length) light(mark); };
  const rest = () => light(linked.find(each => each === document.activeElement));
  const middle = mark => {
    const box = mark.getBoundingClientRect(); return (box.left + box.right) / 2; };
  const nearest = (row, mark) => row?.reduce((best, each) =>
    Math.abs(middle(each) - middle(mark)) < Math.abs(middle(best) - middle(mark))
      ? each : best);
  // Some browsers tell of a touch by "click" alone.
  for (const kind of ["mouseover", "focusin", "click"])
    marks.addEventListener(kind, show);
  for (const kind of ["mouseleave", "focusout"]) marks.addEventListener(kind, rest);
  marks.addEventListener("keydown", e => {
    const y = rows.findIndex(row => row.includes(e.target));
    if (y < 0) return;
    const x = rows[y].indexOf(e.target);
    const moves = {
      ArrowLeft: () => rows[y][x - 1], ArrowRight: () => rows[y][x + 1],
      Home: () => rows[y][0], End: () => rows[y].at(-1),
      ArrowUp: () => nearest(rows[y - 1], e.target),
      ArrowDown: () => nearest(rows[y + 1], e.target) };
    if (!(e.key in moves)) return;
    e.preventDefault();
    const next = moves[e.key]();
    if (!next) return;
    e.target.tabIndex = -1; next.tabIndex = 0; next.focus();
  });
}
"""

_FRAME = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
 style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src {images}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
<script>{script}</script>
</body>
</html>
"""


def frame(
    title: str,
    body: str,
    *,
    language: str = "en",
    style: str = "",
    images: str = "data:",
) -> str:
    """Returns a page.

    Args:
        title: its heading.
        body: HTML of all below the heading.
        language: of the texts, such as "en" or "zh": browsers choose glyphs by it.
        style: what the page adds to the common style.
        images: where images may come from, in the words of a content security policy.
    """
    return _FRAME.format(
        language=escape(language),
        title=escape(title),
        style=_STYLE + style,
        script=_SCRIPT,
        images=images,
        body=body,
    )


def language_of(text: str) -> str:
    """Returns the language that a text's script tells: "zh", "ja", "ko", or else "en".

    It is none of "en" where more than a quarter of the letters are of its script: a
    word has fewer of them than one of a to z.

    Args:
        text: any.
    """
    num_letters = sum(map(str.isalpha, text))
    han, kana, hangul = (len(each.findall(text)) for each in (_HAN, _KANA, _HANGUL))
    if han + kana + hangul <= num_letters / 4:
        return "en"
    if hangul > han + kana:
        return "ko"
    # A Chinese text may quote a kana, a Japanese one has many.
    return "ja" if kana > han / 10 else "zh"


def write(path: Path, text: str) -> Path:
    """Writes a page, whole or not at all; returns its path."""
    return results.replace(path, lambda part: part.write_text(text, "utf-8"))


def figure(path: Path, alt: str) -> str:
    """Returns a figure of a file as HTML that holds the file.

    Raises:
        OSError: if there is no such file.
    """
    kind, _ = mimetypes.guess_type(path.name)
    data = base64.b64encode(path.read_bytes()).decode()
    return scrolled(f'<img src="data:{kind};base64,{data}" alt="{escape(alt)}">', alt)


def scrolled(content: str, label: str) -> str:
    """Returns HTML in a box that scrolls if it is wider than the page."""
    box = f'class="scroll" tabindex="0" role="group" aria-label="{escape(label)}"'
    return f"<div {box}>{content}</div>"


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[object]],
    label: str,
    missed: frozenset[int] = frozenset(),
) -> str:
    """Returns a table; what stands in it is text. Long names break where they may.

    Args:
        heads: of the columns.
        rows: the cells.
        label: what the table is of.
        missed: the rows whose last cell is marked as a failure.
    """
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    lines = [
        "".join(
            f'<td class="missed">{_breakable(cell)}</td>'
            if number in missed and place == len(row) - 1
            else f"<td>{_breakable(cell)}</td>"
            for place, cell in enumerate(row)
        )
        for number, row in enumerate(rows)
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return scrolled(f'<table class="plain"><tr>{head}</tr>{body}</table>', label)


def prose(text: str) -> str:
    """Returns the paragraphs of a docstring: what is indented keeps its lines."""
    parts = []
    for paragraph in text.strip("\n").split("\n\n"):
        name = "pre" if paragraph.startswith(" ") else "p"
        parts.append(f"<{name}>{escape(paragraph)}</{name}>")
    return "\n".join(parts)


def _breakable(cell: object) -> str:
    """Escapes a text, to be broken after dots and underscores within names."""
    return re.sub(r"(?<=\w\w)([._])(?=[a-z]{2})", r"\1<wbr>", escape(str(cell)))
