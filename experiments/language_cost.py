"""What a language model pays for a text: -log P of each next token, and perplexity.

In training on a batch, from the states that the one before has left; of a text that is
held out on all of it, from its beginning to its end.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq import language_model
from jaxseq.cells import Cell
from jaxseq.text import batches
from jaxseq.text.batches import Chunk
from jaxseq.text.vocab import EOS
from jaxseq.train import order, step
from jaxseq.types import Array, Key, Tree

from .language_config import Config


class Batch(NamedTuple):
    """What an update reads."""

    chunk: Chunk
    starts: np.ndarray  # [1, B] bool, whether the text begins here


def batch_at(config: Config, ids: np.ndarray, number: int) -> Batch:
    """Returns what an update reads: the text's chunks in order, again and again.

    Args:
        config: the settings.
        ids: `[N]` the text.
        number: of the update, from 0.
    """
    sizes = (config.batch_size, config.num_steps)
    num_chunks = batches.num_chunks(len(ids), *sizes)
    if config.overfit is not None:
        num_chunks = min(num_chunks, config.overfit)
    _, index = order.place(number, num_chunks)
    chunk = next(batches.stream(ids, *sizes, start=index))
    return Batch(chunk, np.full((1, config.batch_size), index == 0))


def cost(
    config: Config,
    cells: tuple[Cell, ...],
    params: language_model.Params,
    states: tuple[Tree, ...],
    batch: Batch,
    key: Key,
) -> step.Cost:
    """Returns the sum of -log P over rows of a chunk, and the states they end in."""
    starts = batch.starts[0, :, None]
    states = jax.tree.map(lambda s: jnp.where(starts, jnp.zeros_like(s), s), states)
    nats, states = cost_of(config, cells, params, states, batch.chunk, key)
    return step.Cost(nats, jnp.sum(batch.chunk.weights), states)


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


def mean_cost(measure, params, zeros, ids: np.ndarray, config: Config) -> float:
    """Returns the mean of -log P(next token) over a text, in nats.

    Args:
        measure: the jitted `cost_of`.
        params: the weights.
        zeros: the states that a text starts from.
        ids: `[N]` the text.
        config: the settings.
    """
    total = 0.0
    states = zeros
    for chunk in batches.stream(ids, config.batch_size, config.num_steps):
        nats, states = measure(params, states, chunk)
        total += float(nats)
    return total / (len(ids) - 1)


def perplexity(nats: float) -> float:
    """Returns exp(nats); where that passes every float, the largest that is written."""
    return math.exp(min(nats, 700.0))
