"""Word2vec timed and scored: jaxseq beside gensim, in one run.

    python -m experiments.bench word2vec                              a minute or two
    python -m experiments.bench word2vec --corpus enwiki.txt --num-seeds 3 \
        --pairs wordsim353.tsv --analogies questions-words.txt

Jaxseq trains on two devices, each of a core, with matrices of their own, of which they
take the mean after each span (`jaxseq.word2vec.step`); gensim's threads share one copy.
`--num-shards 1` is one device.

Both train on one file, one sentence a line of at most 10,000 words (gensim cuts longer
ones off), with the same settings. Gensim reads it with `corpus_file`, which is faster
than an iterator, by as many workers as are fastest here in one epoch; a compressed text
or a folder of texts is copied for it into one plain file. Then for each seed both
train, now one first, now the other.

What is timed: training alone, from the first word to the last; vocabulary, compilation
and scoring are apart. Each program is timed as it trains: gensim reads and splits its
file anew in every epoch, jaxseq has read it into ids once, beforehand, and the time of
that is recorded beside the rest (`seconds_reading`). Effective words are those that are
trained on: what `min_count` and subsampling leave, counted by each program itself. The
ratio of a seed is of the effective words a second of jaxseq and gensim; above 1 jaxseq
is faster.

What is scored: the word vectors, by jaxseq.word2vec.evaluate, which gives gensim's
numbers: Spearman's correlation on the pairs, the share of analogies that are right
among the 30,000 most frequent words.

The machine should be idle: gensim's workers and JAX take all cores in turn.

File: `OUT/bench/word2vec.jsonl`, a line a run of this program.
"""

import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jaxseq import commands
from jaxseq.text.files import COMPRESSED, CorpusError
from jaxseq.train.saved import Diverged
from jaxseq.word2vec import sentences, vectors

from .. import cli, devices, startup, word2vec_corpus
from ..word2vec_config import Config as Training, ModelName, OutputName, make_setting
from ..word2vec_report import scores
from . import machine, records
from .word2vec_peers import Peer, gensim_is_missing, gensim_peer, jaxseq_peer
from .word2vec_table import Result, line, table


PACKAGES = ("gensim", "jax", "jaxlib", "jaxseq", "numpy")


@dataclasses.dataclass(frozen=True)
class Config:
    """Train word vectors with jaxseq and gensim: speed and quality of both."""

    corpus: Path | None = None
    """A text, one sentence a line (plain, .gz, .bz2, .xz); none: the Debian texts."""

    model: ModelName = "skip-gram"
    """Architecture."""

    output: OutputName = "negatives"
    """Output layer: negatives or tree (gensim has no full softmax)."""

    num_columns: int = 100
    """D, size of a word's vector."""

    num_epochs: int = 5
    """How often the corpus is read."""

    learning_rate: float | None = None
    """At the start, of both; none: 0.025 for skip-gram, 0.05 for cbow."""

    num_shards: int = 2
    """S, cores that jaxseq trains on."""

    num_seeds: int = 1
    """How often everything is repeated, with another seed."""

    workers: tuple[int, ...] = (1, 2, 3)
    """Numbers of threads of gensim, of which the fastest is taken."""

    pairs: Path | None = None
    """Word pairs with similarities, to score the vectors with."""

    analogies: Path | None = None
    """Questions like questions-words.txt, to score the vectors with."""

    out: Path = Path("out")
    """Folder of the results."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        cli.expect(self.output != "softmax", "output", "negatives or tree", self.output)
        cli.expect(self.num_seeds >= 1, "num_seeds", "1 or more", self.num_seeds)
        is_workers = bool(self.workers) and min(self.workers) >= 1
        cli.expect(is_workers, "workers", "numbers of 1 or more", self.workers)
        # What both have in common is checked where it is used.
        make_training(self, 0)


def make_training(config: Config, seed: int) -> Training:
    """Returns the settings of one training, as `experiments.word2vec` takes them."""
    return Training(
        corpus=() if config.corpus is None else (config.corpus,),
        model=config.model,
        output=config.output,
        num_columns=config.num_columns,
        num_epochs=config.num_epochs,
        learning_rate=config.learning_rate,
        num_shards=config.num_shards,
        seed=seed,
    )


def run(config: Config) -> None:
    """Trains with both, prints the table and adds a line to the file.

    Raises:
        SystemExit: after one line on stderr; code 2 for a file that cannot be used, 1
            for a loss that is not finite, 130 for Ctrl-C.
    """
    startup.prepare()
    path = cli.result_file(cli.results_folder(config.out, "bench"), "word2vec.jsonl")
    config = dataclasses.replace(config, num_shards=devices.share(config.num_shards))
    about = machine.about(PACKAGES)
    try:
        for option, file in (("pairs", config.pairs), ("analogies", config.analogies)):
            cli.expect(file is None or file.is_file(), option, "a file", file)
        with tempfile.TemporaryDirectory() as folder:
            done, workers, before = _run(config, Path(folder))
    except (CorpusError, ValueError, OSError) as error:
        commands.fail(str(error))
    except Diverged as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped by the keyboard", file=sys.stderr)
        sys.exit(130)
    record = about | {
        "config": records.settings(config),
        "workers": workers,
        **before,
        "results": [result._asdict() for result in done],
    }
    print(table(done))
    records.append(path, record)
    print(path)


def _run(config: Config, folder: Path) -> tuple[list[Result], int | None, dict]:
    """Trains with both, seed by seed; where gensim is missing, with jaxseq alone.

    Returns:
        The results in the order in which they came, gensim's number of workers, and for
        the record how long jaxseq has read the corpus, and how it trained.
    """
    training = make_training(config, 0)
    started = time.perf_counter()
    _, known, corpus = word2vec_corpus.read(training)
    seconds_reading = time.perf_counter() - started
    copy = folder / "corpus.txt"
    if config.corpus is None:
        text = _written(copy, known.words, corpus.ids)
    else:
        text = _plain(config.corpus, copy)
    fastest = None
    if gensim_is_missing():
        print("gensim: missing: not installed (make bench, or the extra `bench`)")
    else:
        fastest = max(
            config.workers,
            key=lambda workers: _speed(
                gensim_peer(dataclasses.replace(training, num_epochs=1), text, workers)
            ),
        )
    done: list[Result] = []
    for seed in range(config.num_seeds):
        of_seed = make_training(config, seed)
        makers: dict[str, Callable[[], Peer]] = {
            "jaxseq": lambda of_seed=of_seed: jaxseq_peer(of_seed, known, corpus),
        }
        if fastest is not None:
            makers["gensim"] = lambda of_seed=of_seed: gensim_peer(
                of_seed, text, fastest
            )
        for name in sorted(makers, reverse=bool(seed % 2)):
            outcome = makers[name]()()
            found = vectors.make(outcome.words, outcome.rows)
            scored = scores(found, config.pairs, config.analogies)
            result = Result(
                peer=name,
                seed=seed,
                words_per_second=outcome.num_trained / outcome.seconds,
                seconds=outcome.seconds,
                seconds_before=outcome.seconds_before,
                scores=scored,
            )
            done.append(result)
            print(line(result), flush=True)
    setting = make_setting(training, len(corpus.ids))
    before = {"seconds_reading": seconds_reading, "setting": setting._asdict()}
    return done, fastest, before


def _speed(peer: Peer) -> float:
    outcome = peer()
    return outcome.num_trained / outcome.seconds


def _written(path: Path, words: tuple[str, ...], ids: np.ndarray) -> Path:
    """Writes ids as a text that gensim can read, one sentence a line."""
    with open(path, "w", encoding="utf-8") as stream:
        start = 0
        for end in np.flatnonzero(ids < 0).tolist():
            stream.write(" ".join(words[i] for i in ids[start:end].tolist()) + "\n")
            start = end + 1
    return path


def _plain(corpus: Path, copy: Path) -> Path:
    """Returns a text as gensim's `corpus_file` takes it: one file, not compressed."""
    if corpus.is_file() and corpus.suffix.lower() not in COMPRESSED:
        return corpus
    with open(copy, "w", encoding="utf-8") as stream:
        for tokens in sentences.from_files(corpus):
            stream.writelines(f"{token} " for token in tokens)
            stream.write("\n")
    return copy
