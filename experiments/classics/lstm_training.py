"""Training as in 1997: one sequence at a time, its target at the end.

    y_k = σ(V y^c_T + b_k)                                                         (1)
    L = ½ Σ_k (t_k - y_k)²                                                         (2)
    Δw = -α ∂L/∂w after each                                                       (3)

(or what an optimizer makes of the gradient), with the paper's memory blocks and
truncated gradient (`jaxseq.cells.lstm_1997_blocks`).

Training stops where the paper's does: the error is small on average, and the last
sequences, 2,000 or 10,000 of them, were all answered correctly.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseq import readout
from jaxseq.cells import lstm_1997_blocks as blocks
from jaxseq.losses import squared_error
from jaxseq.types import Array, Key
from jaxseq.unroll import unroll


class Params(NamedTuple):
    """The weights of a network."""

    hidden: blocks.Params
    out: readout.Params


class Example(NamedTuple):
    """A sequence, and what is to be said at its end."""

    xs: Array  # [T, I], zeros after the end
    length: Array  # []
    target: Array  # [O]


class Setting(NamedTuple):
    """A task of the paper, and how it is trained."""

    example: Callable[[Key], Example]
    num_inputs: int
    num_outputs: int
    num_blocks: int
    block_size: int
    optimizer: optax.GradientTransformation
    """The paper's is `optax.sgd`."""
    bound: float
    """Weights start uniform in ±bound, and so do biases but those of input gates."""
    gate_biases: tuple[float, ...] | None
    """Of the input gates, one a block; None for a network without any biases."""
    tolerance: float
    """A sequence is answered correctly if every output is off by less."""
    mean_error: float
    """Training may stop where the absolute error is below this on average."""
    num_correct: int = 2_000
    """Training may stop where so many sequences in a row were answered correctly."""


class Learned(NamedTuple):
    """Networks after training."""

    params: Params  # leaves [S, ...]
    num_sequences: np.ndarray  # [S], until they stopped; -1 where they did not
    curve: np.ndarray  # [S, chunks], mean absolute errors


CHUNK = 1_000


def init(key: Key, setting: Setting) -> Params:
    """Draws the weights of a network."""
    cell = blocks.truncated(setting.block_size)
    num_hidden = setting.num_blocks * setting.block_size
    params = Params(
        cell.init(key, setting.num_inputs, num_hidden),
        readout.init(key, num_hidden, setting.num_outputs),
    )
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))
    bound = setting.bound
    params = tree.unflatten(
        jax.random.uniform(k, leaf.shape, leaf.dtype, -bound, bound)
        for k, leaf in zip(keys, leaves, strict=True)
    )
    if setting.gate_biases is None:
        return without_biases(params)
    biases = jnp.asarray(setting.gate_biases, params.hidden.b.dtype)
    b = params.hidden.b.at[: setting.num_blocks].set(biases)
    return params._replace(hidden=params.hidden._replace(b=b))


def without_biases(params: Params) -> Params:
    """Sets biases to zero; of a gradient, that they stay as they are."""
    return Params(
        params.hidden._replace(b=jnp.zeros_like(params.hidden.b)),
        params.out._replace(b=jnp.zeros_like(params.out.b)),
    )


def answer(setting: Setting, params: Params, example: Example) -> Array:
    """Reads a sequence and says what it says at its end, `[O]`."""
    cell = blocks.truncated(setting.block_size)
    lengths = example.length[None]
    xs = example.xs[:, None]
    state = unroll(cell, params.hidden, None, xs, lengths=lengths).state
    return jax.nn.sigmoid(readout.readout(params.out, cell.output(state)[0]))  # (1)


def one_hot(ids: Array, length: Array, num_symbols: int) -> Array:
    """Writes symbols as inputs: `[T]` to `[T, num_symbols]`, zeros after the end."""
    is_there = jnp.arange(len(ids), dtype=jnp.int32) < length
    ids = jnp.where(is_there, ids, jnp.full_like(ids, -1))  # of which one-hot is zeros
    return jax.nn.one_hot(ids, num_symbols, dtype=jnp.float32)


def learn(keys: Key, setting: Setting, max_sequences: int) -> Learned:
    """Trains a network for each key until it stops, or has read too much.

    Args:
        keys: `[S]`, consumed.
        setting: the task.
        max_sequences: how many sequences at most.

    Returns:
        The networks as they were when they stopped.
    """
    params = jax.vmap(lambda key: init(key, setting))(keys)
    moments = jax.vmap(setting.optimizer.init)(params)
    kept, stopped = params, np.full(len(keys), -1)
    num_right = np.zeros(len(keys), int)  # in a row, at the end
    curve = []
    for number in range(-(-max_sequences // CHUNK)):
        params, moments, errors = _read(setting, keys, params, moments, number)
        errors = np.asarray(errors)  # [S, CHUNK, O]
        curve.append(errors.mean((1, 2)))
        is_wrong = errors.max(-1) >= setting.tolerance
        last_wrong = CHUNK - np.argmax(is_wrong[:, ::-1], axis=1)
        any_wrong = is_wrong.any(1)
        num_right = np.where(any_wrong, CHUNK - last_wrong, num_right + CHUNK)
        stops = (stopped < 0) & (num_right >= setting.num_correct)
        stops &= curve[-1] < setting.mean_error
        stopped[stops] = (number + 1) * CHUNK
        kept = jax.tree.map(
            lambda k, p, stops=stops: jnp.where(
                jnp.asarray(stops | (stopped < 0)).reshape(-1, *[1] * (p.ndim - 1)),
                p,
                k,
            ),
            kept,
            params,
        )
        if (stopped >= 0).all():
            break
    return Learned(kept, stopped, np.stack(curve, axis=1))


@functools.partial(jax.jit, static_argnums=0)
def _read(setting: Setting, keys: Key, params: Params, moments, number):
    """Trains on a chunk of sequences; also returns each one's errors beforehand."""

    def loss(params, example):
        y = answer(setting, params, example)
        return squared_error(y, example.target), jnp.abs(y - example.target)  # (2)

    def update(learned, key):
        params, moments = learned
        example = setting.example(key)
        gradient, errors = jax.grad(loss, has_aux=True)(params, example)
        if setting.gate_biases is None:
            gradient = without_biases(gradient)
        updates, moments = setting.optimizer.update(gradient, moments)  # (3)
        return (optax.apply_updates(params, updates), moments), errors

    def network(key, *learned):
        chunk_key = jax.random.fold_in(key, number)
        each = jax.random.split(chunk_key, CHUNK)
        learned, errors = jax.lax.scan(update, learned, each)
        return *learned, errors

    return jax.vmap(network)(keys, params, moments)


@functools.partial(jax.jit, static_argnums=(0, 3))
def test(setting: Setting, params: Params, key: Key, num_sequences: int) -> Array:
    """Has every network answer fresh sequences: `[S, n, O]` absolute errors."""
    examples = jax.vmap(setting.example)(jax.random.split(key, num_sequences))

    def error(params, example):
        return jnp.abs(answer(setting, params, example) - example.target)

    each = jax.vmap(error, (None, 0))
    return jax.vmap(lambda p: each(p, examples))(params)
