"""ROUGE of pairs: by hand, and what holds for all of them."""

import pytest
from hypothesis import given, strategies as st

from jaxseq.summarize import rouge
from jaxseq.summarize.rouge import metrics, settings, tokenizers


ALL = (metrics.rouge_1, metrics.rouge_2, metrics.rouge_l, metrics.rouge_lsum)
ANY = settings.Settings(tokenizers.any_script)


def scores(hypothesis, reference, used=ANY):
    found = rouge.evaluate([hypothesis], [[reference]], used, ALL)
    return {name: tuple(score) for name, (score,) in found.scores.items()}


def test_chinese_by_hand():
    # 5 of 6 characters are in the 8; bigrams 我爱, 爱学, 学习 of 5 and 7.
    found = scores("我爱学习青春", "我爱学习，好青年人！")
    assert found["ROUGE-1"] == (5 / 6, 5 / 8, pytest.approx(5 / 7))
    assert found["ROUGE-2"] == (3 / 5, 3 / 7, pytest.approx(1 / 2))
    assert found["ROUGE-L"] == (5 / 6, 5 / 8, pytest.approx(5 / 7))


def test_chinese_in_another_order_by_hand():
    # All 5 characters; bigrams 我学, 学习 and 青年 of 4; in order at most 我学习.
    found = scores("青年我学习", "我学习青年")
    assert found["ROUGE-1"] == (1, 1, 1)
    assert found["ROUGE-2"] == (3 / 4, 3 / 4, 3 / 4)
    assert found["ROUGE-L"] == (3 / 5, 3 / 5, pytest.approx(3 / 5))


def test_rouge_score_finds_nothing_in_chinese():
    assert scores("我爱学习", "我爱学习", settings.Settings())["ROUGE-1"] == (0, 0, 0)


def test_counts_are_clipped():
    found = scores("the the the the the the the", "the cat is on the mat")
    assert found["ROUGE-1"][:2] == (2 / 7, 2 / 6)
    assert found["ROUGE-2"] == (0, 0, 0)
    assert found["ROUGE-L"][:2] == (2 / 7, 2 / 6)


def test_lins_example_of_the_union():
    # Lin 2004, 3.2: w1 w2 and w1 w3 w5 unite to 4 of the 5 words.
    found = scores("w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "w1 w2 w3 w4 w5")
    assert found["ROUGE-Lsum"][:2] == (4 / 10, 4 / 5)


def test_rouge_lsum_counts_a_token_once_for_all_lines():
    found = scores("a b", "a b\nb a")
    assert found["ROUGE-Lsum"][:2] == (2 / 2, 2 / 4)


def test_rouge_n_of_any_n():
    found = rouge.evaluate(["a b c d"], [["x b c d"]], metrics=[metrics.rouge_n(3)])
    assert found.scores == {"ROUGE-3": [(0.5, 0.5, 0.5)]}
    with pytest.raises(ValueError, match="^n: expected an integer ≥ 1, got 0"):
        metrics.rouge_n(0)


tokens = st.lists(st.sampled_from("一 二 三 four fives six 7".split()), max_size=12)


@given(tokens)
def test_identical_texts_give_1(words):
    for name, score in scores(" ".join(words), " ".join(words)).items():
        has_any = len(words) >= (2 if name == "ROUGE-2" else 1)
        assert score == (has_any,) * 3


@given(tokens, st.lists(st.sampled_from("八 nine ten".split()), max_size=12))
def test_disjoint_texts_give_0(words, others):
    for score in scores(" ".join(words), " ".join(others)).values():
        assert score == (0, 0, 0)


@given(tokens, tokens)
def test_swapped_texts_swap_precision_and_recall(x, y):
    forth, back = scores(" ".join(x), " ".join(y)), scores(" ".join(y), " ".join(x))
    for name, (precision, recall, f) in forth.items():
        assert back[name] == (recall, precision, pytest.approx(f))


@given(st.data(), tokens, tokens)
def test_rouge_1_does_not_depend_on_order_and_is_the_largest(data, x, y):
    found = scores(" ".join(x), " ".join(y))
    shuffled = scores(" ".join(data.draw(st.permutations(x))), " ".join(y))
    assert shuffled["ROUGE-1"] == found["ROUGE-1"]
    assert found["ROUGE-L"][2] <= found["ROUGE-1"][2] + 1e-12
    assert found["ROUGE-Lsum"] == found["ROUGE-L"]  # of one line
