"""The LSTM with forget gate, the lecture's form, with its deltas by hand.

    f_t = σ(U_f x_t + W_f h_{t-1} + b_f)          forget gate                      (1)
    i_t = σ(U_i x_t + W_i h_{t-1} + b_i)          input gate                       (2)
    o_t = σ(U_o x_t + W_o h_{t-1} + b_o)          output gate                      (3)
    c̃_t = tanh(U_c x_t + W_c h_{t-1} + b_c)       candidate                        (4)
    c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t               cell                             (5)
    h_t = o_t ⊙ tanh(c_t)                         output                           (6)

With d_h_t and d_c_t the errors that come in from the outside and from step t+1, and δ
the error of a pre-activation (the argument of σ or tanh):

    δo_t = d_h_t ⊙ tanh(c_t) ⊙ o_t (1 - o_t)                                       (7)
    d_c_t ← d_c_t + d_h_t ⊙ o_t ⊙ (1 - tanh²(c_t))                                 (8)
    δf_t = d_c_t ⊙ c_{t-1} ⊙ f_t (1 - f_t)                                         (9)
    δi_t = d_c_t ⊙ c̃_t ⊙ i_t (1 - i_t)                                            (10)
    δc̃_t = d_c_t ⊙ i_t ⊙ (1 - c̃_t²)                                               (11)
    d_c_{t-1} = d_c_t ⊙ f_t                                                       (12)
    d_h_{t-1} = Wᵀ δ_t,    δ_t = (δf_t, δi_t, δo_t, δc̃_t)                         (BP2T)
    ∇b = Σ_t δ_t                                                                  (BP3)
    ∇U = Σ_t δ_t x_tᵀ                                                             (BP4U)
    ∇W = Σ_t δ_t h_{t-1}ᵀ                                                         (BP4W)
    d_x_t = Uᵀ δ_t                                                                (BP5)

The four gates' weights are stacked in this order, f i o c̃, so that a step has one
product. The lecture writes W_f [h_{t-1}, x_t] with one matrix for both:
`jaxseq.cells.lstm_lecture` converts.

Sizes: I inputs, H cells. Each stack of gates is [4H, ·].

References:
    Gers, Schmidhuber, Cummins, Learning to forget, Neural Computation 12, 2000.
    Greff et al., LSTM: a search space odyssey, IEEE TNNLS 28, 2017, the deltas.
    Jozefowicz, Zaremba, Sutskever, ICML 2015: the forget gate's bias starts at 1.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.cells.cell import (
    Cell,
    Prepared,
    Trace,
    project,
    recur,
    sizes,
    sum_outer,
    sum_steps,
    transpose,
)
from jaxseq.cells.draws import orthogonal, uniform
from jaxseq.checks import check_draw
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key


class Params(NamedTuple):
    """The weights of eqs. (1) to (4), gates stacked f, i, o, c̃.

    Attributes:
        U: `[4H, I]` from the inputs.
        W: `[4H, H]` from the last output.
        b: `[4H]` the biases.
    """

    U: Array
    W: Array
    b: Array


class State(NamedTuple):
    """What one step hands to the next.

    Attributes:
        h: `[..., H]` the output.
        c: `[..., H]` the cells.
    """

    h: Array
    c: Array


@functools.cache
def cell() -> Cell:
    """Returns the LSTM cell with forget gate."""
    return Cell(
        name="lstm",
        init=init,
        sizes=sizes,
        zero_state=zero_state,
        project=project,
        step=step,
        output=output,
        delta=delta,
        collect=collect,
        prepare=transpose,
        recur=recur,
        combine=combine,
    )


def init(
    key: Key,
    num_inputs: int,
    num_hidden: int,
    dtype: DTypeLike = jnp.float32,
    *,
    forget_bias: float = 1.0,
) -> Params:
    """Draws the weights: U uniform ±1/√I, each gate's W orthogonal, b_f 1, other b 0.

    The key is consumed.

    Args:
        key: random key, consumed.
        num_inputs: I.
        num_hidden: H.
        dtype: floating-point dtype of the weights.
        forget_bias: where b_f starts.
    """
    params = init_gates(4, key, num_inputs, num_hidden, dtype)
    return params._replace(b=params.b.at[:num_hidden].set(forget_bias))


def init_gates(
    num_gates: int,
    key: Key,
    num_inputs: int,
    num_hidden: int,
    dtype: DTypeLike = jnp.float32,
) -> Params:
    """Draws stacked weights for any number of gates, b zero; consumes the key.

    Args:
        num_gates: how many.
        key: random key, consumed.
        num_inputs: I.
        num_hidden: H.
        dtype: floating-point dtype of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_draw(key, num_inputs, num_hidden, dtype)
    key_u, key_w = jax.random.split(key)
    return Params(
        U=uniform(key_u, (num_gates * num_hidden, num_inputs), num_inputs, dtype),
        W=orthogonal(key_w, num_gates, num_hidden, dtype),
        b=jnp.zeros((num_gates * num_hidden,), dtype),
    )


def zero_state(params: Params, batch_shape: tuple[int, ...]) -> State:
    """Returns h_0 = c_0 = 0, `[*batch_shape, H]`.

    Args:
        params: the weights.
        batch_shape: sizes of the batch axes.
    """
    shape = (*batch_shape, params.W.shape[1])
    # Not one array twice: `jit` cannot be given the same buffer to reuse twice.
    return State(*(jnp.zeros(shape, params.W.dtype) for _ in State._fields))


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
    h_t = o_t * jnp.tanh(c_t)  # (6)
    return State(h_t, c_t), gates_t


def squash(a_t: Array) -> Array:
    """Applies σ to the pre-activations of f, i, o and tanh to those of c̃.

    As σ(a) = ½ tanh(a / 2) + ½, all four take one tanh over `[..., 4H]`:
    k tanh(k a) + 1 - k, with k = ½ for a gate and 1 for the candidate.

    Args:
        a_t: `[..., 4H]` the pre-activations, in the order f, i, o, c̃.
    """
    num_hidden = a_t.shape[-1] // 4
    k = np.repeat([0.5, 1.0], [3 * num_hidden, num_hidden]).astype(a_t.dtype)
    k = jnp.broadcast_to(k, a_t.shape)
    return k * jnp.tanh(k * a_t) + (1 - k)


def output(state_t: State) -> Array:
    """Picks h, the output.

    Args:
        state_t: the state.

    Returns:
        `[..., H]`.
    """
    return state_t.h


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
    tanh_c_t = jnp.tanh(trace_t.state.c)
    delta_o = d_state_t.h * tanh_c_t * o_t * (1 - o_t)  # (7)
    d_c_t = d_state_t.c + d_state_t.h * o_t * (1 - tanh_c_t**2)  # (8)
    delta_f = d_c_t * trace_t.state_tm1.c * f_t * (1 - f_t)  # (9)
    delta_i = d_c_t * g_t * i_t * (1 - i_t)  # (10)
    delta_g = d_c_t * i_t * (1 - g_t**2)  # (11)
    delta_t = jnp.concatenate([delta_f, delta_i, delta_o, delta_g], axis=-1)
    d_state_tm1 = State(
        h=product(delta_t, params.W),  # (BP2T)
        c=d_c_t * f_t,  # (12)
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
        deltas: `[T, ..., 4H]` δ_t.

    Returns:
        The gradients of the weights, and `[T, ..., I]` those of the inputs.
    """
    d_params = Params(
        U=sum_outer(deltas, xs),  # (BP4U)
        W=sum_outer(deltas, trace.state_tm1.h),  # (BP4W)
        b=sum_steps(deltas),  # (BP3)
    )
    return d_params, deltas @ params.U  # (BP5)
