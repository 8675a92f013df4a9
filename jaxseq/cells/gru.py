"""The GRU, reset after and reset before, with its deltas by hand.

    r_t = σ(U_r x_t + W_r h_{t-1} + b_r)                    reset gate             (1)
    z_t = σ(U_z x_t + W_z h_{t-1} + b_z)                    update gate            (2)
    n_t = tanh(U_n x_t + b_n + r_t ⊙ m_t),                  candidate, reset after
          m_t = W_n h_{t-1} + b_m                                                  (3)
    n_t = tanh(U_n x_t + b_n + W_n (r_t ⊙ h_{t-1}))         reset before          (3')
    h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}                                          (4)

Reset after (cuDNN, PyTorch; `reset_after`) needs one product a step; reset before, the
paper's form, (`reset_before`) two, as W_n waits for r_t. They are different models.

With d_h_t = ∂L/∂h_t complete and δ the error of a pre-activation:

    δz_t = d_h_t ⊙ (h_{t-1} - n_t) ⊙ z_t (1 - z_t)                                 (5)
    δn_t = d_h_t ⊙ (1 - z_t) ⊙ (1 - n_t²)                                          (6)

reset after:

    δr_t = δn_t ⊙ m_t ⊙ r_t (1 - r_t)                                              (7)
    δm_t = δn_t ⊙ r_t                                                              (8)
    d_h_{t-1} = d_h_t ⊙ z_t + Wᵀ (δr_t, δz_t, δm_t)                               (BP2T)
    ∇W = Σ_t (δr_t, δz_t, δm_t) h_{t-1}ᵀ,  ∇b_m = Σ_t δm_t                  (BP4W, BP3)

reset before:

    e_t = W_nᵀ δn_t                                         error of r_t ⊙ h_{t-1}  (7')
    δr_t = e_t ⊙ h_{t-1} ⊙ r_t (1 - r_t)                                           (8')
    d_h_{t-1} = d_h_t ⊙ z_t + e_t ⊙ r_t + W_rᵀ δr_t + W_zᵀ δz_t                  (BP2T')
    ∇W_r, ∇W_z = Σ_t δ_t h_{t-1}ᵀ,  ∇W_n = Σ_t δn_t (r_t ⊙ h_{t-1})ᵀ             (BP4W')

both, with δ_t = (δr_t, δz_t, δn_t):

    ∇b = Σ_t δ_t (BP3),    ∇U = Σ_t δ_t x_tᵀ (BP4U),    d_x_t = Uᵀ δ_t            (BP5)

Sizes: I inputs, H hidden units; stacks of gates r, z, n are [3H, ·].

References:
    Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014,
    eqs. (5) to (8), without biases. Reset after: Chetlur et al., cuDNN, 2014, and
    PyTorch's `nn.GRU`, whose biases b_ir + b_hr, b_iz + b_hz, b_in, b_hn are
    b_r, b_z, b_n, b_m here.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp

from jaxseq.cells import lstm
from jaxseq.cells.activations import sigmoid
from jaxseq.cells.cell import (
    Cell,
    Prepared,
    Trace,
    no_combine,
    no_recur,
    recur,
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


class TapeAfter(NamedTuple):
    """The values of eqs. (1) to (3), kept for the deltas; the deltas, beside them.

    Attributes:
        rzm: `[..., 3H]` r, z and m = W_n h_{t-1} + b_m: what W led to.
        n: `[..., H]` the candidate.
    """

    rzm: Array
    n: Array


class TapeBefore(NamedTuple):
    """The values of eqs. (1) to (3'), kept for the deltas.

    Attributes:
        rzn: `[..., 3H]` r, z and n, in one array: it becomes that of δ.
        reset: `[..., H]` r_t ⊙ h_{t-1}: what W_n was multiplied with.
    """

    rzn: Array
    reset: Array


@functools.cache
def reset_after() -> Cell:
    """Returns the GRU that resets after the recurrent product: cuDNN's, PyTorch's."""
    return Cell(
        name="gru.reset_after",
        init=init_after,
        sizes=lstm.sizes,
        zero_state=zero_state,
        project=lstm.project,
        step=step_after,
        output=output,
        delta=delta_after,
        collect=collect_after,
        prepare=transpose,
        recur=recur,
        combine=combine_after,
    )


@functools.cache
def reset_before() -> Cell:
    """Returns the GRU that resets before the recurrent product: the paper's."""
    return reset_after()._replace(
        name="gru.reset_before",
        init=init_before,
        step=step_before,
        recur=no_recur,
        combine=no_combine,
        delta=delta_before,
        collect=collect_before,
        prepare=cut_transposed,
        prepare_delta=cut,
    )


def init_after(
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


def init_before(
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


def zero_state(
    params: ParamsAfter | ParamsBefore, batch_shape: tuple[int, ...]
) -> Array:
    """Returns h_0 = 0, `[*batch_shape, H]`.

    Args:
        params: the weights.
        batch_shape: sizes of the batch axes.
    """
    return jnp.zeros((*batch_shape, params.W.shape[1]), params.W.dtype)


def output(h_t: Array) -> Array:
    """The state is the output.

    Args:
        h_t: `[..., H]`.

    Returns:
        `[..., H]` the same.
    """
    return h_t


def step_after(prepared: Prepared, h_tm1: Array, z_t: Array) -> tuple[Array, TapeAfter]:
    """Takes one step, eqs. (1) to (4).

    Args:
        prepared: the weights, with Wᵀ.
        h_tm1: `[..., H]` the state at t-1.
        z_t: `[..., 3H]` U x_t + b, the projected input (not the gate z).

    Returns:
        `[..., H]` the state at t, and r, z, m and n.
    """
    return combine_after(prepared, h_tm1, z_t, recur(prepared, h_tm1))


def combine_after(
    prepared: Prepared, h_tm1: Array, z_t: Array, w_h_tm1: Array
) -> tuple[Array, TapeAfter]:
    """Takes one step whose product W h_{t-1} is known; otherwise as `step_after`.

    Args:
        prepared: the weights, with Wᵀ.
        h_tm1: `[..., H]` the state at t-1.
        z_t: `[..., 3H]` U x_t + b.
        w_h_tm1: `[..., 3H]` W h_{t-1}.
    """
    num_hidden = h_tm1.shape[-1]
    u_rz, u_n = jnp.split(z_t, [2 * num_hidden], axis=-1)
    w_rz, w_n = jnp.split(w_h_tm1, [2 * num_hidden], axis=-1)
    gates_rz = sigmoid(u_rz + w_rz)  # (1), (2)
    gate_r, gate_z = jnp.split(gates_rz, 2, axis=-1)
    m_t = w_n + jnp.broadcast_to(prepared.params.b_m, w_n.shape).astype(w_n.dtype)
    n_t = jnp.tanh(u_n + gate_r * m_t)  # (3)
    h_t = (1 - gate_z) * n_t + gate_z * h_tm1  # (4)
    return h_t, TapeAfter(jnp.concatenate([gates_rz, m_t], axis=-1), n_t)


def delta_after(
    params: ParamsAfter, trace_t: Trace, d_h_t: Array
) -> tuple[Array, TapeAfter]:
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
    return d_h_tm1, TapeAfter(delta_rzm, delta_n)


def collect_after(
    params: ParamsAfter, xs: Array, trace: Trace, deltas: TapeAfter
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


def step_before(columns: Cut, h_tm1: Array, z_t: Array) -> tuple[Array, TapeBefore]:
    """Takes one step, eqs. (1), (2), (3') and (4).

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
    reset_t = r_t * h_tm1  # the factor of W_n in (3')
    n_t = jnp.tanh(u_n + product(reset_t, columns.n))  # (3')
    h_t = (1 - gate_z) * n_t + gate_z * h_tm1  # (4)
    return h_t, TapeBefore(jnp.concatenate([gates_rz, n_t], axis=-1), reset_t)


def delta_before(rows: Cut, trace_t: Trace, d_h_t: Array) -> tuple[Array, Array]:
    """Sends the error one step back, eqs. (5), (6), (7'), (8') and BP2T'.

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
    e_t = product(delta_n, rows.n)  # (7')
    delta_r = e_t * h_tm1 * r_t * (1 - r_t)  # (8')
    delta_rz = jnp.concatenate([delta_r, delta_z], axis=-1)
    d_h_tm1 = d_h_t * gate_z + e_t * r_t + product(delta_rz, rows.rz)  # (BP2T')
    return d_h_tm1, jnp.concatenate([delta_rz, delta_n], axis=-1)


def collect_before(
    params: ParamsBefore, xs: Array, trace: Trace, deltas: Array
) -> tuple[ParamsBefore, Array]:
    """Sums the deltas into gradients; arguments and results as `collect_after`."""
    num_hidden = params.W.shape[1]
    deltas_rz, deltas_n = jnp.split(deltas, [2 * num_hidden], axis=-1)
    d_W_rz = sum_outer(deltas_rz, trace.state_tm1)  # (BP4W')
    d_W_n = sum_outer(deltas_n, trace.tape.reset)  # (BP4W')
    d_params = ParamsBefore(
        U=sum_outer(deltas, xs),  # (BP4U)
        W=jnp.concatenate([d_W_rz, d_W_n]),
        b=sum_steps(deltas),  # (BP3)
    )
    return d_params, deltas @ params.U  # (BP5)
