"""What is stored in a Hopfield network, eq. (3), and how much of it stays.

Reference: as `jaxseq.hopfield`.
"""

import math

import jax
import jax.numpy as jnp

from jaxseq.checks import check_count, check_floats, describe, expect
from jaxseq.hopfield.network import (
    Network,
    Units,
    check_network,
    check_values,
    plus_minus,
)
from jaxseq.types import Array


def store(units: Units, patterns: Array) -> Network:
    """Stores patterns by Hebb's rule, eq. (3), thresholds 0.

    Args:
        units: which kind the patterns are of.
        patterns: `[n, N]`.

    Returns:
        The network; its weights are whole numbers, exact in float32 up to 2²⁴ patterns.

    Raises:
        ValueError: if a pattern is not of such units.
    """
    mu = _signs(units, patterns)
    T = _without_diagonal(mu.T @ mu)  # (3)
    return Network(T, jnp.zeros_like(T[0]))


def store_bounded(units: Units, patterns: Array, limit: int) -> Network:
    """Stores one pattern after the other, no weight ever over ±limit.

    The newest are remembered, the oldest forgotten.

    Args:
        units: which kind the patterns are of.
        patterns: `[n, N]`, the oldest first.
        limit: the largest weight, 1 or more.

    Returns:
        The network.

    Raises:
        ValueError: naming the argument.
    """
    check_count("limit", limit)
    mu = _signs(units, patterns)

    def add(T, mu_s):
        return jnp.clip(T + jnp.outer(mu_s, mu_s), -limit, limit), None

    size = mu.shape[1]
    T, _ = jax.lax.scan(add, jnp.zeros((size, size), mu.dtype), mu)
    return Network(_without_diagonal(T), jnp.zeros_like(T[0]))


def clipped(network: Network) -> Network:
    """Keeps the signs of the weights only.

    Args:
        network: weights `[N, N]` and thresholds `[N]`.

    Raises:
        ValueError: if it is no network.
    """
    network = check_network(network)
    return network._replace(T=jnp.sign(network.T))


def as_zero_one(network: Network) -> Network:
    """Writes a network of ±1 units as one of 0/1 units that does the same.

    Args:
        network: weights `[N, N]` and thresholds `[N]`.

    Raises:
        ValueError: if it is no network.
    """
    network = check_network(network)
    return network._replace(U=(jnp.sum(network.T, axis=1) + network.U) / 2)


def flip_probability(units: Units, num_patterns: int, num_units: int) -> float:
    """Returns how likely one unit of a stored pattern is unstable, eq. (10) of 1982.

    The other n - 1 patterns are noise beside the pattern's own signal, N/2 with a
    standard deviation of √((n-1)N/2) for units of 0 and 1, N and √((n-1)N) for ±1. With
    P this probability, about e^(-NP) of the patterns are stable whole.

    Args:
        units: their kind.
        num_patterns: n.
        num_units: N.

    Raises:
        ValueError: naming the argument.
    """
    check_count("num_patterns", num_patterns)
    check_count("num_units", num_units)
    if num_patterns == 1:
        return 0.0
    num_heard = num_units if units == plus_minus else num_units / 2
    noise = math.sqrt((num_patterns - 1) * num_heard)
    return 0.5 * math.erfc(num_heard / (noise * math.sqrt(2)))


def _signs(units: Units, patterns: Array) -> Array:
    """Checks patterns, and writes them as ±1."""
    check_floats("patterns", patterns)
    patterns = jnp.asarray(patterns)
    is_list = patterns.ndim == 2 and 0 not in patterns.shape
    expect(is_list, "patterns", "shape [n, N], none of them 0", describe(patterns))
    check_values("patterns", units, patterns)
    return (2 * patterns - (1 + units.off)) / (1 - units.off)


def _without_diagonal(T: Array) -> Array:
    return T * (1 - jnp.eye(len(T), dtype=T.dtype))
