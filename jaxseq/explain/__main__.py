"""Writes the page that explains back-propagation through time.

The lecture's network, unrolled, with every value and every delta: forwards and
backwards a step at a time, each number with its equation. Change a weight, an input or
a target, and all that depends on it follows.

    python -m jaxseq.explain
    python -m jaxseq.explain --out bptt.html --lang zh
    python -m jaxseq.explain --out out

Exit status: 0 if the page was written, 2 if it could not be.
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from jaxseq import commands
from jaxseq.explain.page import write


@dataclasses.dataclass(frozen=True)
class Config:
    """Write one page of HTML: the lecture's network, step by step."""

    out: Path = Path("explain.html")
    """The page, to open in a browser; it needs no network. What does not end in .html
    or .htm is a folder for explain.html, made if it is missing."""

    lang: Literal["en", "zh"] = "en"
    """The language it opens in; it has both."""


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status.

    Args:
        args: the command line; None for this program's.

    Raises:
        SystemExit: code 2 after one line on stderr, for what a user can mend.
    """
    config = commands.parse(Config, args, __doc__)
    is_page = config.out.suffix.lower() in (".html", ".htm")
    path = config.out if is_page else config.out / "explain.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, config.lang)
    except OSError as error:
        commands.fail(f"cannot write {path}: {error.strerror}")
    print(f"{path}: open it in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main())
