"""Elman's simple recurrent network, the lecture's RNN, with its deltas by hand.

    s_t = f(U x_t + W s_{t-1} + b),                                                (1)

f is tanh, or any activation of `jaxseq.cells.activations`. The output layer
o_t = g(V s_t + b_o) holds no state: it is `jaxseq.readout`.

With d_s_t = ∂L/∂s_t complete (what comes from the readout at t, and what comes back
from step t+1) and δ_t = ∂L/∂(U x_t + W s_{t-1} + b):

    δ_t = d_s_t ⊙ f'(U x_t + W s_{t-1} + b)                                       (BP2)
    d_s_{t-1} = Wᵀ δ_t                                                            (BP2T)
    ∇b = Σ_t δ_t                                                                  (BP3)
    ∇U = Σ_t δ_t x_tᵀ                                                             (BP4U)
    ∇W = Σ_t δ_t s_{t-1}ᵀ                                                         (BP4W)
    d_x_t = Uᵀ δ_t                                                                (BP5)

f' follows from the value s_t (for tanh 1 - s_t²), so nothing but the states is kept.

Sizes: I inputs, H hidden units.

References:
    Elman, Finding structure in time, Cognitive Science 14, 1990.
    Rumelhart, Hinton, Williams, Learning representations by back-propagating errors,
    Nature 323, 1986. The names BP1 to BP4 are Nielsen's, Neural Networks and Deep
    Learning, 2015, chapter 2; the lecture adds T (time) and the letter of the matrix;
    BP5, the error of the inputs, is numbered here.

Departures: Elman 1990 uses logistic units, starts the context at 0.5, and sends no
error into earlier steps (his context is an input like any other). `cell` is full
back-propagation through time; `one_step` is Elman's procedure.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.cells.activations import Activation, check_activation, tanh
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
    truncated,
)
from jaxseq.cells.draws import orthogonal, uniform
from jaxseq.checks import check_draw
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key


class Params(NamedTuple):
    """The weights of eq. (1).

    Attributes:
        U: `[H, I]` from the inputs.
        W: `[H, H]` from the last state.
        b: `[H]` the bias.
    """

    U: Array
    W: Array
    b: Array


def cell(activation: Activation = tanh) -> Cell:
    """Returns Elman's cell with full back-propagation through time.

    The states of the lecture's worked example:

        >>> import numpy as np
        >>> from jaxseq.unroll import unroll
        >>> U = jnp.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
        >>> W = jnp.array([[0.1, 0.2], [0.3, 0.4]])
        >>> xs = jnp.array([[1.0, 2, 3], [2, 3, 4], [3, 4, 5]])
        >>> states, _ = unroll(cell(), Params(U, W, b=jnp.zeros(2)), None, xs)
        >>> print(np.asarray(states).round(3))
        [[0.885 0.997]
         [0.98  1.   ]
         [0.994 1.   ]]

    Args:
        activation: f of eq. (1).

    Raises:
        ValueError: if it is none.
    """
    check_activation("activation", activation)
    return _cell(activation)


@functools.cache
def _cell(activation: Activation) -> Cell:
    return Cell(
        name=f"elman({activation.name})",
        init=init,
        sizes=sizes,
        zero_state=zero_state,
        project=project,
        step=functools.partial(step, activation),
        output=output,
        delta=functools.partial(delta, activation),
        collect=collect,
        prepare=transpose,
        recur=recur,
        combine=functools.partial(combine, activation),
    )


def one_step(activation: Activation = tanh) -> Cell:
    """Returns Elman's cell with the gradient of 1990: the context is a mere input.

    The forward pass is that of `cell`. The error stops at s_{t-1}: BP2T is 0.

    Args:
        activation: f of eq. (1).
    """
    whole = cell(activation)
    return truncated(whole, f"elman.one_step({activation.name})")


def init(
    key: Key, num_inputs: int, num_hidden: int, dtype: DTypeLike = jnp.float32
) -> Params:
    """Draws the weights: U uniform ±1/√I, W orthogonal, b zero; consumes the key.

    Args:
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
        U=uniform(key_u, (num_hidden, num_inputs), num_inputs, dtype),
        W=orthogonal(key_w, 1, num_hidden, dtype),
        b=jnp.zeros((num_hidden,), dtype),
    )


def zero_state(params: Params, batch_shape: tuple[int, ...]) -> Array:
    """Returns s_0 = 0, `[*batch_shape, H]`.

    Args:
        params: the weights.
        batch_shape: sizes of the batch axes.
    """
    return jnp.zeros((*batch_shape, params.W.shape[1]), params.W.dtype)


def step(
    activation: Activation, prepared: Prepared, s_tm1: Array, z_t: Array
) -> tuple[Array, tuple[()]]:
    """Takes one step, eq. (1).

    Args:
        activation: f.
        prepared: the weights, with Wᵀ.
        s_tm1: `[..., H]` the state at t-1.
        z_t: `[..., H]` U x_t.

    Returns:
        `[..., H]` the state at t, and an empty tape: the state is enough.
    """
    return combine(activation, prepared, s_tm1, z_t, recur(prepared, s_tm1))


def combine(
    activation: Activation, prepared: Prepared, s_tm1: Array, z_t: Array, r_t: Array
) -> tuple[Array, tuple[()]]:
    """Takes one step whose r_t = W s_{t-1} + b is known; otherwise as `step`."""
    del prepared, s_tm1
    return activation.value(z_t + r_t), ()  # (1)


def output(s_t: Array) -> Array:
    """The state is the output.

    Args:
        s_t: `[..., H]`.

    Returns:
        `[..., H]` the same.
    """
    return s_t


def delta(
    activation: Activation, params: Params, trace_t: Trace, d_s_t: Array
) -> tuple[Array, Array]:
    """Sends the error one step back.

    Args:
        activation: f.
        params: the weights.
        trace_t: of step t.
        d_s_t: `[..., H]` ∂L/∂s_t, complete.

    Returns:
        `[..., H]` what reaches s_{t-1} through the recurrence, and `[..., H]` δ_t.
    """
    delta_t = d_s_t * activation.slope(trace_t.state)  # (BP2)
    d_s_tm1 = product(delta_t, params.W)  # (BP2T)
    return d_s_tm1, delta_t


def collect(
    params: Params, xs: Array, trace: Trace, deltas: Array
) -> tuple[Params, Array]:
    """Sums the deltas of all steps into gradients, one GEMM for each matrix.

    Args:
        params: the weights.
        xs: `[T, ..., I]` the inputs.
        trace: of all steps.
        deltas: `[T, ..., H]` δ_t.

    Returns:
        The gradients of the weights, and `[T, ..., I]` those of the inputs.
    """
    d_params = Params(
        U=sum_outer(deltas, xs),  # (BP4U)
        W=sum_outer(deltas, trace.state_tm1),  # (BP4W)
        b=sum_steps(deltas),  # (BP3)
    )
    d_xs = deltas @ params.U  # (BP5)
    return d_params, d_xs
