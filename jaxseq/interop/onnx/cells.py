"""ONNX's recurrent equations whole: any activations, clipping, coupled gates.

f, g, h are a node's activations, each of a clipped argument, a ← min(max(a, -clip),
clip); h of an LSTM's cells is not clipped, as in onnxruntime. p are peepholes.

RNN:

    h_t = f(U x_t + W h_{t-1} + b)                                                 (1)

GRU:

    z_t = f(U_z x_t + W_z h_{t-1} + b_z)                                           (2)
    r_t = f(U_r x_t + W_r h_{t-1} + b_r)                                           (3)
    n_t = g(U_n x_t + b_n + W_n (r_t ⊙ h_{t-1}))          reset before             (4)
    n_t = g(U_n x_t + b_n + r_t ⊙ (W_n h_{t-1} + b_m))    linear_before_reset      (4')
    h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}                                          (5)

LSTM:

    i_t = f(U_i x_t + W_i h_{t-1} + p_i ⊙ c_{t-1} + b_i)                           (6)
    f_t = f(U_f x_t + W_f h_{t-1} + p_f ⊙ c_{t-1} + b_f)                           (7)
    f_t = 1 - i_t                                         input_forget             (7')
    c_t = f_t ⊙ c_{t-1} + i_t ⊙ g(U_c x_t + W_c h_{t-1} + b_c)                     (8)
    o_t = f(U_o x_t + W_o h_{t-1} + p_o ⊙ c_t + b_o)                               (9)
    h_t = o_t ⊙ h(c_t)                                                            (10)

These are steps alone: `jaxseq.cells.derived.from_step` differentiates them. Where a
cell of jaxseq has a node's equations, `jaxseq.interop.onnx.form` takes that, which is
faster and has its deltas by hand.

Reference: as `jaxseq.interop.onnx`.
"""

import functools
from typing import Any, NamedTuple

import jax.numpy as jnp

from jaxseq.cells import Cell, derived, elman, gru, lstm, lstm_peephole
from jaxseq.cells.cell import affine, plus, sizes
from jaxseq.interop.onnx.activations import Activation, value
from jaxseq.precision import product
from jaxseq.types import Array


class Form(NamedTuple):
    """What one direction of a node computes.

    Attributes:
        kind: "RNN", "LSTM" or "GRU".
        activations: f; f, g; or f, g, h.
        clip: the largest magnitude of what goes into them, but for h; None for any.
        input_forget: whether an LSTM's forget gate is 1 - i.
        linear_before_reset: whether a GRU resets after.
        has_peepholes: whether an LSTM's gates see its cells.
    """

    kind: str
    activations: tuple[Activation, ...]
    clip: float | None = None
    input_forget: bool = False
    linear_before_reset: bool = False
    has_peepholes: bool = False


@functools.cache
def rnn(form: Form) -> Cell:
    """Returns the cell of an RNN node; parameters are `elman.Params`.

    Args:
        form: of an RNN node.
    """
    (f,) = _clipped(form)

    def step(params: elman.Params, h_tm1: Array, x_t: Array) -> Array:
        z_t = affine(params.U, x_t, params.b)
        return f(z_t + product(h_tm1, params.W.T))  # (1)

    return derived.from_step(
        step, init=elman.init, sizes=sizes, zero_state=elman.zero_state
    )


@functools.cache
def gru_before(form: Form) -> Cell:
    """Returns the cell of a GRU node; parameters are `gru.ParamsBefore`.

    Args:
        form: of a GRU node.
    """
    f, g = _clipped(form)

    def step(params: gru.ParamsBefore, h_tm1: Array, x_t: Array) -> Array:
        W_rz, W_n = jnp.split(params.W, [2 * h_tm1.shape[-1]])
        u_rz, u_n = _split(affine(params.U, x_t, params.b), h_tm1)
        r_t, z_t = jnp.split(f(u_rz + product(h_tm1, W_rz.T)), 2, axis=-1)  # (2), (3)
        n_t = g(u_n + product(r_t * h_tm1, W_n.T))  # (4)
        return (1 - z_t) * n_t + z_t * h_tm1  # (5)

    return derived.from_step(
        step, init=gru.before.init, sizes=sizes, zero_state=elman.zero_state
    )


@functools.cache
def gru_after(form: Form) -> Cell:
    """Returns the cell of a GRU node; parameters are `gru.ParamsAfter`.

    Args:
        form: of a GRU node.
    """
    f, g = _clipped(form)

    def step(params: gru.ParamsAfter, h_tm1: Array, x_t: Array) -> Array:
        u_rz, u_n = _split(affine(params.U, x_t, params.b), h_tm1)
        w_rz, w_n = _split(product(h_tm1, params.W.T), h_tm1)
        r_t, z_t = jnp.split(f(u_rz + w_rz), 2, axis=-1)  # (2), (3)
        n_t = g(u_n + r_t * plus(w_n, params.b_m))  # (4')
        return (1 - z_t) * n_t + z_t * h_tm1  # (5)

    return derived.from_step(
        step, init=gru.after.init, sizes=sizes, zero_state=elman.zero_state
    )


@functools.cache
def lstm_whole(form: Form) -> Cell:
    """Returns the cell of an LSTM node; parameters are `lstm_peephole.Params`.

    Args:
        form: of an LSTM node.
    """
    f, g, _ = _clipped(form)
    h = functools.partial(value, form.activations[2])

    def step(params: lstm_peephole.Params, state_tm1: lstm.State, x_t: Array) -> Any:
        c_tm1 = state_tm1.c
        p_f, p_i, p_o = (_spread(p, c_tm1) for p in params[3:])
        a_t = affine(params.U, x_t, params.b) + product(state_tm1.h, params.W.T)
        a_f, a_i, a_o, a_c = jnp.split(a_t, 4, axis=-1)
        i_t = f(a_i + p_i * c_tm1)  # (6)
        f_t = 1 - i_t if form.input_forget else f(a_f + p_f * c_tm1)  # (7'), (7)
        c_t = f_t * c_tm1 + i_t * g(a_c)  # (8)
        o_t = f(a_o + p_o * c_t)  # (9)
        return lstm.State(h=o_t * h(c_t), c=c_t)  # (10)

    return derived.from_step(
        step,
        output=lstm.output,
        init=lstm_peephole.init,
        sizes=sizes,
        zero_state=lstm.zero_state,
    )


def _clipped(form: Form) -> list[Any]:
    """Returns a form's activations, of clipped arguments."""

    def clipped(activation: Activation, a: Array) -> Array:
        limit = form.clip
        return value(activation, a if limit is None else jnp.clip(a, -limit, limit))

    return [functools.partial(clipped, one) for one in form.activations]


def _split(stacked: Array, h_tm1: Array) -> list[Array]:
    """Takes the gates r, z and the candidate n of a stack apart."""
    return jnp.split(stacked, [2 * h_tm1.shape[-1]], axis=-1)


def _spread(weights: Array, like: Array) -> Array:
    return jnp.broadcast_to(weights, like.shape).astype(like.dtype)
