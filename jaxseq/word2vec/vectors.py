"""Word vectors: the words, their rows, and how long each row is.

What training leaves, and what a file of word vectors holds. Queries are in `nearest`
and `similarity`, test sets in `evaluate`, files in `vector_files`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from jaxseq.checks import describe, expect


# A word or, as in gensim, its id.
Key: TypeAlias = str | int | np.integer

_BLOCK_ROWS = 4096


class Vectors(NamedTuple):
    """Word vectors; `make` builds and checks them.

    Attributes:
        words: the V words, by id; the commonest first, if files are to agree with those
            of other programs.
        rows: `[V, D]` float32, read-only.
        counts: `[V]` int64, how often each word was counted, or None if nobody knows.
        id_of: id by word.
        norms: `[V]` float32, the Euclidean length of each row; 1 for a row of zeros, so
            that dividing by it leaves zeros and no NaN.
    """

    words: tuple[str, ...]
    rows: np.ndarray
    counts: np.ndarray | None
    id_of: Mapping[str, int]
    norms: np.ndarray


def make(
    words: Iterable[str], rows: ArrayLike, counts: ArrayLike | None = None
) -> Vectors:
    """Puts words and rows together.

    Args:
        words: V words, all different; any strings.
        rows: `[V, D]` float32, finite; taken as they are, without a copy.
        counts: `[V]` integers ≥ 0.

    Returns:
        The vectors.

    Raises:
        ValueError: naming the argument, and the word that it concerns.
    """
    expect(not isinstance(words, str | bytes), "words", "a list of words", repr(words))
    words = tuple(words)
    expect(len(words) > 0, "words", "at least one word", "none")
    for i, word in enumerate(words):
        expect(isinstance(word, str), f"words[{i}]", "a str", repr(word)[:60])
    id_of = {word: i for i, word in enumerate(words)}
    if len(id_of) < len(words):
        i, word = next((i, w) for i, w in enumerate(words) if id_of[w] != i)
        got = f"{word!r} at {i} and at {id_of[word]}"
        expect(False, "words", "every word once", got)
    expected = f"float32[{len(words)}, D], a row for each word, D ≥ 1"
    expect(hasattr(rows, "__array__"), "rows", expected, describe(rows))
    rows = np.ascontiguousarray(rows)
    fits = rows.ndim == 2 and len(rows) == len(words) and rows.size > 0
    fits = fits and rows.dtype == np.float32
    expect(fits, "rows", expected, describe(rows))
    rows = rows.view()  # the caller's own array stays writable
    rows.flags.writeable = False
    norms = _norms(rows)
    if not np.isfinite(norms).all():
        i = int(np.argmin(np.isfinite(norms)))
        wrong = rows[i][~np.isfinite(rows[i])]
        got = f"{wrong[0]}" if wrong.size else "a row longer than float32 can measure"
        expect(False, f"rows[{i}] ({words[i]!r})", "finite numbers", got)
    if counts is not None:
        counts = _checked_counts(counts, len(words))
    norms[norms == 0] = 1
    return Vectors(words, rows, counts, id_of, norms)


def index_of(vectors: Vectors, key: Key) -> int:
    """Returns the id of a word; an id below V is its own.

    Args:
        vectors: the vectors.
        key: the word, or its id.

    Raises:
        KeyError: naming the key, if there is no such word.
    """
    index = vectors.id_of.get(key) if isinstance(key, str) else None
    if index is None and isinstance(key, int | np.integer):
        index = int(key) if 0 <= key < len(vectors.words) else None
    if index is None:
        raise KeyError(f"Key '{key}' not present")
    return index


def normed(vectors: Vectors) -> np.ndarray:
    """Returns all rows at length 1, `[V, D]` float32; rows of zeros as they are.

    Args:
        vectors: the vectors.
    """
    return vectors.rows / vectors.norms[:, None]


def mean_direction(parts: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Returns a weighted mean at length 1, rounded at each step as gensim rounds it.

    Args:
        parts: n vectors `[D]`.
        weights: `[n]` float32 or float64, the precision of the products.

    Returns:
        `[D]` float32, of length 1; zeros if the mean is zero; without a warning NaN, if
        something is not finite or all weights are zero.
    """
    mean = np.zeros(len(parts[0]), np.float32)
    with np.errstate(all="ignore"):
        for part, weight in zip(parts, weights, strict=True):
            mean += weight * part
        return unit(mean / np.abs(weights).sum())


def unit(vector: np.ndarray) -> np.ndarray:
    """Returns a vector `[D]` at length 1: float64 inside, float32 out, zeros as is.

    Args:
        vector: `[D]`.
    """
    wide = vector.astype(np.float64)
    length = math.sqrt(np.dot(wide, wide))
    return (wide * (1 / length) if length > 0 else wide).astype(np.float32)


def _norms(rows: np.ndarray) -> np.ndarray:
    """Measures rows as gensim does, `np.linalg.norm`, block by block.

    Rows so small that their squares vanish in float32 are measured in float64.
    """
    norms = np.empty(len(rows), np.float32)
    with np.errstate(over="ignore"):
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            norms[block] = np.linalg.norm(rows[block], axis=1)
    tiny = np.flatnonzero(norms == 0)
    norms[tiny] = np.linalg.norm(rows[tiny].astype(np.float64), axis=1)
    return norms


def _checked_counts(counts: ArrayLike, num_words: int) -> np.ndarray:
    array = np.asarray(counts)
    is_integer = np.issubdtype(array.dtype, np.integer)
    expected = f"integers [{num_words}], a count for each word"
    fits = is_integer and array.shape == (num_words,)
    expect(fits, "counts", expected, describe(array))
    fits = bool(np.all((array >= 0) & (array <= np.iinfo(np.int64).max)))
    expect(fits, "counts", "0 to 2^63 - 1", f"{array.min()} to {array.max()}")
    return array.astype(np.int64)
