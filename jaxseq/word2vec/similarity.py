"""How similar words are: gensim's comparisons, with gensim's answers.

Names and results are those of `gensim.models.KeyedVectors` (4.4.0), with the
vectors in front. On purpose this differs:

* A row of zeros is similar to nothing: 0, where gensim gives NaN.
* Words that `n_similarity` and `doesnt_match` leave out as unknown cause a warning; if
  no word is left, the error is a KeyError.

Reference: Řehůřek, Sojka, Software framework for topic modelling with large corpora,
LREC 2010 workshop: gensim.
"""

import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from jaxseq.checks import expect
from jaxseq.word2vec.vectors import Key, Vectors, index_of, mean_direction, unit


def similarity(vectors: Vectors, w1: Key, w2: Key) -> float:
    """Returns the cosine of two words' vectors, 0 if one of them is zero.

    Args:
        vectors: the vectors.
        w1: a word, or its id.
        w2: another.

    Raises:
        KeyError: naming a word that is not there.
    """
    one, other = (vectors.rows[index_of(vectors, w)] for w in (w1, w2))
    return float(unit(one) @ unit(other))


def distance(vectors: Vectors, w1: Key, w2: Key) -> float:
    """Returns 1 - `similarity`.

    Args:
        vectors: the vectors.
        w1: a word, or its id.
        w2: another.
    """
    return 1 - similarity(vectors, w1, w2)


def n_similarity(vectors: Vectors, ws1: Sequence[Key], ws2: Sequence[Key]) -> float:
    """Returns the cosine of the means of two lists of words, rows as long as they are.

    Args:
        vectors: the vectors.
        ws1: words.
        ws2: others.

    Raises:
        KeyError: if no word of a list is there; if some are, the others are left out
            with a warning.
        ValueError: if a list is empty, or a string.
    """
    one, other = (
        mean_direction(list(vectors.rows[ids]), np.ones(len(ids), np.float32))
        for ids in (_known(vectors, "ws1", ws1), _known(vectors, "ws2", ws2))
    )
    return float(one @ other)


def doesnt_match(vectors: Vectors, words: Sequence[Key]) -> str:
    """Returns the word that is least similar to the mean of all, rows at length 1.

    Args:
        vectors: the vectors.
        words: at least one.

    Raises:
        KeyError: if no word is there; if some are, the others are left out with a
            warning.
        ValueError: if there are no words, or `words` is a string.
    """
    ids = _known(vectors, "words", words)
    units = vectors.rows[ids] / vectors.norms[ids, None]
    mean = mean_direction(list(units), np.ones(len(ids), np.float32))
    return min(zip(units @ mean, (vectors.words[i] for i in ids), strict=True))[1]


def closer_than(vectors: Vectors, word1: Key, word2: Key) -> list[str]:
    """Lists the words that are nearer to `word1` than `word2` is, by their ids.

    Args:
        vectors: the vectors.
        word1: a word, or its id.
        word2: another.

    Raises:
        KeyError: naming a word that is not there.
    """
    index1, index2 = index_of(vectors, word1), index_of(vectors, word2)
    row = vectors.rows[index1]
    # Not norms[index1]: gensim's rounding of a single row is another one.
    length = np.linalg.norm(row) or np.float32(1)
    distances = 1 - vectors.rows @ row / (length * vectors.norms)
    closer = np.flatnonzero(distances < distances[index2])
    return [vectors.words[i] for i in closer if i != index1]


def rank(vectors: Vectors, key1: Key, key2: Key) -> int:
    """Returns the rank of `key2` among the words nearest to `key1`, 1 for the first.

    Args:
        vectors: the vectors.
        key1: a word, or its id.
        key2: another.
    """
    return len(closer_than(vectors, key1, key2)) + 1


def _known(vectors: Vectors, argument: str, words: Iterable[Key]) -> list[int]:
    """Returns the ids of the words that are there; warns of those that are not."""
    is_list = isinstance(words, Iterable) and not isinstance(words, str | bytes)
    expect(is_list, argument, "a list of words", repr(words)[:60])
    words = list(words)
    expect(len(words) > 0, argument, "at least one word", "none")
    ids, unknown = [], []
    for word in words:
        try:
            ids.append(index_of(vectors, word))
        except KeyError:
            unknown.append(word)
    if not ids:
        raise KeyError(f"{argument}: no Key of {unknown} present")
    if unknown:
        warnings.warn(f"{argument}: left out, not present: {unknown}", stacklevel=3)
    return ids
