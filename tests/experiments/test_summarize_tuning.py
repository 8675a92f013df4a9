"""ABS+ is tuned on the held-out pairs, by the ROUGE-L that the table shows."""

import numpy as np
import pytest

from experiments import summarize_models, summarize_report, summarize_tuning
from experiments.summarize_config import Config
from experiments.summarize_corpus import Corpus, Part
from jaxseq.summarize.abs_plus import Params, Weights
from jaxseq.summarize.pairs import Pair
from jaxseq.summarize.summarizer import Summary
from jaxseq.text import vocab


CONFIG = Config(
    architecture="abs_plus", tokens="characters", num_candidates=3, num_tuned=2
)


def part(*documents):
    pairs = [Pair(document, document[:2]) for document in documents]
    return Part(
        pairs, [list(p.document) for p in pairs], [list(p.summary) for p in pairs]
    )


def test_chinese_is_tuned_on_held_out_pairs(monkeypatch):
    """The features find the summary, of which English words would see nothing."""
    valid = part("猫坐垫上", "狗卧木上", "牛在草中")
    corpus = Corpus(
        "pairs", vocab.build(valid.documents), part("鸟飞"), valid, part("鱼游水"), 0
    )
    read = []

    def write(config, params, known, documents):
        read.append([*documents])
        for words in documents:
            drawn = words[:2] if params.weights.unigram else words[2:]
            weights = np.zeros((len(drawn), len(words)))
            yield Summary(drawn, [False] * len(drawn), weights, len(words), 0)

    monkeypatch.setattr(summarize_models, "write", write)
    scoring = summarize_report.scoring(CONFIG, corpus)
    params = Params(None, Weights())
    found = summarize_tuning.tune(CONFIG, params, corpus, scoring)
    assert read == [valid.documents[:2]] * 3
    assert found.params.weights.unigram > 0
    assert found.report["valid_rouge_l"] == pytest.approx(100)
    assert found.report["valid_rouge_l_without"] == 0
    assert found.report["num_pairs"] == 2
