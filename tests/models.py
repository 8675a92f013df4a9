"""The table of cells that the conformance suite runs over: a new cell is a new line."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.cells import (
    Cell,
    activations,
    derived,
    elman,
    gru,
    jordan,
    lstm,
    lstm_1997,
    lstm_1997_blocks,
    lstm_coupled,
    lstm_linear,
    lstm_peephole,
)
from jaxseq.cells.cell import affine, sizes


NUM_INPUTS, NUM_HIDDEN = 3, 4


def _step_of_lstm(params, state_tm1, x_t):
    cell = lstm.cell()
    return cell.step(cell.prepare(params), state_tm1, cell.project(params, x_t))[0]


def _project(params, x_t):
    return affine(params.U, x_t, params.b)


def _recur(params, h_tm1):
    return h_tm1 @ params.W.T


def _combine(z_t, r_t, h_tm1):
    return jnp.tanh(z_t + r_t) * 0.9 + h_tm1 * 0.1


CELLS = {
    "elman": elman.cell(),
    "elman_logistic": elman.cell(activations.logistic),
    "elman_relu": elman.cell(activations.relu),
    "elman_identity": elman.cell(activations.identity),
    "elman_one_step": elman.one_step(),
    "jordan": jordan.cell(num_outputs=2),
    "jordan_decay": jordan.cell(2, 0.5, activations.tanh, activations.identity),
    "jordan_one_step": jordan.one_step(num_outputs=2, mu=0.5),
    "lstm": lstm.cell(),
    "lstm_1997": lstm_1997.cell(),
    "lstm_1997_truncated": lstm_1997.truncated(),
    "lstm_1997_blocks": lstm_1997_blocks.cell(2),
    "lstm_1997_blocks_truncated": lstm_1997_blocks.truncated(2),
    "lstm_coupled": lstm_coupled.cell(),
    "lstm_linear": lstm_linear.cell(),
    "lstm_peephole": lstm_peephole.cell(),
    "gru_reset_after": gru.reset_after(),
    "gru_reset_before": gru.reset_before(),
    "derived_from_step": derived.from_step(
        _step_of_lstm,
        output=lstm.output,
        init=lstm.init,
        sizes=sizes,
        zero_state=lstm.zero_state,
    ),
    "derived_from_parts": derived.from_parts(
        _project,
        _recur,
        _combine,
        init=elman.init,
        sizes=sizes,
        zero_state=elman.zero_state,
    ),
}

# How many products of a state with weights each cell has in a step: the least that its
# recurrence allows, forward and backward.
NUM_PRODUCTS = dict.fromkeys(CELLS, 1) | {
    "jordan": 2,
    "jordan_decay": 2,
    "jordan_one_step": 2,
    "gru_reset_before": 2,
}


# In `make test` two cells stand for all where a test has to compile much; the others
# follow in `make test-all`.
QUICK = ("lstm", "gru_reset_before")


def in_time(cells: dict[str, Cell], quick: tuple[str, ...] = QUICK):
    """Parametrizes a test over cells, all but a few of them in `make test-all` only."""
    rows = [
        pytest.param(cell, id=name, marks=() if name in quick else pytest.mark.slow)
        for name, cell in cells.items()
    ]
    return pytest.mark.parametrize("cell", rows)


every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
every_cell_in_time = in_time(CELLS)


def inputs(cell: Cell, num_steps: int, batch=(3,), seed=0, dtype=jnp.float64):
    """Draws `(params, state_0, xs)`, every entry of every array moved off its start."""
    rng = np.random.default_rng(seed)

    def moved(leaf):
        return jnp.asarray(leaf + 0.2 * rng.standard_normal(leaf.shape), dtype)

    made = cell.init(jax.random.key(seed), NUM_INPUTS, NUM_HIDDEN, jnp.float64)
    params = jax.tree.map(moved, made)
    zero = cell.zero_state(params, batch)
    state_0 = jax.tree.map(lambda leaf: moved(leaf.astype(jnp.float64)), zero)
    xs = jnp.asarray(rng.standard_normal((num_steps, *batch, NUM_INPUTS)), dtype)
    return params, state_0, xs


def cotangent_like(tree, seed=0):
    """Draws a random array for each leaf of a tree."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape), leaf.dtype), tree
    )


def masks(num_steps: int, num_sequences: int = 3, seed=0):
    """Draws the modes of `unroll`: each mask alone, all of them together."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, num_steps + 1, num_sequences)
    # Whatever is drawn, one sequence is empty and one is whole.
    lengths[0], lengths[-1] = 0, num_steps
    resets = rng.random((num_steps, num_sequences)) < 0.3
    modes = {
        "plain": {},
        "lengths": {"lengths": jnp.asarray(lengths)},
        "resets": {"resets": jnp.asarray(resets)},
        "reverse": {"reverse": True},
    }
    both = modes["lengths"] | modes["resets"]
    return modes | {"all": both | {"reverse": True}}


@functools.partial(
    jax.jit, static_argnums=(0, 1), static_argnames=("reverse", "memory")
)
def value_and_gradients(unroll, cell, args, **mode):
    """Pulls a random cotangent of all outputs back to params, state_0 and xs."""
    result, pull = jax.vjp(lambda *a: unroll(cell, *a, **mode), *args)
    return result, pull(cotangent_like(result))


def relative_error(tree, truth) -> float:
    """Returns the largest relative L2 error of any leaf; of a zero leaf, the absolute.

    Everything is compared in float64.
    """
    errors = [0.0]
    for leaf, true in zip(jax.tree.leaves(tree), jax.tree.leaves(truth), strict=True):
        leaf, true = np.asarray(leaf, np.float64), np.asarray(true, np.float64)
        norm = np.linalg.norm(true)
        errors.append(float(np.linalg.norm(leaf - true) / (norm if norm else 1.0)))
    return float(np.max(errors))  # a NaN is not lost
