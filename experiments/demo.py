"""All that jaxseq shows in under five minutes, on two CPU cores and without a network.

1. The lecture's worked example, every number of it: `python -m experiments.lecture`.
2. The gradient check of every cell: `python -m experiments.gradient_check`.
3. A short `python -m experiments.language_model`, an LSTM.
4. Word vectors of the same texts: `python -m experiments.word2vec`.
5. A small summarizer of them, trained for one epoch: `python -m experiments.summarize`.

    python -m experiments.demo --out out

`OUT/index.html` then shows all of it on one page (`python -m experiments.report`), and
`OUT/explain.html` the lecture's network step by step (`python -m jaxseq.explain`).

3 to 5 read the Debian texts, which come with a checkout; where these are not, they are
left out. A part that fails does not keep the others from running; the exit code is then
1.
"""

import dataclasses
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from jaxseq import commands
from jaxseq.train import signals

from . import (
    cli,
    gradient_check,
    language_model,
    lecture,
    report,
    startup,
    summarize,
    word2vec,
)
from .data import debian
from .language_config import demo_config


NEED_TEXTS = ("the language model", "word vectors", "summaries")
SMALL = (
    *("--num-epochs", "1", "--num-inputs", "48", "--num-hidden", "64"),
    *("--max-words", "32", "--beam-size", "4", "--num-shown", "6"),
)
"""Options of a summarizer that is trained in a minute."""


@dataclasses.dataclass(frozen=True)
class Config:
    """Show lecture, gradient check, language model, word vectors and summaries."""

    out: Path = Path("out")
    """Folder of the results."""


def main(args: Sequence[str] | None = None) -> None:
    """Runs the parts one after the other.

    Args:
        args: the command line; None for this program's.

    Raises:
        SystemExit: code 1 if a part failed, 2 if nothing can be written, 130 for
            Ctrl-C, 143 for SIGTERM, 129 for a closed terminal.
    """
    config = commands.parse(Config, args, __doc__)
    cli.results_folder(config.out, "")
    cli.result_file(config.out, "index.html")
    startup.prepare()
    parts = {
        "the lecture": lambda: lecture.main(["--out", str(config.out)]),
        "the gradient check": lambda: gradient_check.main(["--out", str(config.out)]),
        "the language model": lambda: language_model.run(
            demo_config("lstm", config.out)
        ),
        "word vectors": lambda: word2vec.main(["--out", str(config.out)]),
        "summaries": lambda: summarize.main([*SMALL, "--out", str(config.out)]),
        "the report": lambda: report.main(["--out", str(config.out)]),
    }
    if not debian.path().exists():
        for name in NEED_TEXTS:
            del parts[name]
        left_out = ", ".join(NEED_TEXTS)
        print(f"{left_out} are left out: their Debian texts come with a checkout")
    started = time.monotonic()
    try:
        failed = [name for name, part in parts.items() if not _passes(name, part)]
    except KeyboardInterrupt:
        print("stopped by the keyboard", file=sys.stderr)
        sys.exit(130)
    print(f"\n{time.monotonic() - started:.0f} s; results in {config.out}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _passes(name: str, part: Callable[[], int | None]) -> bool:
    """Runs a part, whatever way it has to say that it failed."""
    print(f"\n=== {name} ===\n", flush=True)
    try:
        return not part()
    except SystemExit as stop:
        if stop.code in {128 + each for each in signals.SIGNALS}:
            raise
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        return not stop.code
    except Exception:
        traceback.print_exc()
        return False


if __name__ == "__main__":
    main()
