"""The LSTM of 1997 to the letter: memory blocks, and gates that see everything.

A block has S cells and one input and one output gate. y is the whole hidden layer,
gates and cells, y = (i, o, y^c), and every unit of it sees all of it:

    i_t = σ(U_i x_t + W_i y_{t-1} + b_i)          input gates, one a block         (1)
    o_t = σ(U_o x_t + W_o y_{t-1} + b_o)          output gates, one a block        (2)
    g_t = g(U_c x_t + W_c y_{t-1} + b_c)          squashed input, g = 4σ - 2       (3)
    s_t = s_{t-1} + i_t ⊙ g_t                     i of the cell's block            (4)
    y^c_t = o_t ⊙ h(s_t)                          o of it, h = 2σ - 1              (5)

With d_y_t = (d_i_t, d_o_t, d_y^c_t) and d_s_t the errors from the outside and from step
t+1, and Σ_v the sum over the cells of a block:

    δo_t = (d_o_t + Σ_v d_y^c_t ⊙ h(s_t)) ⊙ o_t (1 - o_t)                          (6)
    d_s_t ← d_s_t + d_y^c_t ⊙ o_t ⊙ h'(s_t),      h' = (1 - h²) / 2                (7)
    δi_t = (d_i_t + Σ_v d_s_t ⊙ g_t) ⊙ i_t (1 - i_t)                               (8)
    δg_t = d_s_t ⊙ i_t ⊙ g'_t,                    g' = 1 - g² / 4                  (9)
    d_s_{t-1} = d_s_t                             the carousel: factor 1          (10)
    d_y_{t-1} = Wᵀ δ_t,    δ_t = (δi_t, δo_t, δg_t)                               (BP2T)
    ∇b = Σ_t δ_t,    ∇U = Σ_t δ_t x_tᵀ                                      (BP3, BP4U)
    ∇W = Σ_t δ_t y_{t-1}ᵀ,    d_x_t = Uᵀ δ_t                                (BP4W, BP5)

The truncated gradient of the paper has BP2T = 0: only (10) goes back in time, and
(6) and (8) lose what comes to the gates from later steps.

Sizes: I inputs, H cells, H / S blocks; K = 2 H / S + H units of the hidden layer.

References:
    Hochreiter, Schmidhuber, Long short-term memory, Neural Computation 9, 1997:
    section 4 and appendix A.1. Truncation: eqs. (19) to (28).

Departures: none; `jaxseq.cells.lstm_1997` has blocks of one cell, whose gates see the
cells only.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.cells.activations import sigmoid
from jaxseq.cells.cell import (
    Cell,
    Prepared,
    Sizes,
    Trace,
    project,
    recur,
    sum_outer,
    sum_steps,
    transpose,
    truncated as cut_back,
)
from jaxseq.cells.draws import uniform
from jaxseq.checks import check_count, check_draw, expect
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key


class Params(NamedTuple):
    """The weights of eqs. (1) to (3), units stacked i, o, cells.

    Attributes:
        U: `[K, I]` from the inputs.
        W: `[K, K]` from the hidden layer.
        b: `[K]` the biases.
    """

    U: Array
    W: Array
    b: Array


class State(NamedTuple):
    """What one step hands to the next.

    Attributes:
        y: `[..., K]` the hidden layer.
        s: `[..., H]` the cells' inner states.
    """

    y: Array
    s: Array


def cell(block_size: int) -> Cell:
    """Returns the cell with full back-propagation through time.

    Args:
        block_size: S, the cells of a block.

    Raises:
        ValueError: if it is no number of cells.
    """
    check_count("block_size", block_size)
    return _cell(int(block_size))


def truncated(block_size: int) -> Cell:
    """Returns the cell with the paper's truncated gradient; argument as in `cell`."""
    check_count("block_size", block_size)
    return _truncated(int(block_size))


@functools.cache
def _cell(block_size: int) -> Cell:
    return Cell(
        name=f"lstm_1997_blocks({block_size})",
        init=functools.partial(init, block_size),
        sizes=functools.partial(sizes, block_size),
        zero_state=functools.partial(zero_state, block_size),
        project=project,
        step=functools.partial(step, block_size),
        output=functools.partial(output, block_size),
        delta=functools.partial(delta, block_size),
        collect=collect,
        prepare=transpose,
    )


@functools.cache
def _truncated(block_size: int) -> Cell:
    name = f"lstm_1997_blocks.truncated({block_size})"
    return cut_back(_cell(block_size), name, _hold_hidden)


def init(
    block_size: int,
    key: Key,
    num_inputs: int,
    num_hidden: int,
    dtype: DTypeLike = jnp.float32,
) -> Params:
    """Draws the weights uniform ±1/√fan-in, biases 0; the key is consumed.

    The paper starts the gates' biases at negative values of the task's choice.

    Args:
        block_size: cells in a block.
        key: random key, consumed.
        num_inputs: I.
        num_hidden: H.
        dtype: floating-point dtype of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_draw(key, num_inputs, num_hidden, dtype)
    is_whole = num_hidden % block_size == 0
    expect(is_whole, "num_hidden", f"a multiple of {block_size} cells", num_hidden)
    num_units = 2 * num_hidden // block_size + num_hidden
    key_u, key_w = jax.random.split(key)
    fan_in = num_inputs + num_units
    return Params(
        U=uniform(key_u, (num_units, num_inputs), fan_in, dtype),
        W=uniform(key_w, (num_units, num_units), fan_in, dtype),
        b=jnp.zeros((num_units,), dtype),
    )


def sizes(block_size: int, params: Params) -> Sizes:
    """Reads I and H off the weights.

    Args:
        block_size: cells in a block.
        params: the weights.
    """
    num_blocks = params.W.shape[0] // (block_size + 2)
    return Sizes(num_inputs=params.U.shape[1], num_hidden=num_blocks * block_size)


def zero_state(block_size: int, params: Params, batch_shape: tuple[int, ...]) -> State:
    """Returns y_0 = 0 and s_0 = 0.

    Args:
        block_size: cells in a block.
        params: the weights.
        batch_shape: sizes of the batch axes.
    """
    num_hidden = sizes(block_size, params).num_hidden
    dtype = params.W.dtype
    return State(
        y=jnp.zeros((*batch_shape, params.W.shape[0]), dtype),
        s=jnp.zeros((*batch_shape, num_hidden), dtype),
    )


def step(
    block_size: int, prepared: Prepared, state_tm1: State, z_t: Array
) -> tuple[State, Array]:
    """Takes one step, eqs. (1) to (5).

    Args:
        block_size: S.
        prepared: the weights, with Wᵀ.
        state_tm1: the state at t-1.
        z_t: `[..., K]` U x_t.

    Returns:
        The state at t, and `[..., H]` g.
    """
    a_i, a_o, a_g = _split(block_size, z_t + recur(prepared, state_tm1.y))
    i_t, o_t = sigmoid(a_i), sigmoid(a_o)  # (1), (2)
    g_t = 2 * jnp.tanh(a_g / 2)  # (3), as 4σ(a) - 2 = 2 tanh(a / 2)
    s_t = state_tm1.s + _of_cells(block_size, i_t) * g_t  # (4)
    y_c = _of_cells(block_size, o_t) * _h(s_t)  # (5)
    return State(y=jnp.concatenate([i_t, o_t, y_c], axis=-1), s=s_t), g_t


def output(block_size: int, state_t: State) -> Array:
    """Picks the cells' outputs.

    Args:
        block_size: cells in a block.
        state_t: the state.

    Returns:
        `[..., H]`.
    """
    return _split(block_size, state_t.y)[2]


def delta(
    block_size: int, params: Params, trace_t: Trace, d_state_t: State
) -> tuple[State, Array]:
    """Sends the errors one step back, eqs. (6) to (10) and BP2T.

    Args:
        block_size: S.
        params: the weights.
        trace_t: of step t.
        d_state_t: ∂L/∂y_t and ∂L/∂s_t, the latter without (7).

    Returns:
        What reaches the state at t-1, and `[..., K]` δ_t.
    """
    d_i, d_o, d_y_c = _split(block_size, d_state_t.y)
    i_t, o_t, _ = _split(block_size, trace_t.state.y)
    g_t, h_t = trace_t.tape, _h(trace_t.state.s)
    d_o = d_o + _over_cells(block_size, d_y_c * h_t)
    delta_o = d_o * o_t * (1 - o_t)  # (6)
    o_c, i_c = _of_cells(block_size, o_t), _of_cells(block_size, i_t)
    d_s_t = d_state_t.s + d_y_c * o_c * (1 - h_t**2) / 2  # (7)
    d_i = d_i + _over_cells(block_size, d_s_t * g_t)
    delta_i = d_i * i_t * (1 - i_t)  # (8)
    delta_g = d_s_t * i_c * (1 - g_t**2 / 4)  # (9)
    delta_t = jnp.concatenate([delta_i, delta_o, delta_g], axis=-1)
    d_state_tm1 = State(
        y=product(delta_t, params.W),  # (BP2T)
        s=d_s_t,  # (10)
    )
    return d_state_tm1, delta_t


def collect(
    params: Params, xs: Array, trace: Trace, deltas: Array
) -> tuple[Params, Array]:
    """Sums the deltas into gradients, one GEMM for each matrix.

    Args:
        params: the weights.
        xs: `[T, ..., I]` the inputs.
        trace: of all steps.
        deltas: `[T, ..., K]` δ_t.

    Returns:
        The gradients of the weights, and `[T, ..., I]` those of the inputs.
    """
    d_params = Params(
        U=sum_outer(deltas, xs),  # (BP4U)
        W=sum_outer(deltas, trace.state_tm1.y),  # (BP4W)
        b=sum_steps(deltas),  # (BP3)
    )
    return d_params, deltas @ params.U  # (BP5)


def _hold_hidden(hold: Callable[[Array], Array], state: State) -> State:
    """Holds the errors of y back, not those of the carousel."""
    return state._replace(y=hold(state.y))


def _split(block_size: int, units: Array) -> tuple[Array, Array, Array]:
    """Parts the hidden layer into input gates, output gates, and cells."""
    num_blocks = units.shape[-1] // (block_size + 2)
    i, o, cells = jnp.split(units, (num_blocks, 2 * num_blocks), axis=-1)
    return i, o, cells


def _of_cells(block_size: int, gates: Array) -> Array:
    """Gives each cell its block's gate."""
    return jnp.repeat(gates, block_size, axis=-1)


def _over_cells(block_size: int, cells: Array) -> Array:
    """Sums over the cells of each block."""
    return jnp.sum(cells.reshape(*cells.shape[:-1], -1, block_size), axis=-1)


def _h(s: Array) -> Array:
    return jnp.tanh(s / 2)  # 2σ(s) - 1
