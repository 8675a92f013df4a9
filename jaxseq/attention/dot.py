"""The dot score: a query fits a position as far as their product goes. No weights.

    k_j = m_j
    e_tj = (s h_t) · k_j                                                           (1)

with the scale s, 1 unless given; s = 1/√D keeps the scores' size from growing with D.
It is applied to the queries: they are the fewer numbers, and a factor between products
and softmax can be contracted with the softmax's subtraction, which then is not exact.
With δ_tj = ∂L/∂e_tj:

    d_h_t = s Σ_j δ_tj k_j                                                         (2)
    d_k_j = Σ_t δ_tj (s h_t)                                                       (3)

Sizes: D entries of a position, H = D of a query.

References:
    Luong, Pham, Manning, Effective approaches to attention-based neural machine
    translation, EMNLP 2015, section 3.1: "dot".
    Vaswani et al., Attention is all you need, 2017, section 3.2.1: the scale. With
    s = β and the patterns as memory and values, attention by (1) is the update of
    `jaxseq.modern_hopfield`.
"""

import functools
import math
import numbers

import jax
import jax.numpy as jnp

from jaxseq.attention.score import Score, Sizes, check_draw, dots, mix, spread
from jaxseq.checks import expect
from jaxseq.types import Array, DTypeLike, Key, Tree


def score(scale: float = 1.0) -> Score:
    """Returns the dot score.

    Args:
        scale: s.

    Raises:
        ValueError: if it is not a finite number.
    """
    is_number = isinstance(scale, numbers.Real) and not isinstance(scale, bool)
    is_finite = is_number and math.isfinite(scale)
    expect(is_finite, "scale", "a finite number", repr(scale))
    return _score(float(scale))


@functools.cache
def _score(scale: float) -> Score:
    return Score(
        name="dot" if scale == 1 else f"dot({scale:g})",
        init=init,
        sizes=sizes,
        project=project,
        score=functools.partial(scores, scale),
        delta=functools.partial(delta, scale),
        collect=functools.partial(collect, scale),
        unproject=unproject,
    )


def init(
    key: Key, num_hidden: int, num_memory: int, dtype: DTypeLike = jnp.float32
) -> tuple[()]:
    """Draws nothing: there are no weights.

    Args:
        key: not used.
        num_hidden: H.
        num_memory: D, which must be H.
        dtype: not used.

    Raises:
        ValueError: if H and D differ.
    """
    check_draw(key, num_hidden, num_memory, dtype)
    expect(num_hidden == num_memory, "num_hidden", f"D = {num_memory}", num_hidden)
    return ()


def sizes(params: Tree) -> Sizes:
    """Refuses any weights; returns no sizes.

    Args:
        params: none: an empty tuple.

    Raises:
        ValueError: if there are any.
    """
    is_empty = jax.tree.structure(params) == jax.tree.structure(())
    expect(is_empty, "params", "(), as the dot score has none", type(params).__name__)
    return Sizes(num_hidden=None, num_memory=None, num_keys=None)


def project(params: Tree, encoded: Array) -> Array:
    """The keys are the memory itself, `[..., D]`.

    Args:
        params: none: an empty tuple.
        encoded: `[..., D]` what an encoder wrote.
    """
    del params
    return encoded


def scores(scale: float, params: Tree, queries: Array, keys: Array) -> Array:
    """Returns e_tj, eq. (1).

    Args:
        scale: s.
        params: `()`.
        queries: `[..., *B, D]` h_t.
        keys: `[*B, M, D]` k_j.

    Returns:
        `[..., *B, M]`, float32 at least.
    """
    del params
    return dots(scale * queries, keys)  # (1)


def delta(
    scale: float, params: Tree, queries: Array, keys: Array, deltas: Array
) -> Array:
    """Returns d_h_t, eq. (2): the shape and dtype of the queries.

    Args:
        scale: s.
        params: `()`.
        queries: `[..., *B, D]` h_t.
        keys: `[*B, M, D]` k_j.
        deltas: `[..., *B, M]` δ_tj.
    """
    del params
    return (scale * mix(deltas, keys)).astype(queries.dtype)  # (2)


def collect(
    scale: float, params: Tree, queries: Array, keys: Array, deltas: Array
) -> tuple[Tree, Array]:
    """Returns no weights' gradients, and d_k_j, eq. (3); arguments as of `delta`."""
    return params, spread(deltas, scale * queries, keys)  # (3)


def unproject(params: Tree, encoded: Array, d_keys: Array) -> tuple[Tree, Array]:
    """The keys' errors are the memory's, `[..., D]`.

    Args:
        params: none: an empty tuple.
        encoded: `[..., D]` what an encoder wrote.
        d_keys: `[..., D]` the keys' errors.
    """
    del encoded
    return params, d_keys
