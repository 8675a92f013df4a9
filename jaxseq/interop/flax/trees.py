"""Flax's parameter trees of recurrent cells as parameters of jaxseq, and back.

Flax has kernels `[from, to]`, one module a gate or one for all gates; jaxseq has U, W
`[to, from]` and b with the gates stacked:

    U = (K_i of all gates)ᵀ,   W = (K_h of all gates)ᵀ,   in jaxseq's order         (1)

| layout               | modules of U, of W        | b is at | flax's  | jaxseq's |
|----------------------|---------------------------|---------|---------|----------|
| `LINEN_LSTM`         | ii if ig io, hi hf hg ho  | W       | i f g o | f i o c̃ |
| `NNX_LSTM`           | ii if_ ig io, hi hf hg ho | W       | i f g o | f i o c̃ |
| `NNX_OPTIMIZED_LSTM` | dense_i, dense_h          | W       | i f g o | f i o c̃ |
| `LINEN_GRU`          | ir iz in, hr hz hn        | U       | r z n   | r z n |
| `NNX_GRU`            | dense_i, dense_h          | U       | r z n   | r z n |
| `LINEN_SIMPLE`       | i, h                      | U       |         | |
| `NNX_SIMPLE`         | dense_i, dense_h          | U       |         | |

The GRU's second bias b_m, behind the reset gate, is that of hn; nnx has none, there it
is 0. Values are moved, never computed: a round trip is exact, and the gradient of
either way is the other one. Both ways are differentiable and work under `jit`.

Nothing of Flax is imported here: a tree is a mapping of module names to mappings.

Reference: as `jaxseq.interop.flax`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.core
import jax.numpy as jnp

from jaxseq.cells import elman, gru, lstm
from jaxseq.cells.cell import Cell
from jaxseq.checks import WRONG_TREE, expect
from jaxseq.types import Array, Tree


FlaxTree = Mapping[str, Mapping[str, Array]]  # {module: {"kernel": ..., "bias": ...}}


class Layout(NamedTuple):
    """How a cell of Flax holds the parameters of a cell of jaxseq.

    Attributes:
        cell: the cell of jaxseq.
        params: its record of parameters.
        inputs: the modules that U is in, in Flax's order of gates.
        recurrent: the modules that W is in.
        biased: those of them that b is in.
        order: for each of jaxseq's gates, its place in Flax's order.
        b_m: the module whose bias is b_m, "" for none.
    """

    cell: Cell
    params: Callable[..., Any]
    inputs: tuple[str, ...]
    recurrent: tuple[str, ...]
    biased: tuple[str, ...]
    order: tuple[int, ...]
    b_m: str = ""

    def to_params(self, tree: FlaxTree) -> Tree:
        """Returns Flax's parameters as those of the cell, eq. (1).

        Args:
            tree: kernels `[from, to]` and biases `[to]` by the names of the modules.

        Raises:
            ValueError: naming tree, if a module or an array of it is missing.
        """
        try:
            params = {
                "U": self._stack(tree, self.inputs, "kernel"),
                "W": self._stack(tree, self.recurrent, "kernel"),
                "b": self._stack(tree, self.biased, "bias"),
            }
            if self.params is gru.ParamsAfter:
                zeros = jnp.zeros_like(params["b"][: params["W"].shape[1]])
                params["b_m"] = tree[self.b_m]["bias"] if self.b_m else zeros
        except WRONG_TREE as error:
            modules = ", ".join(self.inputs + self.recurrent)
            expected = f"modules {modules} of a flax cell, with kernels and biases"
            got = jax.tree.map(jnp.shape, tree)
            raise ValueError(f"tree: expected {expected}, got {got}") from error
        return self.params(**params)

    def to_tree(self, params: Tree) -> dict[str, dict[str, Array]]:
        """Returns the cell's parameters as Flax's; inverts `to_params`.

        Args:
            params: the cell's, of the type `self.params`.

        Returns:
            Kernels `[from, to]` and biases `[to]` by the names of the modules.

        Raises:
            ValueError: if they are those of another cell, or have a b_m that is not 0
                and that this layout has no place for (not seen inside `jit`).
        """
        is_one = isinstance(params, self.params)  # pyright: ignore[reportArgumentType]
        expected = f"the parameters of {self.cell.name}"
        expect(is_one, "params", expected, type(params).__name__)
        tree: dict[str, dict[str, Array]] = {}
        for names, leaf, rows in (
            (self.inputs, "kernel", params.U),
            (self.recurrent, "kernel", params.W),
            (self.biased, "bias", params.b),
        ):
            gates = jnp.split(rows, len(self.order))
            places = range(len(self.order))
            stack = jnp.concatenate([gates[self.order.index(k)] for k in places])
            for name, part in zip(names, jnp.split(stack, len(names)), strict=True):
                tree.setdefault(name, {})[leaf] = part.T
        if self.b_m:
            tree[self.b_m]["bias"] = params.b_m
        elif self.params is gru.ParamsAfter:
            is_traced = isinstance(params.b_m, jax.core.Tracer)
            fits = is_traced or not jnp.any(params.b_m)
            expect(fits, "params.b_m", "0, as flax.nnx has no such bias", params.b_m)
        return tree

    def to_state(self, carry: Tree) -> Tree:
        """Returns Flax's carry, (c, h) of an LSTM, as the cell's state.

        Args:
            carry: Flax's, leaves `[*batch, H]`.

        Raises:
            ValueError: naming initial_carry.
        """
        if self.params is not lstm.Params:
            return carry
        is_pair = isinstance(carry, tuple | list) and len(carry) == 2
        expect(is_pair, "initial_carry", "(c, h), a pair of arrays", carry)
        return lstm.State(h=carry[1], c=carry[0])

    def to_carry(self, state: Tree) -> Tree:
        """Returns the cell's state as Flax's carry; inverts `to_state`.

        Args:
            state: the cell's, leaves `[*batch, H]`.
        """
        return (state.c, state.h) if self.params is lstm.Params else state

    def _stack(self, tree: FlaxTree, names: tuple[str, ...], leaf: str) -> Array:
        """Stacks what the modules have, transposed, in jaxseq's order of gates."""
        stack = jnp.concatenate([jnp.asarray(tree[name][leaf]).T for name in names])
        gates = jnp.split(stack, len(self.order))
        return jnp.concatenate([gates[k] for k in self.order])


_IN, _HIDDEN = ("dense_i",), ("dense_h",)
_FIOG = (1, 0, 3, 2)  # where f, i, o and c̃ are in i, f, g, o

_H_LSTM = ("hi", "hf", "hg", "ho")
LINEN_LSTM = Layout(
    lstm.cell(), lstm.Params, ("ii", "if", "ig", "io"), _H_LSTM, _H_LSTM, _FIOG
)
NNX_LSTM = LINEN_LSTM._replace(inputs=("ii", "if_", "ig", "io"))
NNX_OPTIMIZED_LSTM = LINEN_LSTM._replace(inputs=_IN, recurrent=_HIDDEN, biased=_HIDDEN)

_I_GRU = ("ir", "iz", "in")
LINEN_GRU = Layout(
    *(gru.reset_after(), gru.ParamsAfter),
    *(_I_GRU, ("hr", "hz", "hn"), _I_GRU, (0, 1, 2)),
    b_m="hn",
)
NNX_GRU = LINEN_GRU._replace(inputs=_IN, recurrent=_HIDDEN, biased=_IN, b_m="")

LINEN_SIMPLE = Layout(elman.cell(), elman.Params, ("i",), ("h",), ("i",), (0,))
NNX_SIMPLE = LINEN_SIMPLE._replace(inputs=_IN, recurrent=_HIDDEN, biased=_IN)
