"""Trains a summarizer on a corpus: its phases one after the other, in one schedule.

Phases differ in their aim, as coverage is added to it for the last epochs. Weights,
Adam's moments and learning rate go on from phase to phase. What was the best for the
aim before says nothing about the next: each phase keeps its own best weights, and the
last phase's are those of the training. A phase that gains nothing more ends early, and
the next one begins at its own epoch all the same. What keeps the run alive is
`jaxseq.train`'s; each phase has a folder of checkpoints.

Reference: See, Liu, Manning, Get to the point: summarization with pointer-generator
networks, ACL 2017, section 5: coverage is added for a last short phase.
"""

import contextlib
import functools
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxseq.summarize import cost, model_file, training
from jaxseq.summarize.batches import Dealt, Shape
from jaxseq.summarize.decoder import Params
from jaxseq.summarize.examples import Example
from jaxseq.summarize.model import Model
from jaxseq.summarize.setting import Setting, layout_of, part_size
from jaxseq.text.vocab import Vocab
from jaxseq.train import (
    checkpoint,
    digests,
    loop,
    metrics,
    sharding,
    signals,
    state,
    stores,
)
from jaxseq.train.sharding import Layout
from jaxseq.train.state import Position, Training

from . import progress, runs, summarize_config, summarize_corpus, summarize_models
from .progress import Report
from .summarize_config import Config
from .summarize_corpus import Corpus


NUM_RECORDS = 100
SECONDS_BETWEEN_CHECKPOINTS = 60.0
ADVICE = (
    "try a smaller --num-hidden, --num-inputs, --max-vocab, --max-words or "
    "--batch-size, or a larger --accumulate"
)


class Trained(NamedTuple):
    """What a training has come to."""

    params: Params  # those with the lowest held-out cost
    seconds: float  # of all runs, compilation and held-out costs included
    num_updates: int
    num_targets: int  # read in training
    nats: list[float]  # a target, at each hundredth of the schedule
    valid_nats: list[float]  # a target, after each epoch


class _Data(NamedTuple):
    """What is read, and how."""

    setting: Setting
    layout: Layout
    examples: list[Example]
    valid: list[Example]
    shapes: tuple[Shape, ...]
    dealt: Dealt  # the examples


def train(
    config: Config, corpus: Corpus, folder: Path, report: Report = progress.silent
) -> Trained:
    """Trains from the beginning, or goes on from the checkpoint of a run before.

    Args:
        config: the settings.
        corpus: the pairs.
        folder: of checkpoints and records.
        report: told how far the training is.

    Raises:
        jaxseq.train: what `loop.resumed` and `loop.train` raise.
    """
    data = _read(config, corpus)
    num_epoch = data.dealt.num_batches
    num_updates = config.num_epochs * num_epoch
    num_words = sum(len(e.document.ids) + len(e.targets) for e in data.examples)
    phases = summarize_models.phases(config, len(corpus.vocab.tokens))
    rates = functools.partial(training.rate, data.setting, num_updates)
    optimizer = training.make_optimizer(config.clip_norm, rates)
    params = phases[0].model.init(jax.random.key(config.seed))
    now = state.begin(params, optimizer)
    now = now._replace(state=sharding.place(data.layout, optimizer, now.state))
    settings, first = _settings(config, corpus.vocab, data), 0
    with contextlib.ExitStack() as stack:
        stack.enter_context(jax.debug_nans(config.debug))
        stores = [
            stack.enter_context(runs.opened(place, settings, config.resume))
            for place in checkpoints(folder, len(phases))
        ]
        stop = stack.enter_context(signals.heard())
        for phase, store in zip(phases, stores, strict=True):
            now = runs.resumed(store, _begun(now, first * num_epoch))
            for made in loop.train(
                training.make_update(phase.model, optimizer, data.setting),
                functools.partial(_batch_at, config, data),
                now,
                _loop_setting(config, data, phase.end),
                held_out=_held_out(phase.model, data),
                layout=data.layout,
                store=store,
                log=metrics.Log(folder / "training.jsonl"),
                stop=stop,
            ):
                now = made.training
                done = now.position.number / num_updates
                num_read = int(done * config.num_epochs * num_words)
                report(done, num_read, _said(made.mean, now.position))
            params, first = _best(store, now), phase.end
    return _trained(params, now.position)


def checkpoints(folder: Path, num_phases: int) -> list[Path]:
    """Returns the folders of checkpoints, of each phase its own."""
    return [folder / "checkpoints" / f"phase_{n + 1}" for n in range(num_phases)]


def discard(folder: Path) -> None:
    """Removes all checkpoints, those of the last phase first."""
    for place in sorted((folder / "checkpoints").glob("phase_*"), reverse=True):
        stores.discard(place)
    with contextlib.suppress(OSError):  # another run has begun
        (folder / "checkpoints").rmdir()


def _begun(now: Training, number: int) -> Training:
    """Begins a phase at an update, with what the one before has come to."""
    if not number:
        return now
    moments = training.moved_to(now.state.optimizer_state, number)
    position = now.position._replace(number=number, best=None, num_worse=0)
    return Training(now.state._replace(optimizer_state=moments), position)


def _read(config: Config, corpus: Corpus) -> _Data:
    setting = summarize_config.make_setting(config)
    examples, valid = (
        summarize_corpus.encode(config, corpus.vocab, part)
        for part in (corpus.train, corpus.valid)
    )
    shapes = training.shapes_of([*examples, *valid], setting)
    dealt = training.deal(examples, shapes, setting)
    return _Data(setting, layout_of(setting), examples, valid, shapes, dealt)


def _best(store: stores.Store, now: Training) -> Params:
    """Returns the weights of the lowest held-out cost; if they are gone, the last."""
    try:
        found = checkpoint.load(store, now.position.best_number, now.state)
    except checkpoint.Damaged as error:
        print(f"warning: {error}; the last weights are taken instead", file=sys.stderr)
        return now.state.params
    return found.tree.params


def _batch_at(config: Config, data: _Data, number: int) -> training.Batch:
    if config.overfit is not None:
        number %= config.overfit
    return training.batch_at(data.examples, data.dealt, data.setting, number)


def _held_out(model: Model, data: _Data) -> Callable[[Params], float]:
    size = part_size(data.setting)
    return cost.make_held_out(model, data.valid, size, data.shapes, data.layout)


def _loop_setting(config: Config, data: _Data, end: int) -> loop.Setting:
    """Returns how a phase goes on, until an epoch."""
    num_epoch = data.dealt.num_batches
    # What is learnt by heart costs more and more on held-out pairs.
    has_patience = {"patience": config.patience} if config.overfit is None else {}
    return loop.Setting(
        num_updates=end * num_epoch,
        # Not the key that the weights were drawn from.
        seed=config.seed + 2**31,
        evaluate_every=num_epoch,
        record_every=math.ceil(config.num_epochs * num_epoch / NUM_RECORDS),
        save_seconds=SECONDS_BETWEEN_CHECKPOINTS,
        max_skipped=config.max_skipped,
        max_shapes=len(data.shapes),
        advice=ADVICE,
        **has_patience,
    )


def content(
    known: Vocab, examples: Sequence[Example], valid: Sequence[Example]
) -> dict[str, str]:
    """Returns digests of all that a training reads.

    Args:
        known: the vocabulary.
        examples: to train on.
        valid: that are held out.
    """
    return {
        "vocabulary": model_file.hash_of(known),
        "pairs": _digest(examples),
        "valid": _digest(valid),
    }


def _settings(config: Config, known: Vocab, data: _Data) -> dict[str, Any]:
    """Returns all that decides the result: a checkpoint of others is refused."""
    read = content(known, data.examples, data.valid)
    return summarize_config.trained_settings(config) | {
        **read,
        # Of fewer devices, parts are larger: they may hold the same batches or not.
        "num_batches": data.dealt.num_batches,
    }


def _digest(examples: Sequence[Example]) -> str:
    arrays = [ids for each in examples for ids in (each.document.ids, each.targets)]
    lengths = np.array([len(ids) for ids in arrays], np.int32)
    return digests.of_array(np.concatenate([lengths, *arrays]))


def _trained(params: Params, position: Position) -> Trained:
    nats, valid_nats = [], []
    for record in position.records:
        if "held_out" in record:
            valid_nats.append(record["held_out"])
        elif record["count"]:
            nats.append(record["mean"])
    return Trained(
        params,
        position.seconds,
        position.number,
        int(position.num_counted),
        nats,
        valid_nats,
    )


def _said(mean: float, position: Position) -> str:
    records = reversed(position.records)
    held_out = next((r["held_out"] for r in records if "held_out" in r), None)
    said = "" if held_out is None else f", held out {held_out:.3f}"
    return f"cost {mean:.2f}{said}"
