"""The same texts in rouge_score 0.1.2 and here: the same scores to 1e-9.

And the same words in NLTK: the same stems. `test_golden.py` needs neither of them.
"""

import re

import numpy as np
import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from experiments.data import debian
from jaxseq.summarize import rouge
from jaxseq.summarize.rouge import metrics, porter, settings, tokenizers
from tests.summarize.rouge.golden import TYPES, lead


rouge_scorer = pytest.importorskip(
    "rouge_score.rouge_scorer", reason="rouge-score 0.1.2 is not installed"
)
nltk_porter = pytest.importorskip("nltk.stem.porter", reason="nltk is not installed")

ALL = (metrics.rouge_1, metrics.rouge_2, metrics.rouge_l, metrics.rouge_lsum)
STEMMERS = [settings.porter, settings.no_stemmer]

_words = st.sampled_from(
    "a the cat cats dog dogs running runs ran relational happily 3 x86 UNK e2e".split()
)
_between = st.sampled_from([" ", "  ", "-", ", ", ". ", "\n", "\n\n", "'", " _ ", "é"])
english = st.lists(st.tuples(_words, _between), max_size=15).map(
    lambda parts: "".join(word + mark for word, mark in parts)
)
texts = english | st.text(max_size=20)


def assert_same(hypotheses, references, stemmer, multi):
    used = settings.Settings(stemmer=stemmer, multi=multi)
    ours = rouge.evaluate(hypotheses, references, used, ALL)
    scorer = rouge_scorer.RougeScorer([*TYPES.values()], stemmer is settings.porter)
    for name, theirs in TYPES.items():
        if multi is settings.best:
            expected = [
                scorer.score_multi(r, h)[theirs]
                for h, r in zip(hypotheses, references, strict=True)
            ]
        else:
            expected = [
                np.mean([scorer.score(text, h)[theirs] for text in r], 0)
                for h, r in zip(hypotheses, references, strict=True)
            ]
        np.testing.assert_allclose(rouge.values(ours, name), expected, 0, 1e-9)


@hypothesis_settings(max_examples=100)
@given(
    st.lists(st.tuples(texts, st.lists(texts, min_size=1, max_size=3)), min_size=1),
    st.sampled_from(STEMMERS),
    st.sampled_from([settings.mean, settings.best]),
)
def test_random_texts(pairs, stemmer, multi):
    hypotheses, references = zip(*pairs, strict=True)
    assert_same(hypotheses, references, stemmer, multi)


@pytest.mark.parametrize("multi", [settings.mean, settings.best])
@pytest.mark.parametrize("stemmer", STEMMERS)
def test_shipped_pairs(stemmer, multi):
    hypotheses, references = lead(8)
    hypotheses, references = hypotheses[::6], references[::6]
    shifted = references[1:] + references[:1]
    two = [list(pair) for pair in zip(references, shifted, strict=True)]
    assert_same(hypotheses, two, stemmer, multi)


@pytest.mark.slow
@pytest.mark.parametrize("stemmer", STEMMERS)
@pytest.mark.parametrize("num_words", [8, 1000])
def test_whole_shipped_test_split(stemmer, num_words):
    hypotheses, references = lead(num_words)
    assert_same(hypotheses, [[r] for r in references], stemmer, settings.best)


@given(texts, st.booleans())
def test_tokens(text, use_stemmer):
    theirs = rouge_scorer.RougeScorer(["rouge1"], use_stemmer)._tokenizer
    stemmer = settings.porter if use_stemmer else settings.no_stemmer
    ours = settings.prepare(text, settings.Settings(stemmer=stemmer))
    assert ours.tokens == theirs.tokenize(text)


def assert_same_stems(words):
    stem = nltk_porter.PorterStemmer().stem
    different = {
        word: (porter.stem(word), stem(word))
        for word in words
        if porter.stem(word) != stem(word)
    }
    assert not different


SUFFIXES = (
    "ational tional enci anci izer bli alli entli eli ousli ization ation ator "
    "alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize "
    "iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion ou ism "
    "ate iti ous ive ize ed ing eed ies ied s sses ss y ll e at bl iz"
).split()


@hypothesis_settings(max_examples=1000)
@given(
    st.text("aeiouybcdstlzwx1", max_size=5),
    st.lists(st.sampled_from(SUFFIXES), max_size=3),
)
def test_stems_of_random_words(head, suffixes):
    word = head + "".join(suffixes)
    assert_same_stems([word])
    assert bool(porter.stem(word)) == bool(word)


def words_of(split):
    pairs = debian.load(split)
    found = (re.findall(r"\w+", f"{d} {s}".lower()) for d, s, _, _ in pairs)
    return {word for words in found for word in words}


def test_stems_of_the_shipped_test_split():
    words = words_of("test")
    assert len(words) > 5000
    assert_same_stems(words)


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "valid"])
def test_stems_of_all_shipped_words(split):
    assert_same_stems(words_of(split))


@given(st.text(st.characters(max_codepoint=127)))
def test_any_script_cuts_ascii_as_rouge_score_does(text):
    theirs = rouge_scorer.RougeScorer(["rouge1"])._tokenizer
    assert tokenizers.any_script.split(text) == theirs.tokenize(text)
