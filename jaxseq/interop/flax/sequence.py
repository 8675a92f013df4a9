"""A whole sequence read in Flax's conventions, with the deltas as its backward pass.

Flax's `RNN` reads x in an order π, from state_0 on, and does not stop where a sequence
ends; what it computes on the padding is part of its outputs:

    π(t) = (L - 1 - t) mod T  in reverse,   π(t) = t  otherwise                    (1)
    state_t = step(state_{t-1}, x_{π(t)}),   y_t = output(state_t)                 (2)
    carry = state_L                                                                (3)

with L the sequence's length, or T. In reverse (1) puts a sequence's last valid step
first and leaves the padding at the end; `keep_order` puts the outputs back by (1),
which undoes itself. (3) needs all states where lengths differ: they are then the
outputs of the cell, as in Flax.

Departure: (3) is the initial carry where L = 0.

Reference: as `jaxseq.interop.flax`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.cells.cell import Cell
from jaxseq.checks import check_flag, check_floats, check_lengths, describe, expect
from jaxseq.interop.flax.trees import FlaxTree, Layout
from jaxseq.types import Array, DTypeLike, Tree, accumulator
from jaxseq.unroll import unroll


class Reading(NamedTuple):
    """The arguments of Flax's `RNN` that say how to read, each of them given.

    Attributes:
        seq_lengths: `[*batch]` steps that count; None for all.
        return_carry: whether the last state is returned too.
        time_major: whether time is the first axis, and not the one before the features.
        reverse: whether each sequence is read from its end.
        keep_order: whether what was read so has its outputs in the order of the inputs.
    """

    seq_lengths: Array | None
    return_carry: bool
    time_major: bool
    reverse: bool
    keep_order: bool

    def time_axis(self, inputs: Array) -> int:
        """Returns which axis of the inputs is time.

        Args:
            inputs: `[*batch, T, I]`, or `[T, *batch, I]` if time comes first.

        Raises:
            ValueError: if the inputs are not floats or integers of two axes or more.
        """
        is_array = hasattr(inputs, "ndim") and hasattr(inputs, "dtype")
        expected = "an array [*batch, T, I], or [T, *batch, I] if time_major"
        fits = is_array and inputs.ndim >= 2
        expect(fits, "inputs", expected, describe(inputs))
        return 0 if self.time_major else inputs.ndim - 2

    def step_shape(self, inputs: Array) -> tuple[int, ...]:
        """Returns the shape of one step of the inputs, `[*batch, I]`.

        Arguments and errors as of `time_axis`.
        """
        axis = self.time_axis(inputs)
        return inputs.shape[:axis] + inputs.shape[axis + 1 :]


def reading_of(layer: Any, seq_lengths: Array | None, **given: bool | None) -> Reading:
    """Returns how a layer is to read: as its call says, or else its attributes.

    Args:
        layer: a `RNN` of Flax.
        seq_lengths: `[*batch]` integers, of the call; None for whole sequences.
        **given: the flags of the call, None where the layer's attribute counts.

    Raises:
        ValueError: naming a flag that is none.
    """
    flags = {
        name: getattr(layer, name) if flag is None else flag
        for name, flag in given.items()
    }
    for name, flag in flags.items():
        check_flag(name, flag)
    return Reading(seq_lengths, **flags)


def is_by_hand(dtype: DTypeLike, carry: Tree) -> bool:
    """Says whether jaxseq has it: a carry as wide as the products, or float32.

    A batch without sequences it does not have.

    Args:
        dtype: of the products.
        carry: Flax's.
    """
    if not jnp.issubdtype(dtype, jnp.floating):
        return False
    if any(0 in jnp.shape(leaf) for leaf in jax.tree.leaves(carry)):
        return False
    dtypes = {jnp.result_type(leaf) for leaf in jax.tree.leaves(carry)}
    return dtypes in ({jnp.dtype(dtype)}, {accumulator(dtype)})


def read(
    layout: Layout,
    tree: FlaxTree,
    inputs: Array,
    carry: Tree,
    dtype: DTypeLike,
    reading: Reading,
) -> Array | tuple[Tree, Array]:
    """Runs a cell of Flax over a sequence as Flax's `RNN` does, eqs. (1) to (3).

    Args:
        layout: of the cell's parameters.
        tree: the cell's parameters.
        inputs: `[*batch, T, I]`, or `[T, *batch, I]` if time comes first.
        carry: the initial carry, leaves `[*batch, H]`; see `is_by_hand`.
        dtype: of the products.
        reading: how to read.

    Returns:
        As Flax's `RNN`: the outputs, after the final carry if it is asked for.

    Raises:
        ValueError: naming the argument of Flax's that does not fit.
    """
    time_axis = reading.time_axis(inputs)
    params = layout.to_params(tree)
    xs = jnp.moveaxis(inputs, time_axis, 0).astype(dtype)
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), params)
    _check(layout.cell, params, xs, carry)
    state_0 = jax.tree.map(jnp.asarray, layout.to_state(carry))
    if reading.seq_lengths is None:
        ys, state = unroll(layout.cell, params, state_0, xs, reverse=reading.reverse)
        if reading.reverse and not reading.keep_order:
            ys = ys[::-1]  # (1)
    else:
        lengths = reading.seq_lengths
        ys, state = _read_ragged(layout.cell, params, state_0, xs, lengths, reading)
    wide = jax.tree.leaves(state_0)[0].dtype
    outputs = jnp.moveaxis(ys.astype(wide), 0, time_axis)
    return (layout.to_carry(state), outputs) if reading.return_carry else outputs


def _read_ragged(
    cell: Cell,
    params: Tree,
    state_0: Tree,
    xs: Array,
    lengths: Array,
    reading: Reading,
) -> tuple[Array, Tree]:
    """Reads sequences that have lengths; time comes first."""
    num_steps, *batch = xs.shape[:-1]
    check_lengths(lengths, num_steps, tuple(batch), "seq_lengths")
    lengths = jnp.clip(jnp.asarray(lengths, jnp.int32), 0, num_steps)
    if num_steps == 0:
        return unroll(cell, params, state_0, xs)
    order = None
    if reading.reverse:
        steps = jnp.arange(num_steps, dtype=jnp.int32).reshape(-1, *(1,) * len(batch))
        order = (lengths[None] - 1 - steps) % num_steps  # (1)
        xs = _taken(xs, order)
    if reading.return_carry:
        ys, state = _with_carry(cell, params, state_0, xs, lengths)
    else:
        ys, state = unroll(cell, params, state_0, xs)  # (2)
    if order is not None and reading.keep_order:
        ys = _taken(ys, order)
    return ys, state


def _with_carry(
    cell: Cell, params: Tree, state_0: Tree, xs: Array, lengths: Array
) -> tuple[Array, Tree]:
    """Returns the outputs, and the state after the last step of each sequence."""
    leaves, structure = jax.tree.flatten(state_0)
    states = unroll(cell._replace(output=_whole), params, state_0, xs).ys  # (2)
    cuts = np.cumsum([leaf.shape[-1] for leaf in leaves])[:-1].tolist()
    last = _taken(states, jnp.maximum(lengths - 1, 0)[None])[0]
    is_empty = jnp.broadcast_to((lengths == 0)[..., None], last.shape)
    initial = _whole(state_0)
    last = jnp.where(is_empty, initial, last.astype(initial.dtype))  # (3)
    state = structure.unflatten(jnp.split(last, cuts, axis=-1))
    ys = cell.output(structure.unflatten(jnp.split(states, cuts, axis=-1)))
    return ys, state


def _whole(state: Tree) -> Array:
    """Puts all of a state side by side: linear, so it can be a cell's output."""
    return jnp.concatenate(jax.tree.leaves(state), axis=-1)


def _taken(array: Array, steps: Array) -> Array:
    """Picks steps `[S, *batch]` of `[T, *batch, N]`."""
    return jnp.take_along_axis(array, steps[..., None], axis=0)


def _check(cell: Cell, params: Tree, xs: Array, carry: Tree) -> None:
    """Checks what the cell takes, in the names of Flax's arguments."""
    num_inputs, num_hidden = cell.sizes(params)
    expected = f"{num_inputs} features in the last axis, as the parameters have them"
    expect(xs.shape[-1] == num_inputs, "inputs", expected, xs.shape[-1])
    shape = (*xs.shape[1:-1], num_hidden)
    for path, leaf in jax.tree_util.tree_leaves_with_path(carry):
        argument = f"initial_carry{jax.tree_util.keystr(path)}"
        check_floats(argument, leaf)
        fits = jnp.shape(leaf) == shape
        expect(fits, argument, f"shape {list(shape)}", describe(leaf))
