"""Training a language model on one long stream: truncated BPTT, Adam, perplexity.

The text is read at B places side by side, T steps at a time. The states that a chunk
ends in go into the next chunk; at the end of the text they start from zeros again. One
update: the mean over the chunk of -log P(next token), its gradient by the deltas of
jaxseq, cut to a largest norm; the learning rate rises, then falls along a cosine.
"""

import functools
import itertools
import math
import time
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.language_config import Config
from experiments.progress import Report
from jaxseq import language_model
from jaxseq.cells import Cell
from jaxseq.text import batches
from jaxseq.text.batches import Chunk
from jaxseq.text.vocab import EOS
from jaxseq.types import Array, Key, Tree


_MAX_WEIGHTS = 2**31 - 1  # with gradient and Adam's two moments 34 GB


class Diverged(ArithmeticError):
    """The loss is not finite any more; the message is one line with the update."""


class TooLarge(ValueError):
    """The model has more weights than can be counted; the message is one line."""


class Training(NamedTuple):
    """What an update changes; it is given away whole, so that no copy is kept."""

    params: Tree  # of jaxseq.language_model
    optimizer_state: Tree
    states: tuple[Tree, ...]  # L states, leaves [B, ·]


class Fitted(NamedTuple):
    """A trained model and how it came about."""

    params: language_model.Params
    nats: list[float]  # of each update, the mean over its chunk
    valid: list[tuple[int, float]]  # (updates, held-out perplexity), also at the end
    num_tokens: int  # read in training


def fit(
    config: Config,
    cells: tuple[Cell, ...],
    num_ids: int,
    train: np.ndarray,
    valid: np.ndarray,
    report: Report,
) -> Fitted:
    """Trains a model, and measures it on the way.

    Args:
        config: the settings.
        cells: L cells.
        num_ids: V.
        train: `[N]` ids to train on.
        valid: `[M]` ids that are held out.
        report: told how far the training is.

    Raises:
        TooLarge: if no machine could hold the model.
        Diverged: if the loss stops being finite.
    """
    started = time.monotonic()
    _check_size(config, cells, num_ids)
    key_params, key_dropout = jax.random.split(jax.random.key(config.seed))
    params = language_model.init(
        key_params, cells, num_ids, config.num_inputs, config.num_hidden
    )
    optimizer = make_optimizer(config)
    step = functools.partial(update, config, cells, optimizer)
    step = jax.jit(step, donate_argnums=0)
    cost = jax.jit(functools.partial(cost_of, config, cells))
    states = language_model.zero_states(cells, params, (config.batch_size,))
    training = Training(params, optimizer.init(params), states)

    nats, measured, num_tokens = [], [], 0
    every = math.ceil(config.num_updates / config.num_evaluations)
    chunks = itertools.islice(_endless(train, config), config.num_updates)
    for number, (is_first, chunk) in enumerate(chunks, start=1):
        if is_first:
            zeros = jax.tree.map(jnp.zeros_like, training.states)
            training = training._replace(states=zeros)
        key = jax.random.fold_in(key_dropout, number)
        training, loss = step(training, chunk, key)
        nats.append(_finite(float(loss), number))
        num_tokens += int(chunk.weights.sum())
        done = number / config.num_updates
        if config.minutes is not None:
            done = max(done, (time.monotonic() - started) / (60 * config.minutes))
        if number % every == 0 or done >= 1:
            held_out = _finite(mean_cost(cost, training, valid, config), number)
            measured.append((number, perplexity(held_out)))
        note = f"perplexity {perplexity(float(np.mean(nats[-50:]))):.1f}"
        if measured:
            note += f", held out {measured[-1][1]:.1f}"
        report(min(done, 1.0), num_tokens, note)
        if done >= 1:
            break
    return Fitted(training.params, nats, measured, num_tokens)


def make_optimizer(config: Config) -> optax.GradientTransformation:
    """Returns Adam (AdamW) with clipping, a rising, then a falling learning rate."""
    learning_rate = optax.warmup_cosine_decay_schedule(
        init_value=0.0,
        peak_value=config.learning_rate,
        warmup_steps=math.ceil(0.05 * config.num_updates),
        decay_steps=config.num_updates + 1,
    )
    return optax.chain(
        optax.clip_by_global_norm(config.clip_norm),
        optax.adamw(learning_rate, weight_decay=config.weight_decay),
    )


def mean_cost(cost, training: Training, ids: np.ndarray, config: Config) -> float:
    """Returns the mean of -log P(next token) over a text, in nats.

    Args:
        cost: the jitted `cost_of`.
        training: whose weights and state shapes to take.
        ids: `[N]` the text.
        config: the settings.
    """
    total = 0.0
    states = jax.tree.map(jnp.zeros_like, training.states)
    for chunk in batches.stream(ids, config.batch_size, config.num_steps):
        nats, states = cost(training.params, states, chunk)
        total += float(nats)
    return total / (len(ids) - 1)


def perplexity(nats: float) -> float:
    """Returns exp(nats); where that passes every float, the largest that is written."""
    return math.exp(min(nats, 700.0))


def update(config: Config, cells, optimizer, training: Training, chunk: Chunk, key):
    """Takes one step of the optimizer; returns the new training and the mean cost."""

    def loss(params):
        nats, states = cost_of(config, cells, params, training.states, chunk, key)
        return nats / jnp.sum(chunk.weights), states

    (nats, states), d_params = jax.value_and_grad(loss, has_aux=True)(training.params)
    updates, optimizer_state = optimizer.update(
        d_params, training.optimizer_state, training.params
    )
    params = optax.apply_updates(training.params, updates)
    return Training(params, optimizer_state, states), nats


def cost_of(
    config: Config,
    cells: tuple[Cell, ...],
    params: language_model.Params,
    states: tuple[Tree, ...],
    chunk: Chunk,
    key: Key | None = None,
) -> tuple[Array, tuple[Tree, ...]]:
    """Returns the sum of -log P over a chunk, and the states; no key, no dropout."""
    nats, states = language_model.score(
        cells,
        params,
        states,
        jnp.asarray(chunk.inputs),
        jnp.asarray(chunk.targets),
        # A line is read from EOS on, so that is the step that starts from zeros.
        resets=jnp.asarray(chunk.inputs == EOS) if config.resets else None,
        dropout=0.0 if key is None else config.dropout,
        key=key,
    )
    return jnp.sum(nats * chunk.weights), states


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
    if num_weights > _MAX_WEIGHTS:
        raise TooLarge(
            f"the model would have {num_weights:.1e} weights, more than "
            f"{_MAX_WEIGHTS:.1e}; give a smaller --num-hidden, --num-inputs or "
            "--num-layers"
        )


def _endless(ids: np.ndarray, config: Config) -> Iterator[tuple[bool, Chunk]]:
    """The text's chunks again and again, each with whether it is the first."""
    while True:
        stream = batches.stream(ids, config.batch_size, config.num_steps)
        for number, chunk in enumerate(stream):
            yield number == 0, chunk


def _finite(nats: float, number: int) -> float:
    if not math.isfinite(nats):
        raise Diverged(
            f"the loss is {nats} at update {number}; try a smaller --learning-rate"
        )
    return nats
