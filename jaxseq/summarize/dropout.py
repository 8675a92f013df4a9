"""Dropout where sequences are trained: none without a key.

Reference: Gal, Ghahramani, A theoretically grounded application of dropout in recurrent
neural networks, NeurIPS 2016: `alike`.
"""

import jax.numpy as jnp

from jaxseq import network
from jaxseq.types import Array, Key


def alike(key: Key | None, rate: float, xs: Array) -> Array:
    """Drops the same entries of a sequence `[T, B, I]` at each step.

    Args:
        key: random key, consumed; None to drop nothing.
        rate: in [0, 1); static under `jit`.
        xs: `[T, B, I]`.

    Returns:
        `[T, B, I]`, what is kept divided by its share, the rest 0: `network.drop`.
    """
    if key is None or rate == 0:
        return xs
    kept = network.drop(key, rate, jnp.ones_like(xs[:1]))
    return xs * jnp.broadcast_to(kept, xs.shape)


def each(key: Key | None, rate: float, xs: Array) -> Array:
    """Drops each entry by itself; arguments as of `alike`, any shape."""
    return xs if key is None or rate == 0 else network.drop(key, rate, xs)
