"""Pairs for the summarizer: words, a vocabulary, examples in three parts."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxseq.summarize import examples, pairs
from jaxseq.summarize.examples import Example
from jaxseq.summarize.pairs import Pair
from jaxseq.text import vocab
from jaxseq.text.files import CorpusError, read_lines
from jaxseq.text.vocab import Vocab

from . import summarize_config
from .data import debian
from .summarize_config import Config


HELD_OUT_SHARE = 0.04
MOST_HELD_OUT = 2000
NUM_SMOKE = 100  # pairs of each part, to see whether all works


class Part(NamedTuple):
    """Pairs, and their words."""

    pairs: list[Pair]
    documents: list[list[str]]
    summaries: list[list[str]]


class Corpus(NamedTuple):
    """Pairs in three parts."""

    name: str
    vocab: Vocab  # of the words of documents and summaries to train on
    train: Part
    valid: Part
    test: Part
    num_left_out: int  # to train on, or held out, that lack a document or a summary


def read(config: Config) -> Corpus:
    """Reads the pairs that the config names, or the shipped ones.

    Of a user's own, where they neither say their split nor others are given, one in 25
    is held out to choose the weights by, and as many to measure on, drawn by the same
    lot each time.

    Raises:
        CorpusError: in one line, if a file cannot be used or too few pairs are left.
    """
    if config.pairs:
        name, parts = ", ".join(p.name for p in config.pairs), _own(config)
    else:
        name = "Debian package descriptions"
        parts = [
            [Pair(p.document, p.summary) for p in debian.load(split)]
            for split in debian.SPLITS
        ]
    if config.smoke:
        parts = [part[:NUM_SMOKE] for part in parts]

    tokenizer = summarize_config.tokenizer(config)

    def split(text: str) -> list[str]:
        # One object for all equal tokens: a copy of each is most of a large corpus.
        return list(map(sys.intern, tokenizer.split(text)))

    made = [
        Part(part, [split(p.document) for p in part], [split(p.summary) for p in part])
        for part in parts
    ]
    # What is measured keeps its empty documents: their summary is empty.
    train, valid = map(_whole, made[:2])
    test = made[2]
    for kind, part in (("train on", train), ("hold out", valid), ("test", test)):
        if not part.pairs:
            raise CorpusError(f"{name}: no pair to {kind} with words on both sides")
    known = vocab.build([*train.documents, *train.summaries], max_size=config.max_vocab)
    num_left_out = (
        sum(len(part.pairs) for part in made[:2]) - len(train.pairs) - len(valid.pairs)
    )
    return Corpus(name, known, train, valid, test, num_left_out)


def encode(config: Config, known: Vocab, part: Part) -> list[Example]:
    """Returns a part as ids, cut to the lengths of the config."""
    made = []
    for words, summary in zip(part.documents, part.summaries, strict=True):
        document = examples.encode(known, words, config.max_words)
        targets = examples.encode_summary(known, document, summary, config.max_targets)
        made.append(Example(document, targets))
    return made


class Cut(NamedTuple):
    """How many texts are longer than what is read of them."""

    documents: int
    summaries: int


def num_cut(config: Config, part: Part) -> Cut:
    """Counts documents read in part, and summaries without their end in `encode`."""
    return Cut(
        sum(len(words) > config.max_words for words in part.documents),
        # The end is a target too.
        sum(len(words) >= config.max_targets for words in part.summaries),
    )


def _own(config: Config) -> list[list[Pair]]:
    given = list(pairs.from_files(config.pairs))
    train = [pair for pair in given if pair.split in (None, "train")]
    held_out: dict[str, list[Pair] | None] = {}
    for split, paths in (("valid", config.valid), ("test", config.test)):
        if paths:
            held_out[split] = list(pairs.from_files(paths))
        else:
            held_out[split] = [pair for pair in given if pair.split == split] or None
    least = 1 + list(held_out.values()).count(None)
    if len(train) < least:
        names = ", ".join(path.name for path in config.pairs)
        raise CorpusError(
            f"{names}: expected {least} pairs or more, to train on and to hold out "
            f"from, got {len(train)}"
        )
    order = np.random.default_rng(0).permutation(len(train)).tolist()
    num = min(MOST_HELD_OUT, int(len(train) * HELD_OUT_SHARE) or 1)
    for split, part in held_out.items():
        if part is None:
            held_out[split] = [train[place] for place in order[:num]]
            order = order[num:]
    drawn = [part or [] for part in held_out.values()]
    return [[train[place] for place in sorted(order)], *drawn]


def _whole(part: Part) -> Part:
    kept = [
        place
        for place in range(len(part.pairs))
        if part.documents[place] and part.summaries[place]
    ]
    return Part(
        [part.pairs[place] for place in kept],
        [part.documents[place] for place in kept],
        [part.summaries[place] for place in kept],
    )


def texts_of(texts: Sequence[str], file: Path | None) -> list[str]:
    """Returns what a user wants summarized: texts, then the lines of a file.

    Raises:
        CorpusError: in one line, if the file cannot be read.
    """
    return [*texts, *(read_lines(file) if file is not None else ())]
