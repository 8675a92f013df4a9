import pytest
from hypothesis import given, strategies as st

from jaxseq.word2vec.pairs import pairs


SENTENCE = "我爱学习爱劳动，是个好青年"


def test_pairs_lists_the_lectures_example():
    without_comma = SENTENCE.replace("，", "")
    found = ["".join(pair) for pair in pairs(without_comma, window=2)]
    start = "我爱 我学 爱我 爱学 爱习 学我 学爱 学习 学爱 习爱 习学 习爱 习劳"
    assert found[:13] == start.split()
    assert found[-5:] == "青个 青好 青年 年好 年青".split()
    assert len(found) == 42
    assert len(pairs(SENTENCE, window=2)) == 46


@given(tokens=st.lists(st.integers(), max_size=12), window=st.integers(1, 15))
def test_pairs_are_all_places_within_the_window(tokens, window):
    places = pairs(range(len(tokens)), window)
    near = [
        (i, j)
        for i in range(len(tokens))
        for j in range(len(tokens))
        if 0 < abs(i - j) <= window
    ]
    assert places == near
    assert pairs(tokens, window) == [(tokens[i], tokens[j]) for i, j in near]
    if len(tokens) > window:
        assert len(near) == 2 * window * len(tokens) - window * (window + 1)


def test_pairs_refuses_a_window_of_nothing():
    with pytest.raises(ValueError, match="window: expected an integer ≥ 1, got 0"):
        pairs("ab", 0)
