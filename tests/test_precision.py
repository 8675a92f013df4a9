"""bfloat16 weights around a float32 state: dtypes, errors, and what the state keeps."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import bptt, memory
from jaxseq.cells import elman, gru, lstm
from jaxseq.cells.activations import identity
from jaxseq.truncate import unroll_truncated
from jaxseq.unroll import run_of, unroll, unroll_plain
from tests.models import (
    CELLS,
    in_time,
    inputs,
    masks,
    relative_error,
    value_and_gradients,
)
from tests.programs import equations


KEY = jax.random.key(0)
BFLOAT16, FLOAT32 = jnp.dtype("bfloat16"), jnp.dtype("float32")
every_own_cell = in_time({n: cell for n, cell in CELLS.items() if "derived" not in n})


def mixed(cell, num_steps, seed=0):
    params, state_0, xs = inputs(cell, num_steps, dtype=jnp.bfloat16, seed=seed)
    return params, jax.tree.map(lambda s: s.astype(FLOAT32), state_0), xs


def dtypes(tree):
    return {leaf.dtype for leaf in jax.tree.leaves(tree)}


@every_own_cell
def test_state_is_wide_and_the_rest_narrow(cell):
    (ys, state), (d_params, d_state_0, d_xs) = value_and_gradients(
        unroll, cell, mixed(cell, 5), **masks(5)["all"]
    )
    assert dtypes((ys, d_params, d_xs)) == {BFLOAT16}
    assert dtypes((state, d_state_0)) == {FLOAT32}


@every_own_cell
def test_wide_state_is_no_worse_than_autodiff_with_one(cell):
    by_hand, by_autodiff = [], []
    for seed in range(8):
        args = mixed(cell, 20, seed)
        wide = jax.tree.map(lambda a: a.astype(jnp.float64), args)
        truth = value_and_gradients(unroll, cell, wide)
        by_hand.append(relative_error(value_and_gradients(unroll, cell, args), truth))
        autodiff = value_and_gradients(unroll_plain, cell, args)
        by_autodiff.append(relative_error(autodiff, truth))
    assert np.mean(by_hand) <= 1.1 * np.mean(by_autodiff)


def _counter():
    """Makes an LSTM whose cell adds tanh(1/512) at each step, and forgets nothing."""
    open_gates = jnp.full(3, 100.0, BFLOAT16)
    b = jnp.concatenate([open_gates, jnp.full(1, 1 / 512, BFLOAT16)])
    return lstm.Params(jnp.zeros((4, 1), BFLOAT16), jnp.zeros((4, 1), BFLOAT16), b)


@pytest.mark.parametrize("unroll", [unroll, unroll_plain])
def test_wide_state_counts_what_a_narrow_one_rounds_off(unroll):
    xs = jnp.zeros((256, 1), BFLOAT16)
    for dtype, last in ((BFLOAT16, 1.0), (FLOAT32, 1.5)):
        state_0 = lstm.State(jnp.zeros(1, dtype), jnp.ones(1, dtype))
        state = unroll(lstm.cell(), _counter(), state_0, xs).state
        np.testing.assert_allclose(state.c, last, rtol=1e-5)


LESS = (memory.states, memory.outputs, memory.chunked(4), memory.sqrt)


@pytest.mark.parametrize("kept", LESS, ids=lambda kept: kept.name)
def test_memory_keeps_the_state_wide(kept):
    cell = lstm.cell()
    args = mixed(cell, 10)
    wide = jax.tree.map(lambda a: a.astype(jnp.float64), args)
    truth = value_and_gradients(unroll, cell, wide)
    gates = value_and_gradients(unroll, cell, args)
    result = value_and_gradients(unroll, cell, args, memory=kept)
    assert dtypes(result) == {BFLOAT16, FLOAT32}
    assert relative_error(result, truth) <= 1.5 * relative_error(gates, truth)


@pytest.mark.parametrize("cell", [lstm.cell(), gru.reset_after()], ids=["lstm", "gru"])
@pytest.mark.parametrize("kept", [memory._states, memory._outputs], ids=["states", "h"])
def test_gates_are_computed_again_as_wide_as_at_first(kept, cell):
    run = run_of(cell, *mixed(cell, 32), None, None, None, False)

    def tapes(kept):
        _, residuals = bptt._run(kept.keep, kept.outputs, cell, False, run)
        return jax.tree.leaves(kept.recall(cell, False, *residuals).tape)

    pairs = list(zip(tapes(kept), tapes(memory._gates), strict=True))
    num_apart = sum(int(jnp.sum(found != first)) for found, first in pairs)
    # In narrow numbers 6 to 26 % are.
    assert num_apart < 0.01 * sum(first.size for _, first in pairs)


@pytest.mark.parametrize(
    "in_chunks",
    [
        functools.partial(unroll, memory=memory.chunked(1)),
        functools.partial(unroll_truncated, num_steps=1),
    ],
    ids=["chunked", "truncated"],
)
def test_gradients_of_many_chunks_are_added_up_wide(in_chunks):
    cell = elman.cell(identity)
    params = jax.tree.map(jnp.zeros_like, cell.init(KEY, 1, 1, BFLOAT16))
    xs = jnp.ones((1024, 1), BFLOAT16)

    def loss(params):
        return in_chunks(cell, params, None, xs).ys.astype(FLOAT32).sum()

    # A sum of ones stands still at 256 in bfloat16.
    d_params = jax.jit(jax.grad(loss))(params)
    assert dtypes(d_params) == {BFLOAT16}
    assert (float(d_params.U[0, 0]), float(d_params.b[0])) == (1024, 1024)


def test_products_of_a_wide_state_have_narrow_factors():
    cell = lstm.cell()

    def loss(params, state_0, xs):
        return unroll(cell, params, state_0, xs).ys.astype(FLOAT32).sum()

    jaxpr = jax.make_jaxpr(jax.grad(loss))(*mixed(cell, 5))
    factors = [
        {v.aval.dtype for v in equation.invars}
        for equation in equations(jaxpr.jaxpr)
        if equation.primitive.name == "dot_general"
    ]
    assert len(factors) >= 5  # U x, W h, Wᵀ δ, ∇U, ∇W
    assert set().union(*factors) == {BFLOAT16}
