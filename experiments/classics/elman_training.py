"""Elman's networks of 1990: predict what comes next, learn at every step.

    s_t = σ(U x_t + W s_{t-1} + b),   o_t = σ(V s_t + b_o),   L = ½ Σ_t ‖o_t - x_{t+1}‖²

Logistic units, the context starts at .5. The paper back-propagates one step, as the
context is an input (`elman.one_step`), and changes the weights at every step: a chunk
of one step. Full back-propagation through time is the cell `elman.cell(logistic)` with
chunks of more steps; the state goes on from chunk to chunk, errors do not.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import readout
from jaxseq.cells import Cell, elman
from jaxseq.cells.activations import logistic
from jaxseq.losses import squared_error
from jaxseq.types import Array, Key
from jaxseq.unroll import unroll


ONE_STEP, FULL = elman.one_step(logistic), elman.cell(logistic)


class Params(NamedTuple):
    """The weights of a network."""

    hidden: elman.Params
    out: readout.Params


class Setting(NamedTuple):
    """How a network is trained."""

    cell: Cell
    num_hidden: int
    bound: float
    """Weights and biases start uniform in ±bound."""
    rate: float
    """Learning rate, for the sum of the errors of a chunk."""
    num_passes: int
    num_steps: int = 1
    """Steps of a chunk: how far back errors go, and how often weights change."""


def init(key: Key, num_inputs: int, num_hidden: int, bound: float) -> Params:
    """Draws all weights uniform in ±bound; as many outputs as inputs."""
    key_hidden, key_out = jax.random.split(key)
    params = Params(
        FULL.init(key_hidden, num_inputs, num_hidden, jnp.float32),
        readout.init(key_out, num_hidden, num_inputs, jnp.float32),
    )
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))
    return tree.unflatten(
        jax.random.uniform(k, leaf.shape, leaf.dtype, -bound, bound)
        for k, leaf in zip(keys, leaves, strict=True)
    )


def run(cell: Cell, params: Params, state_0: Array, xs: Array):
    """Runs a network: outputs `[T, O]`, and the hidden layer `[T, H]`."""
    states = unroll(cell, params.hidden, state_0, xs).ys
    return jax.nn.sigmoid(readout.readout(params.out, states)), states


def context(params: Params) -> Array:
    """Returns the context before the first step, .5 for every unit."""
    return jnp.full_like(params.hidden.b, 0.5)


@functools.partial(jax.jit, static_argnums=1)
def learn(keys: Key, setting: Setting, stream: Array) -> Params:
    """Trains a network for each key to predict the next of a stream.

    Args:
        keys: `[S]`, consumed.
        setting: of the training.
        stream: `[N, I]`; the last is followed by the first.

    Returns:
        The weights, leaves `[S, ...]`. What does not fill a chunk is left out.
    """
    num_chunks = len(stream) // setting.num_steps
    shape = (num_chunks, setting.num_steps, stream.shape[1])
    size = num_chunks * setting.num_steps
    chunks = (
        stream[:size].reshape(shape),
        jnp.roll(stream, -1, axis=0)[:size].reshape(shape),
    )

    def loss(params, state, xs, targets):
        outputs, states = run(setting.cell, params, state, xs)
        return jnp.sum(squared_error(outputs, targets)), states[-1]

    def update(carry, chunk):
        params, state = carry
        gradient, state = jax.grad(loss, has_aux=True)(params, state, *chunk)
        params = jax.tree.map(lambda p, d: p - setting.rate * d, params, gradient)
        return (params, state), None

    def read(carry, _):
        return jax.lax.scan(update, carry, chunks)

    def network(key):
        params = init(key, stream.shape[1], setting.num_hidden, setting.bound)
        carry = (params, context(params))
        return jax.lax.scan(read, carry, length=setting.num_passes)[0][0]

    return jax.vmap(network)(keys)


@jax.jit
def read(params: Params, stream: Array):
    """Has every network of `learn` read a stream, without learning.

    Returns:
        `[S, N, O]` the outputs, o_t for x_{t+1}, and `[S, N, H]` the hidden layers.
    """
    return jax.vmap(lambda p: run(FULL, p, context(p), stream))(params)
