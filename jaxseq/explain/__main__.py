"""Writes the page that explains back-propagation through time.

    python -m jaxseq.explain --out explain.html --lang zh

Exit status: 0 if the page was written, 2 if it could not be.
"""

import argparse
import sys
from pathlib import Path

from jaxseq.explain.page import LANGUAGES, write


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status.

    Args:
        argv: arguments, in the place of those of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m jaxseq.explain",
        description="Writes one page of HTML: the lecture's network, step by step.",
    )
    parser.add_argument(
        "--out", metavar="FILE", type=Path, default=Path("explain.html")
    )
    parser.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="the language it opens in"
    )
    args = parser.parse_args(argv)
    try:
        path = write(args.out, args.lang)
    except OSError as error:
        print(f"explain: cannot write {args.out}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"{path}: open it in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main())
