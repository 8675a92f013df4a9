"""Forms: the exact equations that a contender computes, and the weights they have.

Libraries that say "GRU" mean two models, and some leave a bias out. A contender is
compared with jaxseq's cell of its own form, so that equal numbers can be asked for.

The canonical weights are jaxseq's: U `[G, I]`, W `[G, H]`, b `[G]`, and b_m `[H]` of
the GRU that resets after, gates stacked f i o c̃ (LSTM, "fiog" below) or r z n (GRU).
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.cells import Cell, elman, gru, lstm
from jaxseq.cells.activations import relu
from jaxseq.interop.gates import reorder as reorder
from jaxseq.types import Array


CellName = Literal["lstm", "gru", "elman"]
Weights = dict[str, Array]  # U, W, b, b_m, in the canonical layout

LSTM_GATES = "fiog"
GRU_GATES = "rzn"


class Form(NamedTuple):
    """The equations of a contender: those of a cell of jaxseq."""

    name: str
    cell: Cell
    num_gates: int
    without: tuple[str, ...] = ()  # weights that the library lacks: zeros here


LSTM = Form("lstm", lstm.cell(), 4)
GRU_AFTER = Form("gru.reset_after", gru.reset_after(), 3)
GRU_AFTER_NO_B_M = Form("gru.reset_after, no b_m", gru.reset_after(), 3, ("b_m",))
GRU_BEFORE = Form("gru.reset_before", gru.reset_before(), 3)
ELMAN = Form("elman(tanh)", elman.cell(), 1)
ELMAN_RELU = Form("elman(relu)", elman.cell(relu), 1)


def gates(rows: Array, order: str) -> dict[str, Array]:
    """Takes a stack of gates, `[G * H, ...]`, apart by the gates' letters."""
    return dict(zip(order, jnp.split(rows, len(order)), strict=True))


def shapes(form: Form, num_inputs: int, num_hidden: int) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of the canonical weights by name."""
    return {
        name: leaf.shape
        for name, leaf in _like(form, num_inputs, num_hidden)._asdict().items()
    }


def params(form: Form, weights: Weights):
    """Returns the weights as the parameters that the form's cell takes."""
    num_inputs, num_hidden = weights["U"].shape[1], weights["W"].shape[1]
    return _like(form, num_inputs, num_hidden)._replace(**weights)


def num_flops(form: Form, batch: int, steps: int, hidden: int, inputs: int) -> int:
    """Counts the forward pass as textbooks do: 2 B T G H (I + H).

    Products of matrices alone, two operations for a multiply-add. The backward pass
    counts twice that: one product of the same size for the errors, one for the weights.
    """
    return 2 * batch * steps * form.num_gates * hidden * (inputs + hidden)


def _like(form: Form, num_inputs: int, num_hidden: int):
    return jax.eval_shape(
        lambda key: form.cell.init(key, num_inputs, num_hidden), jax.random.key(0)
    )
