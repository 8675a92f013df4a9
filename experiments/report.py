"""One page of all results that there are: OUT/index.html, to look at without a network.

    python -m experiments.report --out out

Figures and numbers stand in the page itself: the lecture's network, the gradient check,
the language models' curves, the map of words, the summaries with their attention, the
classics. What has not been run is said to be missing, with the command that makes it.
Beside it lies OUT/explain.html, the lecture's network step by step
(`python -m jaxseq.explain`).
"""

import dataclasses
import shlex
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from jaxseq import commands, explain

from . import (
    cli,
    curves,
    heatmap_page,
    pages,
    report_classics,
    report_learning,
    report_lecture,
    word_map,
)
from .data import debian


class Part(NamedTuple):
    """One experiment on the page."""

    name: str  # of its section, and of its folder under OUT
    title: str
    command: str  # which makes it, of those of `jaxseq`
    section: Callable[[Path], str | None]  # from its folder; None if there is nothing
    text: str = (
        ""  # its option for a text of one's own, if it trains on the shipped one
    )


PARTS = (
    Part(
        "lecture",
        "The lecture’s worked example",
        "lecture",
        report_lecture.worked_example,
    ),
    Part(
        "gradient_check",
        "The gradient check of every cell",
        "gradcheck",
        report_lecture.gradient_check,
    ),
    Part(
        "language_model",
        "Language models",
        "lm",
        report_learning.language_models,
        "--text",
    ),
    Part(
        "word2vec",
        "Word vectors",
        "word2vec",
        report_learning.word_vectors,
        "--corpus",
    ),
    Part(
        "summarize",
        "Summaries, and where each word came from",
        "summarize",
        report_learning.summaries,
        "--pairs",
    ),
    Part(
        "classics",
        "The classics: what each paper showed, shown again",
        "classics",
        report_classics.classics,
    ),
)

_STYLE = """
nav ol { padding-left: 1.4rem; } nav .none { color: var(--soft); }
figure { margin: 1rem 0; } figcaption { color: var(--soft); font-size: .9rem; }
.missing { color: var(--soft); } code { font-size: .9em; }
blockquote { margin: .8rem 0; padding-left: .9rem;
  border-left: 3px solid var(--line); }
"""


@dataclasses.dataclass(frozen=True)
class Config:
    """Put all results that there are on one page."""

    out: Path = Path("out")
    """Folder of the results: the page is OUT/index.html."""


def main(args: Sequence[str] | None = None) -> None:
    """Writes the page.

    Args:
        args: the command line; None for this program's.
    """
    config = commands.parse(Config, args, __doc__)
    cli.results_folder(config.out, "")
    index = cli.result_file(config.out, "index.html")
    guide = cli.result_file(config.out, "explain.html")
    explain.write(guide)
    pages.write(index, report(config.out))
    print(f"{index}: open it in a browser; beside it {guide}")


def report(out: Path) -> str:
    """Returns the page of the results under a folder."""
    listed, sections = [], []
    for part in PARTS:
        # The shipped text comes with a checkout alone.
        own = f" {part.text} FILE" if part.text and not debian.path().exists() else ""
        command = f"jaxseq {part.command}{own} --out {shlex.quote(str(out))}"
        section = _section(part, out / part.name, command)
        kind = "" if section else ' class="none"'
        note = "" if section else " (not run)"
        listed.append(
            f'<li{kind}><a href="#{part.name}">{escape(part.title)}</a>{note}</li>'
        )
        missing = (
            '<p class="missing">There is nothing yet: '
            f"<code>{escape(command)}</code> makes it.</p>"
        )
        sections.append(
            f'<div id="{part.name}"><h2>{escape(part.title)}</h2>\n'
            f"{section or missing}</div>"
        )
    again = f"jaxseq report --out {shlex.quote(str(out))}"
    guide = (
        '<p>Beside this page: <a href="explain.html">the lecture’s network, step by '
        "step</a>, forwards and backwards, with every number to change. What is run "
        f"later comes onto this page by <code>{escape(again)}</code>.</p>"
    )
    contents = f'<nav aria-label="contents"><ol>{"".join(listed)}</ol></nav>'
    body = "\n".join([guide, contents, *sections])
    style = _STYLE + curves.STYLE + heatmap_page.STYLE + word_map.STYLE
    return pages.frame("jaxseq: what came out", body, style=style)


def _section(part: Part, folder: Path, command: str) -> str | None:
    """Returns the part's HTML; files that cannot be read are said to be so."""
    try:
        return part.section(folder)
    except (AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        return (
            f'<p class="missing">{escape(str(folder))} cannot be shown '
            f"({escape(type(error).__name__)}: {escape(str(error))}): "
            f"<code>{escape(command)}</code> makes it anew.</p>"
        )


if __name__ == "__main__":
    main()
