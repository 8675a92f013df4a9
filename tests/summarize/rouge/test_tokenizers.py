import pytest
from hypothesis import given, strategies as st

from jaxseq.summarize.rouge.tokenizers import any_script, rouge_score


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \n--- !? \u3000", ""),
        ("State-of-the-art, 3.14_x!", "state of the art 3 14 x"),
        ("naïve CAFÉ", "na ve caf"),
        ("我爱 Python3", "python3"),
    ],
)
def test_rouge_score_knows_ascii_only(text, expected):
    assert rouge_score.split(text) == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \n--- !? \u3000，。「」・", ""),
        ("State-of-the-art, 3.14_x!", "state of the art 3 14 x"),
        ("naïve CAFÉ cafe\u0301", "naïve café café"),
        ("我爱Python3，是个好青年。", "我 爱 python3 是 个 好 青 年"),
        ("ひらがなカー々", "ひ ら が な カ ー 々"),
        ("한국어 문장입니다", "한국어 문장입니다"),
        ("Привет, мир! Ωμέγα", "привет мир ωμέγα"),
        ("हिन्दी में", "हिन्दी में"),
        ("မြန်မာ", "မြန်မာ"),
        ("السلام عليكم", "السلام عليكم"),
        ("葛\U000e0100城 ❤\ufe0f ok👍🏽", "葛 城 ok"),
        ("𠮷野家", "𠮷 野 家"),
        ("x² ½", "x² ½"),
    ],
)
def test_any_script_keeps_letters_marks_and_digits(text, expected):
    assert any_script.split(text) == expected.split()


@given(st.lists(st.text(max_size=10)))
def test_texts_cut_at_their_line_ends_have_the_same_tokens(lines):
    for tokenizer in (rouge_score, any_script):
        by_line = [token for line in lines for token in tokenizer.split(line)]
        whole = tokenizer.split("\n".join(lines))
        assert whole == by_line


@given(st.text())
def test_any_script_cut_again_is_the_same(text):
    tokens = any_script.split(text)
    assert any_script.split(" ".join(tokens)) == tokens
