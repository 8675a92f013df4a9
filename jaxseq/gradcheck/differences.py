"""Finite differences, at two steps, that tell a kink from an error.

For a scalar function f along one coordinate, with step h:

    n(h) = (f(x + h) - f(x - h)) / 2h            central difference, error O(h²)   (1)
    n = (4 n(h/2) - n(h)) / 3                    Richardson, error O(h⁴)           (2)
    k(h) = (f(x + h) - 2 f(x) + f(x - h)) / h    right slope less left slope       (3)

Where f is smooth, k(h) goes to 0 with h; where it has a kink (relu at 0), k stays. In
float64 with h = 1e-3, (2) is good to about 1e-10 of f.

Reference:
    Press et al., Numerical Recipes, 3rd edition, 2007, section 5.7.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


STEP = 1e-3


class Differences(NamedTuple):
    """Finite differences of some coordinates.

    Attributes:
        slope: `[N]`, (2).
        jump: `[N]`, (3) at h/2, right slope less left slope.
        noise: `[N]`, what rounding of f, by a few ulp, makes of the slope.
    """

    slope: np.ndarray
    jump: np.ndarray
    noise: np.ndarray


def differences(
    function: Callable[[jax.Array], jax.Array], x: jax.Array, coordinates: np.ndarray
) -> Differences:
    """Differentiates a scalar function numerically along some coordinates.

    Args:
        function: `[D]` to a scalar.
        x: `[D]` float64, where.
        coordinates: `[N]` indices into x.

    Returns:
        The slopes, the jumps in them, and how far rounding can move the slopes.
    """

    @jax.jit
    def around(coordinate):
        h = STEP * jnp.maximum(jnp.abs(x[coordinate]), 1.0)
        steps = h * jnp.array([-1.0, -0.5, 0.0, 0.5, 1.0], x.dtype)
        values = jax.lax.map(lambda s: function(x.at[coordinate].add(s)), steps)
        return h, values

    hs, values = jax.lax.map(around, jnp.asarray(coordinates))
    hs, values = np.asarray(hs), np.asarray(values)
    minus, minus_half, center, plus_half, plus = values.T
    wide = (plus - minus) / (2 * hs)  # (1) at h
    narrow = (plus_half - minus_half) / hs  # (1) at h/2
    slope = (4 * narrow - wide) / 3  # (2)
    jump = (plus_half - 2 * center + minus_half) / (hs / 2)  # (3)
    noise = 16 * np.finfo(np.float64).eps * np.abs(values).max(axis=1) / hs
    return Differences(slope, jump, noise)
