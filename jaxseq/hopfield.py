"""Hopfield's network of 1982: memories are the minima of an energy.

Units V_i are 0 or 1 (`zero_one`), or μ_i = ±1 (`plus_minus`). With weights T, symmetric
and of zero diagonal, and thresholds U:

    h_i = Σ_{j≠i} T_ij V_j                        what unit i hears                (1)
    V_i ← on if h_i > U_i, off if h_i < U_i, left as it is if they are equal       (2)
    T_ij = Σ_s μ_i^s μ_j^s,   μ = 2V - 1          storage of patterns s            (3)
    E = -½ Σ_ij T_ij V_i V_j + Σ_i U_i V_i        energy                           (4)
    ΔE = -ΔV_i (h_i - U_i) ≤ 0                    one unit changes by (2)          (5)

One unit at a time, in random order, E never rises, so `recall` comes to rest. All units
at once may go to and fro between two states for ever: `recall_at_once` says so.

The two kinds of units are one network in two notations: with U_i = ½ Σ_j T_ij units of
0 and 1 do what units of ±1 do with U = 0 (`as_zero_one`). At U = 0 they do not: the
noise of the silent units is then not taken off, and half as much can be stored.

Sizes: N units, n patterns. States are `[..., N]`: batch axes share the order in which
units are visited; `jax.vmap` over keys gives each its own.

Reference: Hopfield, Neural networks and physical systems with emergent collective
computational abilities, PNAS 79, 1982. Eqs. (2), (3), (4) are its 1, 2, 7; (5) is 8.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import (
    check_count,
    check_floats,
    check_ids,
    check_key,
    describe,
    expect,
)
from jaxseq.types import Array, Key


class Units(NamedTuple):
    """What a unit is when it is off; on, it is 1."""

    name: str
    off: float


zero_one = Units("0/1", 0.0)
plus_minus = Units("±1", -1.0)


class Network(NamedTuple):
    """Weights and thresholds."""

    T: Array  # [N, N], zero diagonal; symmetric where there is to be an energy
    U: Array  # [N]


class Recall(NamedTuple):
    """Where a recall ended.

    A state is a fixed point if `is_fixed`, one of two that follow each other for ever
    if `is_cycle`, and has not settled in the time it had if neither.
    """

    state: Array  # [..., N]
    is_fixed: Array  # [...] bool
    is_cycle: Array  # [...] bool
    num_sweeps: Array  # [...] int32, how many changed it until that was known


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
    """Keeps the signs of the weights only."""
    network = check_network(network)
    return network._replace(T=jnp.sign(network.T))


def as_zero_one(network: Network) -> Network:
    """Writes a network of ±1 units as one of 0/1 units that does the same."""
    network = check_network(network)
    return network._replace(U=(jnp.sum(network.T, axis=1) + network.U) / 2)


def heard(network: Network, state: Array) -> Array:
    """Returns h_i of eq. (1) for all units, `[..., N]`."""
    network, state = _check_state(network, state)
    return state @ network.T.T  # (1)


def energy(network: Network, state: Array) -> Array:
    """Returns E of eq. (4), `[...]`.

    Raises:
        ValueError: if T is not symmetric: then there is no energy. Inside `jit`, where
            its values are not known, that is not seen.
    """
    network, state = _check_state(network, state)
    _check_symmetric(network.T)
    pairs = jnp.sum(state * (state @ network.T), axis=-1)
    return -pairs / 2 + state @ network.U  # (4)


def change_of_energy(units: Units, network: Network, state: Array) -> Array:
    """Returns ΔE of eq. (5) for each unit, were it the one that changes: `[..., N]`."""
    network, state = check_state(units, network, state)
    _check_symmetric(network.T)
    change = (1 + units.off) - 2 * state
    h = heard(network, state)
    return -change * (h - jnp.broadcast_to(network.U, h.shape))  # (5)


def sweep(units: Units, network: Network, state: Array, order: Array) -> Array:
    """Updates units one after the other by eq. (2).

    Args:
        units: their kind.
        network: the weights and thresholds.
        state: `[..., N]`.
        order: `[K]` integers, who is updated; every unit once is a permutation of N.

    Returns:
        `[..., N]` the state after all of them.

    Raises:
        ValueError: naming the argument. Inside `jit` a number that no unit has updates
            none.
    """
    network, state = check_state(units, network, state)
    check_ids("order", order, state.shape[-1])
    expect(order.ndim == 1, "order", "shape [K]", describe(order))

    def update(state, i):
        h_i = state @ network.T[i]  # (1)
        new = _threshold(units, h_i, network.U[i], state[..., i])  # (2)
        return state.at[..., i].set(new), None

    state, _ = jax.lax.scan(update, state, order)
    return state


def at_once(units: Units, network: Network, state: Array) -> Array:
    """Updates all units at once by eq. (2): `[..., N]` to `[..., N]`."""
    network, state = check_state(units, network, state)
    return _threshold(units, state @ network.T.T, network.U, state)


def recall(
    units: Units, network: Network, state: Array, key: Key, max_sweeps: int = 100
) -> Recall:
    """Updates one unit at a time until none changes any more.

    Args:
        units: their kind.
        network: the weights and thresholds.
        state: `[..., N]` where to start, such as a damaged pattern.
        key: for the order of the units, new at each sweep; consumed.
        max_sweeps: how often each unit is updated at most.

    Returns:
        Where it ended. With symmetric weights that is a fixed point.

    Raises:
        ValueError: naming the argument.
    """
    check_key("key", key)
    network, state = check_state(units, network, state)

    def next_state(number, state):
        order = jax.random.permutation(jax.random.fold_in(key, number), state.shape[-1])
        return sweep(units, network, state, order)

    # A state that comes back proves nothing here: the next order is another one.
    return _settle(next_state, _never, state, max_sweeps)


def recall_at_once(
    units: Units, network: Network, state: Array, max_sweeps: int = 100
) -> Recall:
    """Updates all units at once until nothing changes, or two states alternate.

    Arguments and errors as in `recall`, which needs a key besides.
    """
    network, state = check_state(units, network, state)

    def next_state(number, state):
        del number
        return at_once(units, network, state)

    return _settle(next_state, _equal, state, max_sweeps)


def flip_probability(units: Units, num_patterns: int, num_units: int) -> float:
    """Returns how likely one unit of a stored pattern is unstable, eq. (10) of 1982.

    The other n - 1 patterns are noise beside the pattern's own signal, N/2 with a
    standard deviation of √((n-1)N/2) for units of 0 and 1, N and √((n-1)N) for ±1. With
    P this probability, about e^(-NP) of the patterns are stable whole.

    Args:
        units: their kind.
        num_patterns: n.
        num_units: N.
    """
    check_count("num_patterns", num_patterns)
    check_count("num_units", num_units)
    if num_patterns == 1:
        return 0.0
    num_heard = num_units if units == plus_minus else num_units / 2
    noise = math.sqrt((num_patterns - 1) * num_heard)
    return 0.5 * math.erfc(num_heard / (noise * math.sqrt(2)))


def check_network(network: Network) -> Network:
    """Checks that weights are a square matrix of zero diagonal, thresholds beside it.

    Returns:
        The network, of JAX's arrays.

    Raises:
        ValueError: naming the argument.
    """
    is_network = isinstance(network, Network)
    expect(is_network, "network", "a hopfield.Network", type(network).__name__)
    check_floats("network.T", network.T)
    check_floats("network.U", network.U)
    T, U = map(jnp.asarray, network)
    is_square = T.ndim == 2 and T.shape[0] == T.shape[1] > 0
    expect(is_square, "network.T", "shape [N, N], N ≥ 1", describe(T))
    fits = U.shape == T.shape[:1] and U.dtype == T.dtype
    expect(fits, "network.U", f"{T.dtype}[{T.shape[0]}]", describe(U))
    if not isinstance(T, jax.core.Tracer):
        diagonal = np.diagonal(np.asarray(T))
        expect(not diagonal.any(), "network.T", "a zero diagonal", diagonal)
    for argument, values in (("network.T", T), ("network.U", U)):
        if not isinstance(values, jax.core.Tracer):
            has_nan = bool(np.isnan(np.asarray(values)).any())
            expect(not has_nan, argument, "numbers", "NaN among them")
    return Network(T, U)


def check_state(units: Units, network: Network, state: Array) -> tuple[Network, Array]:
    """Checks a network, and that states are of N such units.

    Returns:
        Both, of JAX's arrays.

    Raises:
        ValueError: naming the argument.
    """
    network, state = _check_state(network, state)
    _check_values("state", units, state)
    return network, state


def _check_state(network: Network, state: Array) -> tuple[Network, Array]:
    network = check_network(network)
    check_floats("state", state)
    state, T = jnp.asarray(state), network.T
    fits = state.ndim >= 1 and state.shape[-1] == T.shape[0] and state.dtype == T.dtype
    expected = f"{T.dtype}[..., {T.shape[0]}], a unit for each row of T"
    expect(fits, "state", expected, describe(state))
    return network, state


def _check_values(argument: str, units: Units, values: Array) -> None:
    is_kind = isinstance(units, Units)
    expect(is_kind, "units", "zero_one or plus_minus", repr(units))
    if isinstance(values, jax.core.Tracer):
        return
    wrong = np.asarray(values)[~np.isin(np.asarray(values), [units.off, 1.0])]
    expected = f"nothing but {units.off:g} and 1"
    expect(wrong.size == 0, argument, expected, wrong[:1])


def _check_symmetric(T: Array) -> None:
    if isinstance(T, jax.core.Tracer):
        return
    wrong = np.argwhere(np.asarray(T) != np.asarray(T).T)
    if len(wrong):
        i, j = wrong[0].tolist()
        came = f"{T[i, j]} at [{i}, {j}], {T[j, i]} at [{j}, {i}]"
        expect(False, "network.T", "a symmetric matrix, or there is no energy", came)


def _signs(units: Units, patterns: Array) -> Array:
    """Checks patterns, and writes them as ±1."""
    check_floats("patterns", patterns)
    patterns = jnp.asarray(patterns)
    is_list = patterns.ndim == 2 and 0 not in patterns.shape
    expect(is_list, "patterns", "shape [n, N], none of them 0", describe(patterns))
    _check_values("patterns", units, patterns)
    return (2 * patterns - (1 + units.off)) / (1 - units.off)


def _without_diagonal(T: Array) -> Array:
    return T * (1 - jnp.eye(len(T), dtype=T.dtype))


def _threshold(units: Units, h: Array, U: Array, V: Array) -> Array:
    """Decides by eq. (2)."""
    U = jnp.broadcast_to(U, h.shape)
    off = jnp.full_like(V, units.off)
    return jnp.where(h > U, jnp.ones_like(V), jnp.where(h < U, off, V))


def _settle(
    next_state: Callable[[Array, Array], Array],
    is_back: Callable[[Array, Array], Array],
    state: Array,
    max_sweeps: int,
) -> Recall:
    """Repeats a step until every state is fixed, or back where it was before."""
    check_count("max_sweeps", max_sweeps)

    def is_on_its_way(carry):
        number, _, recalled = carry
        return (number < max_sweeps) & ~jnp.all(recalled.is_fixed | recalled.is_cycle)

    def step(carry):
        number, before, recalled = carry
        new = next_state(number, recalled.state)
        is_fixed = _equal(new, recalled.state)
        is_cycle = is_back(new, before) & ~is_fixed
        is_counted = ~(is_fixed | recalled.is_cycle)
        num_sweeps = recalled.num_sweeps + is_counted.astype(jnp.int32)
        return number + 1, recalled.state, Recall(new, is_fixed, is_cycle, num_sweeps)

    no = jnp.zeros(state.shape[:-1], bool)
    start = Recall(state, no, no, no.astype(jnp.int32))
    # Before the first step there was no state: NaN equals none.
    before = jnp.full_like(state, jnp.nan)
    return jax.lax.while_loop(is_on_its_way, step, (jnp.int32(0), before, start))[2]


def _equal(state: Array, other: Array) -> Array:
    return jnp.all(state == other, axis=-1)


def _never(state: Array, other: Array) -> Array:
    del other
    return jnp.zeros(state.shape[:-1], bool)
