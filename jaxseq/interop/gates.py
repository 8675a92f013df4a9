"""What other libraries' recurrent layers share: stacked gates, and biases held twice.

PyTorch, Keras and ONNX stack the weights of a layer's gates as jaxseq does, `[G, ·]`,
each in an order of its own, and most add two biases where jaxseq has one:

    U x_t + b_x + W h_{t-1} + b_h                 b = b_x + b_h                    (1)

The one exception is the candidate of a GRU that resets after, whose b_h is inside the
reset, and is jaxseq's b_m. Read, the two biases are added up; written, they are b and
0, so what jaxseq writes it reads back to the bit. What another library wrote is written
back to the bit where its b_h was 0; with `like`, where it was not.

Gates have letters: f, i, o and g, the candidate c̃, of an LSTM; r, z, n of a GRU; h of
Elman's network. jaxseq stacks them as "fiog", "rzn", "h".

Reference: as `jaxseq.interop`.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.cells import Cell, elman, gru, lstm
from jaxseq.cells.activations import Activation
from jaxseq.checks import describe, expect, record_name
from jaxseq.types import Array, Tree


class Orders(NamedTuple):
    """In which order a library stacks gates.

    Attributes:
        lstm: the letters of its four gates.
        gru: of its three.
        elman: of its one.
    """

    lstm: str
    gru: str
    elman: str = "h"


class Stacks(NamedTuple):
    """The weights of one layer and direction as other libraries have them, eq. (1).

    Attributes:
        U: `[G, I]` from the inputs.
        W: `[G, H]` from the last output.
        b_x: `[G]`, beside the inputs; None for no biases.
        b_h: `[G]`, beside the last output; None for none, or zeros.
    """

    U: Any
    W: Any
    b_x: Any = None
    b_h: Any = None


OURS = Orders(lstm="fiog", gru="rzn")


def reorder(stacked: Any, order: str, new_order: str) -> Any:
    """Stacks the gates of `[G, ...]` in another order.

    Args:
        stacked: `[G, ...]`, of NumPy or JAX.
        order: the letters of its gates, in their order.
        new_order: the same letters in the order wanted.

    Returns:
        `[G, ...]`, of the same library.
    """
    num_gates = len(order)
    size = stacked.shape[0] // num_gates
    parts = stacked.reshape(num_gates, size, *stacked.shape[1:])
    taken = np.array([order.index(gate) for gate in new_order])
    return parts[taken].reshape(stacked.shape)


def kind_of(argument: str, cell: Cell) -> str:
    """Returns which field of `Orders` a cell is of.

    Args:
        argument: the name of `cell`, for errors.
        cell: any cell.

    Raises:
        ValueError: if it has no counterpart in PyTorch and Keras.
    """
    kinds: dict[Any, str] = {lstm.step: "lstm", gru.after.step: "gru"}
    kinds[gru.before.step] = "gru"
    kind = "elman" if activation_of(cell) is not None else kinds.get(cell.step)
    expected = "the cell of lstm, gru or elman that other libraries have"
    expect(kind is not None, argument, expected, cell.name)
    return str(kind)


def activation_of(cell: Cell) -> Activation | None:
    """Returns the activation of Elman's cell; None of any other.

    Args:
        cell: any cell.
    """
    step: Any = cell.step
    is_elman = isinstance(step, functools.partial) and step.func is elman.step
    return step.args[0] if is_elman else None


def params_of(cell: Cell, stacks: Stacks, orders: Orders) -> Tree:
    """Converts another library's weights of a layer, NumPy's arrays, eq. (1).

    Args:
        cell: what to convert to.
        stacks: of fitting shapes.
        orders: the library's.

    Returns:
        The cell's parameters, of NumPy's arrays.
    """
    kind = kind_of("cell", cell)
    stacked: list[Any] = [
        None if a is None else reorder(a, getattr(orders, kind), getattr(OURS, kind))
        for a in stacks
    ]
    U, W, b_x, b_h = stacked
    num_hidden = W.shape[1]
    b_x = np.zeros(W.shape[:1], W.dtype) if b_x is None else b_x
    b_h = np.zeros_like(b_x) if b_h is None else b_h
    if cell is gru.reset_after():
        split = 2 * num_hidden
        b = np.concatenate([_sum(b_x[:split], b_h[:split]), b_x[split:]])  # (1)
        return _record(cell)(U, W, b, b_m=b_h[split:])
    return _record(cell)(U, W, _sum(b_x, b_h))  # (1)


def stacks_of(cell: Cell, params: Tree, orders: Orders) -> Stacks:
    """Converts a cell's parameters to another library's: biases b and 0.

    Args:
        cell: what to convert from.
        params: its parameters, checked; may be traced.
        orders: the library's.
    """
    kind = kind_of("cell", cell)
    U, W, b, *b_m = params
    b_h = jnp.zeros(b.shape, b.dtype)
    if b_m:
        b_h = jnp.concatenate([b_h[: -b_m[0].shape[0]], b_m[0]])
    ordered = (
        reorder(a, getattr(OURS, kind), getattr(orders, kind)) for a in (U, W, b, b_h)
    )
    return Stacks(*ordered)


def as_like(
    argument: str, cell: Cell, stacks: Stacks, like: Stacks, orders: Orders
) -> Stacks:
    """Gives biases back as they were, where their sum has not changed since.

    Args:
        argument: the name of `like`, for errors.
        cell: what the weights are of.
        stacks: from `stacks_of`, not traced.
        like: what was read, of NumPy's arrays; None for biases that it lacks.
        orders: the library's.

    Returns:
        `stacks` with the two biases of `like` wherever these add up to jaxseq's, and
        without biases where `like` has none.

    Raises:
        ValueError: if `like` has no biases and the parameters' are not 0, or has them
            of another size.
    """
    b_x, b_h = np.asarray(stacks.b_x), np.asarray(stacks.b_h)
    if like.b_x is None:
        is_zero = not (b_x.any() or b_h.any())
        expected = "biases, as those of params are not 0"
        expect(is_zero, argument, expected, "none")
        return stacks._replace(b_x=None, b_h=None)
    if like.b_h is None:
        return stacks
    kind = kind_of("cell", cell)
    fits = like.b_x.shape == like.b_h.shape == b_x.shape
    expected = f"the weights that were read, biases of {describe(b_x)}"
    expect(fits, argument, expected, describe(like.b_x))
    before = params_of(cell, like, orders).b
    before = reorder(before, getattr(OURS, kind), getattr(orders, kind))
    same = _bits(before) == _bits(b_x)
    if cell is gru.reset_after():  # b_m is a parameter of its own
        same &= np.repeat([gate != "n" for gate in orders.gru], len(same) // 3)
    return stacks._replace(
        b_x=jnp.array(np.where(same, like.b_x, b_x)),
        b_h=jnp.array(np.where(same, like.b_h, b_h)),
    )


def check_params(argument: str, cell: Cell, params: Tree) -> None:
    """Checks the type of a cell's parameters, and that their shapes are one cell's.

    Args:
        argument: the name of `params`, for errors.
        cell: one that `kind_of` knows.
        params: its parameters; may be traced.
    """
    record = _record(cell)
    is_one = isinstance(params, record)
    expect(is_one, argument, record_name(record), type(params).__name__)
    num_inputs, num_hidden = cell.sizes(params)
    num_rows = len(getattr(OURS, kind_of(argument, cell))) * num_hidden
    wanted = {"U": (num_rows, num_inputs), "W": (num_rows, num_hidden)}
    wanted |= {"b": (num_rows,), "b_m": (num_hidden,)}
    for name, leaf in zip(params._fields, params, strict=True):
        expected = f"shape {list(wanted[name])}"
        expect(
            leaf.shape == wanted[name], f"{argument}.{name}", expected, describe(leaf)
        )


def on_host(argument: str, value: Any) -> np.ndarray:
    """Copies an array of NumPy, JAX, or a tensor of PyTorch, to NumPy.

    Args:
        argument: its name, for errors.
        value: of any shape.

    Returns:
        The same shape, dtype and numbers.

    Raises:
        ValueError: if it is no array of floating-point numbers.
    """
    if hasattr(value, "detach"):  # a tensor of PyTorch, which need not be installed
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":  # NumPy has none; JAX takes PyTorch's
            value = jax.dlpack.from_dlpack(value.contiguous())
        else:
            value = value.numpy()
    array = np.array(value)
    is_float = jnp.issubdtype(array.dtype, jnp.floating)
    expect(is_float, argument, "an array of a floating-point dtype", describe(array))
    return array


def on_device(argument: str, tree: Tree) -> Tree:
    """Copies a tree of NumPy's arrays to JAX's, to the bit.

    Args:
        argument: its name, for errors.
        tree: NumPy's arrays.

    Returns:
        JAX's arrays, in the same tree.

    Raises:
        ValueError: if they are of 64 bits, and JAX is not set to have these.
    """

    def moved(leaf: np.ndarray) -> Array:
        has_it = leaf.dtype == jax.dtypes.canonicalize_dtype(leaf.dtype)
        expected = "32 bits or fewer, as jax_enable_x64 is not set"
        expect(has_it, argument, expected, leaf.dtype)
        return jnp.array(leaf)

    return jax.tree.map(moved, tree)


def _record(cell: Cell) -> Any:
    records: dict[Any, Any] = {lstm.step: lstm.Params, gru.after.step: gru.ParamsAfter}
    records[gru.before.step] = gru.ParamsBefore
    return records.get(cell.step, elman.Params)


def _sum(b_x: np.ndarray, b_h: np.ndarray) -> np.ndarray:
    """Adds two biases; what is added to 0 stays what it is, to the sign of a zero."""
    with np.errstate(all="ignore"):  # NaN and infinity are as good as other numbers
        return np.where(b_h == 0, b_x, b_x + b_h)


def _bits(array: np.ndarray) -> np.ndarray:
    return array.view(f"u{array.dtype.itemsize}")
