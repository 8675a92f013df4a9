"""The LSTM with peepholes: the gates see the cells, with its deltas by hand.

    f_t = σ(U_f x_t + W_f h_{t-1} + p_f ⊙ c_{t-1} + b_f)                           (1)
    i_t = σ(U_i x_t + W_i h_{t-1} + p_i ⊙ c_{t-1} + b_i)                           (2)
    c̃_t = tanh(U_c x_t + W_c h_{t-1} + b_c)                                        (3)
    c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t                                                (4)
    o_t = σ(U_o x_t + W_o h_{t-1} + p_o ⊙ c_t + b_o)      sees the new cell        (5)
    h_t = o_t ⊙ tanh(c_t)                                                          (6)

With d_h_t and d_c_t the errors from the outside and from step t+1:

    δo_t = d_h_t ⊙ tanh(c_t) ⊙ o_t (1 - o_t)                                       (7)
    d_c_t ← d_c_t + d_h_t ⊙ o_t ⊙ (1 - tanh²(c_t)) + p_o ⊙ δo_t                    (8)
    δf_t = d_c_t ⊙ c_{t-1} ⊙ f_t (1 - f_t)                                         (9)
    δi_t = d_c_t ⊙ c̃_t ⊙ i_t (1 - i_t)                                            (10)
    δc̃_t = d_c_t ⊙ i_t ⊙ (1 - c̃_t²)                                               (11)
    d_c_{t-1} = d_c_t ⊙ f_t + p_f ⊙ δf_t + p_i ⊙ δi_t                             (12)
    d_h_{t-1} = Wᵀ δ_t,    δ_t = (δf_t, δi_t, δo_t, δc̃_t)                         (BP2T)
    ∇p_f = Σ_t δf_t ⊙ c_{t-1},  ∇p_i = Σ_t δi_t ⊙ c_{t-1},  ∇p_o = Σ_t δo_t ⊙ c_t (BP4P)

BP3 to BP5 are those of `jaxseq.cells.lstm`.

Sizes: I inputs, H cells; stacks of gates f, i, o, c̃ are [4H, ·].

References:
    Gers, Schraudolph, Schmidhuber, Learning precise timing with LSTM recurrent
    networks, JMLR 3, 2002. Greff et al. 2017, the deltas.

Departure: full back-propagation through time; the paper truncates as in 1997.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp

from jaxseq.cells import lstm
from jaxseq.cells.activations import sigmoid
from jaxseq.cells.cell import Cell, Prepared, Trace, recur, sum_steps
from jaxseq.cells.lstm import State
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key


class Gates(NamedTuple):
    """The values of eqs. (1) to (3) and (5), kept for the deltas.

    Attributes:
        f: `[..., H]` the forget gate.
        i: `[..., H]` the input gate.
        o: `[..., H]` the output gate.
        g: `[..., H]` the candidate c̃.
    """

    f: Array
    i: Array
    o: Array
    g: Array


class Params(NamedTuple):
    """The weights of eqs. (1) to (5), gates stacked f, i, o, c̃.

    Attributes:
        U: `[4H, I]` from the inputs.
        W: `[4H, H]` from the last output.
        b: `[4H]` the biases.
        p_f, p_i, p_o: `[H]` from the cells to each gate.
    """

    U: Array
    W: Array
    b: Array
    p_f: Array
    p_i: Array
    p_o: Array


@functools.cache
def cell() -> Cell:
    """Returns the LSTM cell with peepholes."""
    return lstm.cell()._replace(
        name="lstm_peephole",
        init=init,
        step=step,
        combine=combine,
        delta=delta,
        collect=collect,
    )


def init(
    key: Key, num_inputs: int, num_hidden: int, dtype: DTypeLike = jnp.float32
) -> Params:
    """Draws the weights as `lstm.init` does, peepholes zero; the key is consumed.

    Args:
        key: random key, consumed.
        num_inputs: I.
        num_hidden: H.
        dtype: floating-point dtype of the weights.
    """
    plain = lstm.init(key, num_inputs, num_hidden, dtype)
    return Params(*plain, *(jnp.zeros((num_hidden,), dtype) for _ in range(3)))


def step(prepared: Prepared, state_tm1: State, z_t: Array) -> tuple[State, Gates]:
    """Takes one step, eqs. (1) to (6).

    Args:
        prepared: the weights, with Wᵀ.
        state_tm1: `[..., H]` each, the state at t-1.
        z_t: `[..., 4H]` U x_t.

    Returns:
        The state at t, and the gates.
    """
    return combine(prepared, state_tm1, z_t, recur(prepared, state_tm1.h))


def combine(
    prepared: Prepared, state_tm1: State, z_t: Array, r_t: Array
) -> tuple[State, Gates]:
    """Takes one step whose r_t = W h_{t-1} + b is known; otherwise as `step`."""
    c_tm1 = state_tm1.c
    p_f, p_i, p_o = _peepholes(prepared.params, c_tm1)
    a_f, a_i, a_o, a_c = jnp.split(z_t + r_t, 4, axis=-1)
    f_t = sigmoid(a_f + p_f * c_tm1)  # (1)
    i_t = sigmoid(a_i + p_i * c_tm1)  # (2)
    g_t = jnp.tanh(a_c)  # (3)
    c_t = f_t * c_tm1 + i_t * g_t  # (4)
    o_t = sigmoid(a_o + p_o * c_t)  # (5)
    h_t = o_t * jnp.tanh(c_t)  # (6)
    return State(h_t, c_t), Gates(f_t, i_t, o_t, g_t)


def delta(params: Params, trace_t: Trace, d_state_t: State) -> tuple[State, Array]:
    """Sends the errors one step back, eqs. (7) to (12) and BP2T.

    Args:
        params: the weights.
        trace_t: of step t.
        d_state_t: `[..., H]` each, ∂L/∂h_t and ∂L/∂c_t, the latter without (8).

    Returns:
        What reaches the state at t-1, and `[..., 4H]` δ_t.
    """
    f_t, i_t, o_t, g_t = trace_t.tape
    c_tm1, c_t = trace_t.state_tm1.c, trace_t.state.c
    p_f, p_i, p_o = _peepholes(params, c_t)
    tanh_c_t = jnp.tanh(c_t)
    delta_o = d_state_t.h * tanh_c_t * o_t * (1 - o_t)  # (7)
    d_c_t = d_state_t.c + d_state_t.h * o_t * (1 - tanh_c_t**2) + p_o * delta_o  # (8)
    delta_f = d_c_t * c_tm1 * f_t * (1 - f_t)  # (9)
    delta_i = d_c_t * g_t * i_t * (1 - i_t)  # (10)
    delta_g = d_c_t * i_t * (1 - g_t**2)  # (11)
    delta_t = jnp.concatenate([delta_f, delta_i, delta_o, delta_g], axis=-1)
    d_state_tm1 = State(
        h=product(delta_t, params.W),  # (BP2T)
        c=d_c_t * f_t + p_f * delta_f + p_i * delta_i,  # (12)
    )
    return d_state_tm1, delta_t


def collect(
    params: Params, xs: Array, trace: Trace, deltas: Array
) -> tuple[Params, Array]:
    """Sums the deltas into gradients: those of `lstm.collect`, and BP4P.

    Args:
        params: the weights.
        xs: `[T, ..., I]` the inputs.
        trace: of all steps.
        deltas: `[T, ..., 4H]` δ_t.

    Returns:
        The gradients of the weights, and `[T, ..., I]` those of the inputs.
    """
    affine = lstm.Params(params.U, params.W, params.b)
    d_affine, d_xs = lstm.collect(affine, xs, trace, deltas)
    deltas_f, deltas_i, deltas_o, _ = jnp.split(deltas, 4, axis=-1)
    d_params = Params(
        *d_affine,
        p_f=sum_steps(deltas_f * trace.state_tm1.c),  # (BP4P)
        p_i=sum_steps(deltas_i * trace.state_tm1.c),  # (BP4P)
        p_o=sum_steps(deltas_o * trace.state.c),  # (BP4P)
    )
    return d_params, d_xs


def _peepholes(params: Params, c: Array) -> tuple[Array, Array, Array]:
    """Gives the peepholes `[H]` the shape of the cells `[..., H]`."""
    p_f, p_i, p_o = (
        jnp.broadcast_to(p, c.shape).astype(c.dtype)
        for p in (params.p_f, params.p_i, params.p_o)
    )
    return p_f, p_i, p_o
