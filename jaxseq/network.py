"""Stacks of recurrent layers, in one or both directions, with dropout between them.

    ys^1 = unroll(cell^1, xs)
    ys^l = unroll(cell^l, drop(ys^{l-1}))                      layer l = 2 … L     (1)
    ys^l = [unroll(cell, ·), unroll(cell', ·, reverse)]        both directions     (2)
    drop(y) = y ⊙ m / (1 - p),  m ~ Bernoulli(1 - p)           between layers      (3)

(3) is applied to what goes from layer to layer, at each step anew, never to what goes
from step to step nor to the inputs of the first layer. A layer of both directions gives
the two outputs side by side, `[T, ..., 2O]`.

References:
    Zaremba, Sutskever, Vinyals, Recurrent neural network regularization, 2014 (3).
    Schuster, Paliwal, Bidirectional recurrent neural networks, 1997 (2).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.both import Both, one_by_one
from jaxseq.cells.cell import Cell, no_zero_state
from jaxseq.cells.checks import check_cell
from jaxseq.checks import (
    check_draw,
    check_floats,
    check_function,
    check_inputs,
    check_key,
    check_rate,
    expect,
)
from jaxseq.types import Array, DTypeLike, Key, Tree
from jaxseq.unroll import Unrolled, unroll as unroll_by_deltas


Layer = Cell | Both
_NUM_DRAWN = 2**16  # numbers, equally likely, of which one is drawn for each entry


class Stacked(NamedTuple):
    """What a stack gives.

    Attributes:
        ys: `[T, ..., O]` of the last layer.
        states: L final states; `Both` where the layer has both.
    """

    ys: Array
    states: tuple[Tree, ...]


def init(
    key: Key,
    layers: Sequence[Layer],
    num_inputs: int,
    num_hidden: int,
    dtype: DTypeLike = jnp.float32,
) -> tuple[Tree, ...]:
    """Draws the parameters of a stack; the key is consumed.

    Args:
        key: random key.
        layers: L cells, or pairs of cells as `Both`.
        num_inputs: I of the first layer; the others take what the layer below gives.
        num_hidden: H of every cell.
        dtype: of the parameters.

    Returns:
        L parameters, `Both` where the layer has both directions.

    Raises:
        ValueError: naming the argument.
    """
    _check_layers(layers)
    check_draw(key, num_inputs, num_hidden, dtype)
    params = []
    for number, layer_key in enumerate(jax.random.split(key, len(layers))):
        layer = layers[number]
        cells = layer if isinstance(layer, Both) else (layer,)
        keys = jax.random.split(layer_key, len(cells))
        drawn = [
            cell.init(k, num_inputs, num_hidden, dtype)
            for cell, k in zip(cells, keys, strict=True)
        ]
        for cell in cells:
            has_zero_state = cell.zero_state is not no_zero_state
            argument, expected = f"layers[{number}]", "a cell with a zero_state"
            expect(has_zero_state, argument, expected, f"{cell.name}, without")
        params.append(Both(*drawn) if isinstance(layer, Both) else drawn[0])
        num_inputs = sum(
            _num_outputs(cell, p) for cell, p in zip(cells, drawn, strict=True)
        )
    return tuple(params)


def stack(
    layers: Sequence[Layer],
    params: Sequence[Tree],
    states_0: Sequence[Tree | None] | None,
    xs: Array,
    *,
    lengths: Array | None = None,
    resets: Array | None = None,
    reset_states: Sequence[Tree | None] | None = None,
    dropout: float = 0.0,
    key: Key | None = None,
    unroll: Callable[..., Unrolled] = unroll_by_deltas,
    both: Callable[..., Unrolled] = one_by_one,
) -> Stacked:
    """Runs a stack of layers, eqs. (1) to (3).

    Args:
        layers: L cells, or pairs of cells as `Both`.
        params: L parameters.
        states_0: L initial states, each may be None for zeros; None for all zeros.
        xs: `[T, ..., I]` the inputs.
        lengths: as in `jaxseq.unroll.unroll`.
        resets: as in `jaxseq.unroll.unroll`.
        reset_states: L states that `resets` restore, as in `jaxseq.unroll.unroll`; each
            may be None for its entry of `states_0`, None for all of them.
        dropout: p of (3), a number in [0, 1); static under `jit`.
        key: random key of the dropout, consumed; needed if `dropout` is not 0.
        unroll: `unroll` or `unroll_plain` of `jaxseq.unroll`.
        both: how layers of both directions are read: `one_by_one`, with `unroll`, or
            `in_one_scan` of `jaxseq.both`, which takes no `unroll` and keeps the gates.

    Returns:
        The last layer's outputs, and the final states.

    Raises:
        ValueError: naming the argument; "layer 1: ..." where what `layers[1]` is given
            does not fit.
    """
    _check_layers(layers)
    check_inputs("xs", xs)
    _check_entries("params", params, layers, Both)
    if states_0 is None:
        states_0 = [None] * len(layers)
    _check_entries("states_0", states_0, layers, Both | None)
    if reset_states is None:
        reset_states = [None] * len(layers)
    _check_entries("reset_states", reset_states, layers, Both | None)
    check_rate("dropout", dropout)
    if dropout > 0:
        check_key("key", key)
    check_function("unroll", unroll)
    check_function("both", both)
    if both is one_by_one:
        both = functools.partial(one_by_one, unroll=unroll)

    ys, states = xs, []
    masks: dict[str, Any] = {"lengths": lengths, "resets": resets}
    for number, (layer, p, state_0, reset_state) in enumerate(
        zip(layers, params, states_0, reset_states, strict=True)
    ):
        if number > 0 and dropout > 0 and key is not None:
            ys = drop(jax.random.fold_in(key, number), dropout, ys)  # (3)
        read: Any = both if isinstance(layer, Both) else unroll
        try:
            ys, state = read(layer, p, state_0, ys, **masks, reset_state=reset_state)
        except ValueError as error:
            raise ValueError(f"layer {number}: {error}") from error
        states.append(state)
    return Stacked(ys, tuple(states))


def drop(key: Key, rate: float, ys: Array) -> Array:
    """Zeroes each entry with probability `rate`, scales the rest up, eq. (3).

    An entry draws 16 bits: p is rounded to a multiple of 2^-16 below 1, 0 among them.

    Args:
        key: random key, consumed.
        rate: p, a number in [0, 1); static under `jit`.
        ys: any shape.

    Returns:
        The shape of `ys`, with the same expectation.

    Raises:
        ValueError: naming the argument.
    """
    check_key("key", key)
    check_rate("rate", rate)
    check_floats("ys", ys)
    num_dropped = min(round(float(rate) * _NUM_DRAWN), _NUM_DRAWN - 1)
    kept = _draw_16_bits(key, ys.shape) >= num_dropped
    share = 1 - num_dropped / _NUM_DRAWN
    return jnp.where(kept, ys / share, jnp.zeros_like(ys))  # (3)


def _draw_16_bits(key: Key, shape: tuple[int, ...]) -> Array:
    """Draws numbers below 2^16, as uint32.

    Each random word gives two, half of the last axis apart: to draw the words costs
    most of a dropout.
    """
    *leading, size = shape or (1,)
    words = jax.random.bits(key, (*leading, -(-size // 2)), jnp.uint32)
    numbers = jnp.concatenate([words >> 16, words % _NUM_DRAWN], axis=-1)
    return numbers[..., :size].reshape(shape)


def _num_outputs(cell: Cell, params: Tree) -> int:
    one = jax.eval_shape(lambda p: cell.output(cell.zero_state(p, ())), params)
    return one.shape[-1]


def _check_layers(layers: Sequence[Layer]) -> None:
    is_sequence = isinstance(layers, list | tuple) and not isinstance(
        layers, Cell | Both
    )
    expect(is_sequence, "layers", "a list of cells", type(layers).__name__)
    expect(len(layers) > 0, "layers", "at least one cell", "none")
    for number, layer in enumerate(layers):
        cells = layer if isinstance(layer, Both) else (layer,)
        for cell in cells:
            check_cell(f"layers[{number}]", cell)


def _check_entries(argument, entries, layers, of_both) -> None:
    is_sequence = isinstance(entries, list | tuple)
    expected = f"a list of one entry a layer, {len(layers)}"
    got = len(entries) if is_sequence else type(entries).__name__
    expect(is_sequence and len(entries) == len(layers), argument, expected, got)
    for number, (entry, layer) in enumerate(zip(entries, layers, strict=True)):
        fits = isinstance(entry, of_both) or not isinstance(layer, Both)
        expected = "Both, as the layer has both directions"
        expect(fits, f"{argument}[{number}]", expected, type(entry).__name__)
