"""Jordan's network: the outputs come back, through state units that decay.

    s_t = μ s_{t-1} + y_{t-1}                     state units, one per output      (1)
    h_t = f(U x_t + W s_t + b_h)                  hidden units                     (2)
    y_t = g(V h_t + b_y)                          output                           (3)

The plan of the paper is an input x_t that stays the same for the whole sequence:
`plan(p, num_steps)`. With μ = 0 this is the textbook's "Jordan cell",
h_t = f(U x_t + W y_{t-1} + b_h). There is no factor 1 - μ: with outputs near 1 a state
unit reaches 1 / (1 - μ).

With d_y_t and d_s_t the errors that come in from the outside and from step t+1:

    δy_t = d_y_t ⊙ g'(V h_t + b_y)                                                (BP2)
    δh_t = Vᵀ δy_t ⊙ f'(U x_t + W s_t + b_h)                                      (BP2)
    d_s_t ← d_s_t + Wᵀ δh_t                                                       (BP2T)
    d_y_{t-1} = d_s_t,    d_s_{t-1} = μ d_s_t                     by (1)           (4)
    ∇b_y = Σ_t δy_t,      ∇b_h = Σ_t δh_t                                         (BP3)
    ∇V = Σ_t δy_t h_tᵀ                                                            (BP4V)
    ∇W = Σ_t δh_t s_tᵀ                                                            (BP4W)
    ∇U = Σ_t δh_t x_tᵀ,   d_x_t = Uᵀ δh_t                                   (BP4U, BP5)

Two products a step cannot be avoided: V stands between one state and the next.

Sizes: I inputs or plan units, H hidden units, O outputs and state units.

References:
    Jordan, Serial order: a parallel distributed processing approach, ICS report 8604,
    UC San Diego, 1986.

Departures: Jordan back-propagates the current step only, the state being an input:
`one_step`. `cell` is full back-propagation through time.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.cells.activations import Activation, check_activation, logistic
from jaxseq.cells.cell import (
    Cell,
    Sizes,
    Trace,
    affine,
    sum_outer,
    sum_steps,
    truncated,
)
from jaxseq.cells.draws import uniform
from jaxseq.checks import check_count, check_draw, check_floats, check_rate
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key


class Params(NamedTuple):
    """The weights of eqs. (2) and (3).

    Attributes:
        U: `[H, I]` from the inputs, or the plan.
        W: `[H, O]` from the state units.
        b_h: `[H]` the bias of the hidden units.
        V: `[O, H]` from the hidden units.
        b_y: `[O]` the bias of the output.
    """

    U: Array
    W: Array
    b_h: Array
    V: Array
    b_y: Array


class State(NamedTuple):
    """The state units and the output that they will take in next.

    Attributes:
        s: `[..., O]` the state units.
        y: `[..., O]` the output.
    """

    s: Array
    y: Array


def cell(
    num_outputs: int,
    mu: float = 0.0,
    hidden: Activation = logistic,
    out: Activation = logistic,
) -> Cell:
    """Returns Jordan's cell with full back-propagation through time.

    Args:
        num_outputs: O.
        mu: μ of (1), in [0, 1); 0 is the textbook's form.
        hidden: f of (2).
        out: g of (3).

    Raises:
        ValueError: naming the argument.
    """
    check_count("num_outputs", num_outputs)
    check_rate("mu", mu)
    check_activation("hidden", hidden)
    check_activation("out", out)
    # As plain numbers: NumPy's are equal to these, but have a dtype of their own.
    return _cell(int(num_outputs), float(mu), hidden, out)


@functools.cache
def _cell(num_outputs: int, mu: float, hidden: Activation, out: Activation) -> Cell:
    return Cell(
        name=f"jordan({num_outputs}, mu={mu})",
        init=functools.partial(init, num_outputs),
        sizes=sizes,
        zero_state=zero_state,
        project=project,
        step=functools.partial(step, mu, hidden, out),
        output=output,
        delta=functools.partial(delta, mu, hidden, out),
        collect=collect,
    )


def one_step(
    num_outputs: int,
    mu: float = 0.0,
    hidden: Activation = logistic,
    out: Activation = logistic,
) -> Cell:
    """Returns Jordan's cell with the gradient of 1986: the state is a mere input.

    Arguments as in `cell`.
    """
    whole = cell(num_outputs, mu, hidden, out)
    return truncated(whole, f"jordan.one_step({num_outputs}, mu={mu})")


def plan(units: Array, num_steps: int) -> Array:
    """Holds plan units `[..., I]` for a whole sequence, `[T, ..., I]`.

    Args:
        units: `[..., I]` the plan.
        num_steps: T.

    Raises:
        ValueError: naming the argument.
    """
    check_floats("units", units)
    check_count("num_steps", num_steps)
    return jnp.broadcast_to(units, (num_steps, *units.shape))


def init(
    num_outputs: int,
    key: Key,
    num_inputs: int,
    num_hidden: int,
    dtype: DTypeLike = jnp.float32,
) -> Params:
    """Draws the weights uniform ±1/√fan-in, biases 0; the key is consumed.

    Args:
        num_outputs: O.
        key: random key, consumed.
        num_inputs: I.
        num_hidden: H.
        dtype: floating-point dtype of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_draw(key, num_inputs, num_hidden, dtype)
    key_u, key_w, key_v = jax.random.split(key, 3)
    return Params(
        U=uniform(key_u, (num_hidden, num_inputs), num_inputs, dtype),
        W=uniform(key_w, (num_hidden, num_outputs), num_outputs, dtype),
        b_h=jnp.zeros((num_hidden,), dtype),
        V=uniform(key_v, (num_outputs, num_hidden), num_hidden, dtype),
        b_y=jnp.zeros((num_outputs,), dtype),
    )


def sizes(params: Params) -> Sizes:
    """Reads I and H off the weights.

    Args:
        params: the weights.
    """
    return Sizes(num_inputs=params.U.shape[1], num_hidden=params.U.shape[0])


def zero_state(params: Params, batch_shape: tuple[int, ...]) -> State:
    """Returns s_0 = y_0 = 0, `[*batch_shape, O]`.

    Args:
        params: the weights.
        batch_shape: sizes of the batch axes.
    """
    shape = (*batch_shape, params.W.shape[1])
    # Not one array twice: `jit` cannot be given the same buffer to reuse twice.
    return State(*(jnp.zeros(shape, params.W.dtype) for _ in State._fields))


def project(params: Params, xs: Array) -> Array:
    """Returns U x_t + b_h for all t, `[T, ..., I]` to `[T, ..., H]`.

    Args:
        params: the weights.
        xs: `[T, ..., I]` the inputs.
    """
    return affine(params.U, xs, params.b_h)


def step(
    mu: float,
    hidden: Activation,
    out: Activation,
    params: Params,
    state_tm1: State,
    z_t: Array,
) -> tuple[State, Array]:
    """Takes one step, eqs. (1) to (3).

    Args:
        mu: μ.
        hidden: f.
        out: g.
        params: the weights.
        state_tm1: `[..., O]` each, the state at t-1.
        z_t: `[..., H]` U x_t + b_h.

    Returns:
        The state at t, and `[..., H]` the hidden units.
    """
    s_t = mu * state_tm1.s + state_tm1.y  # (1)
    h_t = hidden.value(z_t + product(s_t, params.W.T))  # (2)
    y_t = out.value(affine(params.V, h_t, params.b_y))  # (3)
    return State(s=s_t, y=y_t), h_t


def output(state_t: State) -> Array:
    """Picks y, the output.

    Args:
        state_t: the state.

    Returns:
        `[..., O]`.
    """
    return state_t.y


def delta(
    mu: float,
    hidden: Activation,
    out: Activation,
    params: Params,
    trace_t: Trace,
    d_state_t: State,
) -> tuple[State, tuple[Array, Array]]:
    """Sends the errors one step back: BP2, BP2T, (4).

    Args:
        mu: μ.
        hidden: f.
        out: g.
        params: the weights.
        trace_t: of step t.
        d_state_t: `[..., O]` each, ∂L/∂s_t (without BP2T) and ∂L/∂y_t.

    Returns:
        What reaches the state at t-1, and `[..., H]` δh_t with `[..., O]` δy_t.
    """
    h_t = trace_t.tape
    delta_y = d_state_t.y * out.slope(trace_t.state.y)  # (BP2)
    delta_h = product(delta_y, params.V) * hidden.slope(h_t)  # (BP2)
    d_s_t = d_state_t.s + product(delta_h, params.W)  # (BP2T)
    return State(s=mu * d_s_t, y=d_s_t), (delta_h, delta_y)  # (4)


def collect(
    params: Params, xs: Array, trace: Trace, deltas: tuple[Array, Array]
) -> tuple[Params, Array]:
    """Sums the deltas into gradients, one GEMM for each matrix.

    Args:
        params: the weights.
        xs: `[T, ..., I]` the inputs.
        trace: of all steps.
        deltas: `[T, ..., H]` δh_t and `[T, ..., O]` δy_t.

    Returns:
        The gradients of the weights, and `[T, ..., I]` those of the inputs.
    """
    deltas_h, deltas_y = deltas
    d_params = Params(
        U=sum_outer(deltas_h, xs),  # (BP4U)
        W=sum_outer(deltas_h, trace.state.s),  # (BP4W)
        b_h=sum_steps(deltas_h),  # (BP3)
        V=sum_outer(deltas_y, trace.tape),  # (BP4V)
        b_y=sum_steps(deltas_y),  # (BP3)
    )
    return d_params, deltas_h @ params.U  # (BP5)
