"""The softmax over some of the positions, and its delta.

    α_tj = exp(e_tj) / Σ_i exp(e_ti)    over the positions i that count, 0 elsewhere (1)
    δ_tj = ∂L/∂e_tj = α_tj (d_α_tj - Σ_i α_ti d_α_ti)                              (2)

A row in which no position counts is 0, not NaN, and so is its delta. What stands at a
position that does not count is never read: NaN and infinities neither. At one that
does, -inf is a weight of 0; +inf, an overflow, is NaN, as it is in `jax.nn.softmax`.

Reference: Bridle 1990, for (1) where all positions count.
"""

import jax
import jax.numpy as jnp

from jaxseq.types import Array, accumulator


def softmax(scores: Array, mask: Array | None = None) -> Array:
    """Returns α, eq. (1).

    Args:
        scores: `[..., *B, M]` e.
        mask: `[*B, M]` bool, which positions count; None for all.

    Returns:
        `[..., *B, M]`, float32 at least.
    """
    scores = scores.astype(accumulator(scores.dtype))
    if mask is None:
        mask = jnp.ones(scores.shape[-1:], bool)
    mask = jnp.broadcast_to(mask, scores.shape)
    low = float(jnp.finfo(scores.dtype).min)
    counted = jnp.where(mask, scores, jnp.full_like(scores, low))
    top = jnp.max(counted, axis=-1, keepdims=True, initial=low)
    top = jax.lax.stop_gradient(jnp.broadcast_to(top, scores.shape))
    is_there = jnp.any(mask, axis=-1, keepdims=True)
    # Before exp, so that its derivative is finite; after, so that nothing is counted.
    powers = jnp.exp(jnp.where(mask, scores - top, jnp.zeros_like(scores)))
    powers = jnp.where(mask, powers, jnp.zeros_like(powers))
    total = jnp.sum(powers, axis=-1, keepdims=True)
    total = jnp.where(is_there, total, jnp.ones_like(total))
    return powers / jnp.broadcast_to(total, powers.shape)  # (1)


def delta(weights: Array, d_weights: Array) -> Array:
    """Returns ∂L/∂e, eq. (2).

    Args:
        weights: `[..., M]` α.
        d_weights: `[..., M]` ∂L/∂α.

    Returns:
        `[..., M]`.
    """
    mean = jnp.sum(weights * d_weights, axis=-1, keepdims=True)
    return weights * (d_weights - jnp.broadcast_to(mean, d_weights.shape))  # (2)
