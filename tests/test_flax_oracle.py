"""Flax's recurrent cells with the same weights: equal outputs and gradients.

Flax is an oracle by another hand: its own formulas, `nn.RNN`'s scan, JAX's gradients.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.cells import elman, gru, lstm
from jaxseq.unroll import unroll
from tests.cases import NUM_HIDDEN, NUM_INPUTS


NUM_STEPS, BATCH = 6, 3


def _split(params, names):
    """One pair of kernels a gate, in Flax's layout `[from, to]`."""
    kernels = {}
    for number, name in enumerate(names):
        rows = slice(number * NUM_HIDDEN, (number + 1) * NUM_HIDDEN)
        kernels["i" + name] = {"kernel": params.U[rows].T}
        kernels["h" + name] = {"kernel": params.W[rows].T, "bias": params.b[rows]}
    return kernels


def _lstm(params):
    return _split(params, "fiog")


def _gru(params):
    kernels = _split(params, "rzn")
    for name in "rzn":
        kernels["i" + name]["bias"] = kernels["h" + name].pop("bias")
    kernels["hn"]["bias"] = params.b_m
    return kernels


def _simple(params):
    inputs = {"kernel": params.U.T, "bias": params.b}
    return {"i": inputs, "h": {"kernel": params.W.T}}


def _lstm_state(state):
    return state.c, state.h


def _same(state):
    return state


PAIRS = {
    "lstm": (lstm.cell(), nn.LSTMCell, _lstm, _lstm_state),
    "lstm_optimized": (lstm.cell(), nn.OptimizedLSTMCell, _lstm, _lstm_state),
    "gru": (gru.reset_after(), nn.GRUCell, _gru, _same),
    "simple": (elman.cell(), nn.SimpleCell, _simple, _same),
}


@pytest.mark.parametrize("name", list(PAIRS))
def test_unroll_equals_flax(name):
    cell, flax_cell, to_flax, to_carry = PAIRS[name]
    rng = np.random.default_rng(0)
    like = jax.eval_shape(
        lambda key: cell.init(key, NUM_INPUTS, NUM_HIDDEN, jnp.float64),
        jax.random.key(0),
    )

    def normal(leaf):
        return jnp.asarray(rng.normal(size=leaf.shape))

    params = jax.tree.map(normal, like)
    state_0 = jax.tree.map(normal, cell.zero_state(params, (BATCH,)))
    xs = jnp.asarray(rng.normal(size=(NUM_STEPS, BATCH, NUM_INPUTS)))
    # Not 0: Flax's final state is wrong there.
    lengths = np.array([6, 1, 4])
    valid = jnp.asarray(np.arange(NUM_STEPS)[:, None, None] < lengths[:, None])
    layer = nn.RNN(
        flax_cell(NUM_HIDDEN, param_dtype=jnp.float64),
        time_major=True,
        return_carry=True,
    )

    def by_flax(params, state_0, xs):
        carry, ys = layer.apply(
            {"params": {"cell": to_flax(params)}},
            xs,
            initial_carry=to_carry(state_0),
            seq_lengths=lengths,
        )
        # Flax leaves its outputs beyond the end as they come; jaxseq has 0 there.
        return jnp.where(jnp.broadcast_to(valid, ys.shape), ys, 0.0), carry

    def by_jaxseq(params, state_0, xs):
        ys, state = unroll(cell, params, state_0, xs, lengths=lengths)
        return ys, to_carry(state)

    @functools.partial(jax.jit, static_argnums=0)
    def values_and_gradients(function, *arguments):
        outputs, pull = jax.vjp(function, *arguments)
        # As random as the rest, and the same for both.
        cotangents = jax.tree.map(lambda y: jnp.cos(17 * y), outputs)
        return jax.tree.leaves((outputs, pull(cotangents)))

    results = (
        values_and_gradients(function, params, state_0, xs)
        for function in (by_jaxseq, by_flax)
    )
    for ours, flaxs in zip(*results, strict=True):
        assert np.linalg.norm(ours - flaxs) <= 1e-12 * np.linalg.norm(flaxs)
