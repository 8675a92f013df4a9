"""Documents and summaries as ids, with numbers for the words outside the vocabulary.

The words of a document that the vocabulary of V ids lacks get V, V + 1, … in the order
in which they come, anew in each document: a summary can then copy them. A word of a
summary that neither the vocabulary nor its document has is UNK.

Reference: See, Liu, Manning, Get to the point: summarization with pointer-generator
networks, ACL 2017, section 2.2, the extended vocabulary.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from jaxseq.checks import check_count, expect
from jaxseq.text.vocab import EOS, UNK, Vocab


class Document(NamedTuple):
    """A document as ids.

    Attributes:
        ids: [M] int32 in the extended numbering.
        outside: the words that are V, V + 1, …
    """

    ids: np.ndarray
    outside: tuple[str, ...]


class Example(NamedTuple):
    """A document and the summary to write.

    Attributes:
        document: what is read.
        targets: [T] int32 in the document's numbering: the summary and EOS.
    """

    document: Document
    targets: np.ndarray


def encode(vocab: Vocab, words: Sequence[str], max_words: int) -> Document:
    """Returns a document's ids.

    Args:
        vocab: the vocabulary.
        words: of the document; none at all will do.
        max_words: what is longer is cut to so many, knowingly.

    Raises:
        ValueError: if `max_words` is no such number, or `words` is a text.
    """
    check_count("max_words", max_words)
    is_list = not isinstance(words, str | bytes)
    expect(is_list, "words", "a list of words (a text: split it first)", repr(words))
    num_ids, outside = len(vocab.tokens), {}
    ids = np.array(
        [
            vocab.id_of[word]
            if word in vocab.id_of
            else outside.setdefault(word, num_ids + len(outside))
            for word in words[:max_words]
        ],
        np.int32,
    )
    return Document(ids, tuple(outside))


def encode_summary(
    vocab: Vocab, document: Document, words: Sequence[str], max_targets: int
) -> np.ndarray:
    """Returns `[T]` int32 targets: the summary's ids, and EOS.

    Args:
        vocab: the vocabulary.
        document: whose numbering to use.
        words: of the summary.
        max_targets: what is longer is cut to so many ids, and then has no EOS.

    Raises:
        ValueError: if `max_targets` is no such number.
    """
    check_count("max_targets", max_targets)
    first = len(vocab.tokens)
    copied = {word: first + k for k, word in enumerate(document.outside)}
    ids = [vocab.id_of.get(word, copied.get(word, UNK)) for word in words]
    return np.array([*ids, EOS][:max_targets], np.int32)


def decode(vocab: Vocab, document: Document, ids: Iterable[int]) -> list[str]:
    """Returns the words of a summary up to EOS, which is left out.

    Args:
        vocab: the vocabulary.
        document: in whose numbering the ids are.
        ids: of the summary.

    Raises:
        ValueError: if one of them is no id of this document.
    """
    words = []
    for place, number in enumerate(ids):
        if number == EOS:
            break
        outside = number - len(vocab.tokens)
        if number < 0 or outside >= len(document.outside):
            most = len(vocab.tokens) + len(document.outside)
            raise ValueError(f"ids[{place}]: expected 0 to {most - 1}, got {number}")
        words.append(vocab.tokens[number] if outside < 0 else document.outside[outside])
    return words
