"""The LSTM of 1997, without forget gate, with its full and its truncated gradient.

    i_t = σ(U_i x_t + W_i y_{t-1} + b_i)          input gate                       (1)
    o_t = σ(U_o x_t + W_o y_{t-1} + b_o)          output gate                      (2)
    g_t = g(U_c x_t + W_c y_{t-1} + b_c)          squashed input, g = 4σ - 2       (3)
    s_t = s_{t-1} + i_t ⊙ g_t                     constant error carousel          (4)
    y_t = o_t ⊙ h(s_t)                            output, h = 2σ - 1               (5)

With d_y_t and d_s_t the errors from the outside and from step t+1:

    δo_t = d_y_t ⊙ h(s_t) ⊙ o_t (1 - o_t)                                          (6)
    d_s_t ← d_s_t + d_y_t ⊙ o_t ⊙ h'(s_t),        h' = (1 - h²) / 2                (7)
    δi_t = d_s_t ⊙ g_t ⊙ i_t (1 - i_t)                                             (8)
    δg_t = d_s_t ⊙ i_t ⊙ g'_t,                    g' = 1 - g² / 4                  (9)
    d_s_{t-1} = d_s_t                             the carousel: factor 1          (10)
    d_y_{t-1} = Wᵀ δ_t,    δ_t = (δi_t, δo_t, δg_t)                               (BP2T)

BP3 to BP5 are those of `jaxseq.cells.lstm`. The truncated gradient of the paper cuts
errors off as they leave a cell or gate through its incoming weights: BP2T becomes 0,
and only (10) goes back in time. That is the gradient of the same step with
`stop_gradient` on y_{t-1}, which is how `truncated` writes it.

Sizes: I inputs, H cells; stacks of gates i, o, g are [3H, ·].

References:
    Hochreiter, Schmidhuber, Long short-term memory, Neural Computation 9, 1997:
    section 4 and appendix A.1, eqs. (3) to (5) for g and h. Table 10's caption swaps
    their ranges; the equations are followed.

Departures: every cell has its own gates (memory blocks of size 1), and gates see the
cells' outputs, not the other gates.
"""

import functools
from collections.abc import Callable

import jax.numpy as jnp

from jaxseq.cells import lstm
from jaxseq.cells.activations import sigmoid
from jaxseq.cells.cell import Cell, Prepared, Trace, recur, truncated as cut_back
from jaxseq.cells.lstm import Params, State
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key


@functools.cache
def cell() -> Cell:
    """Returns the cell of 1997 with full back-propagation through time."""
    return lstm.cell()._replace(
        name="lstm_1997", init=init, step=step, combine=combine, delta=delta
    )


@functools.cache
def truncated() -> Cell:
    """Returns the cell of 1997 with the paper's truncated gradient: BP2T = 0."""
    return cut_back(cell(), "lstm_1997.truncated", _hold_output)


def init(
    key: Key, num_inputs: int, num_hidden: int, dtype: DTypeLike = jnp.float32
) -> Params:
    """Draws the weights of three gates, biases 0; the key is consumed.

    The paper starts the gates' biases at negative values of the task's choice.

    Args:
        key: random key, consumed.
        num_inputs: I.
        num_hidden: H.
        dtype: floating-point dtype of the weights.
    """
    return lstm.init_gates(3, key, num_inputs, num_hidden, dtype)


def step(
    prepared: Prepared, state_tm1: State, z_t: Array
) -> tuple[State, tuple[Array, Array, Array]]:
    """Takes one step, eqs. (1) to (5).

    Args:
        prepared: the weights, with Wᵀ.
        state_tm1: `[..., H]` each: y as `h`, s as `c`.
        z_t: `[..., 3H]` U x_t.

    Returns:
        The state at t, and i, o, g: leaves `[..., H]`.
    """
    return combine(prepared, state_tm1, z_t, recur(prepared, state_tm1.h))


def combine(
    prepared: Prepared, state_tm1: State, z_t: Array, r_t: Array
) -> tuple[State, tuple[Array, Array, Array]]:
    """Takes one step whose r_t = W h_{t-1} + b is known; otherwise as `step`."""
    del prepared
    a_i, a_o, a_g = jnp.split(z_t + r_t, 3, axis=-1)
    i_t = sigmoid(a_i)  # (1)
    o_t = sigmoid(a_o)  # (2)
    g_t = 2 * jnp.tanh(a_g / 2)  # (3), as 4σ(a) - 2 = 2 tanh(a / 2)
    s_t = state_tm1.c + i_t * g_t  # (4)
    y_t = o_t * _h(s_t)  # (5)
    return State(h=y_t, c=s_t), (i_t, o_t, g_t)


def delta(params: Params, trace_t: Trace, d_state_t: State) -> tuple[State, Array]:
    """Sends the errors one step back, eqs. (6) to (10) and BP2T.

    Args:
        params: the weights.
        trace_t: of step t.
        d_state_t: `[..., H]` each, ∂L/∂y_t and ∂L/∂s_t, the latter without (7).

    Returns:
        What reaches the state at t-1, and `[..., 3H]` δ_t.
    """
    i_t, o_t, g_t = trace_t.tape
    h_t = _h(trace_t.state.c)
    delta_o = d_state_t.h * h_t * o_t * (1 - o_t)  # (6)
    d_s_t = d_state_t.c + d_state_t.h * o_t * (1 - h_t**2) / 2  # (7)
    delta_i = d_s_t * g_t * i_t * (1 - i_t)  # (8)
    delta_g = d_s_t * i_t * (1 - g_t**2 / 4)  # (9)
    delta_t = jnp.concatenate([delta_i, delta_o, delta_g], axis=-1)
    d_state_tm1 = State(
        h=product(delta_t, params.W),  # (BP2T)
        c=d_s_t,  # (10)
    )
    return d_state_tm1, delta_t


def _hold_output(hold: Callable[[Array], Array], state: State) -> State:
    """Holds the errors of y back, not those of the carousel."""
    return state._replace(h=hold(state.h))


def _h(s: Array) -> Array:
    return jnp.tanh(s / 2)  # 2σ(s) - 1
