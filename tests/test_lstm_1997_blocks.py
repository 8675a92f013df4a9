"""Memory blocks: against a loop over units, and against the cell of single ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.cells import lstm_1997, lstm_1997_blocks as blocks
from jaxseq.unroll import unroll
from tests.models import inputs, relative_error


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def run_by_hand(params, state_0, xs, num_blocks, size):
    """Follows the paper's equations, unit by unit."""
    U, W, b = map(np.asarray, params)
    y, s = map(np.array, state_0)
    ys = []
    for x in np.asarray(xs):
        net = [U[k] @ x + W[k] @ y + b[k] for k in range(len(b))]
        new = np.empty_like(y)
        new[: 2 * num_blocks] = sigmoid(np.array(net[: 2 * num_blocks]))
        for j in range(num_blocks):
            y_in, y_out = new[j], new[num_blocks + j]
            for v in range(size):
                number = j * size + v
                g = 4 * sigmoid(net[2 * num_blocks + number]) - 2
                s[number] = s[number] + y_in * g
                h = 2 * sigmoid(s[number]) - 1
                new[2 * num_blocks + number] = y_out * h
        y = new
        ys.append(y[2 * num_blocks :])
    return np.array(ys), y, s


@pytest.mark.parametrize("size", [1, 2, 4])
def test_unroll_follows_the_papers_equations(size):
    cell = blocks.cell(size)
    params, state_0, xs = inputs(cell, 6, ())
    result = unroll(cell, params, state_0, xs)
    expected = run_by_hand(params, state_0, xs, 4 // size, size)
    assert relative_error((result.ys, *result.state), expected) <= 1e-14


def test_blocks_of_one_whose_gates_see_no_gates_are_lstm_1997():
    one = lstm_1997.cell()
    params, state_0, xs = inputs(one, 6)
    gates = jnp.zeros((len(params.b), 8))
    as_blocks = blocks.Params(
        U=params.U, W=jnp.concatenate([gates, params.W], axis=1), b=params.b
    )
    hidden = jnp.concatenate([jnp.full((3, 8), 0.7), state_0.h], axis=-1)
    found = unroll(blocks.cell(1), as_blocks, blocks.State(hidden, state_0.c), xs)
    expected = unroll(one, params, state_0, xs)
    assert relative_error(found.ys, expected.ys) <= 1e-14
    assert relative_error(found.state.s, expected.state.c) <= 1e-14


def test_truncated_gradient_is_the_whole_one_without_recurrent_weights():
    params, state_0, xs = inputs(blocks.cell(2), 6)
    params = params._replace(W=jnp.zeros_like(params.W))

    def gradient(cell):
        def loss(params, xs):
            return jnp.sum(jnp.sin(unroll(cell, params, state_0, xs).ys))

        d_params, d_xs = jax.grad(loss, (0, 1))(params, xs)
        return d_params, d_xs

    assert relative_error(gradient(blocks.truncated(2)), gradient(blocks.cell(2))) == 0


def test_cells_must_fill_their_blocks():
    with pytest.raises(ValueError, match="^num_hidden: expected a multiple of 2 cells"):
        blocks.cell(2).init(jax.random.key(0), 3, 5)
    with pytest.raises(ValueError, match="^block_size: expected an integer ≥ 1, got 0"):
        blocks.truncated(0)
