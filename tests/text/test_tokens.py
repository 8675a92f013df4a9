import unicodedata

import pytest
from hypothesis import given, strategies as st

from jaxseq.text import tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n\u3000", []),
        ("The cat's state-of-the-art mat.", "the cat's state-of-the-art mat ."),
        ("It’s 3.14, e.g. or -2?!", "it’s 3.14 , e.g . or - 2 ? !"),
        ("a -- b 'quoted' (x)", "a - - b ' quoted ' ( x )"),
        ("C++ and snake_case", "c + + and snake_case"),
        ("我爱学习，中文abc。", "我 爱 学 习 ， 中 文 abc 。"),
        ("ひらがなカー", "ひ ら が な カ ー"),
        ("한국어 문장", "한국어 문장"),
        ("naïve ÉCOLE Ω", "naïve école ω"),
        ("हिन्दी में", "हिन्दी में"),
        ("👍🏽 ok👩‍👩‍👧🇩🇪🇫🇷❤️", "👍🏽 ok 👩‍👩‍👧 🇩🇪 🇫🇷 ❤️"),
    ],
)
def test_words_splits_as_documented(text, expected):
    if isinstance(expected, str):
        expected = expected.split()
    assert tokens.words.split(text) == expected


def test_words_makes_one_token_of_composed_and_decomposed_letters():
    composed, decomposed = "Café Ñandú Å", unicodedata.normalize("NFD", "Café Ñandú Å")
    assert composed != decomposed
    assert tokens.words.split(decomposed) == tokens.words.split(composed)
    assert tokens.words.split(composed) == ["café", "ñandú", "å"]


def test_words_keeps_a_mark_that_composes_with_nothing_on_its_letter():
    assert tokens.words.split("x̂y z") == ["x̂y", "z"]


def test_normalize_is_composed_even_where_lowering_decomposes():
    text = "Ϊ\u0301"  # composes with nothing, but its lower case is one letter
    assert unicodedata.is_normalized("NFC", tokens.normalize(text))
    assert not unicodedata.is_normalized(
        "NFC", unicodedata.normalize("NFC", text).lower()
    )


@given(text=st.text())
def test_words_joined_and_split_again_are_the_same(text):
    split = tokens.words.split(text)
    assert tokens.words.split(tokens.words.join(split)) == split
    assert all(split)
    assert "".join(split) == "".join(tokens.normalize(text).split())


@given(text=st.text())
def test_characters_gives_exactly_the_text_back(text):
    split = tokens.characters.split(text)
    assert tokens.characters.join(split) == text
    assert all(len(token) == 1 for token in split)


def test_spaces_leaves_what_is_tokenized_as_it_is():
    text = " the u.s. paid <unk> #.## billion -lrb- E\u0301\u3000t.\n"
    split = [
        "the",
        "u.s.",
        "paid",
        "<unk>",
        "#.##",
        "billion",
        "-lrb-",
        "E\u0301",
        "t.",
    ]
    assert tokens.spaces.split(text) == split
    assert tokens.spaces.split(tokens.spaces.join(split)) == split


def test_characters_leaves_case_and_decomposition_alone():
    text = "E\u0301 A"
    assert tokens.characters.split(text) == ["E", "\u0301", " ", "A"]
