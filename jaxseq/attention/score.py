"""The Score: how well a query fits each position of a memory, as a record of functions.

What needs no query is named apart, so that it is done once, before any loop over time:

    keys = project(params, encoded)                              once, one GEMM
    scores = score(params, queries, keys)                        one step, or all
    d_queries = delta(params, queries, keys, deltas)             one step, or all
    d_params, d_keys = collect(params, queries, keys, deltas)    all steps, GEMMs
    d_params, d_encoded = unproject(params, encoded, d_keys)     once, GEMMs

with deltas_tj = ∂L/∂scores_tj. A decoder whose query is its own last state calls
`score` in its forward loop, `delta` in its backward loop and `collect` after that, as
`jaxseq.unroll` does with a cell.

Three products serve every score and the weighted sum. The memory's batch axes come
first in it, then its M positions: so the product of one step is one small GEMM for each
sequence, on memory as it lies. Queries have the same batch axes; any axes in front of
those, steps or beams, share one memory:

    dots     h_t · k_j            `[..., *B, N]`, `[*B, M, N]` -> `[..., *B, M]`    (1)
    mix      Σ_j w_tj k_j         `[..., *B, M]`, `[*B, M, N]` -> `[..., *B, N]`    (2)
    spread   Σ_t w_tj h_t         `[..., *B, M]`, `[..., *B, N]` -> `[*B, M, N]`    (3)

Each is the transpose of the other two.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.checks import (
    check_count,
    check_dtype,
    check_floats,
    check_key,
    expect,
    record_name,
)
from jaxseq.types import Array, DTypeLike, Key, Tree, accumulator


class Sizes(NamedTuple):
    """The sizes of a score, read off its parameters; None where they have none.

    Attributes:
        num_hidden: H of the queries.
        num_memory: D of what is attended to.
        num_keys: A.
    """

    num_hidden: int | None
    num_memory: int | None
    num_keys: int | None


class Score(NamedTuple):
    """A score of queries against keys, and its deltas.

    Attributes:
        name: for messages and reports.
        init: `(key, num_hidden, num_memory, dtype=float32) -> params`; the key is
            consumed.
        sizes: `(params) -> Sizes`; refuses what are not this score's parameters.
        project: `(params, encoded) -> keys`, `[..., D]` to `[..., A]`.
        score: `(params, queries, keys) -> scores`, `[..., *B, H]` and `[*B, M, A]` to
            `[..., *B, M]`, float32 at least.
        delta: `(params, queries, keys, deltas) -> d_queries`.
        collect: `(params, queries, keys, deltas) -> (d_params, d_keys)`.
        unproject: `(params, encoded, d_keys) -> (d_params, d_encoded)`.
    """

    name: str
    init: Callable[..., Tree]
    sizes: Callable[[Tree], Sizes]
    project: Callable[[Tree, Array], Array]
    score: Callable[[Tree, Array, Array], Array]
    delta: Callable[[Tree, Array, Array, Array], Array]
    collect: Callable[[Tree, Array, Array, Array], tuple[Tree, Array]]
    unproject: Callable[[Tree, Array, Array], tuple[Tree, Array]]


def dots(queries: Array, keys: Array) -> Array:
    """Returns every query's product with every key, eq. (1).

    Args:
        queries: `[..., *B, N]`.
        keys: `[*B, M, N]`; the products take factors of its dtype.

    Returns:
        `[..., *B, M]`, float32 at least.
    """
    flat = _one_in_front(queries, keys.ndim - 2).astype(keys.dtype)
    products = _einsum("l...n,...mn->l...m", flat, keys)  # (1)
    return products.reshape(*queries.shape[:-1], keys.shape[-2])


def mix(weights: Array, keys: Array) -> Array:
    """Returns the sum of the keys for every row of weights, eq. (2).

    Args:
        weights: `[..., *B, M]`.
        keys: `[*B, M, N]`; the products take factors of its dtype.

    Returns:
        `[..., *B, N]`, float32 at least.
    """
    flat = _one_in_front(weights, keys.ndim - 2).astype(keys.dtype)
    sums = _einsum("l...m,...mn->l...n", flat, keys)  # (2)
    return sums.reshape(*weights.shape[:-1], keys.shape[-1])


def spread(weights: Array, queries: Array, like: Array) -> Array:
    """Returns what all queries together send to each position, eq. (3).

    Args:
        weights: `[..., *B, M]`.
        queries: `[..., *B, N]`.
        like: `[*B, M, N]`; the result is of its dtype, and so are the factors.

    Returns:
        `[*B, M, N]`, accumulated in float32 at least.
    """
    flat = [
        _one_in_front(a, like.ndim - 2).astype(like.dtype) for a in (weights, queries)
    ]
    return _einsum("l...m,l...n->...mn", *flat).astype(like.dtype)  # (3)


def _einsum(spec, a, b):
    return jnp.einsum(spec, a, b, preferred_element_type=accumulator(b.dtype))


def _one_in_front(array: Array, num_batch_axes: int) -> Array:
    """Reshapes `[..., *B, N]` to `[L, *B, N]`."""
    cut = array.ndim - 1 - num_batch_axes
    return array.reshape(math.prod(array.shape[:cut]), *array.shape[cut:])


def check_score(argument: str, score: Score) -> None:
    """Checks that a score is one, and not the function that makes it.

    Args:
        argument: its name, for the error's message.
        score: the score.
    """
    hint = " (it must be called: dot.score())" if callable(score) else ""
    got = f"{type(score).__name__}{hint}"
    expect(isinstance(score, Score), argument, "a jaxseq.attention.Score", got)


def check_params(score: Score, params: Tree, like: Array) -> tuple[Tree, Sizes]:
    """Checks a score's parameters against the memory's dtype.

    Args:
        score: the score.
        params: the weights of the score.
        like: `[..., D]` an array of the dtype that they should have.

    Returns:
        The parameters as JAX's arrays, and their sizes.
    """
    sizes = score.sizes(params)
    params = jax.tree.map(jnp.asarray, params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        argument = f"params{jax.tree_util.keystr(path)}"
        expected = f"the dtype of the memory, {like.dtype}"
        expect(leaf.dtype == like.dtype, argument, expected, leaf.dtype)
    return params, sizes


def check_record(params: Tree, kind: type) -> None:
    """Checks that parameters are a record of arrays of floats.

    Args:
        params: the weights of the score.
        kind: the record.
    """
    fields = ", ".join(kind.__annotations__)
    expected = f"{record_name(kind)}, {fields}"
    expect(isinstance(params, kind), "params", expected, type(params).__name__)
    for field, leaf in params._asdict().items():
        check_floats(f"params.{field}", leaf)


def check_draw(key: Key, num_hidden: int, num_memory: int, dtype: DTypeLike) -> None:
    """Checks what every score's `init` takes.

    Args:
        key: random key, consumed.
        num_hidden: H.
        num_memory: D.
        dtype: floating-point dtype of the weights.
    """
    check_dtype("dtype", dtype)
    check_key("key", key)
    check_count("num_hidden", num_hidden)
    check_count("num_memory", num_memory)
