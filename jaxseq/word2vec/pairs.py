"""The training pairs of a sentence, as the lecture lists them.

Skip-gram predicts each context from its centre, CBOW the centre from its contexts. What
trains on blocks of a corpus never writes this list down: its sums go over it.

Reference: as `jaxseq.word2vec.objective`.
"""

from collections.abc import Sequence
from typing import TypeVar

from jaxseq.checks import check_count


Token = TypeVar("Token")


def pairs(tokens: Sequence[Token], window: int) -> list[tuple[Token, Token]]:
    """Lists (centre, context): centres in order, contexts of each from left to right.

        >>> "".join(f"({c},{o})" for c, o in pairs("我爱学习爱劳动", window=2)[:6])
        '(我,爱)(我,学)(爱,我)(爱,学)(爱,习)(学,我)'

    Args:
      tokens: [T] of one sentence; a string counts as its characters.
      window: how far a context may be from its centre, on either side.

    Returns:
      T·2·window pairs, less window·(window + 1) that the two ends lack (T > window).

    Raises:
      ValueError: if `window` is no positive integer.
    """
    check_count("window", window)
    return [
        (centre, tokens[j])
        for i, centre in enumerate(tokens)
        for j in range(max(0, i - window), min(len(tokens), i + window + 1))
        if j != i
    ]
