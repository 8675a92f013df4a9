"""Weights of Keras' `LSTM`, `GRU`, `SimpleRNN` and `Bidirectional`, from and to lists.

    layer, params = keras.read(keras_layer.get_weights())
    keras_layer.set_weights(keras.write(layer, params))

The lists are `get_weights()`'s, for each direction

    kernel [I, G] Uᵀ,  recurrent_kernel [H, G] Wᵀ,  bias b                         (1)

with G = 4H, gates i f c o (LSTM), G = 3H, gates z r h (GRU), or G = H. The bias is
`[G]`, but of a GRU with `reset_after`, Keras' default, `[2, G]`: b_x and b_h of
`jaxseq.interop.gates`. It is left out under `use_bias=False`. A Bidirectional layer has
the list of the one that reads forwards, then that of the other; its `merge_mode` must
be "concat".

What the lists do not say: the activations. jaxseq's are Keras' defaults; a SimpleRNN
with another one than tanh, or a GRU without biases that resets before, needs `cell`.

Reference: Keras 3 (Chollet et al., 2015), `keras/src/layers/rnn`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxseq import network
from jaxseq.both import Both
from jaxseq.cells import Cell, elman, gru, lstm
from jaxseq.cells.checks import check_cell
from jaxseq.checks import describe, expect
from jaxseq.interop.gates import (
    Orders,
    Stacks,
    as_like,
    check_params,
    kind_of,
    on_device,
    on_host,
    params_of,
    stacks_of,
)
from jaxseq.types import Array, Tree


class Layer(NamedTuple):
    """A layer of `jaxseq.network`, and its parameters.

    Attributes:
        layer: its cell, or two for both directions.
        params: of its cell, or of both.
    """

    layer: network.Layer
    params: Tree


_ORDERS = Orders(lstm="ifgo", gru="zrn")  # c is our g, h our n


def read(weights: Sequence[Any], cell: Cell | None = None) -> Layer:
    """Reads the weights of one layer, or of a Bidirectional one.

    Args:
        weights: what `get_weights()` gives.
        cell: what the layer must be; None to read it off the shapes.

    Returns:
        A cell, or `Both`, and its parameters, in the dtype of the weights, copied.

    Raises:
        ValueError: naming the array that does not fit.
    """
    expected = "a list of 2 arrays, or 3 with a bias, a direction"
    is_list = isinstance(weights, Sequence) and not isinstance(weights, str)
    expect(is_list, "weights", expected, type(weights).__name__)
    num_arrays = len(weights)
    expect(num_arrays in (2, 3, 4, 6), "weights", expected, num_arrays)
    arrays = [on_host(f"weights[{k}]", array) for k, array in enumerate(weights)]
    half = num_arrays if num_arrays < 4 else num_arrays // 2
    cells, params = [], []
    for start in range(0, num_arrays, half):
        one = arrays[start : start + half]
        made = _cell(one, start) if cell is None else cell
        _check_shapes(one, start, made)
        cells.append(made)
        params.append(params_of(made, _stacks(one), _ORDERS))
    params = on_device("weights", params)
    if len(cells) == 1:
        return Layer(cells[0], params[0])
    return Layer(Both(*cells), Both(*params))


def write(
    layer: network.Layer, params: Tree, like: Sequence[Any] | None = None
) -> list[Array]:
    """Writes a layer's weights as `set_weights` takes them; inverts `read`, to the bit.

    Args:
        layer: a cell, or `Both`.
        params: its parameters; may be traced, unless `like` is given.
        like: what was read: biases that have not changed since are written as they
            were, and none where it has none. None for b and 0.

    Raises:
        ValueError: naming what Keras does not have.
    """
    is_both = isinstance(layer, Both)
    expected = "Both, as the layer has both directions"
    expect(not is_both or isinstance(params, Both), "params", expected, type(params))
    pairs = list(zip(layer, params, strict=True)) if is_both else [(layer, params)]
    arrays: list[Array] = []
    for number, (cell, one) in enumerate(pairs):
        check_cell("layer", cell)
        kind_of("layer", cell)
        check_params("params", cell, one)
        stacks = stacks_of(cell, one, _ORDERS)
        if like is not None:
            half = len(like) // len(pairs)
            start = number * half
            old = [on_host(f"like[{start + k}]", like[start + k]) for k in range(half)]
            _check_shapes(old, start, cell, "like")
            stacks = as_like("like", cell, stacks, _stacks(old), _ORDERS)
        arrays += [stacks.U.T, stacks.W.T]  # (1)
        if stacks.b_x is not None:
            is_after = cell is gru.reset_after()
            pair = (stacks.b_x, stacks.b_h)
            arrays.append(jnp.stack(pair) if is_after else stacks.b_x)
    return arrays


def _stacks(arrays: Sequence[np.ndarray]) -> Stacks:
    kernel, recurrent, *rest = arrays
    if not rest:
        return Stacks(kernel.T, recurrent.T)  # (1)
    (bias,) = rest
    b_x, b_h = (bias, None) if bias.ndim == 1 else bias
    return Stacks(kernel.T, recurrent.T, b_x, b_h)  # (1)


def _cell(arrays: Sequence[np.ndarray], start: int) -> Cell:
    """Reads off the shapes which layer it is."""
    recurrent = arrays[1]
    got = describe(recurrent)
    argument = f"weights[{start + 1}]"
    fits = recurrent.ndim == 2 and recurrent.size > 0
    expect(fits, argument, "shape [H, G], the recurrent kernel", got)
    num_gates, rest = divmod(recurrent.shape[1], recurrent.shape[0])
    is_after = len(arrays) < 3 or arrays[2].ndim == 2
    resets = gru.reset_after() if is_after else gru.reset_before()
    cells = {4: lstm.cell(), 3: resets, 1: elman.cell()}
    expected = "shape [H, G] with G = 4H (LSTM), 3H (GRU) or H (SimpleRNN)"
    expect(rest == 0 and num_gates in cells, argument, expected, got)
    return cells[num_gates]


def _check_shapes(
    arrays: Sequence[np.ndarray], start: int, cell: Cell, argument: str = "weights"
) -> None:
    kernel, recurrent, *_ = arrays
    fits = kernel.ndim == recurrent.ndim == 2
    got = f"{describe(kernel)}, {describe(recurrent)}"
    expect(fits, argument, "kernels [I, G] and [H, G]", got)
    num_rows = len(getattr(_ORDERS, kind_of("cell", cell))) * recurrent.shape[0]
    bias = (2, num_rows) if cell is gru.reset_after() else (num_rows,)
    wanted = ((kernel.shape[0], num_rows), (recurrent.shape[0], num_rows), bias)
    for k, (array, shape) in enumerate(zip(arrays, wanted, strict=False)):
        fits = array.shape == shape and array.dtype == kernel.dtype
        expected = f"{kernel.dtype}{list(shape)} for {cell.name}"
        expect(fits, f"{argument}[{start + k}]", expected, describe(array))
