import numpy as np
import pytest
from hypothesis import given, strategies as st

from jaxseq.word2vec import corpus, feed
from jaxseq.word2vec.windows import NO_WORD


SENTENCES = [list("abcab"), list("c"), list("bacadbcdab"), list("dd")]


def make_corpus(sentences=SENTENCES):
    return corpus.read(sentences, min_count=1)


def list_spans(read, keep, num_centres, reach, **kwargs):
    kwargs = {"seed": 0, "epoch": 0} | kwargs
    return list(feed.spans(read, keep, num_centres, reach, **kwargs))


@given(num_centres=st.integers(1, 30), reach=st.integers(1, 6))
def test_spans_hold_every_word_once_with_its_neighbours(num_centres, reach):
    vocab, read = make_corpus()
    keep = np.ones(len(vocab.words))
    words = read.ids[read.ids >= 0]
    sentence_of = np.cumsum(read.ids < 0)[read.ids >= 0]
    padded = np.pad(words, reach + num_centres, constant_values=NO_WORD)
    at = num_centres
    for span in list_spans(read, keep, num_centres, reach):
        assert span.ids.shape == (num_centres + 2 * reach,)
        np.testing.assert_array_equal(span.ids, padded[at : at + len(span.ids)])
        is_word = span.ids != NO_WORD
        first = at - num_centres - reach
        places = np.arange(first, first + len(span.ids))[is_word]
        np.testing.assert_array_equal(span.sentences[is_word], sentence_of[places])
        used = span.ids[reach : reach + num_centres] != NO_WORD
        expected = np.arange(first + reach, first + reach + num_centres)[used]
        np.testing.assert_array_equal(span.places[used], expected)
        assert span.num_words == used.sum() > 0
        at += num_centres
    assert at - num_centres >= len(words) > at - 2 * num_centres


def test_pieces_of_a_long_corpus_join_up(monkeypatch):
    vocab, read = make_corpus()
    keep = np.full(len(vocab.words), 0.6)
    whole = list_spans(read, keep, 4, 2)
    monkeypatch.setattr(feed, "_READ", 3)
    for one, other in zip(whole, list_spans(read, keep, 4, 2), strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_start_goes_on_with_the_spans_that_would_have_followed():
    vocab, read = make_corpus()
    keep = np.full(len(vocab.words), 0.7)
    every = list_spans(read, keep, 3, 2, epoch=4)
    for one, other in zip(
        every[2:], list_spans(read, keep, 3, 2, epoch=4, start=2), strict=True
    ):
        np.testing.assert_array_equal(one.ids, other.ids)


def test_words_are_thinned_by_their_probability_anew_each_epoch():
    vocab, read = corpus.read([["a", "b"] * 20_000], min_count=1)
    keep = np.array([0.25, 1.0])
    ids = [
        np.concatenate([s.ids[1:-1] for s in list_spans(read, keep, 1000, 1, epoch=e)])
        for e in (0, 1)
    ]
    for words in ids:
        assert np.count_nonzero(words == 1) == 20_000
        np.testing.assert_allclose(
            np.count_nonzero(words == 0) / 20_000, 0.25, atol=0.02
        )
    assert not np.array_equal(ids[0][:1000], ids[1][:1000])


def test_numbers_out_of_range_are_named():
    vocab, read = make_corpus()
    keep = np.ones(len(vocab.words))
    with pytest.raises(ValueError, match="num_centres"):
        list_spans(read, keep, 0, 1)
    with pytest.raises(ValueError, match="seed"):
        list_spans(read, keep, 1, 1, seed=-1)
    with pytest.raises(ValueError, match="keep"):
        list_spans(read, keep[None], 1, 1)
