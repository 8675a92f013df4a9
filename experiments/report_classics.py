"""What the report shows of the classics: their figures, and the statements."""

import json
from html import escape
from pathlib import Path

from . import pages
from .classics import page
from .classics.__main__ import EXPERIMENTS


def classics(folder: Path) -> str | None:
    """Shows each experiment of `experiments.classics` that has been run."""
    results, sections, missing = [], [], []
    for module in EXPERIMENTS:
        name = module.__name__.rpartition(".")[2]
        path = folder / name / "result.json"
        if not path.exists():
            missing.append(name)
            continue
        result = json.loads(path.read_text("utf-8"))

        def held(figure: str, title: str) -> str:
            return pages.figure(folder / figure, title)

        results.append(result)
        sections.append(page.section(result, module.__doc__ or name, held, "h3"))
    if not results:
        return None
    parts = [page.tally(results), *sections]
    if missing:
        listed = escape(", ".join(missing))
        parts.append(f'<p class="missing">Not run: {listed}.</p>')
    return "\n".join(parts)
