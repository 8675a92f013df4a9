"""The settings that move a ROUGE score by points, each under the name that it prints.

Each setting is a record of a name and a pure function, so that one of your own, such as
`Stemmer("snowball", stem)`, is as good as those here, and the signature shows it.

Reference: as `jaxseq.summarize.rouge.metrics`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from jaxseq.checks import check_count
from jaxseq.summarize.rouge import porter as porter_stemmer, tokenizers
from jaxseq.summarize.rouge.metrics import Score, Text
from jaxseq.summarize.rouge.tokenizers import Tokenizer


class Stemmer(NamedTuple):
    """What takes the endings off words of more than three letters: token to token.

    Attributes:
        name: for the signature.
        stem: `(token) -> token`.
    """

    name: str
    stem: Callable[[str], str]


class Limit(NamedTuple):
    """Where a text is cut before it becomes tokens: text to text.

    Attributes:
        name: for the signature.
        cut: `(text) -> text`.
    """

    name: str
    cut: Callable[[str], str]


class Unknown(NamedTuple):
    """What becomes of a hypothesis' marks of unknown words: tokens to tokens.

    Attributes:
        name: for the signature.
        apply: `(tokens) -> tokens`.
    """

    name: str
    apply: Callable[[list[str]], list[str]]


class Multi(NamedTuple):
    """One score out of those with each reference of a pair; there is at least one.

    Attributes:
        name: for the signature.
        combine: `(scores) -> score`.
    """

    name: str
    combine: Callable[[Sequence[Score]], Score]


def _mean(scores: Sequence[Score]) -> Score:
    precisions, recalls, fs = zip(*scores, strict=True)
    num = len(scores)
    return Score(sum(precisions) / num, sum(recalls) / num, sum(fs) / num)


def _best(scores: Sequence[Score]) -> Score:
    return max(scores, key=lambda score: score.f)


def _same_text(text: str) -> str:
    return text


def _same_tokens(tokens: list[str]) -> list[str]:
    return tokens


def _without_unk(tokens: list[str]) -> list[str]:
    return [token for token in tokens if token != "unk"]


def _unmatched_unk(tokens: list[str]) -> list[str]:
    # No tokenizer gives a token with a space in it.
    return ["no match" if token == "unk" else token for token in tokens]


porter = Stemmer("porter", porter_stemmer.stem)
"""English, as in all published ROUGE with the option -m."""

no_stemmer = Stemmer("none", _same_text)

no_limit = Limit("none", _same_text)


def first_words(count: int) -> Limit:
    """The first words, which white space separates, as ROUGE-1.5.5 -l.

    Args:
        count: how many.

    Raises:
        ValueError: if `count` is no positive integer.
    """
    check_count("count", count)

    def cut(text: str) -> str:
        words = text.split(maxsplit=count)
        # What is not cut keeps its line ends, which ROUGE-Lsum needs.
        return text if len(words) <= count else text.removesuffix(words[count])

    return Limit(f"{count}w", cut)


def first_bytes(count: int) -> Limit:
    """The first bytes in UTF-8, in the middle of a word as well, as ROUGE-1.5.5 -b.

    DUC-2003 and DUC-2004 take the recall at 75. A character that is cut is dropped.

    Args:
        count: how many.

    Raises:
        ValueError: if `count` is no positive integer.
    """
    check_count("count", count)

    def cut(text: str) -> str:
        return text.encode(errors="surrogatepass")[:count].decode(errors="ignore")

    return Limit(f"{count}b", cut)


keep_unk = Unknown("keep", _same_tokens)
"""A hypothesis' "unk" matches one of the reference: Gigaword's test set has 833."""

drop_unk = Unknown("drop", _without_unk)
"""UNK, <unk> and [UNK] of a hypothesis are taken out and not counted."""

miss_unk = Unknown("miss", _unmatched_unk)
"""UNK, <unk> and [UNK] of a hypothesis count as tokens, and match nothing."""

mean = Multi("mean", _mean)
"""The mean of each measure over the references: what the published DUC tables fit."""

best = Multi("best", _best)
"""The score with the reference of the highest F, the first one of equals, for each
metric by itself, as `RougeScorer.score_multi` of rouge_score."""


class Settings(NamedTuple):
    """How texts are compared; the defaults are those of published English results.

    A limit holds for hypothesis and references alike, as in ROUGE-1.5.5, whatever its
    help says of the option; DUC's references are short enough for it. The script takes
    line ends off before it counts bytes; here one counts as a byte.

    Attributes:
        tokenizer: of all texts.
        stemmer: for tokens of more than three characters.
        limit: for all texts.
        unk: for hypotheses.
        multi: for pairs with several references, or one.
    """

    tokenizer: Tokenizer = tokenizers.rouge_score
    stemmer: Stemmer = porter
    limit: Limit = no_limit
    unk: Unknown = keep_unk
    multi: Multi = mean


def prepare(text: str, settings: Settings, unk: Unknown = keep_unk) -> Text:
    """Cuts a text into lines of tokens, as the settings say.

    Args:
        text: any.
        settings: what is done with it.
        unk: what is done with placeholders; those of references are kept.
    """
    _, split = settings.tokenizer
    _, stem = settings.stemmer
    lines = [
        unk.apply([stem(t) if len(t) > 3 else t for t in split(line)])
        for line in settings.limit.cut(text).split("\n")
    ]
    return Text([token for line in lines for token in line], lines)
