"""From sentences to vectors in one call, for whoever needs no more.

    vectors = fit(sentences)                     Skip-gram
    vectors = fit(sentences, cbow)
    vectors = fit(sentences, cbow_tree)          CBOW with hierarchical softmax
    vectors = fit(sentences, setting=Setting(reach=10, num_epochs=1))

What it puts together, `corpus.read`, `training.plan` and the rest, is there for what
it leaves out: progress and checkpoints. What gensim's Word2Vec calls otherwise
(and there CBOW is what is trained by default):

    vector_size             num_columns
    window, epochs, seed    Setting.reach, num_epochs, seed
    alpha, min_alpha        Setting.first_rate, last_rate
    workers                 Setting.num_shards: devices, of which a CPU is one unless
                            told, with matrices of their own
    max_final_vocab         max_vocab, also where counts tie
    ns_exponent             exponent
    sg                      skip_gram or cbow
    hs=1, negative=0        tree or cbow_tree; not both output layers at once
    negative=n              lambda known: negative_sampling.cbow(len(known.words), n),
                            with setting=SETTINGS[cbow]
    cbow_mean               always 1
"""

import os
from collections.abc import Callable, Iterable

import jax
import numpy as np

from jaxseq.checks import check_count, check_function, expect
from jaxseq.train import loop
from jaxseq.word2vec import (
    corpus,
    hierarchical_softmax,
    huffman,
    negative_sampling,
    params,
    sampler,
    training,
    vectors,
    vocab,
)
from jaxseq.word2vec.objective import Objective
from jaxseq.word2vec.setting import Setting, for_corpus
from jaxseq.word2vec.vectors import Vectors
from jaxseq.word2vec.vocab import Vocab


def skip_gram(known: Vocab) -> Objective:
    """Skip-gram with 5 negatives.

    Args:
        known: the words, counted.
    """
    return negative_sampling.skip_gram(len(known.words))


def cbow(known: Vocab) -> Objective:
    """CBOW with 5 negatives.

    Args:
        known: the words, counted.
    """
    return negative_sampling.cbow(len(known.words))


def tree(known: Vocab) -> Objective:
    """Skip-gram with hierarchical softmax.

    Args:
        known: the words, counted.
    """
    return hierarchical_softmax.skip_gram(huffman.build(known.counts))


def cbow_tree(known: Vocab) -> Objective:
    """CBOW with hierarchical softmax.

    Args:
        known: the words, counted.
    """
    return hierarchical_softmax.cbow(huffman.build(known.counts))


SETTINGS: dict[Callable[[Vocab], Objective], Setting] = {
    skip_gram: Setting(),
    cbow: Setting(first_rate=0.05, chunk_size=16, num_shared=24),
    tree: Setting(block_size=256, chunk_size=16, cap=6.0),
    cbow_tree: Setting(first_rate=0.05, block_size=256, chunk_size=32, cap=6.0),
}
"""How each trains best (experiments/bench/NOTES.md, trials 20 and 22; 41 for speed)."""


ON_GPU = 4
"""How many times larger blocks and spans are on a GPU (NOTES.md, trial 25)."""


def on_these_devices(setting: Setting) -> Setting:
    """Divides a block among S devices, and makes blocks and spans larger on a GPU.

    On a GPU each block starts some hundred kernels.

    Args:
        setting: how to train, with blocks as for one CPU.

    Returns:
        The setting with other sizes.
    """
    factor = ON_GPU if jax.default_backend() == "gpu" else 1
    num_chunks = factor * setting.block_size // setting.chunk_size
    return setting._replace(
        block_size=max(1, num_chunks // setting.num_shards) * setting.chunk_size,
        span_size=factor * setting.span_size,
    )


def fit(
    sentences: Iterable[Iterable[str]],
    make_objective: Callable[[Vocab], Objective] = skip_gram,
    *,
    num_columns: int = 100,
    min_count: int = 5,
    max_vocab: int | None = None,
    sample: float = 1e-3,
    exponent: float = 0.75,
    setting: Setting | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Vectors:
    """Trains word vectors.

    Args:
        sentences: the tokens of each sentence, read once; may be generators.
        make_objective: what to train, given the vocabulary.
        num_columns: D, the size of a word's vector.
        min_count: words read less often are left out.
        max_vocab: largest number of words, None for as many as there are.
        sample: share of the text above which a word is thinned out; 0 keeps all.
        exponent: α of the noise that negatives are drawn from.
        setting: how to train a large corpus; blocks are made smaller for a small one,
            which one device trains on. None: as `SETTINGS` has it, for an objective
            that is not there `Setting()`; with larger blocks on a GPU. For S devices:
            `on_these_devices(SETTINGS[skip_gram]._replace(num_shards=S))`.
        folder: keeps the ids of a corpus larger than memory; None: in memory.

    Returns:
        The words by falling count, their vectors `[V, D]` float32 and counts.

    Raises:
        ValueError: naming the argument; "sentences" for an empty corpus, or one whose
            sentences are of one word, "min_count" if it leaves no word, "sample" if it
            leaves none.
        Diverged: if the loss stops being finite, saying where.
    """
    check_function("make_objective", make_objective)
    if setting is None:
        setting = on_these_devices(SETTINGS.get(make_objective, Setting()))
    check_count("setting.seed", setting.seed, least=0)
    known, read = corpus.read(sentences, min_count, max_vocab, folder)
    expected = "one with two words that get a vector"
    got = f"{read.num_sentences} of one word"
    expect(read.num_kept > read.num_sentences, "sentences", expected, got)
    objective = make_objective(known)
    has_outputs = objective.num_outputs > 0
    expect(has_outputs, "min_count", "two words at least, as a tree needs", "one")
    negatives = None
    if objective.draws_negatives:
        negatives = sampler.make(vocab.noise(known.counts, exponent))
    key = jax.random.key(setting.seed)
    start = params.init(key, len(known.words), num_columns, objective.num_outputs)
    keep = vocab.keep_probability(known.counts, sample)
    setting = for_corpus(setting, len(read.ids))
    plan = training.plan(objective, negatives, read, keep, start, setting)
    begun = training.begin(start, plan.layout)
    del start  # its arrays are given away, or others have their place
    *_, last = loop.train(
        plan.update, plan.batch_at, begun, plan.setting, layout=plan.layout
    )
    num_trained = last.training.position.num_counted
    expect(num_trained > 0, "sample", "a share that leaves words", sample)
    rows = np.asarray(last.training.state.params.inputs)
    return vectors.make(known.words, rows, known.counts)
