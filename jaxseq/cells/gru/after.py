"""The GRU that resets after the recurrent product, with its deltas by hand.

    r_t = σ(U_r x_t + W_r h_{t-1} + b_r)                    reset gate             (1)
    z_t = σ(U_z x_t + W_z h_{t-1} + b_z)                    update gate            (2)
    m_t = W_n h_{t-1} + b_m,
    n_t = tanh(U_n x_t + b_n + r_t ⊙ m_t)                   candidate              (3)
    h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}                                          (4)

With d_h_t = ∂L/∂h_t complete and δ the error of a pre-activation:

    δz_t = d_h_t ⊙ (h_{t-1} - n_t) ⊙ z_t (1 - z_t)                                 (5)
    δn_t = d_h_t ⊙ (1 - z_t) ⊙ (1 - n_t²)                                          (6)
    δr_t = δn_t ⊙ m_t ⊙ r_t (1 - r_t)                                              (7)
    δm_t = δn_t ⊙ r_t                                                              (8)
    d_h_{t-1} = d_h_t ⊙ z_t + Wᵀ (δr_t, δz_t, δm_t)                               (BP2T)
    ∇W = Σ_t (δr_t, δz_t, δm_t) h_{t-1}ᵀ,  ∇b_m = Σ_t δm_t                  (BP4W, BP3)

and with δ_t = (δr_t, δz_t, δn_t):

    ∇b = Σ_t δ_t (BP3),    ∇U = Σ_t δ_t x_tᵀ (BP4U),    d_x_t = Uᵀ δ_t            (BP5)

Sizes: I inputs, H hidden units; stacks of gates r, z, n are [3H, ·].

References:
    Chetlur et al., cuDNN, 2014, and PyTorch's `nn.GRU`, whose biases b_ir + b_hr,
    b_iz + b_hz, b_in, b_hn are b_r, b_z, b_n, b_m here. After Cho et al., EMNLP 2014:
    see `jaxseq.cells.gru.before`.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp

from jaxseq.cells import elman, lstm
from jaxseq.cells.activations import sigmoid
from jaxseq.cells.cell import (
    Cell,
    Prepared,
    Trace,
    plus,
    project,
    sizes,
    sum_outer,
    sum_steps,
    transpose,
)
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key


class ParamsAfter(NamedTuple):
    """The weights of the reset-after form, gates stacked r, z, n.

    Attributes:
        U: `[3H, I]` from the inputs.
        W: `[3H, H]` from the last state.
        b: `[3H]` the biases.
        b_m: `[H]`, added to W_n h before the reset.
    """

    U: Array
    W: Array
    b: Array
    b_m: Array


class Tape(NamedTuple):
    """The values of eqs. (1) to (3), kept for the deltas; the deltas, beside them.

    Attributes:
        rzm: `[..., 3H]` r, z and m = W_n h_{t-1} + b_m: what W led to.
        n: `[..., H]` the candidate.
    """

    rzm: Array
    n: Array


@functools.cache
def reset_after() -> Cell:
    """Returns the GRU that resets after the recurrent product: cuDNN's, PyTorch's."""
    return Cell(
        name="gru.reset_after",
        init=init,
        sizes=sizes,
        zero_state=elman.zero_state,
        project=project,
        step=step,
        output=elman.output,
        delta=delta,
        collect=collect,
        prepare=transpose,
        recur=recur,
        combine=combine,
    )


def init(
    key: Key, num_inputs: int, num_hidden: int, dtype: DTypeLike = jnp.float32
) -> ParamsAfter:
    """Draws U uniform ±1/√I, each gate's W orthogonal, biases 0; consumes the key.

    Args:
        key: random key, consumed.
        num_inputs: I.
        num_hidden: H.
        dtype: floating-point dtype of the weights.
    """
    plain = lstm.init_gates(3, key, num_inputs, num_hidden, dtype)
    return ParamsAfter(*plain, b_m=jnp.zeros((num_hidden,), dtype))


def step(prepared: Prepared, h_tm1: Array, z_t: Array) -> tuple[Array, Tape]:
    """Takes one step, eqs. (1) to (4).

    Args:
        prepared: the weights, with Wᵀ.
        h_tm1: `[..., H]` the state at t-1.
        z_t: `[..., 3H]` U x_t, the projected input (not the gate z).

    Returns:
        `[..., H]` the state at t, and r, z, m and n.
    """
    return combine(prepared, h_tm1, z_t, recur(prepared, h_tm1))


def recur(prepared: Prepared, h_tm1: Array) -> Array:
    """Returns W h_{t-1}, without biases: r_t comes between those of n_t.

    Args:
        prepared: the weights, with Wᵀ.
        h_tm1: `[..., H]` the state at t-1.

    Returns:
        `[..., 3H]`.
    """
    return product(h_tm1, prepared.W_T)


def combine(
    prepared: Prepared, h_tm1: Array, z_t: Array, w_h_tm1: Array
) -> tuple[Array, Tape]:
    """Takes one step whose product W h_{t-1} is known; otherwise as `step`.

    Args:
        prepared: the weights, with Wᵀ.
        h_tm1: `[..., H]` the state at t-1.
        z_t: `[..., 3H]` U x_t.
        w_h_tm1: `[..., 3H]` W h_{t-1}.
    """
    num_hidden = h_tm1.shape[-1]
    z_t = plus(z_t, prepared.params.b)
    u_rz, u_n = jnp.split(z_t, [2 * num_hidden], axis=-1)
    w_rz, w_n = jnp.split(w_h_tm1, [2 * num_hidden], axis=-1)
    gates_rz = sigmoid(u_rz + w_rz)  # (1), (2)
    r_t, gate_z = jnp.split(gates_rz, 2, axis=-1)
    m_t = plus(w_n, prepared.params.b_m)
    n_t = jnp.tanh(u_n + r_t * m_t)  # (3)
    h_t = (1 - gate_z) * n_t + gate_z * h_tm1  # (4)
    return h_t, Tape(jnp.concatenate([gates_rz, m_t], axis=-1), n_t)


def delta(params: ParamsAfter, trace_t: Trace, d_h_t: Array) -> tuple[Array, Tape]:
    """Sends the error one step back, eqs. (5) to (8) and BP2T.

    Args:
        params: the weights.
        trace_t: of step t.
        d_h_t: `[..., H]` ∂L/∂h_t, complete.

    Returns:
        `[..., H]` what reaches h_{t-1}, and (δr_t, δz_t, δm_t) and δn_t.
    """
    r_t, gate_z, m_t = jnp.split(trace_t.tape.rzm, 3, axis=-1)
    n_t = trace_t.tape.n
    delta_z = d_h_t * (trace_t.state_tm1 - n_t) * gate_z * (1 - gate_z)  # (5)
    delta_n = d_h_t * (1 - gate_z) * (1 - n_t**2)  # (6)
    delta_r = delta_n * m_t * r_t * (1 - r_t)  # (7)
    delta_m = delta_n * r_t  # (8)
    delta_rzm = jnp.concatenate([delta_r, delta_z, delta_m], axis=-1)
    d_h_tm1 = d_h_t * gate_z + product(delta_rzm, params.W)  # (BP2T)
    return d_h_tm1, Tape(delta_rzm, delta_n)


def collect(
    params: ParamsAfter, xs: Array, trace: Trace, deltas: Tape
) -> tuple[ParamsAfter, Array]:
    """Sums the deltas into gradients, one GEMM for each matrix.

    Args:
        params: the weights.
        xs: `[T, ..., I]` the inputs.
        trace: of all steps.
        deltas: `[T, ..., 3H]` (δr_t, δz_t, δm_t) and `[T, ..., H]` δn_t.

    Returns:
        The gradients of the weights, and `[T, ..., I]` those of the inputs.
    """
    num_hidden = params.W.shape[1]
    deltas_rz, deltas_m = jnp.split(deltas.rzm, [2 * num_hidden], axis=-1)
    into_u = jnp.concatenate([deltas_rz, deltas.n], axis=-1)
    d_params = ParamsAfter(
        U=sum_outer(into_u, xs),  # (BP4U)
        W=sum_outer(deltas.rzm, trace.state_tm1),  # (BP4W)
        b=sum_steps(into_u),  # (BP3)
        b_m=sum_steps(deltas_m),  # (BP3)
    )
    return d_params, into_u @ params.U  # (BP5)
