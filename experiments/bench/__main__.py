"""The benchmarks' command line: `python -m experiments.bench NAME --help`."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import tyro

from .. import cli
from . import rnn, rnn_config, summarize, summarize_config, word2vec


RUNS: dict[type, Callable[[Any], None]] = {
    rnn_config.Config: rnn.run,
    word2vec.Config: word2vec.run,
    summarize_config.Config: summarize.run,
}


@dataclasses.dataclass(frozen=True)
class Bench:
    """Time jaxseq and its peers side by side."""

    benchmark: tyro.conf.OmitSubcommandPrefixes[
        Annotated[rnn_config.Config, tyro.conf.subcommand("rnn")]
        | Annotated[word2vec.Config, tyro.conf.subcommand("word2vec")]
        | Annotated[summarize_config.Config, tyro.conf.subcommand("summarize")]
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
