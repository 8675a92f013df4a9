"""Trains a summarizer on a corpus, with a checkpoint from which a run goes on."""

import dataclasses
import math
import time
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from jaxseq.summarize import batches, checkpoint, phases, training
from jaxseq.summarize.decoder import Params

from . import progress, summarize_config, summarize_corpus, summarize_models
from .progress import Report
from .summarize_config import Config
from .summarize_corpus import Corpus


SECONDS_BETWEEN_CHECKPOINTS = 60.0
NUM_POINTS = 100  # of the curve of costs


@dataclasses.dataclass
class Trained:
    """What a training has come to."""

    params: Params
    seconds: float  # of this run, compilation and held-out costs included
    num_read: int  # pairs, in this run
    nats: list[float]  # a target, at each hundredth of the schedule
    valid_nats: list[float]  # a target, after each epoch


class _Curves(NamedTuple):
    """Costs of a training so far, in nats; 0 where it has not come yet."""

    nats: np.ndarray  # [NUM_POINTS] over the schedule
    valid_nats: np.ndarray  # [E]


def train(
    config: Config, corpus: Corpus, saved: Path, report: Report = progress.silent
) -> Trained:
    """Trains from the beginning, or from the checkpoint if the config says so.

    Args:
        config: the settings.
        corpus: the pairs.
        saved: the checkpoint's file.
        report: told how far the training is.

    Raises:
        ValueError: in one line, if the checkpoint is none of this training.
        FloatingPointError: if the cost stops being finite, saying where.
    """
    started = time.monotonic()
    setting = summarize_config.make_setting(config)
    examples, valid = (
        summarize_corpus.encode(config, corpus.vocab, part)
        for part in (corpus.train, corpus.valid)
    )
    size = setting.batch_size // setting.num_shards
    shapes = batches.shapes_of([*examples, *valid], size)
    parts = summarize_models.phases(config, len(corpus.vocab.tokens))
    params = parts[0].model.init(jax.random.key(config.seed))
    state = training.init(params, setting)
    # With the state, so that a run that goes on has all of it.
    curves = _Curves(
        *(np.zeros(num, np.float32) for num in (NUM_POINTS, config.num_epochs))
    )
    settings = summarize_config.trained_settings(config)
    settings |= {"num_train": len(examples), "num_valid": len(valid)}
    about = checkpoint.about(corpus.vocab, settings)
    if config.resume:
        state, curves = checkpoint.load(saved, (state, curves), about)
        curves = _Curves(*map(np.array, curves))  # to be written to
    params, num_read = state.best, 0
    num_words = sum(len(e.document.ids) + len(e.targets) for e in examples)
    num_total = num_words * config.num_epochs
    last_saved = time.monotonic()
    for now in phases.train(parts, examples, valid, shapes, state, setting):
        curves.nats[math.ceil(now.fraction * NUM_POINTS) - 1] = now.nats
        num_read += now.num_examples
        note = f"cost {now.nats:.2f}"
        if now.valid_nats is not None:
            curves.valid_nats[now.state.epoch - 1] = now.valid_nats
        if curves.valid_nats.any():
            note += f", held out {curves.valid_nats[curves.valid_nats > 0][-1]:.3f}"
        report(now.fraction, int(now.fraction * num_total), note)
        is_late = time.monotonic() - last_saved > SECONDS_BETWEEN_CHECKPOINTS
        if is_late or now.valid_nats is not None:
            checkpoint.save(saved, (now.state, curves), about)
            last_saved = time.monotonic()
        params = now.state.best
    nats, valid_nats = (curve[curve > 0].tolist() for curve in curves)
    return Trained(params, time.monotonic() - started, num_read, nats, valid_nats)
