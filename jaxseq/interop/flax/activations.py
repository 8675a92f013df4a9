"""Which of Flax's functions are those that jaxseq's cells have a slope for."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxseq.cells import elman
from jaxseq.cells.activations import Activation, identity, logistic, relu, tanh
from jaxseq.interop.flax.trees import Layout


# Flax's names are these very functions: `nn.tanh is jnp.tanh`.
ACTIVATIONS: tuple[tuple[Callable, Activation], ...] = (
    (jnp.tanh, tanh),
    (jax.nn.relu, relu),
    (jax.nn.sigmoid, logistic),
    (jax.nn.identity, identity),
)


def has_default_gates(cell: Any) -> bool:
    """Says whether a gated cell of Flax has the functions that the papers give it.

    Args:
        cell: one of Flax's gated cells, of linen or of nnx.
    """
    return cell.gate_fn is jax.nn.sigmoid and cell.activation_fn is jnp.tanh


def with_activation(layout: Layout, function: Callable) -> Layout | None:
    """Returns a simple cell's layout with this function; None if jaxseq lacks it.

    Args:
        layout: of a simple cell.
        function: Flax's `activation_fn`.
    """
    for flaxs, activation in ACTIVATIONS:
        if function is flaxs:
            return layout._replace(cell=elman.cell(activation))
    return None
