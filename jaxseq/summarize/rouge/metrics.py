"""ROUGE of one hypothesis and one reference: ROUGE-N, ROUGE-L and ROUGE-Lsum.

With H and R the tokens of hypothesis and reference and hits what both share,

    precision = hits / |H|,    recall = hits / |R|                                  (1)
    F = 2 precision · recall / (precision + recall)                                 (2)

each 0 where its denominator is. What is counted, and what is a hit:

    ROUGE-N     n-grams; Σ_g min(count_H(g), count_R(g))                            (3)
    ROUGE-L     tokens; length of the longest common subsequence                    (4)
    ROUGE-Lsum  tokens; for each line r of R the tokens of r in the union of its
                longest common subsequences with every line of H, a token of a kind
                counted as often as it stands in H, and in R, at most               (5)

For texts of one line (4) and (5) are the same. The scores are those of rouge_score
0.1.2 to the last bit, given the same tokens.

Reference: Lin, ROUGE: a package for automatic evaluation of summaries, 2004; (5) is his
section 3.2 with the clipping of his script ROUGE-1.5.5, which the paper does not have.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from jaxseq.checks import check_count
from jaxseq.summarize.rouge import lcs


class Score(NamedTuple):
    """The three measures, each 0 to 1.

    Attributes:
        precision: the share of the hypothesis that the reference has.
        recall: the share of the reference that the hypothesis has.
        f: their harmonic mean.
    """

    precision: float
    recall: float
    f: float


class Text(NamedTuple):
    """A text as the metrics see it.

    Attributes:
        tokens: of the whole text.
        lines: the same tokens, line by line; for ROUGE-Lsum one sentence a line.
    """

    tokens: list[str]
    lines: list[list[str]]


class Metric(NamedTuple):
    """A way to score, under the name that the signature shows.

    Attributes:
        name: as "ROUGE-1".
        score: a pure function (hypothesis, reference) -> Score.
    """

    name: str
    score: Callable[[Text, Text], Score]


def rouge_n(n: int) -> Metric:
    """ROUGE-N, eq. (3).

    Args:
        n: words in an n-gram.

    Raises:
        ValueError: if `n` is no positive integer.
    """
    check_count("n", n)

    def score(hypothesis: Text, reference: Text) -> Score:
        h, r = _ngrams(hypothesis.tokens, n), _ngrams(reference.tokens, n)
        return from_hits((h & r).total(), h.total(), r.total())  # (3)

    return Metric(f"ROUGE-{n}", score)


def _score_l(hypothesis: Text, reference: Text) -> Score:
    hits = lcs.length(reference.tokens, hypothesis.tokens)  # (4)
    return from_hits(hits, len(hypothesis.tokens), len(reference.tokens))


def _score_lsum(hypothesis: Text, reference: Text) -> Score:
    left = Counter(hypothesis.tokens) & Counter(reference.tokens)
    hits = 0
    for line in reference.lines:
        found = (lcs.members(line, other) for other in hypothesis.lines)
        for position in sorted(set().union(*found)):
            is_left = left[line[position]] > 0
            left[line[position]] -= is_left
            hits += is_left  # (5)
    return from_hits(hits, len(hypothesis.tokens), len(reference.tokens))


def from_hits(hits: int, num_hypothesis: int, num_reference: int) -> Score:
    """Precision, recall and F of counts, eq. (1) and (2).

    Args:
        hits: how many they have in common.
        num_hypothesis: how many the hypothesis has.
        num_reference: how many the reference has.
    """
    if not hits:
        return Score(0.0, 0.0, 0.0)
    precision, recall = hits / num_hypothesis, hits / num_reference  # (1)
    return Score(
        precision, recall, 2 * precision * recall / (precision + recall)
    )  # (2)


def _ngrams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))


rouge_1 = rouge_n(1)
rouge_2 = rouge_n(2)
rouge_l = Metric("ROUGE-L", _score_l)
rouge_lsum = Metric("ROUGE-Lsum", _score_lsum)
