"""Attention: a sum of a memory's values, weighted by how well its keys fit a query.

For queries h_1 … h_T, of a decoder's steps, and a memory of M positions:

    e_tj = score(h_t, k_j)                     a `jaxseq.attention.Score`          (1)
    α_tj = softmax over the positions that count, 0 elsewhere                      (2)
    c_t = Σ_j α_tj v_j                                                             (3)

Backward, with d_c_t and d_α_t from outside (a copying decoder uses the weights too):

    d_α_tj += d_c_t · v_j                                                          (4)
    δ_tj = ∂L/∂e_tj = α_tj (d_α_tj - Σ_i α_ti d_α_ti)                              (5)
    d_h_t = Σ_j δ_tj ∂e_tj/∂h_t                the score's delta                   (6)
    d_v_j = Σ_t α_tj d_c_t                                                         (7)
    d_k_j = Σ_t δ_tj ∂e_tj/∂k_j, and ∇params   the score's collect                 (8)

(4) to (6) are `delta`, for one step or all: a decoder whose query is its own last state
calls it in its backward loop, which emits δ_t. (7) and (8) are `collect`: sums over
time, as GEMMs, after the loop. `attend` does both at once, for queries that are known.

A query for which no position counts has weights, context and gradients of exactly 0.

Shapes: queries `[..., *B, H]` end in the batch axes of the memory, `[*B, M, ·]`. Axes
in front of those, `[T, B, H]` steps or `[K, B, H]` beams, share the one memory.

Precision: the softmax and the weights are float32 at least; the products take narrow
factors where the memory is narrow, as in `jaxseq.precision`.

References:
    Bahdanau, Cho, Bengio 2014, eqs. (5) and (6); Luong, Pham, Manning 2015, section 3.
    Scores: `jaxseq.attention.dot`, `general`, `additive`.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.attention import softmax
from jaxseq.attention.memory import Memory
from jaxseq.attention.score import (
    Score,
    check_params,
    check_score,
    dots,
    mix,
    spread,
)
from jaxseq.axes import alike
from jaxseq.checks import check_floats, check_mask, describe, expect
from jaxseq.masks import zero_unless
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array, Tree, accumulator


class Attended(NamedTuple):
    """What attention returns, or the errors of it.

    Attributes:
        contexts: `[..., *B, D]` c, in the queries' dtype.
        weights: `[..., *B, M]` α, float32 at least.
    """

    contexts: Array
    weights: Array


def attend(score: Score, params: Tree, queries: Array, memory: Memory) -> Attended:
    """Attends to a memory, eqs. (1) to (3); gradients by (4) to (8).

    A query that fits the first of two positions, whose values are 10 and 20:

        >>> from jaxseq.attention import dot
        >>> from jaxseq.attention.memory import remember
        >>> score, keys = dot.score(), jnp.array([[1.0, 0], [0, 1]])
        >>> memory = remember(score, (), keys, values=jnp.array([[10.0], [20]]))
        >>> context, weights = attend(score, (), jnp.array([2.0, 0]), memory)
        >>> round(float(context[0]), 3), round(float(weights[0]), 3)
        (11.192, 0.881)

    Args:
        score: what compares, such as `additive.score()`.
        params: its weights.
        queries: `[..., *B, H]` h_t, in the memory's dtype, or float32 around a narrower
            memory.
        memory: of `jaxseq.attention.memory.remember`, with batch axes *B.

    Returns:
        Contexts and weights.

    Raises:
        ValueError: naming the argument.
    """
    args = _checked(score, params, queries, memory)
    marked = reverse_only(
        "jaxseq.attention.attend.attend",
        "jaxseq.attention.attend.attend_plain, with the same arguments",
        alike(*args),
    )
    return _attend(score, *marked)


def attend_plain(
    score: Score, params: Tree, queries: Array, memory: Memory
) -> Attended:
    """Attends as `attend` does; gradients by JAX, forward mode too."""
    return _formula(score, *_checked(score, params, queries, memory))


def delta(
    score: Score,
    params: Tree,
    queries: Array,
    memory: Memory,
    weights: Array,
    d_attended: Attended,
) -> tuple[Array, Array]:
    """Sends the errors of contexts and weights back to the queries: one step, or all.

    Args:
        score: what compared.
        params: its weights.
        queries: `[..., *B, H]` h_t, finite.
        memory: the memory.
        weights: `[..., *B, M]` α_t of the forward pass.
        d_attended: ∂L/∂c_t and ∂L/∂α_t.

    Returns:
        `[..., *B, H]` d_h_t, and `[..., *B, M]` δ_t for `collect`.
    """
    d_weights = d_attended.weights + dots(d_attended.contexts, memory.values)  # (4)
    deltas = softmax.delta(weights, d_weights)  # (5)
    return score.delta(params, queries, memory.keys, deltas), deltas  # (6)


def collect(
    score: Score,
    params: Tree,
    queries: Array,
    memory: Memory,
    weights: Array,
    d_contexts: Array,
    deltas: Array,
) -> tuple[Tree, Memory]:
    """Sums the deltas of all steps into gradients of the memory and the weights.

    Args:
        score: what compared.
        params: its weights.
        queries: `[..., *B, H]` h_t.
        memory: the memory.
        weights: `[..., *B, M]` α_t.
        d_contexts: `[..., *B, D]` ∂L/∂c_t.
        deltas: `[..., *B, M]` δ_t of `delta`.

    Returns:
        ∇params, without what the keys hold of it, and d_k and d_v as a memory.
    """
    d_values = spread(weights, d_contexts, memory.values)  # (7)
    d_params, d_keys = score.collect(params, queries, memory.keys, deltas)  # (8)
    return d_params, Memory(d_keys, d_values, None)


def _formula(score, params, queries, memory):
    scores = score.score(params, queries, memory.keys)  # (1)
    weights = softmax.softmax(scores, memory.mask)  # (2)
    contexts = mix(weights, memory.values)  # (3)
    return Attended(contexts.astype(queries.dtype), weights)


_attend = functools.partial(jax.custom_vjp, nondiff_argnums=(0,))(_formula)


def _forward(score, params, queries, memory):
    attended = _formula(score, params, queries, memory)
    return attended, (params, queries, memory, attended.weights)


def _backward(score, residuals, d_attended):
    params, queries, memory, weights = residuals
    d_queries, deltas = delta(score, params, queries, memory, weights, d_attended)
    d_contexts = d_attended.contexts
    d_params, d_memory = collect(
        score, params, queries, memory, weights, d_contexts, deltas
    )
    return d_params, d_queries, d_memory


_attend.defvjp(_forward, _backward)


def _checked(score, params, queries, memory):
    """Checks the arguments; returns all but the score as JAX's arrays."""
    check_score("score", score)
    hint = "a Memory, as of jaxseq.attention.memory.remember"
    expect(isinstance(memory, Memory), "memory", hint, type(memory).__name__)
    keys, values, mask = memory
    check_floats("memory.keys", keys)
    check_floats("memory.values", values)
    keys, values = jnp.asarray(keys), jnp.asarray(values)
    expect(keys.ndim >= 2, "memory.keys", "shape [..., M, A]", describe(keys))
    fits = values.shape[:-1] == keys.shape[:-1] and values.ndim == keys.ndim
    fits &= values.dtype == keys.dtype
    expected = f"{keys.dtype}[{', '.join(map(str, keys.shape[:-1]))}, D], as keys"
    expect(fits, "memory.values", expected, describe(values))
    if mask is not None:
        check_mask("memory.mask", mask, keys.shape[:-1])
        mask = jnp.asarray(mask)
    params, sizes = check_params(score, params, keys)
    fits = sizes.num_keys is None or keys.shape[-1] == sizes.num_keys
    expected = f"shape [..., M, A] with A = {sizes.num_keys}, as params have it"
    expect(fits, "memory.keys", expected, describe(keys))
    check_floats("queries", queries)
    queries = jnp.asarray(queries)
    batch = keys.shape[:-2]
    size = keys.shape[-1] if sizes.num_hidden is None else sizes.num_hidden
    cut = queries.ndim - 1 - len(batch)
    fits = cut >= 0 and queries.shape[cut:] == (*batch, size)
    expected = f"shape [..., {', '.join(map(str, (*batch, size)))}]"
    expect(fits, "queries", expected, describe(queries))
    allowed = dict.fromkeys([str(keys.dtype), str(accumulator(keys.dtype))])
    is_one = str(queries.dtype) in allowed
    expect(is_one, "queries", " or ".join(allowed), describe(queries))
    return params, _finite(queries, mask), Memory(keys, values, mask)


def _finite(queries, mask):
    """Blanks the queries for which no position counts: their 0 * inf would be NaN."""
    if mask is None:
        return queries
    is_there = jnp.any(mask, axis=-1)
    return zero_unless(jnp.broadcast_to(is_there, queries.shape[:-1]), queries)
