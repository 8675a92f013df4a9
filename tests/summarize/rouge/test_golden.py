"""Stored values of rouge_score and NLTK; golden.py says how they were made."""

import json
from pathlib import Path

import numpy as np
import pytest

from jaxseq.summarize import rouge
from jaxseq.summarize.rouge import metrics, porter, settings
from tests.summarize.rouge import golden


FOUND = json.loads(Path(__file__).with_name("golden.json").read_text("utf-8"))
ALL = (metrics.rouge_1, metrics.rouge_2, metrics.rouge_l, metrics.rouge_lsum)


@pytest.mark.parametrize("stemmer", [settings.porter, settings.no_stemmer])
def test_scores_are_those_of_rouge_score(stemmer):
    used = settings.Settings(stemmer=stemmer)
    hypotheses, references = zip(*golden.TEXTS, strict=True)
    found = rouge.evaluate(hypotheses, [[r] for r in references], used, ALL)
    for name, expected in FOUND[stemmer.name]["texts"].items():
        np.testing.assert_allclose(rouge.values(found, name), expected, 0, 1e-9)


@pytest.mark.parametrize("stemmer", [settings.porter, settings.no_stemmer])
def test_sums_over_the_shipped_test_split_are_those_of_rouge_score(stemmer):
    used = settings.Settings(stemmer=stemmer)
    hypotheses, references = golden.lead(8)
    found = rouge.evaluate(hypotheses, [[r] for r in references], used, ALL)
    for name, expected in FOUND[stemmer.name]["sum over lead-8"].items():
        np.testing.assert_allclose(rouge.values(found, name).sum(0), expected, 1e-12)


def test_stems_are_those_of_nltk():
    assert {word: porter.stem(word) for word in golden.WORDS} == FOUND["stems"]
