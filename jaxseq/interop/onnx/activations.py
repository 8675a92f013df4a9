"""ONNX's activations of recurrent nodes, by name, with their two numbers α and β.

    Sigmoid      1 / (1 + e⁻ᵃ)              Tanh             tanh(a)
    HardSigmoid  min(max(α a + β, 0), 1)    ScaledTanh       α tanh(β a)
    Relu         max(a, 0)                  ThresholdedRelu  a if a > α, or else 0
    LeakyRelu    α a if a < 0, or else a    Elu              α (eᵃ - 1) if a < 0, or a
    Softplus     ln(1 + eᵃ)                 Softsign         a / (1 + |a|)
    Affine       α a + β

The numbers of a node are given out in the order of its activations, to those that take
one; names are read in any case, as onnxruntime does. Defaults are those of the
operators of these names, but where runtimes differ from them (onnxruntime takes 0 for
Affine, ScaledTanh and ThresholdedRelu) a number must be there.

Reference: as `jaxseq.interop.onnx`, LSTM-14, "activations" and "activation_alpha".
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.cells import activations as of_cells
from jaxseq.cells.activations import sigmoid
from jaxseq.checks import expect
from jaxseq.types import Array


class Activation(NamedTuple):
    """An activation by name, with the numbers that it takes; None for those not.

    Attributes:
        name: as ONNX spells it.
        alpha: α.
        beta: β.
    """

    name: str
    alpha: float | None = None
    beta: float | None = None


class _Kind(NamedTuple):
    value: Callable[..., Array]  # a, α, β
    alpha: float | None = None  # by default; None where it must be given
    beta: float | None = None
    num_numbers: int = 0


_KINDS = {
    "Sigmoid": _Kind(sigmoid),
    "Tanh": _Kind(jnp.tanh),
    "Relu": _Kind(jax.nn.relu),
    "Affine": _Kind(lambda a, alpha, beta: alpha * a + beta, num_numbers=2),
    "LeakyRelu": _Kind(
        lambda a, alpha: jnp.where(a < 0, alpha * a, a), 0.01, num_numbers=1
    ),
    "ThresholdedRelu": _Kind(
        lambda a, alpha: jnp.where(a > alpha, a, jnp.zeros_like(a)), num_numbers=1
    ),
    "ScaledTanh": _Kind(
        lambda a, alpha, beta: alpha * jnp.tanh(beta * a), num_numbers=2
    ),
    "HardSigmoid": _Kind(
        lambda a, alpha, beta: jnp.clip(alpha * a + beta, 0, 1), 0.2, 0.5, 2
    ),
    "Elu": _Kind(lambda a, alpha: jax.nn.elu(a, alpha), 1.0, num_numbers=1),
    "Softsign": _Kind(jax.nn.soft_sign),
    "Softplus": _Kind(jax.nn.softplus),
}
_BY_LOWER = {name.lower(): name for name in _KINDS}

SIGMOID, TANH = Activation("Sigmoid"), Activation("Tanh")
# Of Elman's cell, by the activation's name in `jaxseq.cells.activations`.
_OF_CELLS = {
    of_cells.tanh: TANH,
    of_cells.logistic: SIGMOID,
    of_cells.relu: Activation("Relu"),
    of_cells.identity: Activation("Affine", 1.0, 0.0),
}


def value(activation: Activation, a: Array) -> Array:
    """Applies an activation.

    Args:
        activation: of `named`.
        a: of any shape.

    Returns:
        The same shape.
    """
    numbers = (n for n in (activation.alpha, activation.beta) if n is not None)
    return _KINDS[activation.name].value(a, *numbers)


def named(
    names: Sequence[str], alphas: Sequence[float], betas: Sequence[float]
) -> tuple[Activation, ...]:
    """Gives out a node's numbers to its activations.

    Args:
        names: in the node's order.
        alphas: to be given out.
        betas: likewise.

    Raises:
        ValueError: naming an activation that is unknown or lacks a number.
    """
    alphas, betas, made = list(alphas), list(betas), []
    for name in names:
        known = _BY_LOWER.get(name.lower())
        expected = f"some of {', '.join(_KINDS)}"
        expect(known is not None, "activations", expected, repr(name))
        kind = _KINDS[str(known)]
        numbers: list[float | None] = [None, None]
        for k, (given, default) in enumerate(
            zip((alphas, betas), (kind.alpha, kind.beta), strict=True)
        ):
            if k < kind.num_numbers:
                argument = ("activation_alpha", "activation_beta")[k]
                number = given.pop(0) if given else default
                expected = f"one for {known}, whose default differs among runtimes"
                expect(number is not None, argument, expected, "none")
                numbers[k] = number
        made.append(Activation(str(known), *numbers))
    return tuple(made)


def of_cell(activation: of_cells.Activation) -> Activation:
    """Returns ONNX's form of an activation of `jaxseq.cells.activations`.

    Args:
        activation: of a cell.

    Raises:
        ValueError: if it has none.
    """
    found = _OF_CELLS.get(activation)
    expect(found is not None, "activation", "one of ONNX's", activation.name)
    return found or TANH


def to_cell(activation: Activation) -> of_cells.Activation | None:
    """Returns the activation of Elman's cell that is ONNX's; None if there is none.

    Args:
        activation: ONNX's.
    """
    found = (cells for cells, onnx in _OF_CELLS.items() if onnx == activation)
    return next(found, None)
