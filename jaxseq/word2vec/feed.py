"""A corpus as spans of text, thinned out, for the device.

Before windows are laid, frequent words are left out at random (subsampling), so that
windows widen over them, as in word2vec. A span is what is left of N places of the
corpus in a row: the centres, with the W words that are left before and behind them as
contexts, so that no pair is lost between two spans.

Whether the word at a place is left out depends on the seed, the epoch and the place
alone: any span can be had at once, whatever was trained before.

Reference: as `jaxseq.word2vec.vocab`.
"""

from typing import NamedTuple

import numpy as np

from jaxseq.checks import check_count, describe, expect
from jaxseq.word2vec.corpus import END, Corpus
from jaxseq.word2vec.windows import NO_WORD


class Span(NamedTuple):
    """Up to N centres, with W words on either side.

    Attributes:
      ids: [N + 2W] int32, NO_WORD where there is none.
      sentences: [N + 2W] int32, the same number within a sentence.
      places: [N] int64, where in the corpus each centre is; 0 where there is none.
      num_words: how many centres there are; they come first, the words behind the
        last one are contexts only.
    """

    ids: np.ndarray
    sentences: np.ndarray
    places: np.ndarray
    num_words: int


def num_spans(corpus: Corpus, size: int) -> int:
    """Returns how many spans an epoch has.

    Args:
      corpus: ids of V words.
      size: N.

    Raises:
      ValueError: if N is below 1.
    """
    check_count("size", size)
    return -(-len(corpus.ids) // size)


def span(
    corpus: Corpus,
    keep: np.ndarray,
    size: int,
    reach: int,
    *,
    seed: int,
    epoch: int,
    number: int,
) -> Span:
    """Reads a span; in an epoch every word that is kept is a centre of one of them.

    Args:
      corpus: ids of V words.
      keep: [V] probability that a reading of each word is kept.
      size: N, the places of the corpus that it is read from.
      reach: W, the most that a window reaches to one side.
      seed: of the whole run, not negative.
      epoch: each thins out anew, not negative.
      number: of the span in its epoch, from 0.

    Raises:
      ValueError: if a number is out of its range or `keep` no array [V] of them.
    """
    check_count("reach", reach)
    for name, value in (("seed", seed), ("epoch", epoch), ("number", number)):
        check_count(name, value, least=0)
    last_number = num_spans(corpus, size) - 1
    expect(number <= last_number, "number", f"{last_number} at most", number)
    is_flat = isinstance(keep, np.ndarray) and keep.ndim == 1
    expect(is_flat, "keep", "an array [V]", describe(keep))
    start, stop = number * size, min((number + 1) * size, len(corpus.ids))
    margin = 8 * reach
    while True:
        low, high = max(start - margin, 0), min(stop + margin, len(corpus.ids))
        words = _thinned(corpus, keep, (seed, epoch), low, high)
        first, last = np.searchsorted(words.places, (start, stop)).tolist()
        has_before = first >= reach or low == 0
        has_behind = len(words.ids) - last >= reach or high == len(corpus.ids)
        if has_before and has_behind:
            break
        margin *= 4
    some = slice(max(first - reach, 0), last + reach)
    ids, sentences = (
        _filled(size + 2 * reach, NO_WORD, reach - (first - some.start), part[some])
        for part in (words.ids, words.sentences)
    )
    places = _filled(size, 0, 0, words.places[first:last])
    return Span(ids, sentences, places, last - first)


class _Words(NamedTuple):
    """Words in a row: [n] each."""

    ids: np.ndarray
    sentences: np.ndarray
    places: np.ndarray


def _thinned(
    corpus: Corpus, keep: np.ndarray, seeds: tuple[int, int], start: int, stop: int
) -> _Words:
    """Leaves words out of the places `start` to `stop` - 1."""
    bits = np.random.PCG64(np.random.SeedSequence(seeds))
    bits.advance(start)  # one step of it a place
    draws = np.random.Generator(bits).random(stop - start)
    ids = np.asarray(corpus.ids[start:stop])
    is_end = ids == END
    # END reads the last word's probability, which does not count.
    at = np.flatnonzero((draws < keep[ids]) & ~is_end)
    sentences = np.cumsum(is_end, dtype=np.int32)
    return _Words(ids[at], sentences[at], start + at)


def _filled(size: int, filler: int, at: int, part: np.ndarray) -> np.ndarray:
    """Returns an array of fillers with a part put in."""
    whole = np.full(size, filler, part.dtype)
    whole[at : at + len(part)] = part
    return whole
