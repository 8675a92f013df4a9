"""Longest common subsequences, a column of the table at a time in an integer's bits.

With L(i, j) the length for the first i of x and the first j of y,

    L(i, j) = L(i-1, j-1) + 1              if x_i = y_j
              max(L(i-1, j), L(i, j-1))    otherwise                                (1)

the columns of L rise by 0 or 1. Bit i-1 of V_j is 0 where L(i, j) = L(i-1, j) + 1,
else 1. With M_y the bits of x that equal y, V_0 all ones, and + the sum of integers,

    U = V_{j-1} AND M_{y_j},    V_j = (V_{j-1} + U) OR (V_{j-1} - U)                (2)

so that a whole column costs four operations, and L(|x|, |y|) is the number of zeros.

Reference: Allison and Dix, A bit-string longest-common-subsequence algorithm, 1986;
(2) in the form of Hyyrö, Bit-parallel LCS-length computation revisited, 2004.
"""

from collections.abc import Sequence


def length(x: Sequence[str], y: Sequence[str]) -> int:
    """Length of the longest common subsequence, L(|x|, |y|) of (1).

        >>> length("a b c d".split(), "b d a".split())
        2

    Args:
        x: tokens.
        y: tokens; the order of the two does not matter.
    """
    return len(x) - _columns(x, y)[-1].bit_count()


def members(x: Sequence[str], y: Sequence[str]) -> list[int]:
    """Positions in x of one longest common subsequence, rising.

    Of several the one that ROUGE-1.5.5 and rouge_score choose: from the end of both
    texts, equal tokens are taken; otherwise a token of x is passed over if that loses
    nothing, else a token of y.

    Args:
        x: tokens, the reference.
        y: tokens, the hypothesis.
    """
    columns = _columns(x, y)
    i, j = len(x), len(y)
    found = []
    while i and j:
        if x[i - 1] == y[j - 1]:
            found.append(i - 1)
            i, j = i - 1, j - 1
        elif columns[j] >> (i - 1) & 1:  # L(i, j) = L(i-1, j)
            i -= 1
        else:
            j -= 1
    return found[::-1]


def _columns(x: Sequence[str], y: Sequence[str]) -> list[int]:
    """V_0 to V_|y|."""
    matches: dict[str, int] = {}
    for i, token in enumerate(x):
        matches[token] = matches.get(token, 0) | 1 << i
    all_ones = (1 << len(x)) - 1
    columns = [all_ones]
    for token in y:
        V = columns[-1]
        U = V & matches.get(token, 0)  # (2)
        columns.append((V + U | V - U) & all_ones)  # (2), without the carry
    return columns
