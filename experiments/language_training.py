"""Training a language model on one long stream: truncated BPTT, Adam, perplexity.

The text is read at B places side by side, T steps at a time. The states that a chunk
ends in go into the next chunk; at the end of the text they start from zeros again. One
update: the mean over the chunk of -log P(next token), its gradient by the deltas of
jaxseq, cut to a largest norm; the learning rate rises, then falls along a cosine. What
keeps the run alive is `jaxseq.train`'s.
"""

import collections
import contextlib
import functools
import math
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseq import language_model
from jaxseq.cells import Cell
from jaxseq.train import (
    digests,
    loop,
    metrics,
    programs,
    sharding,
    signals,
    state,
    step,
)
from jaxseq.train.clip import clip_by_global_norm
from jaxseq.train.sharding import Layout

from . import results, runs
from .language_config import PRECISIONS, Config
from .language_cost import batch_at, cost, cost_of, mean_cost, perplexity
from .progress import Report


BYTES_OF_WEIGHT = 16  # itself, its gradient, Adam's two moments: float32
NUM_RECORDS = 100
ADVICE = (
    "try a smaller --num-hidden, --num-inputs, --max-vocab, --batch-size or "
    "--num-steps, or a larger --accumulate"
)

# What a run may change when it goes on; of the texts, what is in them counts.
_NOT_TRAINED = (
    *runs.NOT_TRAINED,
    *("text", "valid", "minutes", "num_sampled", "temperature"),
    *("devices", "address", "num_processes", "process"),
)


class TooLarge(ValueError):
    """The model has more weights than can be counted; the message is one line."""


class Fitted(NamedTuple):
    """A trained model and how it came about."""

    params: language_model.Params
    train: list[tuple[int, float]]  # (updates, mean nats of a target since the last)
    valid: list[tuple[int, float]]  # (updates, held-out perplexity), also at the end
    num_updates: int
    num_tokens: int  # read in training


def fit(
    config: Config,
    cells: tuple[Cell, ...],
    num_ids: int,
    train: np.ndarray,
    valid: np.ndarray,
    report: Report,
    folder: Path | None = None,
) -> Fitted:
    """Trains a model, and measures it on the way.

    Args:
        config: the settings.
        cells: L cells.
        num_ids: V.
        train: `[N]` ids to train on.
        valid: `[M]` ids that are held out.
        report: told how far the training is.
        folder: of checkpoints and records, to go on from; None for neither.

    Raises:
        TooLarge: if the memory that is free cannot hold the model.
        jaxseq.train: what `loop.resumed` and `loop.train` raise.
    """
    _check_size(config, cells, num_ids)
    key_params, _ = jax.random.split(jax.random.key(config.seed))
    params = language_model.init(
        key_params, cells, num_ids, config.num_inputs, config.num_hidden
    )
    zeros = language_model.zero_states(cells, params, (config.batch_size,))
    optimizer = make_optimizer(config)
    training = state.begin(params, optimizer, jax.tree.map(jnp.copy, zeros))
    layout = make_layout(config)
    placed = sharding.place(layout, optimizer, training.state)
    training = training._replace(state=placed)
    update = step.make(
        functools.partial(cost, config, cells),
        optimizer,
        num_parts=config.accumulate,
        precision=PRECISIONS[config.precision],
        layout=layout,
    )
    measure = jax.jit(functools.partial(cost_of, config, cells))
    recent = collections.deque(maxlen=50)
    with contextlib.ExitStack() as stack:
        stack.enter_context(jax.debug_nans(config.debug))
        options = {}
        if folder is not None:
            settings = _settings(config, num_ids, train, valid)
            place = folder / "checkpoints" / config.cell
            store = stack.enter_context(runs.opened(place, settings, config.resume))
            training = runs.resumed(store, training)
            options = {
                "store": store,
                "log": runs.of_the_first(metrics.Log(folder / f"{config.cell}.jsonl")),
                "stop": stack.enter_context(signals.heard()),
            }
        for now in loop.train(
            update,
            functools.partial(batch_at, config, train),
            training,
            make_setting(config),
            held_out=lambda params: mean_cost(
                measure, sharding.local(params), zeros, valid, config
            ),
            layout=layout,
            **options,
        ):
            training = now.training
            if now.is_applied:
                recent.append(now.mean)
            num_tokens = int(training.position.num_counted)
            report(now.fraction, num_tokens, _said(recent, training))
        found = _fitted(training)
        if not found.valid or found.valid[-1][0] != found.num_updates:
            # Given less time than it has had, it goes on from there no more.
            nats = mean_cost(measure, found.params, zeros, valid, config)
            found.valid.append((found.num_updates, perplexity(nats)))
    return found


def make_setting(config: Config) -> loop.Setting:
    """Returns how long to train, and when to measure."""
    return loop.Setting(
        num_updates=config.num_updates,
        # Not the key that the weights were drawn from.
        seed=config.seed + 2**31,
        evaluate_every=math.ceil(config.num_updates / config.num_evaluations),
        record_every=math.ceil(config.num_updates / NUM_RECORDS),
        seconds=math.inf if config.minutes is None else 60 * config.minutes,
        max_skipped=config.max_skipped,
        max_shapes=1,
        advice=ADVICE,
    )


def make_layout(config: Config) -> Layout:
    """Returns which devices share a batch.

    Raises:
        ValueError: if there are fewer, or a process has none.
    """
    is_shared = config.devices > 1 or jax.process_count() > 1
    devices = sharding.mesh(config.devices) if is_shared else None
    # Rows of a chunk are its columns, those of a state its rows.
    return Layout(devices, batch_axis=1, carry_axis=0)


def make_optimizer(config: Config) -> optax.GradientTransformation:
    """Returns Adam (AdamW) with clipping, a rising, then a falling learning rate."""
    learning_rate = optax.warmup_cosine_decay_schedule(
        init_value=0.0,
        peak_value=config.learning_rate,
        warmup_steps=math.ceil(0.05 * config.num_updates),
        decay_steps=config.num_updates + 1,
    )
    return optax.chain(
        clip_by_global_norm(config.clip_norm),
        optax.adamw(learning_rate, weight_decay=config.weight_decay),
    )


def _check_size(config: Config, cells: tuple[Cell, ...], num_ids: int) -> None:
    # Before anything is drawn: a machine may kill a program that asks for terabytes.
    draw = functools.partial(
        language_model.init,
        cells=cells,
        num_ids=num_ids,
        num_inputs=config.num_inputs,
        num_hidden=config.num_hidden,
    )
    shapes = jax.eval_shape(draw, jax.random.key(0))
    num_weights = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))
    needed, free = BYTES_OF_WEIGHT * num_weights, programs.num_free()
    if free is not None and needed > free:
        raise TooLarge(
            f"{num_weights:.1e} weights, with gradient and moments, need "
            f"{needed / 1e9:.3g} GB of memory, {free / 1e9:.3g} are free; give a "
            "smaller --num-hidden, --num-inputs or --num-layers"
        )


def _settings(config: Config, num_ids: int, train, valid) -> dict:
    """Returns all that decides the result: a checkpoint of others is refused."""
    settings = results.settings(config)
    decide = {name: s for name, s in settings.items() if name not in _NOT_TRAINED}
    texts = {"text": digests.of_array(train), "valid": digests.of_array(valid)}
    return decide | texts | {"num_ids": num_ids}


def _fitted(training: state.Training) -> Fitted:
    position = training.position
    train, valid = [], []
    for record in position.records:
        if "held_out" in record:
            valid.append((record["number"], perplexity(record["held_out"])))
        elif record["count"]:
            train.append((record["number"], record["mean"]))
    return Fitted(
        sharding.local(training.state.params),
        train,
        valid,
        position.number,
        int(position.num_counted),
    )


def _said(recent: collections.deque, training: state.Training) -> str:
    said = []
    if recent:
        said.append(f"perplexity {perplexity(float(np.mean(recent))):.1f}")
    records = reversed(training.position.records)
    held_out = next((r["held_out"] for r in records if "held_out" in r), None)
    if held_out is not None:
        said.append(f"held out {perplexity(held_out):.1f}")
    return ", ".join(said)
