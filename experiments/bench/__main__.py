"""Benchmarks: jaxseq and its peers side by side, checked before they are timed.

    python -m experiments.bench rnn --help          what it takes
    python -m experiments.bench rnn                 one layer, beside every library
    python -m experiments.bench word2vec            training and scores, beside gensim
    python -m experiments.bench summarize           training, beside eager PyTorch
    python -m experiments.bench gigaword            training, at the papers' scale

Who is not installed is named and left out: `pip install "jaxseq[bench]"`. Results go to
`OUT/bench/`; the machine should be idle.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import tyro

from jaxseq import commands

from . import gigaword, rnn, rnn_config, summarize, summarize_config, word2vec


RUNS: dict[type, Callable[[Any], None]] = {
    rnn_config.Config: rnn.run,
    word2vec.Config: word2vec.run,
    summarize_config.Config: summarize.run,
    gigaword.Config: gigaword.run,
}


@dataclasses.dataclass(frozen=True)
class Bench:
    """Time jaxseq and its peers side by side."""

    benchmark: tyro.conf.OmitSubcommandPrefixes[
        Annotated[rnn_config.Config, tyro.conf.subcommand("rnn")]
        | Annotated[word2vec.Config, tyro.conf.subcommand("word2vec")]
        | Annotated[summarize_config.Config, tyro.conf.subcommand("summarize")]
        | Annotated[gigaword.Config, tyro.conf.subcommand("gigaword")]
    ]
    """Which one."""


def main(args: Sequence[str] | None = None) -> None:
    """Runs a benchmark.

    Args:
        args: the command line; None for this program's.
    """
    config = commands.parse(Bench, args, __doc__).benchmark
    RUNS[type(config)](config)


if __name__ == "__main__":
    main()
