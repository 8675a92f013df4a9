"""All classics, in the order of their years, and one page of their figures.

    python -m experiments.classics --out out            at reduced size
    python -m experiments.classics --full --out out     what the table reports

The page is OUT/classics/index.html. One that fails does not keep the others from
running; the exit code is then 1. A statement that does not hold is a result, not a
failure.
"""

import dataclasses
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from jaxseq import commands, host_memory

from .. import cli
from . import (
    claims,
    elman_classes,
    elman_letters,
    elman_words,
    elman_xor,
    exploding_gradients,
    hopfield_capacity,
    hopfield_picture,
    jordan_cycle,
    jordan_sequences,
    lstm_adding,
    lstm_long_lag,
    lstm_reber,
    lstm_reber_stream,
    lstm_temporal_order,
    modern_hopfield,
    page,
    vanishing_gradients,
)


EXPERIMENTS: tuple[ModuleType, ...] = (
    hopfield_capacity,
    hopfield_picture,
    jordan_sequences,
    jordan_cycle,
    elman_xor,
    elman_letters,
    elman_words,
    elman_classes,
    lstm_temporal_order,
    lstm_adding,
    lstm_long_lag,
    lstm_reber,
    lstm_reber_stream,
    vanishing_gradients,
    exploding_gradients,
    modern_hopfield,
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Show again what the classic papers showed."""

    full: bool = False
    """Whether to run at full size, as for the table of results."""
    out: Path = Path("out")
    """Folder of the results: the page is OUT/classics/index.html."""


def main(args: Sequence[str] | None = None) -> None:
    """Runs all, and writes the page.

    Raises:
        SystemExit: code 1 if one failed, 130 for Ctrl-C.
    """
    config = commands.parse(Config, args, __doc__)
    host_memory.keep_freed()
    folder = cli.results_folder(config.out, "classics")
    index = cli.result_file(folder, "index.html")
    started = time.monotonic()
    results, abouts, failed = [], [], []
    for module in EXPERIMENTS:
        name = module.__name__.rpartition(".")[2]
        print(f"\n=== {name} ===\n", flush=True)
        base = module.Config() if config.full else module.REDUCED
        chosen = dataclasses.replace(base, out=config.out)
        try:
            results.append(claims.run(name, chosen, module.train, module.draw))
            abouts.append(module.__doc__)
        except KeyboardInterrupt:
            print("stopped by the keyboard", file=sys.stderr)
            sys.exit(130)
        except Exception:
            traceback.print_exc()
            failed.append(name)
    page.write(index, results, abouts)
    print(f"\n{time.monotonic() - started:.0f} s; {index}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
