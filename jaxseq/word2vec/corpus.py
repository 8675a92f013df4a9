"""A corpus as one array of ids, made in one pass over its sentences.

While sentences are read, each new word gets the next provisional id, and these ids go
to a spool. Only then are the counts known: words are ranked, and the spool is copied
with the ranks as ids, without the words that are out of the vocabulary. So a generator
will do, and the text itself is never held.

With a folder, spool and copy are files in it and the copy is memory-mapped: memory is
that of the words and of one block, whatever the length of the corpus. The files have no
name and go when the array does, or the process: none can be left, whole or half.

A sentence is any iterable of tokens. It is read in blocks, so that a sentence of any
length may come as a generator (`jaxseq.word2vec.sentences` does this with long lines).
"""

import io
import itertools
import os
import tempfile
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from jaxseq.checks import expect
from jaxseq.word2vec.vocab import Vocab, rank


END = -1
_DROPPED = -2
_BLOCK = 2**17  # ids; larger is no faster


class Corpus(NamedTuple):
    """Sentences of ids, one after the other.

    Attributes:
      ids: [N] int32 ids of the vocabulary's words in the order of the text, END after
        each sentence; read-only, and a memory map if a folder was given.
      num_words: how many words were read, those out of the vocabulary included.
      num_sentences: how many sentences have words of the vocabulary; N is this number
        plus `num_kept`.
    """

    ids: np.ndarray
    num_words: int
    num_sentences: int

    @property
    def num_kept(self) -> int:
        """Returns how many words are in `ids`."""
        return len(self.ids) - self.num_sentences


def read(
    sentences: Iterable[Iterable[str]],
    min_count: int = 5,
    max_vocab: int | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> tuple[Vocab, Corpus]:
    """Reads sentences once: their vocabulary, and their ids.

    Args:
      sentences: the tokens of each sentence; may be generators.
      min_count: words read less often are left out.
      max_vocab: largest number of words V, None for as many as there are.
      folder: has room for 8 bytes a word, for a corpus larger than memory; None keeps
        the ids in memory.

    Returns:
      The vocabulary and the corpus. Sentences without words of the vocabulary leave
      nothing behind.

    Raises:
      ValueError: if there are no words, or all are rarer than `min_count`; if a
        sentence is a string instead of its tokens; if a token is no string.
    """
    with _file(folder) as spool:
        ids = _spooled(sentences, spool)
        expect(len(ids) > 0, "sentences", "at least one word", "none: an empty corpus")
        counts = np.zeros(len(ids), np.int64)
        for block in _blocks(spool):
            counted = np.bincount(block[block != END])
            counts[: len(counted)] += counted
        vocab = rank(dict(zip(ids, counts.tolist(), strict=True)), min_count, max_vocab)
        return vocab, _copied(spool, ids, vocab, folder)


def encode(
    vocab: Vocab,
    sentences: Iterable[Iterable[str]],
    folder: str | os.PathLike[str] | None = None,
) -> Corpus:
    """Reads sentences once, with the ids of a vocabulary that is there already.

    Args:
      vocab: the vocabulary.
      sentences: the tokens of each sentence; may be generators.
      folder: as for `read`.

    Returns:
      The corpus.

    Raises:
      ValueError: if no word is in the vocabulary; if a sentence is a string instead of
        its tokens; if a token is no string.
    """
    with _file(folder) as spool:
        return _copied(spool, _spooled(sentences, spool), vocab, folder)


def _spooled(
    sentences: Iterable[Iterable[str]], spool: io.BufferedIOBase
) -> Mapping[str, int]:
    """Writes provisional ids, and END after each sentence.

    Returns:
      The provisional ids: 0, 1, ... in the order of the words' first occurrence.
    """
    is_list = isinstance(sentences, Iterable) and not isinstance(sentences, str | bytes)
    expected = "sentences, each a list of tokens"
    expect(is_list, "sentences", expected, repr(sentences)[:40])
    # Looking up a new word stores its id: what a loop would say, at the speed of C.
    id_of: defaultdict[str, int] = defaultdict()
    id_of.default_factory = id_of.__len__
    look_up = id_of.__getitem__
    ids = array("i")
    for position, tokens in enumerate(sentences):
        _check_tokens(position, tokens)
        rest = iter(tokens)
        is_over = False
        while not is_over:
            num_before = len(ids)
            try:
                ids.extend(map(look_up, itertools.islice(rest, _BLOCK)))
            except TypeError as error:  # of a token that is a list
                name = f"sentences[{position}]"
                raise ValueError(
                    f"{name}: expected tokens of type str, got {error}"
                ) from error
            is_over = len(ids) - num_before < _BLOCK
            if is_over:
                ids.append(END)
            if len(ids) >= _BLOCK:
                spool.write(ids)
                del ids[:]
    spool.write(ids)
    id_of.default_factory = None  # or the dictionary would hold itself
    for word in id_of:
        if not isinstance(word, str):
            got = f"{type(word).__name__} {repr(word)[:40]}"
            expect(False, "sentences", "tokens of type str", got)
    return id_of


def _check_tokens(position: int, tokens: object) -> None:
    if isinstance(tokens, str | bytes) or not isinstance(tokens, Iterable):
        expected = "a list of tokens (a text: split it first)"
        expect(False, f"sentences[{position}]", expected, repr(tokens)[:40])


def _copied(
    spool: io.BufferedIOBase,
    provisional: Mapping[str, int],
    vocab: Vocab,
    folder: str | os.PathLike[str] | None,
) -> Corpus:
    """Copies a spool with the vocabulary's ids."""
    table = np.full(len(provisional) + 1, _DROPPED, np.int32)
    table[END] = END  # the last entry, which END finds as an index too
    for word, rank_of_word in vocab.id_of.items():
        if word in provisional:
            table[provisional[word]] = rank_of_word
    num_words = num_sentences = 0
    is_start = True  # of a sentence that has no words yet
    with _file(folder) as copy:
        for block in _blocks(spool):
            num_words += int(np.count_nonzero(block != END))
            ids = table[block]
            ids = ids[ids != _DROPPED]
            if not len(ids):
                continue
            ends = ids == END
            kept = ~ends
            kept[0] |= not is_start
            kept[1:] |= ~ends[:-1]
            is_start = bool(ends[-1])
            num_sentences += int(np.count_nonzero(kept & ends))
            copy.write(ids[kept].data)
        got = f"{num_words} words, none of them in it"
        expected = "at least one word of the vocabulary"
        expect(num_sentences > 0, "sentences", expected, got)
        return Corpus(_mapped(copy), num_words, num_sentences)


def _file(folder: str | os.PathLike[str] | None) -> io.BufferedIOBase:
    if folder is None:
        return io.BytesIO()
    is_folder = os.path.isdir(folder)
    expect(is_folder, "folder", "an existing folder", repr(os.fspath(folder)))
    return tempfile.TemporaryFile(dir=folder)


def _blocks(spool: io.BufferedIOBase) -> Iterator[np.ndarray]:
    spool.seek(0)
    while block := spool.read(_BLOCK * np.dtype(np.int32).itemsize):
        yield np.frombuffer(block, np.int32)


def _mapped(copy: io.BufferedIOBase) -> np.ndarray:
    if isinstance(copy, io.BytesIO):
        return np.frombuffer(copy.getvalue(), np.int32)
    return np.memmap(copy, np.int32, mode="r")
