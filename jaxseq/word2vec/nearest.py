"""Which words are near which: gensim's queries, with gensim's answers.

Names, arguments and defaults are those of `gensim.models.KeyedVectors` (4.4.0), with
the vectors in front. With u_w the row of w at length 1, and cos the cosine:

    m    = (Σ_p u_p - Σ_n u_n) / (#p + #n)                             (1)
    s(w) = cos(u_w, m)                                                 (2)
    s(w) = Π_p (1 + cos(u_w, u_p)) / 2
           / (Π_n (1 + cos(u_w, u_n)) / 2 + 10⁻⁶)                      (3)

(1) and (2) are `most_similar`, 3CosAdd for two positive words and a negative one, (3)
is `most_similar_cosmul`.

The operations are gensim's in their order and precision, and the largest are selected
by the same calls, so that even ties come out alike. On purpose this differs:

* A row of zeros is similar to nothing: 0, where gensim gives NaN.
* A mean without a direction, such as a - a, is an error.
* `most_similar_cosmul` obeys `restrict_vocab`, which gensim takes and ignores.
* `restrict_vocab` of 0 is an error, and no limit in gensim; there is no `clip_start`,
  `clip_end` or `indexer`.

References: Mikolov, Yih, Zweig, Linguistic regularities in continuous space word
representations, NAACL 2013: 3CosAdd. Levy, Goldberg, Linguistic regularities in sparse
and explicit word representations, CoNLL 2014: (3). gensim: as
`jaxseq.word2vec.similarity`.
"""

import numbers
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from jaxseq.checks import check_count, describe, expect
from jaxseq.word2vec.vectors import Key, Vectors, index_of, mean_direction


Answer: TypeAlias = list[tuple[str, float]] | np.ndarray
# A word, an id, a vector [D]; or a sequence of these and of pairs (one, weight).
Terms: TypeAlias = Any


def most_similar(
    vectors: Vectors,
    positive: Terms = None,
    negative: Terms = None,
    topn: int | None = 10,
    restrict_vocab: int | None = None,
) -> Answer:
    """Finds the words nearest to a weighted mean of words, eqs. (1) and (2).

        >>> from jaxseq.word2vec import vectors
        >>> rows = np.array([[1, 0, 2], [0, 1, 2], [1, 0, 0], [0, 1, 0]], np.float32)
        >>> royal = vectors.make(["king", "queen", "man", "woman"], rows)
        >>> [(word, cosine)] = most_similar(royal, ["king", "woman"], "man", topn=1)
        >>> word, round(cosine, 2)
        ('queen', 0.86)

    Args:
        vectors: the vectors.
        positive: a word, an id or a vector `[D]`, taken as long as it is; or several of
            them, each alone or as a pair (word, weight). Weights are 1 by default.
        negative: the same, with weights of -1 by default.
        topn: how many words; none if it is below 1.
        restrict_vocab: how many words of the vocabulary to look at, None for all.

    Returns:
        Pairs of word and similarity, the nearest first, without the words that were
        given; if `topn` is None the similarities of all words that were looked at.

    Raises:
        KeyError: naming a word that is not there.
        ValueError: naming the argument; or if the mean is zero.
    """
    if _is_nothing(topn, restrict_vocab):
        return []
    keys: list[int] = []
    parts, weights = [], []
    for argument, terms, own in ("positive", positive, 1.0), ("negative", negative, -1):
        for i, term in enumerate(_listed(argument, terms)):
            term, weight = term if _is_pair(term) else (term, own)
            parts.append(_part(vectors, f"{argument}[{i}]", term, keys))
            weights.append(weight)
    expect(len(parts) > 0, "positive and negative", "at least one word", "none")
    mean = mean_direction(parts, np.array(weights, np.float64))
    expected = "words and weights with a mean that has a direction"
    has_direction = bool(np.isfinite(mean).all() and mean.any())
    expect(has_direction, "positive and negative", expected, "a mean of zero or NaN")
    rows, norms = vectors.rows[:restrict_vocab], vectors.norms[:restrict_vocab]
    similarities = rows @ mean / norms
    return _answer(vectors, similarities, topn, keys)


def most_similar_cosmul(
    vectors: Vectors,
    positive: Terms = None,
    negative: Terms = None,
    topn: int | None = 10,
    restrict_vocab: int | None = None,
) -> Answer:
    """Finds words by a product of similarities, eq. (3): no single one dominates.

    Args:
        vectors: the vectors.
        positive: a word, an id or a vector `[D]`, best of length 1; or several of them.
        negative: the same.
        topn: as in `most_similar`.
        restrict_vocab: as in `most_similar`.

    Returns:
        As `most_similar`, with the scores of eq. (3).

    Raises:
        KeyError: naming a word that is not there.
        ValueError: naming the argument; or if there is nothing positive.
    """
    if _is_nothing(topn, restrict_vocab):
        return []
    keys: list[int] = []
    rows, norms = vectors.rows[:restrict_vocab], vectors.norms[:restrict_vocab]

    def product(argument: str, terms: Terms) -> np.ndarray:
        parts = [
            _part(vectors, f"{argument}[{i}]", term, keys).astype(np.float32)
            for i, term in enumerate(_listed(argument, terms))
        ]
        return np.prod([(1 + rows @ part / norms) / 2 for part in parts], axis=0)

    with np.errstate(all="ignore"):
        numerator, denominator = (
            product("positive", positive),
            product("negative", negative),
        )
        scores = numerator / (denominator + 0.000001)
    expect(numerator.shape != (), "positive", "at least one word", "none")
    expected = "vectors whose products with the rows are finite in float32"
    is_finite = bool(np.isfinite(scores).all())
    expect(is_finite, "positive and negative", expected, "inf or NaN")
    return _answer(vectors, scores, topn, list(set(keys)))


def similar_by_word(
    vectors: Vectors,
    word: Key,
    topn: int | None = 10,
    restrict_vocab: int | None = None,
) -> Answer:
    """Finds the words nearest to a word; see `most_similar`."""
    return most_similar(vectors, [word], None, topn, restrict_vocab)


def similar_by_vector(
    vectors: Vectors,
    vector: ArrayLike,
    topn: int | None = 10,
    restrict_vocab: int | None = None,
) -> Answer:
    """Finds the words nearest to a vector `[D]`; see `most_similar`."""
    return most_similar(vectors, [np.asarray(vector)], None, topn, restrict_vocab)


def _is_nothing(topn: int | None, restrict_vocab: int | None) -> bool:
    """Checks two arguments; tells whether no words are wanted at all."""
    if restrict_vocab is not None:
        check_count("restrict_vocab", restrict_vocab)
    is_number = topn is None or isinstance(topn, int | np.integer)
    expect(is_number, "topn", "an integer or None", repr(topn))
    return topn is not None and topn < 1


def _listed(argument: str, terms: Terms) -> list:
    if terms is None:
        return []
    if isinstance(terms, Key):
        return [terms]
    if hasattr(terms, "__array__"):
        array = np.asarray(terms)
        return [array] if array.ndim < 2 else list(array)
    is_list = isinstance(terms, Iterable) and not isinstance(terms, bytes)
    expect(is_list, argument, "words, ids or vectors", repr(terms)[:60])
    return list(terms)


def _is_pair(term: Any) -> bool:
    is_two = isinstance(term, tuple | list) and len(term) == 2
    return is_two and isinstance(term[1], numbers.Real)


def _part(vectors: Vectors, argument: str, term: Any, keys: list[int]) -> np.ndarray:
    """Returns the vector of a term, and adds its id to `keys` if it is a word."""
    if isinstance(term, Key):
        keys.append(index_of(vectors, term))
        return vectors.rows[keys[-1]] / vectors.norms[keys[-1]]
    expected = f"a word, an id or a finite vector [{vectors.rows.shape[1]}]"
    expect(hasattr(term, "__array__"), argument, expected, repr(term)[:60])
    array = np.asarray(term)
    fits = array.shape == vectors.rows.shape[1:] and array.dtype.kind in "iuf"
    expect(fits, argument, expected, describe(array))
    expect(bool(np.isfinite(array).all()), argument, expected, "one with inf or NaN")
    return array


def _answer(
    vectors: Vectors, scores: np.ndarray, topn: int | None, keys: list[int]
) -> Answer:
    if topn is None:
        return scores
    # As many as gensim selects: which of equals come first may depend on the number.
    best = _largest(scores, topn + len(keys))
    found = [(vectors.words[i], float(scores[i])) for i in best if i not in keys]
    return found[:topn]


def _largest(scores: np.ndarray, num: int) -> np.ndarray:
    """Returns the places of the largest scores, the largest first."""
    falling = -scores
    if num >= len(scores):
        return np.argsort(falling)
    first = np.argpartition(falling, num)[:num]
    return first[np.argsort(falling[first])]
