"""The general (bilinear) score: a matrix between query and memory.

    k_j = W m_j                                                                    (1)
    e_tj = h_tᵀ W m_j = h_t · k_j                                                  (2)

so that W is applied to the memory, once for all steps. With δ_tj = ∂L/∂e_tj:

    d_h_t = Σ_j δ_tj k_j                                                           (3)
    d_k_j = Σ_t δ_tj h_t                                                           (4)
    ∇W = Σ_j d_k_j m_jᵀ                                                            (5)
    d_m_j = Wᵀ d_k_j                                                               (6)

Sizes: H entries of a query, D of a position, A = H of a key.

Reference: Luong, Pham, Manning, Effective approaches to attention-based neural machine
translation, EMNLP 2015, section 3.1: "general".
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp

from jaxseq.attention.score import (
    Score,
    Sizes,
    check_draw,
    check_record,
    dots,
    mix,
    spread,
)
from jaxseq.cells.cell import sum_outer
from jaxseq.cells.draws import uniform
from jaxseq.checks import describe, expect
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key


class Params(NamedTuple):
    """The weights of eq. (1).

    Attributes:
        W: `[H, D]` from the memory to its keys.
    """

    W: Array


@functools.cache
def score() -> Score:
    """Returns the general score."""
    return Score("general", init, sizes, project, scores, delta, collect, unproject)


def init(
    key: Key, num_hidden: int, num_memory: int, dtype: DTypeLike = jnp.float32
) -> Params:
    """Draws W uniform ±1/√D; consumes the key.

    Args:
        key: random key, consumed.
        num_hidden: H.
        num_memory: D.
        dtype: floating-point dtype of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_draw(key, num_hidden, num_memory, dtype)
    return Params(W=uniform(key, (num_hidden, num_memory), num_memory, dtype))


def sizes(params: Params) -> Sizes:
    """Reads H, D and A off the weights.

    Args:
        params: the weights of the score.

    Raises:
        ValueError: naming what are no weights of this score.
    """
    check_record(params, Params)
    expect(params.W.ndim == 2, "params.W", "shape [H, D]", describe(params.W))
    num_hidden, num_memory = params.W.shape
    return Sizes(num_hidden, num_memory, num_keys=num_hidden)


def project(params: Params, encoded: Array) -> Array:
    """Returns k_j, eq. (1): `[..., D]` to `[..., H]`.

    Args:
        params: the weights of the score.
        encoded: `[..., D]` what an encoder wrote.
    """
    return product(encoded, params.W.T)  # (1)


def scores(params: Params, queries: Array, keys: Array) -> Array:
    """Returns e_tj, eq. (2).

    Args:
        params: the weights, which the keys hold already.
        queries: `[..., *B, H]` h_t.
        keys: `[*B, M, H]` k_j.

    Returns:
        `[..., *B, M]`, float32 at least.
    """
    del params
    return dots(queries, keys)  # (2)


def delta(params: Params, queries: Array, keys: Array, deltas: Array) -> Array:
    """Returns d_h_t, eq. (3): the shape and dtype of the queries.

    Args:
        params: the weights.
        queries: `[..., *B, H]` h_t.
        keys: `[*B, M, H]` k_j.
        deltas: `[..., *B, M]` δ_tj.
    """
    del params
    return mix(deltas, keys).astype(queries.dtype)  # (3)


def collect(
    params: Params, queries: Array, keys: Array, deltas: Array
) -> tuple[Params, Array]:
    """Returns zeros, as ∇W comes from the keys, and d_k_j, eq. (4); as `delta`."""
    d_params = Params(W=jnp.zeros_like(params.W))
    return d_params, spread(deltas, queries, keys)  # (4)


def unproject(params: Params, encoded: Array, d_keys: Array) -> tuple[Params, Array]:
    """Sends the keys' errors on to the weights and to the memory.

    Args:
        params: the weights.
        encoded: `[..., D]` m_j.
        d_keys: `[..., H]` d_k_j.

    Returns:
        ∇W, and `[..., D]` d_m_j.
    """
    d_params = Params(W=sum_outer(d_keys, encoded))  # (5)
    return d_params, product(d_keys, params.W)  # (6)
