"""Words drawn by their frequency, at the same cost whatever the vocabulary's size.

Walker's alias method: each of V equal bins is shared by at most two words. A draw picks
a bin, then one of its two words:

    w = j         if u < share_j,    j uniform in 0..V-1, u uniform in [0, 1)
        other_j   else                                                             (1)

References:
    Walker 1977, ACM Transactions on Mathematical Software 3(3), 253-256.
    Vose 1991, IEEE Transactions on Software Engineering 17(9), 972-975, for `make`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import describe, expect
from jaxseq.types import Array, Key


class Sampler(NamedTuple):
    """A distribution over words as bins.

    Attributes:
        shares: `[V]` float32, how much of a bin its own word has.
        others: `[V]` int32, whose the rest is.
    """

    shares: Array
    others: Array


def make(probabilities: np.ndarray) -> Sampler:
    """Fills the bins.

    Args:
        probabilities: `[V]`, not negative, with sum 1.

    Raises:
        ValueError: if they are no distribution.
    """
    given = np.asarray(probabilities, np.float64)
    expected = "an array [V] of probabilities with sum 1"
    expect(given.ndim == 1, "probabilities", expected, describe(probabilities))
    is_distribution = bool(np.all(given >= 0)) and bool(np.isclose(given.sum(), 1))
    got = f"a least one of {given.min(initial=1):g} and the sum {given.sum():g}"
    expect(is_distribution, "probabilities", expected, got)
    shares = (given * len(given)).tolist()
    others = list(range(len(shares)))
    poor = [j for j, share in enumerate(shares) if share < 1]
    rich = [j for j, share in enumerate(shares) if share >= 1]
    while poor and rich:
        filled, giver = poor.pop(), rich[-1]
        others[filled] = giver
        shares[giver] -= 1 - shares[filled]
        if shares[giver] < 1:
            poor.append(rich.pop())
    # What rounding has left over has its bin alone.
    for j in poor + rich:
        shares[j] = 1.0
    return Sampler(jnp.asarray(shares, jnp.float32), jnp.asarray(others, jnp.int32))


def draw(key: Key, sampler: Sampler, shape: tuple[int, ...]) -> Array:
    """Draws words, (1).

    Args:
        key: for the draws.
        sampler: over V words.
        shape: how many.

    Returns:
        int32 ids of this shape.
    """
    key_bin, key_share = jax.random.split(key)
    num_words = sampler.shares.shape[0]
    j = jax.random.randint(key_bin, shape, 0, num_words, jnp.int32)
    u = jax.random.uniform(key_share, shape, jnp.float32)
    return jnp.where(u < sampler.shares[j], j, sampler.others[j])  # (1)
