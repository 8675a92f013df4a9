"""`flax.linen` with an `RNN` that trains by the hand-written deltas.

    from jaxseq.interop.flax import linen as nn

    layer = nn.RNN(nn.LSTMCell(features=64))
    variables = layer.init(key, inputs)     Flax's tree, Flax's values
    outputs = layer.apply(variables, inputs)

Every other name of `flax.linen` is Flax's own, cells and `Bidirectional` included. What
is by hand, and what differs: `jaxseq.interop.flax`.
"""

from typing import Any

import flax.linen as nn
import jax
from flax.linen import (
    Bidirectional as Bidirectional,
    GRUCell as GRUCell,
    LSTMCell as LSTMCell,
    OptimizedLSTMCell as OptimizedLSTMCell,
    SimpleCell as SimpleCell,
)
from flax.linen.dtypes import canonicalize_dtype

from jaxseq.interop.flax.activations import has_default_gates, with_activation
from jaxseq.interop.flax.sequence import is_by_hand, read, reading_of
from jaxseq.interop.flax.trees import LINEN_GRU, LINEN_LSTM, LINEN_SIMPLE, Layout
from jaxseq.types import Array, Key, Tree


def layout_of(cell: Any) -> Layout | None:
    """Returns how a cell holds jaxseq's parameters; None if jaxseq has no such cell.

    Args:
        cell: a cell of `flax.linen`.
    """
    # Not `isinstance`: a subclass may compute anything.
    kind = type(cell)
    if kind is SimpleCell and not cell.residual:
        return with_activation(LINEN_SIMPLE, cell.activation_fn)
    if kind in (LSTMCell, OptimizedLSTMCell, GRUCell) and has_default_gates(cell):
        return LINEN_GRU if kind is GRUCell else LINEN_LSTM
    return None


class RNN(nn.RNN):
    """Flax's `RNN`, the whole sequence by hand-written back-propagation through time.

    Fields and arguments are those of `flax.linen.RNN`.
    """

    @property
    def is_by_hand(self) -> bool:
        """Whether cell and options are those that jaxseq has; else Flax's scan runs."""
        lifted = (self.variable_axes, self.variable_broadcast, self.variable_carry)
        is_default = lifted == ({}, "params", False)
        is_default = is_default and self.split_rngs == {"params": False}
        return is_default and layout_of(self.cell) is not None

    def __call__(
        self,
        inputs: Array,
        *,
        initial_carry: Tree | None = None,
        init_key: Key | None = None,
        seq_lengths: Array | None = None,
        return_carry: bool | None = None,
        time_major: bool | None = None,
        reverse: bool | None = None,
        keep_order: bool | None = None,
    ) -> Any:  # as Flax's: outputs, or carry and outputs
        """Applies the cell to a sequence; arguments and result are Flax's.

        Raises:
            ValueError: naming the argument whose shape, dtype or value does not fit.
        """
        reading = reading_of(
            self,
            seq_lengths,
            return_carry=return_carry,
            time_major=time_major,
            reverse=reverse,
            keep_order=keep_order,
        )
        options: dict[str, Any] = reading._asdict() | {"init_key": init_key}
        layout = layout_of(self.cell) if self.is_by_hand else None
        if layout is None:
            return super().__call__(inputs, initial_carry=initial_carry, **options)
        if initial_carry is None:
            key = jax.random.key(0) if init_key is None else init_key
            shape = reading.step_shape(inputs)
            initial_carry = self.cell.initialize_carry(key, shape)
        has_params = self.cell.has_variable("params", layout.inputs[0])
        if self.is_initializing() or not has_params:
            # Flax's own scan draws the parameters, or says what is missing.
            first = reading.time_major
            super().__call__(inputs, initial_carry=initial_carry, time_major=first)
        tree = nn.unbox(self.cell.variables["params"])
        leaves = jax.tree.leaves(tree)
        dtype = canonicalize_dtype(inputs, *leaves, dtype=self.cell.dtype)
        if not is_by_hand(dtype, initial_carry):
            return super().__call__(inputs, initial_carry=initial_carry, **options)
        return read(layout, tree, inputs, initial_carry, dtype, reading)


def __getattr__(name: str) -> Any:
    """Finds every other name in `flax.linen`, so that one import line changes."""
    if name.startswith("__"):  # a `__path__` would make this file a package
        raise AttributeError(name)
    return getattr(nn, name)
