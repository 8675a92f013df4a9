"""What word2vec's command line takes, and what it means."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import jax
import numpy as np

from jaxseq.text import tokens
from jaxseq.word2vec import (
    chinese,
    fitting,
    full_softmax,
    negative_sampling,
    params,
    sampler,
    vocab,
)
from jaxseq.word2vec.objective import Objective
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sampler import Sampler
from jaxseq.word2vec.setting import Setting, for_corpus
from jaxseq.word2vec.vocab import Vocab

from . import cli, runs


ModelName = Literal["skip-gram", "cbow"]
OutputName = Literal["negatives", "tree", "softmax"]
TokenName = Literal["spaces", "words", "characters", "chinese"]

TOKENS: dict[TokenName, Callable[[str], list[str]]] = {
    "spaces": tokens.spaces.split,
    "words": tokens.words.split,
    "characters": tokens.characters.split,
    "chinese": chinese.words,
}
TUNED: dict[tuple[ModelName, OutputName], Setting] = {
    ("skip-gram", "negatives"): fitting.SETTINGS[fitting.skip_gram],
    ("cbow", "negatives"): fitting.SETTINGS[fitting.cbow],
    ("skip-gram", "tree"): fitting.SETTINGS[fitting.tree],
    ("cbow", "tree"): fitting.SETTINGS[fitting.cbow_tree],
    ("skip-gram", "softmax"): fitting.SETTINGS[fitting.skip_gram],
    ("cbow", "softmax"): fitting.SETTINGS[fitting.cbow],
}
"""How each trains best; the full softmax as negative sampling."""

_OBJECTIVES: dict[tuple[ModelName, OutputName], Callable[[Vocab, int], Objective]] = {
    ("skip-gram", "negatives"): lambda known, n: negative_sampling.skip_gram(
        len(known.words), n
    ),
    ("cbow", "negatives"): lambda known, n: negative_sampling.cbow(len(known.words), n),
    ("skip-gram", "tree"): lambda known, n: fitting.tree(known),
    ("cbow", "tree"): lambda known, n: fitting.cbow_tree(known),
    ("skip-gram", "softmax"): lambda known, n: full_softmax.skip_gram(len(known.words)),
    ("cbow", "softmax"): lambda known, n: full_softmax.cbow(len(known.words)),
}


@dataclasses.dataclass(frozen=True)
class Config(runs.Options):
    """Train word vectors, and look at what lies near what."""

    corpus: tuple[Path, ...] = ()
    """Texts, one sentence a line (plain, .gz, .bz2, .xz); none: the Debian texts."""

    download: Literal["text8"] | None = None
    """A public corpus to fetch and train on instead."""

    tokens: TokenName | None = None
    """What a token is; none: what is between spaces, words for the Debian texts."""

    model: ModelName = "skip-gram"
    """Architecture."""

    output: OutputName = "negatives"
    """Output layer: negative sampling, hierarchical softmax, full softmax."""

    num_columns: int = 100
    """D, size of a word's vector."""

    reach: int = 5
    """W, the most words that a window reaches to one side."""

    num_negatives: int = 5
    """n, words drawn for a prediction (output negatives)."""

    sample: float = 1e-3
    """Share of the text above which a word is thinned out; 0 keeps all."""

    min_count: int = 5
    """Words read less often get no vector."""

    max_vocab: int | None = None
    """Largest number of words."""

    num_epochs: int = 5
    """How often the corpus is read."""

    learning_rate: float | None = None
    """At the start; none: 0.025 for skip-gram, 0.05 for cbow, as in word2vec.c."""

    cap: float | None = None
    """Limit of the step of a row that many terms pull at (jaxseq.word2vec.sparse);
    none: 3, with the tree 6."""

    block_size: int | None = None
    """T, words of one step on a core, fewer in a small corpus; a multiple of 32; none:
    1,024, with the tree 256, divided by the number of cores, on a GPU four times as
    many. A run whose size is given, with --num-shards 1, may be moved between CPU and
    GPU."""

    num_shards: int = 2
    """S, cores (or GPUs), at most those there are, one for a small corpus: each trains
    on a part of the text with matrices of its own, and all take the mean of them again
    and again (jaxseq.word2vec.step). Another number is another training."""

    words: tuple[str, ...] = ()
    """Words whose neighbours are shown; none: some of the most frequent."""

    pairs: Path | None = None
    """Word pairs with similarities (WordSim-353's form), to score the vectors with."""

    analogies: Path | None = None
    """Questions like questions-words.txt, to score the vectors with."""

    seed: int = 0
    """Of everything that is drawn."""

    folder: Path | None = None
    """Keeps the ids of a corpus larger than memory here; none: in memory."""

    out: Path = Path("out")
    """Folder of the results."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        super().__post_init__()
        if self.smoke:
            for name, value in {"num_epochs": 2, "overfit": 1}.items():
                object.__setattr__(self, name, value)
        for name in ("num_columns", "reach", "min_count", "num_epochs", "num_shards"):
            count = getattr(self, name)
            cli.expect(1 <= count < 2**31, name, "1 or more", count)
        cli.expect(self.reach <= 1000, "reach", "1 to 1,000", self.reach)
        if self.output == "negatives":
            expected = "1 or more with --output negatives"
            cli.expect(
                self.num_negatives >= 1, "num_negatives", expected, self.num_negatives
            )
        size = self.block_size
        is_block = size is None or (size >= 32 and size % 32 == 0)
        cli.expect(is_block, "block_size", "a multiple of 32", size)
        is_vocab = self.max_vocab is None or self.max_vocab >= 1
        cli.expect(is_vocab, "max_vocab", "1 or more", self.max_vocab)
        for name in ("learning_rate", "cap"):
            value = getattr(self, name)
            is_positive = value is None or (value > 0 and math.isfinite(value))
            cli.expect(is_positive, name, "a number above 0", value)
        cli.expect(0 <= self.sample < 1, "sample", "a share in [0, 1)", self.sample)
        cli.expect(0 <= self.seed < 2**31, "seed", "0 to 2^31 - 1", self.seed)
        is_one = not (self.corpus and self.download)
        cli.expect(is_one, "download", "no --corpus beside it", self.download)


def make_setting(config: Config, num_ids: int) -> Setting:
    """Returns how to train on a corpus of so many ids."""
    tuned = TUNED[config.model, config.output]._replace(num_shards=config.num_shards)
    if config.block_size is None:
        tuned = fitting.on_these_devices(tuned)
    first_rate = config.learning_rate or tuned.first_rate
    block_size = config.block_size or tuned.block_size
    setting = tuned._replace(
        reach=config.reach,
        num_epochs=config.num_epochs,
        first_rate=first_rate,
        last_rate=min(1e-4, first_rate),
        cap=config.cap or tuned.cap,
        block_size=block_size,
        seed=config.seed,
    )
    return for_corpus(setting, num_ids)


def make_objective(config: Config, known: Vocab) -> tuple[Objective, Sampler | None]:
    """Returns what is trained, and what negatives are drawn from."""
    make = _OBJECTIVES[config.model, config.output]
    objective = make(known, config.num_negatives)
    if not objective.draws_negatives:
        return objective, None
    return objective, sampler.make(vocab.noise(known.counts))


def make_params(config: Config, known: Vocab, objective: Objective) -> Params:
    """Returns the matrices that training begins with."""
    key = jax.random.key(config.seed)
    sizes = len(known.words), config.num_columns, objective.num_outputs
    if objective.num_outputs == 0:
        raise ValueError("--min-count: a tree needs two words, the corpus has one")
    return params.init(key, *sizes)


def keep_probability(config: Config, known: Vocab) -> np.ndarray:
    """Returns with what probability a reading of each word is kept."""
    return vocab.keep_probability(known.counts, config.sample)
