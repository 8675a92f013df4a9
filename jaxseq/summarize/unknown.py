"""Words in the place of UNK: those that the model attended to as it wrote it.

Reference: Jean, Cho, Memisevic, Bengio 2015, section 4.1, without its dictionary; the
`replace_unk` of OpenNMT.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxseq.checks import describe, expect


class Replaced(NamedTuple):
    """The words of a summary after the replacement.

    Attributes:
        words: T of them.
        is_replaced: of each, whether it stands in the place of UNK.
    """

    words: list[str]
    is_replaced: list[bool]


def replace_unknown(
    words: Sequence[str],
    is_unknown: Sequence[bool],
    weights: np.ndarray,
    document: Sequence[str],
) -> Replaced:
    """Puts for each unknown word the one of the document with the largest weight.

    Args:
        words: `[T]` words of the summary.
        is_unknown: `[T]` which of them are UNK.
        weights: `[T, M]` attention at each of them, or more rows and columns: those
            beyond the words and the document are padding.
        document: the words of the document, M or fewer.

    Returns:
        The words; the first of equal weights wins. A word stays as it is where no
        weight is above 0, or one is NaN: its model attended to nothing.

    Raises:
        ValueError: naming the argument.
    """
    weights = np.asarray(weights)
    num_words, num_places = len(words), len(document)
    expect(
        len(is_unknown) == num_words,
        "is_unknown",
        f"{num_words} of them, one a word",
        len(is_unknown),
    )
    fits = weights.ndim == 2
    fits = fits and len(weights) >= num_words and weights.shape[1] >= num_places
    expected = f"shape [{num_words}, {num_places}] or more"
    expect(fits, "weights", expected, describe(weights))
    replaced = Replaced(list(words), [False] * num_words)
    for t in np.flatnonzero(is_unknown).tolist():
        row = weights[t, :num_places]
        if row.size and np.max(row) > 0:
            replaced.words[t] = document[int(np.argmax(row))]
            replaced.is_replaced[t] = True
    return replaced
