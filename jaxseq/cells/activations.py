"""Activations f with their slopes, each slope written in terms of the value f(a).

    tanh      f(a) = (eᵃ - e⁻ᵃ) / (eᵃ + e⁻ᵃ)      f'(a) = 1 - f(a)²              (A1)
    logistic  f(a) = 1 / (1 + e⁻ᵃ)                f'(a) = f(a) (1 - f(a))        (A2)
    relu      f(a) = max(a, 0)                    f'(a) = 1 if f(a) > 0 else 0   (A3)
    identity  f(a) = a                            f'(a) = 1                      (A4)

That the slope follows from the value is why back-propagation through time needs to keep
the states only: the pre-activations can be thrown away. The slope of relu at the kink
a = 0 is 0, as in `jax.nn.relu`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.checks import expect
from jaxseq.types import Array


class Activation(NamedTuple):
    """An elementwise function and its derivative as a function of its value.

    Attributes:
        name: for messages and reports.
        value: a -> f(a).
        slope: f(a) -> f'(a).
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


def check_activation(argument: str, activation: Activation) -> None:
    """Checks that an activation is one, with its slope.

    Args:
        argument: its name, for the error's message.
        activation: f.
    """
    expected = "an Activation of jaxseq.cells.activations"
    is_one = isinstance(activation, Activation)
    expect(is_one, argument, expected, type(activation).__name__)


def sigmoid(a: Array) -> Array:
    """Returns σ(a) = ½ + ½ tanh(a / 2), for gates.

    XLA vectorises tanh, and evaluates it once for all who need it: several times as
    fast on a CPU as `jax.nn.sigmoid`. Its error is relative to 1, not to σ(a): a gate
    below 10⁻⁷ is 0 in float32, where `logistic` still tells 10⁻⁹ from 10⁻³⁰.

    Args:
        a: `[...]` pre-activations.

    Returns:
        `[...]`.
    """
    return 0.5 + 0.5 * jnp.tanh(0.5 * a)


tanh = Activation("tanh", jnp.tanh, lambda s: 1 - s**2)  # (A1)
logistic = Activation("logistic", jax.nn.sigmoid, lambda s: s * (1 - s))  # (A2)
relu = Activation("relu", jax.nn.relu, lambda s: (s > 0).astype(s.dtype))  # (A3)
identity = Activation("identity", lambda a: a, jnp.ones_like)  # (A4)
