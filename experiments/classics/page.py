"""The classics on one page: each figure beside the paper's numbers and ours."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from .. import pages


def write(path: Path, results: Sequence[dict], abouts: Sequence[str]) -> Path:
    """Writes the page.

    Args:
        path: its place; the figures lie in folders beside it, by the results' names.
        results: of `experiments.classics.claims.run`, in the order of the page.
        abouts: what each is about, the experiments' docstrings.

    Returns:
        The path.
    """
    sections = [
        section(result, about, _linked)
        for result, about in zip(results, abouts, strict=True)
    ]
    body = "\n".join([tally(results), *sections])
    title = "jaxseq: the classics, what each paper showed, shown again"
    # The figures lie beside the page, which a browser opens as a file or from a server.
    return pages.write(path, pages.frame(title, body, images="'self' file:"))


def tally(results: Sequence[dict]) -> str:
    """Says how many statements hold."""
    asked = [c["holds"] for r in results for c in r["claims"] if c["holds"] is not None]
    return f"<p>{sum(asked)} of {len(asked)} statements hold.</p>"


def section(
    result: dict, about: str, image: Callable[[str, str], str], heading: str = "h2"
) -> str:
    """Returns one experiment as HTML.

    Args:
        result: of `experiments.classics.claims.run`.
        about: what it is about, the experiment's docstring.
        image: of a figure's path, from the folder of the classics, and of its title.
        heading: the tag of its heading.
    """
    title, _, rest = about.strip().partition("\n\n")
    title, name = title.removesuffix("."), result["name"]
    claims = result["claims"]
    rows = [
        [claim[key] for key in ("what", "paper", "wanted", "ours")] for claim in claims
    ]
    missed = frozenset(i for i, c in enumerate(claims) if c["holds"] is False)
    settings = ", ".join(f"{k} {v}" for k, v in result["config"].items())
    return "\n".join(
        [
            f'<{heading} id="{escape(name)}">{escape(title)}</{heading}>',
            pages.prose(rest),
            *(image(f"{name}/{figure}", title) for figure in result["figures"]),
            pages.table(("", "paper", "wanted", "ours"), rows, title, missed),
            f'<p class="how">{escape(settings)}; {result["seconds"]:.0f} s</p>',
        ]
    )


def _linked(path: str, title: str) -> str:
    image = f'<img src="{escape(path)}" alt="{escape(title)}">'
    return pages.scrolled(image, title)
