import re

import numpy as np
import pytest

from jaxseq.summarize import rouge
from jaxseq.summarize.rouge import metrics, settings, tokenizers


def test_signature_says_what_was_used():
    found = rouge.evaluate(["a"] * 3, [["a"]] * 3)
    version = r"jaxseq-\d+\.\d+\.\d+"
    expected = (
        r"ROUGE-L\.f\|n:3\|nrefs:1\|multi:mean\|stem:porter\|tok:rouge_score"
        rf"\|limit:none\|unk:keep\|v:{version}"
    )
    assert re.fullmatch(expected, rouge.signature(found, "ROUGE-L", "f"))
    mine = settings.Settings(
        tokenizers.Tokenizer("letters", list),
        settings.Stemmer("mine", str),
        settings.first_bytes(75),
        settings.miss_unk,
        settings.best,
    )
    found = rouge.evaluate(["a", "b"], [["a"], ["a", "b"]], mine, [metrics.rouge_1])
    expected = (
        r"ROUGE-1\.r\|n:2\|nrefs:1-2\|multi:best\|stem:mine\|tok:letters"
        rf"\|limit:75b\|unk:miss\|v:{version}"
    )
    assert re.fullmatch(expected, rouge.signature(found, "ROUGE-1", "recall"))
    assert rouge.signature(found, "ROUGE-1", "precision").startswith("ROUGE-1.p|")


def test_functions_of_ones_own_are_used():
    mine = settings.Settings(
        tokenizers.Tokenizer("letters", list),
        settings.Stemmer("first", lambda token: token[0]),
    )
    found = rouge.evaluate(["abc"], [["axc"]], mine)
    np.testing.assert_allclose(rouge.values(found, "ROUGE-1"), [[2 / 3] * 3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: rouge.evaluate([], []),
            "hypotheses: expected at least one text, got none",
        ),
        (
            lambda: rouge.evaluate(["a", "b"], [["a"]]),
            "references: expected 2 lists of texts, as there are hypotheses, got 1",
        ),
        (
            lambda: rouge.evaluate(["a", "b"], [["a"], []]),
            r"references\[1\]: expected a list of texts, not empty, got \[\]",
        ),
        (
            lambda: rouge.evaluate(["a"], ["a"]),
            r"references\[0\]: expected a list of texts, not empty, got 'a'",
        ),
        (
            lambda: rouge.evaluate(["a", 3], [["a"], ["b"]]),
            r"hypotheses\[1\]: expected text, got int",
        ),
        (
            lambda: rouge.evaluate(["a"], [["a", None]]),
            r"references\[0\]: expected text, got NoneType",
        ),
        (
            lambda: rouge.evaluate(["a"], [["a"]], metrics=[]),
            r"metrics: expected different names, got \[\]",
        ),
        (
            lambda: rouge.evaluate(["a"], [["a"]], metrics=[metrics.rouge_1] * 2),
            r"metrics: expected different names, got \['ROUGE-1'\]",
        ),
        (
            lambda: rouge.signature(rouge.evaluate(["a"], [["a"]]), "ROUGE-9", "f"),
            "metric: expected one of .*'ROUGE-L'.*, got 'ROUGE-9'",
        ),
        (
            lambda: rouge.signature(rouge.evaluate(["a"], [["a"]]), "ROUGE-1", "F1"),
            "measure: expected one of .*'recall'.*, got 'F1'",
        ),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
