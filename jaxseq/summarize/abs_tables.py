"""The tables of ABS: rows that are short, and read as if they were not.

    x̃ = s E_x,    s = 2.5 √D                                                       (1)
    E_x ← E_x / max(1, |E_x|)    after each epoch                                  (2)

Rows are drawn with norm 1 / 2.5, so that entries of x̃ have variance 1 at first.

Sizes: V words, D entries.

Reference: Rush, Chopra, Weston, A neural attention model for abstractive sentence
summarization, EMNLP 2015; (2) as their program NAMAS has it.

Departure: s, which is 1 there. As rows are of norm 1 at most, without it all products
are small, and learn slowly, and cutting the rows undoes much of an epoch.
"""

import jax
import jax.numpy as jnp

from jaxseq import embedding
from jaxseq.types import Array, DTypeLike, Key


def draw(key: Key, num_ids: int, size: int, dtype: DTypeLike) -> Array:
    """Draws a table `[V, D]` whose rows are read with variance 1.

    Args:
        key: random key, consumed.
        num_ids: V.
        size: D.
        dtype: of the table.
    """
    return jax.random.normal(key, (num_ids, size), dtype) / scale(size)


def scale(size: int) -> float:
    """Returns s, by which the rows of D entries are multiplied as they are read.

    Args:
        size: D.
    """
    return 2.5 * size**0.5


def lookup(table: Array, ids: Array) -> Array:
    """Returns x̃, eq. (1): `[...]` ids to `[..., D]`.

    Args:
        table: `[V, D]`.
        ids: `[...]` integers below V.
    """
    return embedding.lookup(table, ids) * scale(table.shape[1])


def capped(table: Array) -> Array:
    """Returns a table whose rows of norm above 1 are divided by it, eq. (2).

    Args:
        table: `[V, D]`.

    Returns:
        `[V, D]`.
    """
    norms = jnp.linalg.norm(table, axis=-1, keepdims=True)
    norms = jnp.maximum(norms, jnp.ones_like(norms))
    return table / jnp.broadcast_to(norms, table.shape)
