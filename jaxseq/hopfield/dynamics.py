"""How a Hopfield network moves, eqs. (1) and (2), and its energy, eqs. (4) and (5).

Reference: as `jaxseq.hopfield`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.checks import check_count, check_ids, check_key, describe, expect
from jaxseq.hopfield.network import (
    Network,
    Units,
    check_shape,
    check_state,
    check_symmetric,
)
from jaxseq.types import Array, Key


class Recall(NamedTuple):
    """Where a recall ended.

    A state is a fixed point if `is_fixed`, one of two that follow each other for ever
    if `is_cycle`, and has not settled in the time it had if neither.

    Attributes:
        state: `[..., N]` the units.
        is_fixed: `[...]` bool.
        is_cycle: `[...]` bool.
        num_sweeps: `[...]` int32, how many changed it until that was known.
    """

    state: Array
    is_fixed: Array
    is_cycle: Array
    num_sweeps: Array


def heard(network: Network, state: Array) -> Array:
    """Returns h_i of eq. (1) for all units, `[..., N]`.

    Args:
        network: weights `[N, N]` and thresholds `[N]`.
        state: `[..., N]`.

    Raises:
        ValueError: naming the argument.
    """
    network, state = check_shape(network, state)
    return _heard(network, state)


def energy(network: Network, state: Array) -> Array:
    """Returns E of eq. (4), `[...]`.

    Args:
        network: weights `[N, N]` and thresholds `[N]`.
        state: `[..., N]`.

    Raises:
        ValueError: if T is not symmetric: then there is no energy. Inside `jit`, where
            its values are not known, that is not seen.
    """
    network, state = check_shape(network, state)
    check_symmetric(network.T)
    pairs = jnp.sum(state * (state @ network.T), axis=-1)
    return -pairs / 2 + state @ network.U  # (4)


def change_of_energy(units: Units, network: Network, state: Array) -> Array:
    """Returns ΔE of eq. (5) for each unit, were it the one that changes: `[..., N]`.

    Args:
        units: which of the two kinds.
        network: weights `[N, N]` and thresholds `[N]`.
        state: `[..., N]`.

    Raises:
        ValueError: naming the argument.
    """
    network, state = check_state(units, network, state)
    check_symmetric(network.T)
    change = (1 + units.off) - 2 * state
    h = _heard(network, state)
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
    """Updates all units at once by eq. (2): `[..., N]` to `[..., N]`.

    Args:
        units: which of the two kinds.
        network: weights `[N, N]` and thresholds `[N]`.
        state: `[..., N]`.

    Raises:
        ValueError: naming the argument.
    """
    network, state = check_state(units, network, state)
    return _threshold(units, _heard(network, state), network.U, state)  # (2)


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


def _heard(network: Network, state: Array) -> Array:
    return state @ network.T.T  # (1)


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
