"""Numbers for the words outside the vocabulary, there and back."""

import pytest

from jaxseq.summarize import examples
from jaxseq.text import vocab
from jaxseq.text.vocab import EOS, UNK


KNOWN = vocab.build([["the", "cat", "the"]])  # the 4, cat 5; V = 6


def test_words_outside_are_numbered_as_they_come():
    document = examples.encode(KNOWN, "a cat b a the".split(), 10)
    assert document.ids.tolist() == [6, 5, 7, 6, 4]
    assert document.outside == ("a", "b")
    targets = examples.encode_summary(KNOWN, document, "the b cat z".split(), 9)
    assert targets.tolist() == [4, 7, 5, UNK, EOS]
    words = examples.decode(KNOWN, document, [4, 7, 5, 6, EOS, 4])
    assert words == ["the", "b", "cat", "a"]


def test_what_is_too_long_is_cut():
    document = examples.encode(KNOWN, ["cat", "x"] * 5000, 3)
    assert document.ids.tolist() == [5, 6, 5]
    assert examples.encode_summary(KNOWN, document, ["cat"] * 9, 4).tolist() == [5] * 4
    # A word that was cut off cannot be copied.
    document = examples.encode(KNOWN, ["x", "y"], 1)
    assert examples.encode_summary(KNOWN, document, ["y"], 9).tolist() == [UNK, EOS]


def test_no_words_and_names_of_specials():
    empty = examples.encode(KNOWN, [], 5)
    assert (empty.ids.tolist(), empty.outside) == ([], ())
    assert examples.encode_summary(KNOWN, empty, [], 5).tolist() == [EOS]
    # A text that spells a special has a word, and no special.
    document = examples.encode(KNOWN, ["<eos>", "<pad>"], 5)
    assert document.ids.tolist() == [6, 7]


@pytest.mark.parametrize("number", [-1, 8])
def test_what_is_no_id_is_refused(number):
    document = examples.encode(KNOWN, ["x", "y"], 5)
    with pytest.raises(ValueError, match=rf"^ids\[1\]: expected 0 to 7, got {number}$"):
        examples.decode(KNOWN, document, [4, number])
