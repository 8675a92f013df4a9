"""The two kinds of units, weights and thresholds, and what is checked of them.

Reference: as `jaxseq.hopfield`.
"""

from typing import NamedTuple

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_floats, describe, expect
from jaxseq.types import Array


class Units(NamedTuple):
    """What a unit is when it is off; on, it is 1.

    Attributes:
        name: for messages.
        off: 0 or -1.
    """

    name: str
    off: float


zero_one = Units("0/1", 0.0)
plus_minus = Units("±1", -1.0)


class Network(NamedTuple):
    """Weights and thresholds.

    Attributes:
        T: `[N, N]` weights, zero diagonal; symmetric where there is to be an energy.
        U: `[N]` thresholds.
    """

    T: Array
    U: Array


def check_network(network: Network) -> Network:
    """Checks that weights are a square matrix of zero diagonal, thresholds beside it.

    Args:
        network: the weights and thresholds.

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

    Args:
        units: which of the two kinds.
        network: the weights and thresholds.
        state: `[..., N]`.

    Returns:
        Both, of JAX's arrays: the states `[..., N]`.

    Raises:
        ValueError: naming the argument.
    """
    network, state = check_shape(network, state)
    check_values("state", units, state)
    return network, state


def check_shape(network: Network, state: Array) -> tuple[Network, Array]:
    """Checks as `check_state` does, but not the units' values."""
    network = check_network(network)
    check_floats("state", state)
    state, T = jnp.asarray(state), network.T
    fits = state.ndim >= 1 and state.shape[-1] == T.shape[0] and state.dtype == T.dtype
    expected = f"{T.dtype}[..., {T.shape[0]}], a unit for each row of T"
    expect(fits, "state", expected, describe(state))
    return network, state


def check_values(argument: str, units: Units, values: Array) -> None:
    """Checks that values, where they are known, are those of such units.

    Args:
        argument: its name, for the error's message.
        units: which of the two kinds.
        values: `[..., N]`.
    """
    is_kind = isinstance(units, Units)
    expect(is_kind, "units", "zero_one or plus_minus", repr(units))
    if isinstance(values, jax.core.Tracer):
        return
    wrong = np.asarray(values)[~np.isin(np.asarray(values), [units.off, 1.0])]
    expected = f"nothing but {units.off:g} and 1"
    expect(wrong.size == 0, argument, expected, wrong[:1])


def check_symmetric(T: Array) -> None:
    """Checks that weights, where they are known, are symmetric.

    Args:
        T: `[N, N]` the weights.
    """
    if isinstance(T, jax.core.Tracer):
        return
    wrong = np.argwhere(np.asarray(T) != np.asarray(T).T)
    if len(wrong):
        i, j = wrong[0].tolist()
        came = f"{T[i, j]} at [{i}, {j}], {T[j, i]} at [{j}, {i}]"
        expect(False, "network.T", "a symmetric matrix, or there is no energy", came)
