"""ABS+: a search that is drawn to the words of the document, and to their order.

With y_{i-1}, y_i the last words of a summary of the document x, the score of a next
word w is, instead of log p,

    s(w) = α_1 log p(w | x, y) + Σ_{k=2}^5 α_k f_k(w)                              (1)

    f_2 = 1 if w is in x                                                           (2)
    f_3 = 1 if y_i w is in x, side by side                                         (3)
    f_4 = 1 if y_{i-1} y_i w is in x, side by side                                 (4)
    f_5 = 1 if y_i and w are in x, the first w before the first y_i                (5)

each 0 else. The end is no word of x, and neither is UNK, though a word of x may come in
its place later (`jaxseq.summarize.unknown`); a word of x that the vocabulary lacks
fits only a model that copies it. α_5 is for words in an order that is not the
document's, so it is negative as a rule.

The features are there for the few words of x only: they are found for its M places, and
the places of one word have the same.

The weights are tuned on held-out pairs, by random search: they are parameters of the
model, not static, so that all candidates run one compiled program.

Sizes: B, K, M, R, T as in `jaxseq.summarize.beam`.

References:
    Rush, Chopra, Weston, A neural attention model for abstractive sentence
    summarization, EMNLP 2015, section 5: "extractive tuning". Bergstra, Bengio, Random
    search for hyper-parameter optimization, JMLR 2012.

Departures: (5) as their program NAMAS has it; in the paper f_5 is 1 if any w is before
any y_i, in their order elsewhere or not. Random search for minimum error rate training
(Och 2003); what is tuned for, there BLEU, is up to the caller.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count, check_function, expect
from jaxseq.summarize import decoder
from jaxseq.summarize.batches import Batch, Documents
from jaxseq.summarize.decoder import Decoder, State, Step
from jaxseq.summarize.model import Model
from jaxseq.text.vocab import PAD
from jaxseq.types import Array, Key


# The size of a drawn weight, in nats.
LEAST, MOST = 0.05, 5.0


class Weights(NamedTuple):
    """The α of eq. (1): numbers, or arrays [] in `Params`.

    Attributes:
        log_prob: α_1.
        unigram: α_2.
        bigram: α_3.
        trigram: α_4.
        reordering: α_5.
    """

    log_prob: Any = 1.0
    unigram: Any = 0.0
    bigram: Any = 0.0
    trigram: Any = 0.0
    reordering: Any = 0.0


class Params(NamedTuple):
    """A model's weights, and those of the features.

    Attributes:
        base: the model's.
        weights: α.
    """

    base: decoder.Params
    weights: Weights


class Memory(NamedTuple):
    """What a model knows of documents, and their words.

    Attributes:
        base: the model's.
        ids: `[B, M]` int32 in the extended numbering, -1 after the end.
        same: `[B, M, M]` bool, whether two places have the same word.
    """

    base: decoder.Memory
    ids: Array
    same: Array


class Tuned(NamedTuple):
    """What `tune` found.

    Attributes:
        weights: the best.
        value: of these.
        tried: all candidates, in their order, each with its value.
    """

    weights: Weights
    value: float
    tried: list[tuple[Weights, float]]


@functools.cache
def model(base: Model) -> Model:
    """Returns a model that is searched with `rescore`; it is trained as `base` is.

    Its parameters are `Params`, its features of no weight at first.

    Args:
        base: the model that has p, eq. (1).
    """

    def init(key: Key) -> Params:
        return Params(base.init(key), Weights(*map(jnp.float32, Weights())))

    def read(params: Params, documents: Documents, num_outside: int) -> Memory:
        ids, lengths = (jnp.asarray(a).T for a in documents)
        places = jnp.arange(ids.shape[1], dtype=jnp.int32)
        is_word = places[None, :] < lengths[:, None]
        ids = jnp.where(is_word, ids, jnp.full_like(ids, -1))
        same = ids[:, :, None] == ids[:, None]
        return Memory(base.read(params.base, documents, num_outside), ids, same)

    def score(
        params: Params, batch: Batch, *, dropout: float = 0.0, key: Key | None = None
    ) -> Array:
        return base.score(params.base, batch, dropout=dropout, key=key)

    def start(params: Params, memory: Memory) -> State:
        return base.decoder.start(params.base, memory.base)

    def step(params: Params, memory: Memory, state: State, y_tm1: Array) -> Step:
        return base.decoder.step(params.base, memory.base, state, y_tm1)

    def renormalize(params: Params) -> Params:
        return params._replace(base=base.renormalize(params.base))

    return Model(init, read, score, Decoder(start, step), renormalize)


def rescore(
    params: Params, memory: Memory, tokens: Array, t: Array, log_probs: Array
) -> Array:
    """Returns the scores of the next words, eqs. (1) to (5).

    Args:
        params: of `model`, as the memory.
        memory: of B documents.
        tokens: `[B, K, T]` int32 words so far.
        t: `[]` int32, how many they are.
        log_probs: `[B, K, R]`.

    Returns:
        `[B, K, R]`.
    """
    num_places = log_probs.shape[-1]
    weights = Weights(*(jnp.asarray(w, log_probs.dtype) for w in params.weights))
    of_x = memory.ids[:, None]
    is_last = of_x == _word(tokens, t - 1)  # x_j = y_i
    is_last_but_one = of_x == _word(tokens, t - 2)
    is_bigram = _after(is_last)
    is_trigram = _after(is_last & _after(is_last_but_one))
    is_before = jax.lax.cummax(is_last.astype(jnp.int32), axis=2) == 0
    is_reordered = _at_all(memory, is_before)
    is_reordered &= jnp.any(is_last, axis=-1, keepdims=True)
    gained = jnp.broadcast_to(weights.unigram, is_last.shape)  # (2)
    for weight, has_feature in (
        (weights.bigram, _at_all(memory, is_bigram)),  # (3)
        (weights.trigram, _at_all(memory, is_trigram)),  # (4)
        (weights.reordering, is_reordered),  # (5)
    ):
        gained += jnp.where(has_feature, weight, jnp.zeros_like(weight))

    def of_document(ids, scores, gained):
        # Not added: a word that stands at two places would gain twice.
        places = jnp.where(ids >= 0, ids, jnp.full_like(ids, num_places))
        here = scores.at[:, places].get(mode="fill", fill_value=0) + gained
        return scores.at[:, places].set(here, mode="drop")

    scores = weights.log_prob * log_probs
    return jax.vmap(of_document)(memory.ids, scores, gained)  # (1)


def tune(
    measure: Callable[[Weights], float], num_candidates: int = 32, *, seed: int = 0
) -> Tuned:
    """Searches weights at random: α_1 = 1, the others' sizes log-uniform.

    Args:
        measure: how good weights are; NaN is never the best. Of held-out pairs, not of
            those that the result is to be measured on.
        num_candidates: how often it is called. The first time no feature counts, so
            that the result is never worse than that.
        seed: of the draw, not negative.

    Returns:
        The best; the first of equal ones.

    Raises:
        ValueError: naming the argument.
    """
    check_function("measure", measure)
    check_count("num_candidates", num_candidates)
    check_count("seed", seed, least=0)
    rng = np.random.default_rng(seed)
    tried = []
    for number in range(num_candidates):
        drawn = np.exp(rng.uniform(math.log(LEAST), math.log(MOST), 4)) * (number > 0)
        one, two, three, reordering = drawn.tolist()
        weights = Weights(1.0, one, two, three, -reordering)
        tried.append((weights, float(measure(weights))))
    measured = [(w, value) for w, value in tried if not math.isnan(value)]
    expect(len(measured) > 0, "measure", "a number", "NaN for all candidates")
    return Tuned(*max(measured, key=lambda pair: pair[1]), tried)


def _word(tokens: Array, place: Array) -> Array:
    """Returns a word of each hypothesis, `[B, K, 1]`; PAD, in no x, for none."""
    at = jnp.maximum(place, jnp.zeros_like(place))
    word = jax.lax.dynamic_index_in_dim(tokens, at, axis=2)
    return jnp.where(place >= 0, word, jnp.full_like(word, PAD))


def _after(is_here: Array) -> Array:
    """Moves `[B, K, M]` to the next place."""
    return jnp.pad(is_here[..., :-1], [(0, 0), (0, 0), (1, 0)])


def _at_all(memory: Memory, is_here: Array) -> Array:
    """Says of each place whether any place of its word is marked, `[B, K, M]`."""
    counts = jnp.einsum(
        "bkm,bmn->bkn", is_here.astype(jnp.float32), memory.same.astype(jnp.float32)
    )
    return counts > 0
