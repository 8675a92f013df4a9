"""The classics on one page: each figure beside the paper's numbers and ours."""

import html
from collections.abc import Sequence
from pathlib import Path

from experiments.results import replace


_STYLE = """
body { font: 16px/1.45 Georgia, serif; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem; color: #222; background: #fff; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.6rem; }
img { max-width: 100%; height: auto; display: block; margin: .6rem 0; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .15rem .9rem .15rem 0; }
tr { border-bottom: 1px solid #ddd; }
td.missed { color: #b3261e; font-weight: bold; }
p.how { color: #666; font-size: .85rem; }
pre { white-space: pre-wrap; font-size: .85rem; }
"""


def write(path: Path, results: Sequence[dict], abouts: Sequence[str]) -> Path:
    """Writes the page.

    Args:
        path: its place; the figures lie in folders beside it, by the results' names.
        results: of `experiments.classics.claims.run`, in the order of the page.
        abouts: what each is about, the experiments' docstrings.

    Returns:
        The path.
    """
    parts = map(_section, results, abouts)
    num_missed = sum(c["holds"] is False for r in results for c in r["claims"])
    num_asked = sum(c["holds"] is not None for r in results for c in r["claims"])
    text = "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>jaxseq: the classics</title><style>{_STYLE}</style></head><body>",
            "<h1>The classics: what each paper showed, shown again</h1>",
            f"<p>{num_asked - num_missed} of {num_asked} statements hold.</p>",
            *parts,
            "</body></html>\n",
        ]
    )
    return replace(path, lambda part: part.write_text(text, "utf-8"))


def _section(result: dict, about: str) -> str:
    title, *paragraphs = about.strip().split("\n\n")
    title = title.removesuffix(".")
    name = html.escape(result["name"])
    figures = [
        f'<img src="{name}/{html.escape(figure)}" alt="{html.escape(title)}">'
        for figure in result["figures"]
    ]
    settings = ", ".join(f"{k} {v}" for k, v in result["config"].items())
    return "\n".join(
        [
            f'<h2 id="{name}">{html.escape(title)}</h2>',
            *map(_paragraph, paragraphs),
            *figures,
            "<table><tr><th></th><th>paper</th><th>wanted</th><th>ours</th></tr>",
            *map(_row, result["claims"]),
            "</table>",
            f'<p class="how">{html.escape(settings)}; {result["seconds"]:.0f} s</p>',
        ]
    )


def _paragraph(text: str) -> str:
    """Marks up a paragraph of a docstring: what is indented keeps its lines."""
    name = "pre" if text.startswith(" ") else "p"
    return f"<{name}>{html.escape(text)}</{name}>"


def _row(claim: dict) -> str:
    cells = [html.escape(claim[key]) for key in ("what", "paper", "wanted")]
    kind = ' class="missed"' if claim["holds"] is False else ""
    ours = f"<td{kind}>{html.escape(claim['ours'])}</td>"
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + ours + "</tr>"
