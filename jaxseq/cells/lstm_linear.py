"""The LSTM whose cells come out as they are: without the last tanh.

    f_t, i_t, o_t, c̃_t                            as (1) to (4) of `jaxseq.cells.lstm`
    c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t               cell                             (5)
    h_t = o_t ⊙ c_t                               output                           (6)

With d_h_t and d_c_t the errors from the outside and from step t+1:

    δo_t = d_h_t ⊙ c_t ⊙ o_t (1 - o_t)                                             (7)
    d_c_t ← d_c_t + d_h_t ⊙ o_t                                                    (8)

(9) to (12) and BP2T to BP5 are those of `jaxseq.cells.lstm`.

Sizes: I inputs, H cells; stacks of gates f, i, o, c̃ are [4H, ·].

Reference: Chopra, Auli, Rush, NAACL 2016: the decoder of RAS-LSTM.
"""

import functools

import jax.numpy as jnp

from jaxseq.cells import lstm
from jaxseq.cells.cell import Cell, Prepared, Trace, recur
from jaxseq.cells.lstm import Params, State, squash
from jaxseq.precision import product
from jaxseq.types import Array


@functools.cache
def cell() -> Cell:
    """Returns the LSTM cell without the last tanh."""
    return lstm.cell()._replace(
        name="lstm_linear", step=step, combine=combine, delta=delta
    )


def step(prepared: Prepared, state_tm1: State, z_t: Array) -> tuple[State, Array]:
    """Takes one step, eqs. (1) to (6).

    Args:
        prepared: the weights, with Wᵀ.
        state_tm1: `[..., H]` each, the state at t-1.
        z_t: `[..., 4H]` U x_t.

    Returns:
        The state at t, and `[..., 4H]` the gates f, i, o, c̃.
    """
    return combine(prepared, state_tm1, z_t, recur(prepared, state_tm1.h))


def combine(
    prepared: Prepared, state_tm1: State, z_t: Array, r_t: Array
) -> tuple[State, Array]:
    """Takes one step whose r_t = W h_{t-1} + b is known; otherwise as `step`."""
    del prepared
    gates_t = squash(z_t + r_t)  # (1), (2), (3), (4)
    f_t, i_t, o_t, g_t = jnp.split(gates_t, 4, axis=-1)
    c_t = f_t * state_tm1.c + i_t * g_t  # (5)
    return State(h=o_t * c_t, c=c_t), gates_t  # (6)


def delta(params: Params, trace_t: Trace, d_state_t: State) -> tuple[State, Array]:
    """Sends the errors one step back, eqs. (7) to (12) and BP2T.

    Args:
        params: the weights.
        trace_t: of step t.
        d_state_t: `[..., H]` each, ∂L/∂h_t and ∂L/∂c_t, the latter without (8).

    Returns:
        What reaches the state at t-1, and `[..., 4H]` δ_t.
    """
    f_t, i_t, o_t, g_t = jnp.split(trace_t.tape, 4, axis=-1)
    delta_o = d_state_t.h * trace_t.state.c * o_t * (1 - o_t)  # (7)
    d_c_t = d_state_t.c + d_state_t.h * o_t  # (8)
    delta_f = d_c_t * trace_t.state_tm1.c * f_t * (1 - f_t)  # (9)
    delta_i = d_c_t * g_t * i_t * (1 - i_t)  # (10)
    delta_g = d_c_t * i_t * (1 - g_t**2)  # (11)
    delta_t = jnp.concatenate([delta_f, delta_i, delta_o, delta_g], axis=-1)
    d_state_tm1 = State(
        h=product(delta_t, params.W),  # (BP2T)
        c=d_c_t * f_t,  # (12)
    )
    return d_state_tm1, delta_t
