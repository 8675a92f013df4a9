"""Texts for the language model: from lines to two streams of ids.

Each line is one text; its tokens are followed by EOS, which is what the next line's
first token is predicted from. The vocabulary is that of the training text; what it
lacks is UNK in both, so that every model that is compared reads the same ids.
"""

import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxseq.text import files, vocab
from jaxseq.text.tokens import Tokenizer
from jaxseq.text.vocab import EOS, Vocab

from .data import debian


VALID_FRACTION = 0.05
_LINE_END = -1


class Corpus(NamedTuple):
    """A text to train on, and one that is held out."""

    name: str
    vocab: Vocab
    train: np.ndarray  # [N] int32; begins with EOS, as does every line
    valid: np.ndarray  # [M] int32


def from_debian(tokenizer: Tokenizer, max_vocab: int) -> Corpus:
    """Reads the shipped corpus: descriptions and synopses, its own held-out split.

    Args:
        tokenizer: makes tokens of a line.
        max_vocab: the largest V, the four special ids included.

    Raises:
        CorpusError: in one line, if the shipped file is missing or damaged.
    """
    train = _read(_debian_lines("train"), tokenizer)
    valid = _read(_debian_lines("valid"), tokenizer)
    return _encode("Debian package descriptions", train, valid, max_vocab)


def from_files(
    text: Path, valid_text: Path | None, tokenizer: Tokenizer, max_vocab: int
) -> Corpus:
    """Reads a text of the user's own, UTF-8, one text a line.

    Args:
        text: the file to train on.
        valid_text: the file that is held out; None for the last 5 % of `text`.
        tokenizer: makes tokens of a line.
        max_vocab: as in `from_debian`.

    Raises:
        CorpusError: in one line, if a file cannot be read or holds no token.
    """
    train = _read(files.read_lines(text), tokenizer)
    _check_not_empty(text, train)
    if valid_text is not None:
        valid = _read(files.read_lines(valid_text), tokenizer)
        _check_not_empty(valid_text, valid)
        return _encode(text.name, train, valid, max_vocab)
    cut = len(train.places) - max(int(len(train.places) * VALID_FRACTION), 1)
    held_out = train._replace(places=train.places[cut:])
    return _encode(
        text.name, train._replace(places=train.places[:cut]), held_out, max_vocab
    )


class _Text(NamedTuple):
    """A text before it has a vocabulary: 4 bytes a token, however long it is."""

    places: np.ndarray  # [N] int32, places in `names`; _LINE_END after each line
    names: list[str]  # the different tokens, in order of appearance


def _debian_lines(split: str) -> Iterator[str]:
    pairs = debian.load(split)
    # They are sorted by name: hundreds of Perl modules, then as many Python ones. Read
    # in that order, a model forgets what it does not see for a while.
    for place in np.random.default_rng(0).permutation(len(pairs)):
        yield pairs[place].document
        yield pairs[place].summary


def _read(lines: Iterable[str], tokenizer: Tokenizer) -> _Text:
    place_of: dict[str, int] = {}
    places = array.array("i")
    for line in lines:
        tokens = tokenizer.split(line)
        if tokens:
            places.extend(place_of.setdefault(t, len(place_of)) for t in tokens)
            places.append(_LINE_END)
    return _Text(np.array(places, np.int32), list(place_of))


def _encode(name: str, train: _Text, valid: _Text, max_vocab: int) -> Corpus:
    words = train.places[train.places != _LINE_END]
    known = vocab.build([map(train.names.__getitem__, words)], max_size=max_vocab)
    return Corpus(name, known, _ids(known, train), _ids(known, valid))


def _ids(known: Vocab, text: _Text) -> np.ndarray:
    # The place -1 of a line's end is the last of this table.
    id_at = np.append(vocab.encode(known, text.names), np.int32(EOS))
    return np.concatenate([np.array([EOS], np.int32), id_at[text.places]])


def _check_not_empty(path: Path, text: _Text) -> None:
    if not text.names:
        raise files.CorpusError(f"{str(path)!r}: no token in it, only white space")
