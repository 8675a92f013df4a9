"""`flax.nnx` with an `RNN` that trains by the hand-written deltas.

    from jaxseq.interop.flax import nnx

    layer = nnx.RNN(nnx.LSTMCell(32, 64, rngs=nnx.Rngs(0)))
    outputs = layer(inputs)

Every other name of `flax.nnx` is Flax's own, cells and `Bidirectional` included. What
is by hand, and what differs: `jaxseq.interop.flax`.
"""

from typing import Any

import jax
import jax.lax
from flax import nnx
from flax.nnx import (
    Bidirectional as Bidirectional,
    GRUCell as GRUCell,
    LSTMCell as LSTMCell,
    OptimizedLSTMCell as OptimizedLSTMCell,
    SimpleCell as SimpleCell,
)
from flax.nnx.nn.dtypes import canonicalize_dtype, promote_dtype

from jaxseq.interop.flax.activations import has_default_gates, with_activation
from jaxseq.interop.flax.sequence import is_by_hand, read, reading_of
from jaxseq.interop.flax.trees import (
    NNX_GRU,
    NNX_LSTM,
    NNX_OPTIMIZED_LSTM,
    NNX_SIMPLE,
    Layout,
)
from jaxseq.types import Array, Tree


GATED = {
    LSTMCell: NNX_LSTM,
    OptimizedLSTMCell: NNX_OPTIMIZED_LSTM,
    GRUCell: NNX_GRU,
}


def layout_of(cell: Any) -> Layout | None:
    """Returns how a cell holds jaxseq's parameters; None if jaxseq has no such cell.

    Args:
        cell: a cell of `flax.nnx`.
    """
    layout = None
    # Not `isinstance`: a subclass may compute anything.
    if type(cell) is SimpleCell and not cell.residual:
        layout = with_activation(NNX_SIMPLE, cell.activation_fn)
    elif type(cell) in GATED and has_default_gates(cell):
        layout = GATED[type(cell)]
    if layout is None:
        return None
    modules = (getattr(cell, name) for name in layout.inputs + layout.recurrent)
    return layout if all(_is_plain(module, cell) for module in modules) else None


def _is_plain(module: Any, cell: Any) -> bool:
    """Says whether a part of a cell is a matrix product, and not a LoRA, say."""
    return (
        type(module) is nnx.Linear
        and module.promote_dtype is promote_dtype
        and module.dot_general is jax.lax.dot_general
        and module.precision is None
        and module.preferred_element_type is None
        and module.dtype == cell.dtype
    )


def tree_of(cell: Any, layout: Layout) -> dict[str, dict[str, Array]]:
    """Returns a cell's parameters as a mapping of its modules' names.

    Args:
        cell: a cell of `flax.nnx`.
        layout: of the cell, by `layout_of`.

    Returns:
        Of each module a kernel `[from, to]`, and a bias `[to]` if it has one.
    """
    tree: dict[str, dict[str, Array]] = {}
    for name in layout.inputs + layout.recurrent:
        module = getattr(cell, name)
        tree[name] = {"kernel": module.kernel[...]}
        if module.bias is not None:
            tree[name]["bias"] = module.bias[...]
    return tree


class RNN(nnx.RNN):
    """Flax's `RNN`, the whole sequence by hand-written back-propagation through time.

    Constructor and call are those of `flax.nnx.RNN`.
    """

    @property
    def is_by_hand(self) -> bool:
        """Whether cell and options are those that jaxseq has; else Flax's scan runs."""
        is_default = self.state_axes == nnx.StateAxes({...: nnx.Carry})
        is_default = is_default and self.broadcast_rngs is None
        return is_default and layout_of(self.cell) is not None

    def __call__(
        self,
        inputs: Array,
        *,
        initial_carry: Tree | None = None,
        seq_lengths: Array | None = None,
        return_carry: bool | None = None,
        time_major: bool | None = None,
        reverse: bool | None = None,
        keep_order: bool | None = None,
        rngs: nnx.Rngs | nnx.RngStream | None = None,
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
        options: dict[str, Any] = reading._asdict() | {"rngs": rngs}
        layout = layout_of(self.cell) if self.is_by_hand else None
        if layout is None:
            return super().__call__(inputs, initial_carry=initial_carry, **options)
        if initial_carry is None:
            stream = self.rngs if rngs is None else rngs
            if isinstance(stream, nnx.Rngs):
                stream = stream.carry.fork()
            shape = reading.step_shape(inputs)
            initial_carry = self.cell.initialize_carry(shape, stream)
        tree = tree_of(self.cell, layout)
        leaves = jax.tree.leaves(tree)
        cell: Any = self.cell  # flax's base class declares no dtype
        dtype = canonicalize_dtype(inputs, *leaves, dtype=cell.dtype)
        if not is_by_hand(dtype, initial_carry):
            return super().__call__(inputs, initial_carry=initial_carry, **options)
        return read(layout, tree, inputs, initial_carry, dtype, reading)


def __getattr__(name: str) -> Any:
    """Finds every other name in `flax.nnx`, so that one import line changes."""
    if name.startswith("__"):  # a `__path__` would make this file a package
        raise AttributeError(name)
    return getattr(nnx, name)
