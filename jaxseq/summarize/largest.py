"""The K largest of many numbers, where K is small: without sorting them.

XLA on a CPU sorts all of a row for `jax.lax.top_k` inside a loop. Here the numbers are
cut into chunks: the K largest stand in the K chunks of the largest maxima, so that one
pass for the maxima and K passes over few numbers are enough. Ties go to the lower
place, as with `jax.lax.top_k`.
"""

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
    short = [(0, 0)] * (numbers.ndim - 1) + [(0, -num_numbers % _CHUNK)]
    padded = jnp.pad(numbers, short, constant_values=-jnp.inf)
    chunks = padded.reshape(*numbers.shape[:-1], -1, _CHUNK)
    maxima = jnp.max(chunks, axis=-1)
    _, best = _one_by_one(maxima, places[..., : maxima.shape[-1]], size)
    found = jnp.take_along_axis(chunks, best[..., None], axis=-2)
    within = jnp.arange(_CHUNK, dtype=jnp.int32)
    places = best[..., None] * _CHUNK + jnp.broadcast_to(within, found.shape)
    flat = (*numbers.shape[:-1], size * _CHUNK)
    return _one_by_one(found.reshape(flat), places.reshape(flat), size)


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
