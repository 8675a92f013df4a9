"""A summarizer's beam search timed, together and one document after the other."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxseq.summarize import summarizer
from jaxseq.summarize.model import Model
from jaxseq.text.vocab import Vocab
from jaxseq.types import Tree

from .. import summarize_config
from ..summarize_config import Config as Training
from . import timing


NUM_SEARCHES = 3
SEARCHED_AT_A_TIME = 32  # documents, on a device


def measure(
    training: Training,
    model: Model,
    params: Tree,
    known: Vocab,
    texts: Sequence[Sequence[str]],
    num_one_by_one: int,
) -> dict[str, Any]:
    """Times the beam search, and compares it with documents read one by one.

    Args:
        training: the settings that the model was trained with, and of the search.
        model: who writes.
        params: its weights.
        known: its vocabulary.
        texts: the words of each document.
        num_one_by_one: how many of them are read one by one too.

    Returns:
        What a run's record says of the search.
    """
    options = summarize_config.make_options(training)

    def write(
        texts: Sequence[Sequence[str]], batch_size: int, num_shards: int
    ) -> list[list[str]]:
        made = summarizer.summarize(
            model,
            params,
            known,
            texts,
            options,
            max_words=training.max_words,
            batch_size=batch_size,
            num_shards=num_shards,
        )
        return [summary.words for summary in made]

    seconds, together = [], []
    for _ in range(1 + NUM_SEARCHES):
        timing.at_rest()
        started = time.perf_counter()
        together = write(texts, SEARCHED_AT_A_TIME, training.num_shards)
        seconds.append(time.perf_counter() - started)
    some = texts[:num_one_by_one]
    # A call each: in one call all would be padded to the longest of them.
    one_by_one = [written for text in some for written in write([text], 1, 1)]
    pairs = zip(together[: len(some)], one_by_one, strict=True)
    return {
        "num_summaries": len(together),
        "first_seconds": seconds[0],
        "seconds": float(np.median(seconds[1:])),
        "beam_size": training.beam_size,
        "num_one_by_one": len(some),
        "num_different": sum(a != b for a, b in pairs),
    }
