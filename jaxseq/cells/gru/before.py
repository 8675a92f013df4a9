"""The GRU that resets before the recurrent product, with its deltas by hand.

    r_t = σ(U_r x_t + W_r h_{t-1} + b_r)                    reset gate             (1)
    z_t = σ(U_z x_t + W_z h_{t-1} + b_z)                    update gate            (2)
    n_t = tanh(U_n x_t + b_n + W_n (r_t ⊙ h_{t-1}))         candidate              (3)
    h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}                                          (4)

With d_h_t = ∂L/∂h_t complete and δ the error of a pre-activation:

    δz_t = d_h_t ⊙ (h_{t-1} - n_t) ⊙ z_t (1 - z_t)                                 (5)
    δn_t = d_h_t ⊙ (1 - z_t) ⊙ (1 - n_t²)                                          (6)
    e_t = W_nᵀ δn_t                                         error of r_t ⊙ h_{t-1} (7)
    δr_t = e_t ⊙ h_{t-1} ⊙ r_t (1 - r_t)                                           (8)
    d_h_{t-1} = d_h_t ⊙ z_t + e_t ⊙ r_t + W_rᵀ δr_t + W_zᵀ δz_t                   (BP2T)
    ∇W_r, ∇W_z = Σ_t δ_t h_{t-1}ᵀ,  ∇W_n = Σ_t δn_t (r_t ⊙ h_{t-1})ᵀ              (BP4W)

and with δ_t = (δr_t, δz_t, δn_t):

    ∇b = Σ_t δ_t (BP3),    ∇U = Σ_t δ_t x_tᵀ (BP4U),    d_x_t = Uᵀ δ_t            (BP5)

A step has two products, as W_n waits for r_t.

Sizes: I inputs, H hidden units; stacks of gates r, z, n are [3H, ·].

Reference:
    Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014,
    eqs. (5) to (8), without biases.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp

from jaxseq.cells import elman, lstm
from jaxseq.cells.activations import sigmoid
from jaxseq.cells.cell import Cell, Trace, affine, sizes, sum_outer, sum_steps
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key


class ParamsBefore(NamedTuple):
    """The weights of the reset-before form, gates stacked r, z, n.

    Attributes:
        U: `[3H, I]` from the inputs.
        W: `[3H, H]` from the last state, W_n from the reset one.
        b: `[3H]` the biases.
    """

    U: Array
    W: Array
    b: Array


class Cut(NamedTuple):
    """W of the reset-before form cut in two, as its two products need it.

    Before a loop: XLA would copy the rows out of W at each step.

    Attributes:
        rz: `[2H, H]` W_r and W_z; `[H, 2H]` if transposed.
        n: `[H, H]` W_n.
    """

    rz: Array
    n: Array


class Tape(NamedTuple):
    """The values of eqs. (1) to (3), kept for the deltas.

    Attributes:
        rzn: `[..., 3H]` r, z and n, in one array: it becomes that of δ.
        reset: `[..., H]` r_t ⊙ h_{t-1}: what W_n was multiplied with.
    """

    rzn: Array
    reset: Array


@functools.cache
def reset_before() -> Cell:
    """Returns the GRU that resets before the recurrent product: the paper's."""
    return Cell(
        name="gru.reset_before",
        init=init,
        sizes=sizes,
        zero_state=elman.zero_state,
        project=project,
        step=step,
        output=elman.output,
        delta=delta,
        collect=collect,
        prepare=cut_transposed,
        prepare_delta=cut,
    )


def init(
    key: Key, num_inputs: int, num_hidden: int, dtype: DTypeLike = jnp.float32
) -> ParamsBefore:
    """Draws U uniform ±1/√I, each gate's W orthogonal, b 0; consumes the key.

    Args:
        key: random key, consumed.
        num_inputs: I.
        num_hidden: H.
        dtype: floating-point dtype of the weights.
    """
    return ParamsBefore(*lstm.init_gates(3, key, num_inputs, num_hidden, dtype))


def project(params: ParamsBefore, xs: Array) -> Array:
    """Returns U x_t + b for all t.

    Args:
        params: the weights.
        xs: `[T, ..., I]` the inputs.

    Returns:
        `[T, ..., 3H]`.
    """
    return affine(params.U, xs, params.b)


def cut(params: ParamsBefore) -> Cut:
    """Returns W in two: the rows of both gates, and those of the candidate.

    Args:
        params: the weights.
    """
    num_hidden = params.W.shape[1]
    return Cut(params.W[: 2 * num_hidden], params.W[2 * num_hidden :])


def cut_transposed(params: ParamsBefore) -> Cut:
    """Returns Wᵀ in two: the columns of both gates, and those of the candidate.

    Args:
        params: the weights.
    """
    return Cut(*(W.T for W in cut(params)))


def step(columns: Cut, h_tm1: Array, z_t: Array) -> tuple[Array, Tape]:
    """Takes one step, eqs. (1) to (4).

    Args:
        columns: Wᵀ, by `cut_transposed`.
        h_tm1: `[..., H]` the state at t-1.
        z_t: `[..., 3H]` U x_t + b, the projected input (not the gate z).

    Returns:
        `[..., H]` the state at t; r, z and n, and r_t ⊙ h_{t-1}.
    """
    num_hidden = h_tm1.shape[-1]
    u_rz, u_n = jnp.split(z_t, [2 * num_hidden], axis=-1)
    gates_rz = sigmoid(u_rz + product(h_tm1, columns.rz))  # (1), (2)
    r_t, gate_z = jnp.split(gates_rz, 2, axis=-1)
    reset_t = r_t * h_tm1  # the factor of W_n in (3)
    n_t = jnp.tanh(u_n + product(reset_t, columns.n))  # (3)
    h_t = (1 - gate_z) * n_t + gate_z * h_tm1  # (4)
    return h_t, Tape(jnp.concatenate([gates_rz, n_t], axis=-1), reset_t)


def delta(rows: Cut, trace_t: Trace, d_h_t: Array) -> tuple[Array, Array]:
    """Sends the error one step back, eqs. (5) to (8) and BP2T.

    Args:
        rows: W, by `cut`.
        trace_t: of step t.
        d_h_t: `[..., H]` ∂L/∂h_t, complete.

    Returns:
        `[..., H]` what reaches h_{t-1}, and `[..., 3H]` δ_t.
    """
    h_tm1 = trace_t.state_tm1
    r_t, gate_z, n_t = jnp.split(trace_t.tape.rzn, 3, axis=-1)
    delta_z = d_h_t * (h_tm1 - n_t) * gate_z * (1 - gate_z)  # (5)
    delta_n = d_h_t * (1 - gate_z) * (1 - n_t**2)  # (6)
    e_t = product(delta_n, rows.n)  # (7)
    delta_r = e_t * h_tm1 * r_t * (1 - r_t)  # (8)
    delta_rz = jnp.concatenate([delta_r, delta_z], axis=-1)
    d_h_tm1 = d_h_t * gate_z + e_t * r_t + product(delta_rz, rows.rz)  # (BP2T)
    return d_h_tm1, jnp.concatenate([delta_rz, delta_n], axis=-1)


def collect(
    params: ParamsBefore, xs: Array, trace: Trace, deltas: Array
) -> tuple[ParamsBefore, Array]:
    """Sums the deltas into gradients, one GEMM for each matrix, two for W.

    Args:
        params: the weights.
        xs: `[T, ..., I]` the inputs.
        trace: of all steps.
        deltas: `[T, ..., 3H]` δ_t.

    Returns:
        The gradients of the weights, and `[T, ..., I]` those of the inputs.
    """
    num_hidden = params.W.shape[1]
    deltas_rz, deltas_n = jnp.split(deltas, [2 * num_hidden], axis=-1)
    d_W_rz = sum_outer(deltas_rz, trace.state_tm1)  # (BP4W)
    d_W_n = sum_outer(deltas_n, trace.tape.reset)  # (BP4W)
    d_params = ParamsBefore(
        U=sum_outer(deltas, xs),  # (BP4U)
        W=jnp.concatenate([d_W_rz, d_W_n]),
        b=sum_steps(deltas),  # (BP3)
    )
    return d_params, deltas @ params.U  # (BP5)
