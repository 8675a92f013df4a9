"""The LSTM with coupled input and forget gates: what is not kept is what is taken.

    i_t = σ(U_i x_t + W_i h_{t-1} + b_i)          input gate; f_t = 1 - i_t        (1)
    o_t = σ(U_o x_t + W_o h_{t-1} + b_o)          output gate                      (2)
    c̃_t = tanh(U_c x_t + W_c h_{t-1} + b_c)       candidate                        (3)
    c_t = (1 - i_t) ⊙ c_{t-1} + i_t ⊙ c̃_t         cell                             (4)
    h_t = o_t ⊙ tanh(c_t)                         output                           (5)

With d_h_t and d_c_t the errors from the outside and from step t+1:

    δo_t = d_h_t ⊙ tanh(c_t) ⊙ o_t (1 - o_t)                                       (6)
    d_c_t ← d_c_t + d_h_t ⊙ o_t ⊙ (1 - tanh²(c_t))                                 (7)
    δi_t = d_c_t ⊙ (c̃_t - c_{t-1}) ⊙ i_t (1 - i_t)                                 (8)
    δc̃_t = d_c_t ⊙ i_t ⊙ (1 - c̃_t²)                                                (9)
    d_c_{t-1} = d_c_t ⊙ (1 - i_t)                                                 (10)
    d_h_{t-1} = Wᵀ δ_t,    δ_t = (δi_t, δo_t, δc̃_t)                               (BP2T)

BP3 to BP5 are those of `jaxseq.cells.lstm`.

Sizes: I inputs, H cells; stacks of gates i, o, c̃ are [3H, ·].

Reference:
    Greff et al., LSTM: a search space odyssey, IEEE TNNLS 28, 2017: variant CIFG (there
    with peepholes).
"""

import functools

import jax.numpy as jnp

from jaxseq.cells import lstm
from jaxseq.cells.activations import sigmoid
from jaxseq.cells.cell import Cell, Prepared, Trace, recur
from jaxseq.cells.lstm import Params, State
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key


@functools.cache
def cell() -> Cell:
    """Returns the LSTM cell with coupled input and forget gates."""
    return lstm.cell()._replace(
        name="lstm_coupled", init=init, step=step, combine=combine, delta=delta
    )


def init(
    key: Key, num_inputs: int, num_hidden: int, dtype: DTypeLike = jnp.float32
) -> Params:
    """Draws the weights; b_i starts at -1, so that cells are kept; consumes the key.

    Args:
        key: random key, consumed.
        num_inputs: I.
        num_hidden: H.
        dtype: floating-point dtype of the weights.
    """
    params = lstm.init_gates(3, key, num_inputs, num_hidden, dtype)
    return params._replace(b=params.b.at[:num_hidden].set(-1))


def step(
    prepared: Prepared, state_tm1: State, z_t: Array
) -> tuple[State, tuple[Array, Array, Array]]:
    """Takes one step, eqs. (1) to (5).

    Args:
        prepared: the weights, with Wᵀ.
        state_tm1: `[..., H]` each, the state at t-1.
        z_t: `[..., 3H]` U x_t.

    Returns:
        The state at t, and i, o, c̃: leaves `[..., H]`.
    """
    return combine(prepared, state_tm1, z_t, recur(prepared, state_tm1.h))


def combine(
    prepared: Prepared, state_tm1: State, z_t: Array, r_t: Array
) -> tuple[State, tuple[Array, Array, Array]]:
    """Takes one step whose r_t = W h_{t-1} + b is known; otherwise as `step`."""
    del prepared
    a_i, a_o, a_c = jnp.split(z_t + r_t, 3, axis=-1)
    i_t = sigmoid(a_i)  # (1)
    o_t = sigmoid(a_o)  # (2)
    g_t = jnp.tanh(a_c)  # (3)
    c_t = (1 - i_t) * state_tm1.c + i_t * g_t  # (4)
    h_t = o_t * jnp.tanh(c_t)  # (5)
    return State(h_t, c_t), (i_t, o_t, g_t)


def delta(params: Params, trace_t: Trace, d_state_t: State) -> tuple[State, Array]:
    """Sends the errors one step back, eqs. (6) to (10) and BP2T.

    Args:
        params: the weights.
        trace_t: of step t.
        d_state_t: `[..., H]` each, ∂L/∂h_t and ∂L/∂c_t, the latter without (7).

    Returns:
        What reaches the state at t-1, and `[..., 3H]` δ_t.
    """
    i_t, o_t, g_t = trace_t.tape
    tanh_c_t = jnp.tanh(trace_t.state.c)
    delta_o = d_state_t.h * tanh_c_t * o_t * (1 - o_t)  # (6)
    d_c_t = d_state_t.c + d_state_t.h * o_t * (1 - tanh_c_t**2)  # (7)
    delta_i = d_c_t * (g_t - trace_t.state_tm1.c) * i_t * (1 - i_t)  # (8)
    delta_g = d_c_t * i_t * (1 - g_t**2)  # (9)
    delta_t = jnp.concatenate([delta_i, delta_o, delta_g], axis=-1)
    d_state_tm1 = State(
        h=product(delta_t, params.W),  # (BP2T)
        c=d_c_t * (1 - i_t),  # (10)
    )
    return d_state_tm1, delta_t
