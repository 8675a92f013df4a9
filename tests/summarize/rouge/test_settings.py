import pytest
from hypothesis import given, strategies as st

from jaxseq.summarize import rouge
from jaxseq.summarize.rouge import settings
from jaxseq.summarize.rouge.settings import Settings, prepare
from jaxseq.summarize.rouge.tokenizers import any_script


@pytest.mark.parametrize(
    ("limit", "text", "expected"),
    [
        (settings.first_bytes(5), "abcdefg", "abcde"),
        (settings.first_bytes(5), "abcd", "abcd"),
        (settings.first_bytes(5), "我爱学", "我"),
        (settings.first_bytes(6), "我爱学", "我爱"),
        (settings.first_bytes(4), "a\nb c", "a\nb "),
        (settings.first_words(2), " a  b  c ", " a  b  "),
        (settings.first_words(3), " a\nb  c ", " a\nb  c "),
        (settings.first_words(9), "a a", "a a"),
        (settings.first_words(1), "a a", "a "),
        (settings.no_limit, " a ", " a "),
    ],
)
def test_limits_cut(limit, text, expected):
    assert limit.cut(text) == expected


@given(st.text(), st.integers(1, 30))
def test_limits_keep_the_beginning_of_any_text(text, count):
    by_bytes = settings.first_bytes(count).cut(text)
    assert text.startswith(by_bytes)
    assert count - 4 < len(by_bytes.encode()) <= count or by_bytes == text
    by_words = settings.first_words(count).cut(text)
    assert text.startswith(by_words)
    assert by_words.split() == text.split()[:count]


def test_limits_hold_for_references_too_and_are_needed():
    limited = Settings(limit=settings.first_words(2))
    found = rouge.evaluate(["a b x"], [["a b y z"]], limited)
    assert found.scores["ROUGE-1"][0] == (1, 1, 1)
    assert rouge.evaluate(["a b x"], [["a b y z"]]).scores["ROUGE-1"][0].recall == 0.5
    for made in (settings.first_bytes, settings.first_words):
        with pytest.raises(ValueError, match="^count: expected an integer ≥ 1, got 0"):
            made(0)


@pytest.mark.parametrize("mark", ["UNK", "<unk>", "[UNK]"])
@pytest.mark.parametrize(
    ("unk", "precision", "recall"),
    [
        (settings.keep_unk, 2 / 3, 2 / 4),
        (settings.drop_unk, 1 / 2, 1 / 4),
        (settings.miss_unk, 1 / 3, 1 / 4),
    ],
)
def test_unknown_words_match_are_dropped_or_miss(mark, unk, precision, recall):
    found = rouge.evaluate([f"a {mark} x"], [["a b UNK c"]], Settings(unk=unk))
    assert found.scores["ROUGE-1"][0][:2] == (precision, recall)


def test_words_of_more_than_three_letters_are_stemmed():
    assert prepare("Dogs ran; owes was\nrunning", Settings()) == (
        ["dog", "ran", "owe", "was", "run"],
        [["dog", "ran", "owe", "was"], ["run"]],
    )
    unstemmed = Settings(any_script, settings.no_stemmer)
    assert prepare("Dogs ran", unstemmed).tokens == ["dogs", "ran"]


def test_several_references_give_the_mean_or_the_best():
    references = [["a b c d", "x", "a b", "b a"]]
    by_mean = rouge.evaluate(["a b"], references).scores
    assert by_mean["ROUGE-1"][0] == pytest.approx((0.75, 0.625, (2 / 3 + 2) / 4))
    by_best = rouge.evaluate(["a b"], references, Settings(multi=settings.best)).scores
    assert by_best["ROUGE-1"][0] == by_best["ROUGE-L"][0] == (1, 1, 1)
    # Each metric has its own best reference; of equal ones the first counts.
    found = rouge.evaluate(
        ["a b"], [["a c", "b a x"]], Settings(multi=settings.best)
    ).scores
    assert found["ROUGE-1"][0].recall == 2 / 3
    assert found["ROUGE-L"][0].recall == 1 / 2
