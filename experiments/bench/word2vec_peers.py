"""The two that are compared: a function that trains once, and what comes of it."""

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxseq.train import loop
from jaxseq.word2vec import training
from jaxseq.word2vec.corpus import Corpus
from jaxseq.word2vec.step import Batch
from jaxseq.word2vec.vocab import Vocab

from ..word2vec_config import (
    TUNED,
    Config,
    keep_probability,
    make_objective,
    make_params,
    make_setting,
)


class Outcome(NamedTuple):
    """What came of a training.

    Attributes:
        words: by row.
        rows: `[V, D]`, the vectors.
        num_trained: effective words.
        seconds: of the training.
        seconds_before: of compilation, or of reading the vocabulary.
    """

    words: tuple[str, ...]
    rows: np.ndarray
    num_trained: int
    seconds: float
    seconds_before: float


Peer = Callable[[], Outcome]


def jaxseq_peer(config: Config, known: Vocab, corpus: Corpus) -> Peer:
    """Trains with jaxseq, compiled beforehand."""

    def train() -> Outcome:
        setting = make_setting(config, len(corpus.ids))
        objective, negatives = make_objective(config, known)
        keep = keep_probability(config, known)

        params = make_params(config, known, objective)
        plan = training.plan(objective, negatives, corpus, keep, params, setting)

        def batch_at(number: int) -> Batch:
            batch = plan.batch_at(max(number - 1, 0))
            nothing = np.zeros_like(batch.num_words)
            return batch if number else batch._replace(num_words=nothing)

        # An empty span comes first, with which the program is compiled.
        loop_setting = plan.setting._replace(num_updates=plan.setting.num_updates + 1)
        begun = training.begin(params, plan.layout)
        del params  # its arrays are given away, or others have their place
        progress = loop.train(
            plan.update, batch_at, begun, loop_setting, layout=plan.layout
        )
        started = time.perf_counter()
        next(progress)
        before = time.perf_counter() - started
        started = time.perf_counter()
        *_, last = progress
        state, position = last.training
        rows = np.asarray(state.params.inputs)
        seconds = time.perf_counter() - started
        num_trained = int(position.num_counted)
        return Outcome(known.words, rows, num_trained, seconds, before)

    return train


def gensim_is_missing() -> bool:
    """Says whether the extra `bench` is not installed."""
    return importlib.util.find_spec("gensim") is None


def gensim_peer(config: Config, text: Path, num_workers: int) -> Peer:
    """Trains with gensim, which must be installed, from a file."""
    from gensim.models import Word2Vec  # only this benchmark needs it

    is_tree = config.output == "tree"

    def train() -> Outcome:
        started = time.perf_counter()
        model = Word2Vec(
            vector_size=config.num_columns,
            window=config.reach,
            min_count=config.min_count,
            sg=int(config.model == "skip-gram"),
            hs=int(is_tree),
            negative=0 if is_tree else config.num_negatives,
            sample=config.sample,
            alpha=config.learning_rate or TUNED[config.model, config.output].first_rate,
            workers=num_workers,
            seed=config.seed + 1,
            epochs=config.num_epochs,
        )
        model.build_vocab(corpus_file=str(text))
        before = time.perf_counter() - started
        started = time.perf_counter()
        num_trained, _ = model.train(
            corpus_file=str(text),
            total_words=model.corpus_total_words,
            total_examples=model.corpus_count,
            epochs=model.epochs,
        )
        seconds = time.perf_counter() - started
        words = tuple(map(str, model.wv.index_to_key))
        return Outcome(words, model.wv.vectors, num_trained, seconds, before)

    return train
