"""The additive score: a small network of one hidden layer reads query and memory.

    k_j = U m_j + b                                                                (1)
    z_t = W h_t                                                                    (2)
    u_tj = tanh(z_t + k_j)                                                         (3)
    e_tj = vᵀ u_tj                                                                 (4)

k_j needs no query: one GEMM, before any loop. With δ_tj = ∂L/∂e_tj and ε_tj the error
of the hidden layer's pre-activation:

    ε_tj = δ_tj v ⊙ (1 - u_tj²)                                                    (5)
    ε_t = Σ_j ε_tj,    d_h_t = Wᵀ ε_t                                              (6)
    d_k_j = Σ_t ε_tj                                                               (7)
    ∇v = Σ_t Σ_j δ_tj u_tj                                                         (8)
    ∇W = Σ_t ε_t h_tᵀ                                                              (9)
    ∇U = Σ_j d_k_j m_jᵀ,    ∇b = Σ_j d_k_j,    d_m_j = Uᵀ d_k_j                   (10)

u_tj is formed anew going back: it is the one array with both a step's axis and the
memory's, A times as large as the weights.

Sizes: H entries of a query, D of a position, A hidden units.

Reference: Bahdanau, Cho, Bengio, Neural machine translation by jointly learning to
align and translate, ICLR 2015 (arXiv 2014), section 3.1 and appendix A.1.2. With
[W U] as one matrix it is "concat" of Luong, Pham, Manning 2015.

Departures: the paper writes no b, and starts at small normal W and U, and at v = 0.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.attention.score import Score, Sizes, check_draw, check_record
from jaxseq.cells.cell import affine, sum_outer, sum_steps
from jaxseq.cells.draws import uniform
from jaxseq.checks import check_count, describe, expect
from jaxseq.precision import product
from jaxseq.types import Array, DTypeLike, Key, accumulator


class Params(NamedTuple):
    """The weights of eqs. (1) to (4).

    Attributes:
        W: `[A, H]` from the query.
        U: `[A, D]` from the memory.
        b: `[A]`, beside U.
        v: `[A]` from the hidden units to the score.
    """

    W: Array
    U: Array
    b: Array
    v: Array


def score(num_units: int | None = None) -> Score:
    """Returns the additive score.

    Args:
        num_units: A that `init` draws; H, as in the paper, unless given.

    Raises:
        ValueError: if it is no such number.
    """
    if num_units is not None:
        check_count("num_units", num_units)
    return _score(num_units)


@functools.cache
def _score(num_units: int | None) -> Score:
    return Score(
        name="additive",
        init=functools.partial(init, num_units),
        sizes=sizes,
        project=project,
        score=scores,
        delta=delta,
        collect=collect,
        unproject=unproject,
    )


def init(
    num_units: int | None,
    key: Key,
    num_hidden: int,
    num_memory: int,
    dtype: DTypeLike = jnp.float32,
) -> Params:
    """Draws W, U, v uniform ±1/√H, ±1/√D, ±1/√A, b zero; consumes the key.

    Args:
        num_units: A.
        key: random key, consumed.
        num_hidden: H.
        num_memory: D.
        dtype: floating-point dtype of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_draw(key, num_hidden, num_memory, dtype)
    num_units = num_units or num_hidden
    key_w, key_u, key_v = jax.random.split(key, 3)
    return Params(
        W=uniform(key_w, (num_units, num_hidden), num_hidden, dtype),
        U=uniform(key_u, (num_units, num_memory), num_memory, dtype),
        b=jnp.zeros((num_units,), dtype),
        v=uniform(key_v, (num_units,), num_units, dtype),
    )


def sizes(params: Params) -> Sizes:
    """Reads H, D and A off the weights.

    Args:
        params: the weights of the score.

    Raises:
        ValueError: naming what are no weights of this score.
    """
    check_record(params, Params)
    expect(params.W.ndim == 2, "params.W", "shape [A, H]", describe(params.W))
    num_units, num_hidden = params.W.shape
    fits = params.U.ndim == 2 and len(params.U) == num_units
    expected = f"shape [A, D] with A = {num_units}, as params.W has it"
    expect(fits, "params.U", expected, describe(params.U))
    for name in ("b", "v"):
        leaf = getattr(params, name)
        expected = f"shape [{num_units}], [A] as params.W has it"
        expect(leaf.shape == (num_units,), f"params.{name}", expected, describe(leaf))
    return Sizes(num_hidden, num_memory=params.U.shape[1], num_keys=num_units)


def project(params: Params, encoded: Array) -> Array:
    """Returns k_j, eq. (1): `[..., D]` to `[..., A]`.

    Args:
        params: the weights of the score.
        encoded: `[..., D]` what an encoder wrote.
    """
    return affine(params.U, encoded, params.b)  # (1)


def scores(params: Params, queries: Array, keys: Array) -> Array:
    """Returns e_tj, eqs. (2) to (4).

    Args:
        params: the weights.
        queries: `[..., *B, H]` h_t.
        keys: `[*B, M, A]` k_j.

    Returns:
        `[..., *B, M]`, float32 at least.
    """
    return product(_hidden(params, queries, keys), params.v[:, None])[..., 0]  # (4)


def delta(params: Params, queries: Array, keys: Array, deltas: Array) -> Array:
    """Returns d_h_t, eq. (6): the shape and dtype of the queries.

    Args:
        params: the weights.
        queries: `[..., *B, H]` h_t.
        keys: `[*B, M, A]` k_j.
        deltas: `[..., *B, M]` δ_tj.
    """
    errors = _errors(params, _hidden(params, queries, keys), deltas)
    return product(jnp.sum(errors, axis=-2), params.W).astype(queries.dtype)  # (6)


def collect(
    params: Params, queries: Array, keys: Array, deltas: Array
) -> tuple[Params, Array]:
    """Sums the deltas of all steps.

    Args:
        params: the weights.
        queries: `[..., *B, H]` h_t.
        keys: `[*B, M, A]` k_j.
        deltas: `[..., *B, M]` δ_tj.

    Returns:
        ∇W and ∇v, zero for U and b, whose gradients come from the keys, and
        `[*B, M, A]` d_k_j.
    """
    hidden = _hidden(params, queries, keys)
    errors = _errors(params, hidden, deltas)
    steps = tuple(range(errors.ndim - keys.ndim))
    errors_t = jnp.sum(errors, axis=-2).astype(params.W.dtype)
    d_params = Params(
        W=sum_outer(errors_t, queries.astype(params.W.dtype)),  # (9)
        U=jnp.zeros_like(params.U),
        b=jnp.zeros_like(params.b),
        v=sum_steps(deltas[..., None] * hidden).astype(params.v.dtype),  # (8)
    )
    return d_params, jnp.sum(errors, axis=steps).astype(keys.dtype)  # (7)


def unproject(params: Params, encoded: Array, d_keys: Array) -> tuple[Params, Array]:
    """Sends the keys' errors on to the weights and to the memory, eq. (10).

    Args:
        params: the weights.
        encoded: `[..., D]` m_j.
        d_keys: `[..., A]` d_k_j.

    Returns:
        ∇U and ∇b, zero for the others, and `[..., D]` d_m_j.
    """
    d_params = Params(
        W=jnp.zeros_like(params.W),
        U=sum_outer(d_keys, encoded),  # (10)
        b=sum_steps(d_keys),  # (10)
        v=jnp.zeros_like(params.v),
    )
    return d_params, product(d_keys, params.U)  # (10)


def _hidden(params: Params, queries: Array, keys: Array) -> Array:
    """Returns u_tj, eqs. (2) and (3): `[..., *B, M, A]`, float32 at least."""
    wide = accumulator(keys.dtype)
    z = product(queries.astype(wide), params.W.T)[..., None, :]  # (2)
    shape = (*z.shape[:-2], *keys.shape[-2:])
    k = jnp.broadcast_to(keys.astype(wide), shape)
    return jnp.tanh(jnp.broadcast_to(z, shape) + k)  # (3)


def _errors(params: Params, hidden: Array, deltas: Array) -> Array:
    """Returns ε_tj, eq. (5): `[..., *B, M, A]`."""
    v = jnp.broadcast_to(params.v.astype(hidden.dtype), hidden.shape)
    return deltas[..., None] * v * (1 - hidden**2)  # (5)
