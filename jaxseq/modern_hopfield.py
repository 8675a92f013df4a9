"""Modern Hopfield networks: continuous states, and one step of recall is attention.

With n stored patterns x_1 … x_n of largest norm M, a state ξ and β > 0:

    E = -lse(β, Xᵀξ) + ½ ξᵀξ + β⁻¹ log n + ½ M²    energy, 0 ≤ E ≤ 2M² (for ‖ξ‖ ≤ M) (1)
    lse(β, z) = β⁻¹ log Σ_i exp(β z_i)                                             (2)
    ξ ← X softmax(β Xᵀξ)                           never raises E                  (3)

(3) is attention of the query ξ with the patterns as keys and values; β = 1/√d is its
usual scale. A small β ends in the mean of all patterns, a middle one in the mean of
some that are alike, a large one in a single pattern.

Sizes: d entries of a pattern, n patterns, one a row; states are `[..., d]`.

Reference: Ramsauer et al., Hopfield networks is all you need, ICLR 2021: its eqs. (2),
(4) and (5).
"""

import math
from typing import NamedTuple

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count, check_floats, describe, expect
from jaxseq.types import Array


class Retrieved(NamedTuple):
    """Where a recall ended.

    Attributes:
        state: `[..., d]` ξ.
        num_updates: scalar int32, how often (3) was applied.
        is_settled: `[...]` bool, whether the last update moved it less than asked.
    """

    state: Array
    num_updates: Array
    is_settled: Array


def energy(beta: float, patterns: Array, state: Array) -> Array:
    """Returns E of eq. (1).

    Args:
        beta: β.
        patterns: `[n, d]`.
        state: `[..., d]`.

    Returns:
        `[...]`.

    Raises:
        ValueError: naming the argument.
    """
    patterns, state = _check(beta, patterns, state)
    lse = jax.nn.logsumexp(beta * (state @ patterns.T), axis=-1) / beta  # (2)
    largest = jnp.max(jnp.sum(patterns**2, axis=-1))  # M²
    own = jnp.sum(state**2, axis=-1) / 2
    return -lse + own + jnp.log(len(patterns)) / beta + largest / 2  # (1)


def weights(beta: float, patterns: Array, state: Array) -> Array:
    """Returns softmax(β Xᵀξ), how much each pattern is attended to: `[..., n]`.

    Arguments and errors as in `energy`.
    """
    patterns, state = _check(beta, patterns, state)
    return _weights(beta, patterns, state)


def update(beta: float, patterns: Array, state: Array) -> Array:
    """Returns the next state by eq. (3): `[..., d]`.

    Arguments and errors as in `energy`.
    """
    patterns, state = _check(beta, patterns, state)
    return _weights(beta, patterns, state) @ patterns  # (3)


def retrieve(
    beta: float,
    patterns: Array,
    state: Array,
    tolerance: float = 1e-4,
    max_updates: int = 100,
) -> Retrieved:
    """Repeats eq. (3) until no state moves by more than a tolerance.

    Args:
        beta: β.
        patterns: `[n, d]`.
        state: `[..., d]` where to start.
        tolerance: the length of an update that counts as none.
        max_updates: how many there are at most.

    Returns:
        Where it ended.

    Raises:
        ValueError: naming the argument.
    """
    patterns, state = _check(beta, patterns, state)
    check_count("max_updates", max_updates)
    _check_number("tolerance", tolerance, "a number of 0 or more", 0.0)

    def is_on_its_way(retrieved):
        is_early = retrieved.num_updates < max_updates
        return is_early & ~jnp.all(retrieved.is_settled)

    def step(retrieved):
        new = _weights(beta, patterns, retrieved.state) @ patterns  # (3)
        moved = jnp.linalg.norm(new - retrieved.state, axis=-1)
        return Retrieved(new, retrieved.num_updates + 1, moved <= tolerance)

    start = Retrieved(state, jnp.int32(0), jnp.zeros(state.shape[:-1], bool))
    return jax.lax.while_loop(is_on_its_way, step, start)


def _weights(beta: float, patterns: Array, state: Array) -> Array:
    return jax.nn.softmax(beta * (state @ patterns.T), axis=-1)


def _check(beta: float, patterns: Array, state: Array) -> tuple[Array, Array]:
    """Checks the arguments; returns patterns and states as JAX's arrays."""
    _check_number("beta", beta, "a finite number above 0", math.ulp(0.0))
    check_floats("patterns", patterns)
    check_floats("state", state)
    patterns, state = jnp.asarray(patterns), jnp.asarray(state)
    is_list = patterns.ndim == 2 and 0 not in patterns.shape
    expect(is_list, "patterns", "shape [n, d], none of them 0", describe(patterns))
    size, dtype = patterns.shape[1], patterns.dtype
    fits = state.ndim >= 1 and state.shape[-1] == size and state.dtype == dtype
    expect(fits, "state", f"{dtype}[..., {size}], as patterns", describe(state))
    return patterns, state


def _check_number(argument: str, value: float, expected: str, least: float) -> None:
    """Checks a finite number, its value only where it is known."""
    is_array = isinstance(value, jax.Array | np.ndarray | np.number)
    if isinstance(value, jax.core.Tracer):
        expect(value.ndim == 0, argument, expected, describe(value))
        return
    is_number = is_array and value.ndim == 0
    is_number |= isinstance(value, int | float) and not isinstance(value, bool)
    expect(is_number, argument, expected, describe(value) if is_array else repr(value))
    is_in_range = math.isfinite(value) and float(value) >= least
    expect(is_in_range, argument, expected, value)
