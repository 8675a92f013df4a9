"""Flax's recurrent cells with the same weights: equal outputs and gradients.

Flax is an oracle by another hand: its own formulas, `nn.RNN`'s scan, JAX's gradients.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.interop.flax import trees
from jaxseq.unroll import unroll
from tests.cases import NUM_HIDDEN, NUM_INPUTS


NUM_STEPS, BATCH = 6, 3


PAIRS = {
    "lstm": (trees.LINEN_LSTM, nn.LSTMCell),
    "lstm_optimized": (trees.LINEN_LSTM, nn.OptimizedLSTMCell),
    "gru": (trees.LINEN_GRU, nn.GRUCell),
    "simple": (trees.LINEN_SIMPLE, nn.SimpleCell),
}


@pytest.mark.parametrize("name", list(PAIRS))
def test_unroll_equals_flax(name):
    layout, flax_cell = PAIRS[name]
    cell = layout.cell
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
            {"params": {"cell": layout.to_tree(params)}},
            xs,
            initial_carry=layout.to_carry(state_0),
            seq_lengths=lengths,
        )
        # Flax leaves its outputs beyond the end as they come; jaxseq has 0 there.
        return jnp.where(jnp.broadcast_to(valid, ys.shape), ys, 0.0), carry

    def by_jaxseq(params, state_0, xs):
        ys, state = unroll(cell, params, state_0, xs, lengths=lengths)
        return ys, layout.to_carry(state)

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
