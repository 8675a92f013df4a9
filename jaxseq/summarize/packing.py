"""The steps that count, side by side without the padding between them.

An output layer of V words costs most of a summarizer's training, and half of its rows
would be padding. So the N steps (t, b) that count are gathered first:

    packed_n = xs_{t(n), b(n)}                                                     (1)
    d_xs_{t, b} = d_packed_{n(t, b)}, and 0 where (t, b) does not count            (2)

Both are gathers, as each step has its own place: nothing is scattered.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.axes import alike
from jaxseq.checks import describe, expect
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array


class Packing(NamedTuple):
    """Which steps count, and where they go.

    Attributes:
        steps: `[N]` int32, t B + b of each place; T B where there is none.
        places: `[T, B]` int32, the place of each step; N where it has none.
    """

    steps: Array
    places: Array


def of(lengths: np.ndarray, num_steps: int, num_places: int) -> Packing:
    """Packs the first steps of each sequence, on the host.

    Args:
        lengths: [B] integers, how many steps count.
        num_steps: T.
        num_places: N, at least the sum of the lengths.

    Raises:
        ValueError: naming the argument.
    """
    total = int(np.sum(lengths))
    expect(num_places >= total, "num_places", f"{total} at least", num_places)
    counts = np.arange(num_steps)[:, None] < np.asarray(lengths)[None, :]
    found = np.flatnonzero(counts)
    expect(len(found) == total, "lengths", f"at most T = {num_steps}", lengths)
    steps: Any = np.full(num_places, counts.size, np.int32)
    steps[: len(found)] = found
    places: Any = np.full(counts.shape, num_places, np.int32)
    places.flat[found] = np.arange(len(found))
    return Packing(steps, places)


def pack(packing: Packing, xs: Array) -> Array:
    """Returns `[N, ...]` of `[T, B, ...]`, eq. (1), 0 where there is no step.

    Args:
        packing: which steps count.
        xs: `[T, B, ...]`.

    Raises:
        ValueError: naming the argument.
    """
    fits = xs.shape[:2] == packing.places.shape
    expected = f"shape {list(packing.places.shape)} and more axes"
    expect(fits, "xs", expected, describe(xs))
    packing, xs = alike(packing, xs)
    xs = reverse_only("jaxseq.summarize.packing.pack", "xs.reshape and take", xs)
    return _pack(packing, xs)


def _take(rows: Array, places: Array) -> Array:
    # Sorted they are, but to say so gains nothing on a gather.
    return jnp.take(rows, places, axis=0, mode="fill", fill_value=0)


@jax.custom_vjp
def _pack(packing, xs):
    return _take(xs.reshape(packing.places.size, *xs.shape[2:]), packing.steps)  # (1)


def _forward(packing, xs):
    return _pack(packing, xs), packing


def _backward(packing, d_packed):
    return None, _take(d_packed, packing.places)  # (2)


_pack.defvjp(_forward, _backward)
