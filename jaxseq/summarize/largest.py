"""The K largest of many numbers, where K is small: without sorting them.

XLA on a CPU sorts all of a row for `jax.lax.top_k` inside a loop. Here the numbers are
cut into chunks: the K largest stand in the K chunks of the largest maxima, or in what
is left after the last whole one. So one pass for the maxima and K passes over few
numbers are enough. Ties go to the lower place, as with `jax.lax.top_k`.
"""

import jax
import jax.numpy as jnp

from jaxseq.types import Array


_CHUNK = 16  # numbers; one AVX-512 register of float32


def largest(numbers: Array, size: int) -> tuple[Array, Array]:
    """Finds the largest numbers of the last axis, and where they are.

    Args:
        numbers: `[..., N]` floats, no NaN among them.
        size: K, at most N.

    Returns:
        `[..., K]` falling, and `[..., K]` int32. The place of a -∞ is arbitrary.
    """
    num_numbers = numbers.shape[-1]
    places = jnp.arange(num_numbers, dtype=jnp.int32)
    places = jnp.broadcast_to(places, numbers.shape)
    if num_numbers <= size * _CHUNK:
        return _one_by_one(numbers, places, size)
    num_whole = num_numbers // _CHUNK * _CHUNK
    before, rest = numbers.shape[:-1], (..., slice(num_whole, None))
    chunks = numbers[..., :num_whole].reshape(*before, -1, _CHUNK)
    # Or XLA on a CPU computes the maxima anew for each of the K.
    maxima = jax.lax.optimization_barrier(jnp.max(chunks, axis=-1))
    _, best = _one_by_one(maxima, places[..., : maxima.shape[-1]], size)
    within = jnp.broadcast_to(
        jnp.arange(_CHUNK, dtype=jnp.int32), (*before, size, _CHUNK)
    )
    inside = (best[..., None] * _CHUNK + within).reshape(*before, size * _CHUNK)
    found = jnp.take_along_axis(numbers, inside, axis=-1)
    return _one_by_one(
        jnp.concatenate([found, numbers[rest]], axis=-1),
        jnp.concatenate([inside, places[rest]], axis=-1),
        size,
    )


def _one_by_one(numbers: Array, places: Array, size: int) -> tuple[Array, Array]:
    """Takes the largest number, of the lowest place, `size` times."""
    values, found = [], []
    for _ in range(size):
        value = jnp.max(numbers, axis=-1, keepdims=True)
        beyond = jnp.iinfo(jnp.int32).max
        is_largest = numbers == value
        place = jnp.min(jnp.where(is_largest, places, beyond), axis=-1, keepdims=True)
        # By place: a chunk of -∞ alone may have been taken twice.
        numbers = jnp.where(places == place, -jnp.inf, numbers)
        values.append(value)
        found.append(place)
    return jnp.concatenate(values, axis=-1), jnp.concatenate(found, axis=-1)
