"""The weights of ABS+: those with the best ROUGE-L on held-out pairs."""

import time
from typing import NamedTuple

import jax.numpy as jnp

from jaxseq.summarize import abs_plus
from jaxseq.summarize.abs_plus import Weights

from . import summarize_models, summarize_report
from .summarize_config import Config
from .summarize_corpus import Corpus, Part
from .summarize_report import Scoring


class Found(NamedTuple):
    """What the tuning has come to."""

    params: abs_plus.Params  # with the weights
    report: dict  # fit for JSON


def tune(
    config: Config, params: abs_plus.Params, corpus: Corpus, scoring: Scoring
) -> Found:
    """Tries weights on held-out pairs; those that are measured on are not looked at.

    Args:
        config: the settings.
        params: after training.
        corpus: the pairs.
        scoring: how ROUGE-L is taken.
    """
    started = time.monotonic()
    first, valid = slice(config.num_tuned), corpus.valid
    held_out = Part(valid.pairs[first], valid.documents[first], valid.summaries[first])

    def with_weights(weights: Weights) -> abs_plus.Params:
        return params._replace(weights=Weights(*map(jnp.float32, weights)))

    def measure(weights: Weights) -> float:
        written = summarize_models.write(
            config, with_weights(weights), corpus.vocab, held_out.documents
        )
        texts = [scoring.join(summary.words) for summary in written]
        return summarize_report.rouge_l(held_out, texts, scoring)

    tuned = abs_plus.tune(measure, config.num_candidates, seed=config.seed)
    report = {
        "weights": tuned.weights._asdict(),
        "num_candidates": len(tuned.tried),
        "num_pairs": len(held_out.pairs),
        "valid_rouge_l": round(tuned.value, 3),
        "valid_rouge_l_without": round(tuned.tried[0][1], 3),
        "seconds": round(time.monotonic() - started, 1),
    }
    return Found(with_weights(tuned.weights), report)
