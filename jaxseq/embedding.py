"""The input layer of words: a one-hot vector times a matrix is a row of it.

    x_t = Eᵀ onehot(id_t) = the id_t-th row of E                                   (1)
    ∇E = Σ_t onehot(id_t) d_x_tᵀ: each d_x_t is added to its row                   (2)

JAX's own indexing clamps an id that is too large, wraps a negative one, and drops the
gradient of both. Here such an id is refused on the host, and inside `jit`, where it
cannot be, its row is NaN: never a wrong row.

Reference: Bengio, Ducharme, Vincent, Jauvin, A neural probabilistic language model,
JMLR 3, 2003: E is its matrix C.
"""

import jax
import jax.numpy as jnp

from jaxseq.checks import (
    check_count,
    check_dtype,
    check_floats,
    check_ids,
    check_key,
    describe,
    expect,
    widened,
)
from jaxseq.types import Array, DTypeLike, Key


def init(key: Key, num_ids: int, size: int, dtype: DTypeLike = jnp.float32) -> Array:
    """Draws a table `[V, I]`, normal with standard deviation 0.1; consumes the key.

    Args:
        key: random key, consumed.
        num_ids: V.
        size: I.
        dtype: floating-point dtype of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_key("key", key)
    check_count("num_ids", num_ids)
    check_count("size", size)
    check_dtype("dtype", dtype)
    return 0.1 * jax.random.normal(key, (num_ids, size), dtype)


def lookup(table: Array, ids: Array) -> Array:
    """Returns the rows of a table, eq. (1); its gradient, by JAX, is (2).

        >>> lookup(jnp.array([[1.0, 2], [3, 4], [5, 6]]), jnp.array([2, 0])).tolist()
        [[5.0, 6.0], [1.0, 2.0]]

    Args:
        table: `[V, I]`.
        ids: `[...]` integers, 0 to V - 1.

    Returns:
        `[..., I]`; NaN where, inside `jit`, an id is out of range.

    Raises:
        ValueError: naming the argument; for an id out of range, its place.
    """
    check_floats("table", table)
    expect(table.ndim == 2, "table", "shape [V, I]", describe(table))
    check_ids("ids", ids, table.shape[0])
    ids = widened(ids)
    # A negative id would count from the end: send it past the end, to be filled.
    past_the_end = jnp.full_like(ids, table.shape[0])
    ids = jnp.where(ids < 0, past_the_end, ids)
    return jnp.take(table, ids, axis=0, mode="fill", fill_value=jnp.nan)
