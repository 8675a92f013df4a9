"""The words that get vectors, how often they are read, and how often they are drawn.

Ids are ranks by falling count, without special ones: the k-th row of a table is the
k-th most frequent word. With c_w the count of word w and f_w = c_w / Σ c its share:

    p_w = min(1, (√(f_w / t) + 1) t / f_w)     (1) probability that a word is kept
    q_w = c_w^α / Σ c^α                        (2) probability of a negative sample

The shares are among the words of the vocabulary.

Reference: Mikolov, Sutskever, Chen, Corrado, Dean, Distributed representations of words
and phrases and their compositionality, 2013: (2), with α = 3/4. (1) is what their
program word2vec.c computes; the paper's 1 - √(t / f_w) leaves out more.
"""

import numbers
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jaxseq.checks import check_count, check_rate, describe, expect


class Vocab(NamedTuple):
    """Words by id.

    Attributes:
      words: the V words by falling count, equal counts by code points.
      counts: [V] int64, how often each was read.
      id_of: id by word.
    """

    words: tuple[str, ...]
    counts: np.ndarray
    id_of: Mapping[str, int]


def rank(
    counted: Mapping[str, int], min_count: int = 5, max_vocab: int | None = None
) -> Vocab:
    """Gives ids by falling count, equal counts by code points.

    The result depends on the counts alone: not on the order of the words, nor on the
    hash seed of the process.

    Args:
      counted: how often each word was read.
      min_count: words read less often are left out.
      max_vocab: largest number of words V, None for as many as there are.

    Returns:
      The vocabulary, of at least one word.

    Raises:
      ValueError: if there are no words at all, or all are rarer than `min_count`; if
        `min_count` or `max_vocab` is no positive integer.
    """
    check_count("min_count", min_count)
    if max_vocab is not None:
        check_count("max_vocab", max_vocab)
    expect(len(counted) > 0, "counted", "at least one word", "none: an empty corpus")
    # The second sort keeps the order of the first where counts are equal.
    words = sorted(word for word, count in counted.items() if count >= min_count)
    if not words:
        most = max(counted, key=lambda word: counted[word])
        expect(
            False,
            "min_count",
            f"a word that was read at least {min_count} times",
            f"{len(counted)} words, the most frequent of them, {most[:40]!r}, "
            f"{counted[most]} times",
        )
    counts = np.array([counted[word] for word in words], np.int64)
    order = np.argsort(-counts, kind="stable")[:max_vocab]
    ranked = tuple(words[i] for i in order.tolist())
    return Vocab(ranked, counts[order], {word: i for i, word in enumerate(ranked)})


def keep_probability(counts: np.ndarray, sample: float) -> np.ndarray:
    """Probability that one reading of a word is kept, eq. (1).

    Args:
      counts: [V] integers, how often each word was read.
      sample: t, the share above which words are thinned out; 0 keeps all.

    Returns:
      [V] float64.

    Raises:
      ValueError: if `counts` are no positive integers, or `sample` is not in [0, 1).
    """
    counts = check_counts(counts)
    check_rate("sample", sample)
    if sample == 0:
        return np.ones(len(counts))
    # t / f, which no t can make infinite as it can f / t.
    share = sample * counts.sum() / counts
    return np.minimum(1.0, np.sqrt(share) + share)


def noise(counts: np.ndarray, exponent: float = 0.75) -> np.ndarray:
    """Probability that a word is drawn as a negative sample, eq. (2).

    Args:
      counts: [V] integers, how often each word was read.
      exponent: α; 1 draws words as they are read, 0 all alike, -1 rare ones more.

    Returns:
      [V] float64 that sum to 1.

    Raises:
      ValueError: if `counts` are no positive integers, or `exponent` no finite number.
    """
    counts = check_counts(counts)
    is_number = isinstance(exponent, numbers.Real) and not isinstance(exponent, bool)
    is_finite = is_number and np.isfinite(float(exponent))
    expect(is_finite, "exponent", "a finite number", repr(exponent))
    # Shares of the largest: a power of theirs overflows for no exponent of use.
    weights = (counts / counts.max()) ** float(exponent)
    return weights / weights.sum()


def check_counts(counts: np.ndarray) -> np.ndarray:
    """Checks counts `[V]` of words and returns them as int64.

    Args:
      counts: `[V]` integers.

    Returns:
      `[V]` int64.

    Raises:
      ValueError: if they are no array [V] of positive integers, V at least 1.
    """
    is_flat = isinstance(counts, np.ndarray) and counts.ndim == 1 and counts.size > 0
    fits = is_flat and np.issubdtype(counts.dtype, np.integer)
    expect(fits, "counts", "an array [V] of integers, V ≥ 1", describe(counts))
    for at in (int(np.argmin(counts)), int(np.argmax(counts))):
        fits = 1 <= counts[at] <= np.iinfo(np.int64).max
        expect(fits, "counts", "integers of 1 to 2^63 - 1", f"{counts[at]} at [{at}]")
    return counts.astype(np.int64)
