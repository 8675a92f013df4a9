"""The output layer o_t = g(V s_t + b): no state, so one GEMM for all steps.

    a_t = V s_t + b,    o_t = g(a_t)                                               (1)

g belongs to the loss (softmax to cross-entropy, see `jaxseq.losses`), which takes a_t.
With δ_t = ∂L/∂a_t, which is o_t - y_t by BP1:

    d_s_t = Vᵀ δ_t                                                                (BP2)
    ∇b = Σ_t δ_t                                                                  (BP3)
    ∇V = Σ_t δ_t s_tᵀ                                                             (BP4V)

Reference: as `jaxseq.cells.elman`. The lecture's slide writes s_{t-1} in BP4V once; its
numbers, and the derivation, have s_t.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.axes import alike
from jaxseq.cells.cell import affine, sum_outer, sum_steps
from jaxseq.cells.draws import uniform
from jaxseq.checks import (
    check_count,
    check_dtype,
    check_floats,
    check_key,
    describe,
    expect,
)
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array, DTypeLike, Key


class Params(NamedTuple):
    """The weights of eq. (1).

    Attributes:
        V: `[O, H]` from the states.
        b: `[O]` the bias.
    """

    V: Array
    b: Array


def init(
    key: Key, num_hidden: int, num_outputs: int, dtype: DTypeLike = jnp.float32
) -> Params:
    """Draws V uniform ±1/√H, b zero; consumes the key.

    Args:
        key: random key, consumed.
        num_hidden: H.
        num_outputs: O.
        dtype: floating-point dtype of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_key("key", key)
    check_count("num_hidden", num_hidden)
    check_count("num_outputs", num_outputs)
    check_dtype("dtype", dtype)
    return Params(
        V=uniform(key, (num_outputs, num_hidden), num_hidden, dtype),
        b=jnp.zeros((num_outputs,), dtype),
    )


def readout(params: Params, states: Array) -> Array:
    """Returns a_t = V s_t + b, eq. (1); gradients by BP2, BP3 and BP4V.

    Args:
        params: the weights.
        states: `[..., H]` s_t, any number of steps.

    Returns:
        `[..., O]` a_t; `jax.nn.softmax` of it is the lecture's o_t.

    Raises:
        ValueError: naming the argument, if shapes or dtypes do not fit.
    """
    is_params = isinstance(params, Params)
    expect(is_params, "params", "readout.Params, V and b", type(params).__name__)
    check_floats("states", states)
    check_floats("params.V", params.V)
    check_floats("params.b", params.b)
    expect(params.V.ndim == 2, "params.V", "shape [O, H]", describe(params.V))
    expect(
        states.ndim >= 1
        and states.shape[-1] == params.V.shape[1]
        and states.dtype == params.V.dtype,
        "states",
        f"{params.V.dtype}[..., H] with H = {params.V.shape[1]}, as params.V has it",
        describe(states),
    )
    fits = params.b.shape == params.V.shape[:1] and params.b.dtype == params.V.dtype
    expected = f"{params.V.dtype}[{params.V.shape[0]}], [O] as params.V has it"
    expect(fits, "params.b", expected, describe(params.b))
    marked = reverse_only(
        "jaxseq.readout.readout",
        "jaxseq.readout.readout_plain, with the same arguments",
        alike(params, states),
    )
    return _readout(*marked)


def readout_plain(params: Params, states: Array) -> Array:
    """Returns a_t as `readout` does; gradients by JAX, forward mode too."""
    return affine(params.V, states, params.b)  # (1)


def _forward(params, states):
    return readout_plain(params, states), (params, states)


def _backward(residuals, deltas):
    params, states = residuals
    d_states = deltas @ params.V  # (BP2)
    d_params = Params(
        V=sum_outer(deltas, states),  # (BP4V)
        b=sum_steps(deltas),  # (BP3)
    )
    return d_params, d_states


_readout = jax.custom_vjp(readout_plain)
_readout.defvjp(_forward, _backward)
