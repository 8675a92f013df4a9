import numpy as np
import pytest
from hypothesis import given, strategies as st

from jaxseq.word2vec import corpus, feed
from jaxseq.word2vec.windows import NO_WORD


SENTENCES = [list("abcab"), list("c"), list("bacadbcdab"), list("dd")]


def make_corpus(sentences=SENTENCES):
    return corpus.read(sentences, min_count=1)


def list_spans(read, keep, size, reach, **kwargs):
    kwargs = {"seed": 0, "epoch": 0} | kwargs
    return [
        feed.span(read, keep, size, reach, number=number, **kwargs)
        for number in range(feed.num_spans(read, size))
    ]


def every_word(read, keep, reach, **kwargs):
    """The corpus as one span: ids, sentences and places of all words that are kept."""
    (span,) = list_spans(read, keep, len(read.ids), reach, **kwargs)
    words = slice(reach, reach + span.num_words)
    return span.ids[words], span.sentences[words], span.places[: span.num_words]


@given(
    size=st.integers(1, 30), reach=st.integers(1, 6), share=st.sampled_from([1, 0.3])
)
def test_spans_hold_every_word_once_with_its_neighbours(size, reach, share):
    vocab, read = make_corpus()
    keep = np.full(len(vocab.words), share)
    ids, _, places = every_word(read, keep, reach)
    np.testing.assert_array_equal(ids, read.ids[places])
    if share == 1:
        np.testing.assert_array_equal(places, np.flatnonzero(read.ids >= 0))
    sentence_of = np.cumsum(read.ids < 0)
    at = 0
    for number, span in enumerate(list_spans(read, keep, size, reach)):
        assert span.ids.shape == span.sentences.shape == (size + 2 * reach,)
        assert span.places.shape == (size,)
        inside = (places >= number * size) & (places < (number + 1) * size)
        num = span.num_words
        assert num == inside.sum()
        np.testing.assert_array_equal(span.places[:num], places[inside])
        padded = np.pad(ids, reach, constant_values=NO_WORD)[at : at + num + 2 * reach]
        np.testing.assert_array_equal(span.ids[: num + 2 * reach], padded)
        assert (span.ids[num + 2 * reach :] == NO_WORD).all()
        near = np.pad(places, reach)[at : at + num + 2 * reach][padded != NO_WORD]
        found = span.sentences[: num + 2 * reach][padded != NO_WORD]
        np.testing.assert_array_equal(np.diff(found), np.diff(sentence_of[near]))
        at += num
    assert at == len(ids)


def test_neighbours_are_found_however_far_they_are():
    """One word in fifty is kept: the next three are not in the places beside a span."""
    _, read = make_corpus([["a", "b"] * 500])
    keep = np.full(2, 0.02)
    ids, _, _ = every_word(read, keep, 3)
    assert 10 < len(ids) < 40
    padded = np.pad(ids, 3, constant_values=NO_WORD)
    at = 0
    for span in list_spans(read, keep, 20, 3):
        end = at + span.num_words + 6
        np.testing.assert_array_equal(span.ids[: end - at], padded[at:end])
        at += span.num_words
    assert at == len(ids)


def test_words_are_thinned_by_their_probability_anew_each_epoch():
    vocab, read = corpus.read([["a", "b"] * 20_000], min_count=1)
    keep = np.array([0.25, 1.0])
    ids = [
        np.concatenate(
            [
                s.ids[1 : s.num_words + 1]
                for s in list_spans(read, keep, 1000, 1, epoch=e)
            ]
        )
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
    with pytest.raises(ValueError, match="size"):
        list_spans(read, keep, 0, 1)
    with pytest.raises(ValueError, match="reach"):
        list_spans(read, keep, 1, 0)
    with pytest.raises(ValueError, match="seed"):
        list_spans(read, keep, 1, 1, seed=-1)
    with pytest.raises(ValueError, match="keep"):
        list_spans(read, keep[None], 1, 1)
    with pytest.raises(ValueError, match=r"keep: expected an array \[V\], got list"):
        list_spans(read, keep.tolist(), 1, 1)
    num_spans = feed.num_spans(read, 4)
    with pytest.raises(ValueError, match=f"number: expected {num_spans - 1} at most"):
        feed.span(read, keep, 4, 1, seed=0, epoch=0, number=num_spans)
