"""Bigram language model with interpolated Kneser-Ney smoothing: the baseline to beat.

Kneser and Ney, "Improved backing-off for m-gram language modeling", 1995, in the
interpolated form of Chen and Goodman, "An empirical study of smoothing techniques for
language modeling", 1999. With c(v w) the count of a bigram, c(v .) of its context,
N(v .) the number of different followers of v and N(. w) of different predecessors of w:

    P(w | v) = max(c(v w) - D2, 0) / c(v .) + D2 N(v .) / c(v .) P1(w)         (1)
    P1(w)    = max(N(. w) - D1, 0) / N(. .) + D1 N(. > 0) / N(. .) / V         (2)
    D        = n1 / (n1 + 2 n2), n_k the number of counts that equal k         (3)

Each order has its own discount (3) from its own counts, c for D2 and N for D1. Where
(3) would give 0 (no count of 1: nothing is held back for what was not seen), D = 1/2.
A context that was never seen has P = P1.
"""

from typing import NamedTuple

import numpy as np

from jaxseq.text.ids import check_ids


_BLOCK = 2**18


class Bigram(NamedTuple):
    """A fitted model of V ids; bigrams are keyed by context * V + word.

    Attributes:
      keys: [K] int64, the bigrams that were seen, rising.
      counts: [K] int64, how often.
      context_counts: [V] int64, c(v .).
      context_types: [V] int64, N(v .).
      unigram: [V] float64, P1.
      discount: D2.
    """

    keys: np.ndarray
    counts: np.ndarray
    context_counts: np.ndarray
    context_types: np.ndarray
    unigram: np.ndarray
    discount: float


def fit(ids: np.ndarray, num_ids: int) -> Bigram:
    """Count the bigrams of one text.

    Args:
      ids: [N] integers in 0..V-1, N at least 2.
      num_ids: V.

    Raises:
      ValueError: if an element is no id, or there is no bigram.
    """
    words = _text(ids, num_ids)
    keys, counts = np.unique(words[:-1] * num_ids + words[1:], return_counts=True)
    contexts, followers = np.divmod(keys, num_ids)
    continuations = np.bincount(followers, minlength=num_ids)
    discount = _discount(continuations)
    held_back = discount * np.count_nonzero(continuations)
    return Bigram(
        keys=keys,
        counts=counts,
        context_counts=np.bincount(words[:-1], minlength=num_ids),
        context_types=np.bincount(contexts, minlength=num_ids),
        unigram=(np.maximum(continuations - discount, 0) + held_back / num_ids)
        / len(keys),
        discount=_discount(counts),
    )


def probabilities(model: Bigram, contexts: np.ndarray, words: np.ndarray) -> np.ndarray:
    """P(word | context), equation (1), elementwise.

    Args:
      model: the fitted model.
      contexts: [...] integers, the ids before.
      words: [...] integers, the ids asked for; broadcast with `contexts`.

    Returns:
      [...] float64, all above 0.

    Raises:
      ValueError: if an element is no id.
    """
    num_ids = len(model.unigram)
    contexts = check_ids("contexts", contexts, num_ids).astype(np.int64)
    words = check_ids("words", words, num_ids).astype(np.int64)
    keys = contexts * num_ids + words
    places = np.minimum(np.searchsorted(model.keys, keys), len(model.keys) - 1)
    counts = np.where(model.keys[places] == keys, model.counts[places], 0)
    totals = model.context_counts[contexts]
    seen = totals > 0
    safe_totals = np.where(seen, totals, 1)
    held_back = model.discount * model.context_types[contexts] / safe_totals
    discounted = np.maximum(counts - model.discount, 0) / safe_totals
    return discounted + np.where(seen, held_back, 1) * model.unigram[words]


def perplexity(model: Bigram, ids: np.ndarray) -> float:
    """The exponential of the mean over t of -log P(ids[t + 1] | ids[t]).

    Args:
      model: the fitted model.
      ids: [N] integers in 0..V-1, N at least 2; the first is context only.

    Raises:
      ValueError: if an element is no id, or there is no bigram.
    """
    words = _text(ids, len(model.unigram))
    total = 0.0
    for start in range(0, len(words) - 1, _BLOCK):  # bounds the temporary arrays
        block = words[start : start + _BLOCK + 1]
        total -= float(np.log(probabilities(model, block[:-1], block[1:])).sum())
    return float(np.exp(total / (len(words) - 1)))


def _text(ids: np.ndarray, num_ids: int) -> np.ndarray:
    words = check_ids("ids", ids, num_ids)
    if words.ndim != 1 or len(words) < 2:
        raise ValueError(f"ids must be [N] with N at least 2, got shape {words.shape}")
    return words.astype(np.int64)  # context * V + word passes 2^31


def _discount(counts: np.ndarray) -> float:
    num_once, num_twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
    return num_once / (num_once + 2 * num_twice) if num_once else 0.5
