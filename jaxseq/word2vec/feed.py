"""A corpus as spans of equal length, thinned out, for the device.

Before windows are laid, frequent words are left out at random (subsampling), so that
windows widen over them, as in word2vec. What is left runs on in spans of N words, the
centres, with the W words before and behind them as contexts: no pair is lost between
two spans, and the last span of an epoch is as short as need be.

A span is a function of the corpus, the seed, the epoch and its number, whatever was
trained before: `start` continues an epoch with the spans that would have followed.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxseq.checks import check_count, describe, expect
from jaxseq.word2vec.corpus import END, Corpus
from jaxseq.word2vec.windows import NO_WORD


_READ = 2**18  # ids read from the corpus at once


class Span(NamedTuple):
    """N centres, with W words on either side.

    Attributes:
      ids: [N + 2W] int32, NO_WORD where there is none.
      sentences: [N + 2W] int32, the same number within a sentence.
      places: [N] int64, how many of the corpus' words, those thinned out included,
        come before each centre in this epoch; 0 for a filler.
      num_words: how many of the centres are words; they come first.
    """

    ids: np.ndarray
    sentences: np.ndarray
    places: np.ndarray
    num_words: int


def spans(
    corpus: Corpus,
    keep: np.ndarray,
    num_centres: int,
    reach: int,
    *,
    seed: int,
    epoch: int,
    start: int = 0,
) -> Iterator[Span]:
    """One epoch: every word that is kept is a centre of one span.

    Args:
      corpus: ids of V words.
      keep: [V] probability that a reading of each word is kept.
      num_centres: N.
      reach: W, the most that a window reaches to one side.
      seed: of the whole run, not negative.
      epoch: each thins out anew, not negative.
      start: number of spans to leave out at the beginning.

    Yields:
      Spans, at least one word in each.

    Raises:
      ValueError: if a number is out of its range or `keep` no array [V] of them.
    """
    check_count("num_centres", num_centres)
    check_count("reach", reach)
    for name, value in (("seed", seed), ("epoch", epoch), ("start", start)):
        check_count(name, value, least=0)
    expect(keep.ndim == 1, "keep", "an array [V]", describe(keep))
    rng = np.random.default_rng((seed, epoch))
    size = num_centres + 2 * reach
    pending, number = _filler(reach), 0
    # Enough nothing after the last word that its span is full.
    end = _filler(reach + num_centres - 1)
    for words in itertools.chain(_thinned(corpus, keep, rng), [end]):
        pending = _Words(*map(np.concatenate, zip(pending, words, strict=True)))
        num_spans = (len(pending.ids) - 2 * reach) // num_centres
        for first in range(0, num_spans * num_centres, num_centres):
            ids, sentences, places = (a[first : first + size] for a in pending)
            if number >= start:
                centres = slice(reach, reach + num_centres)
                num_words = int(np.count_nonzero(ids[centres] != NO_WORD))
                yield Span(ids, sentences, places[centres], num_words)
            number += 1
        pending = _Words(*(a[num_spans * num_centres :] for a in pending))


class _Words(NamedTuple):
    """Words in a row: [n] each."""

    ids: np.ndarray
    sentences: np.ndarray
    places: np.ndarray


def _filler(num: int) -> _Words:
    nothing = np.full(num, NO_WORD, np.int32)
    return _Words(nothing, nothing, np.zeros(num, np.int64))


def _thinned(
    corpus: Corpus, keep: np.ndarray, rng: np.random.Generator
) -> Iterator[_Words]:
    """Leaves words out, piece by piece of the corpus."""
    keep = keep.astype(np.float32)
    num_words = num_sentences = 0
    for first in range(0, len(corpus.ids), _READ):
        ids = np.asarray(corpus.ids[first : first + _READ])
        is_end = ids == END
        # END reads the last word's probability, which does not count.
        stays = (rng.random(len(ids), np.float32) < keep[ids]) & ~is_end
        sentences = num_sentences + np.cumsum(is_end, dtype=np.int32)
        at = np.flatnonzero(stays)
        yield _Words(
            ids[at], sentences[at], num_words + at - sentences[at] + num_sentences
        )
        ends = int(sentences[-1]) - num_sentences
        num_sentences += ends
        num_words += len(ids) - ends
