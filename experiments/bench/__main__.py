"""The benchmarks' command line: `python -m experiments.bench rnn --help`."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import tyro

from experiments import cli
from experiments.bench import rnn, rnn_config


RUNS: dict[type, Callable[[Any], None]] = {rnn_config.Config: rnn.run}


@dataclasses.dataclass(frozen=True)
class Bench:
    """Time jaxseq and its peers side by side."""

    benchmark: tyro.conf.OmitSubcommandPrefixes[
        Annotated[rnn_config.Config, tyro.conf.subcommand("rnn")]
        # A union of one would be no union: tyro would not ask for a name.
        | Annotated[None, tyro.conf.Suppress]
    ]
    """Which one."""


def main(args: Sequence[str] | None = None) -> None:
    """Runs a benchmark.

    Args:
        args: the command line; None for this program's.
    """
    config = cli.parse(Bench, args).benchmark
    RUNS[type(config)](config)


if __name__ == "__main__":
    main()
