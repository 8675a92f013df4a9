"""What a recurrent node computes, and the cell of jaxseq that computes it.

    node                                          cell
    RNN, one activation of Elman's cell           elman
    GRU, linear_before_reset 1 or 0               gru.reset_after, gru.reset_before
    LSTM                                          lstm
    LSTM with P, or with input_forget             lstm_peephole, lstm_coupled
    LSTM with both; clip; other activations       those of `jaxseq.interop.onnx.cells`

Both directions of a node are one `Recurrent`; a stack is a node a layer.
"""

from typing import Any, NamedTuple

import jax

from jaxseq.both import Both
from jaxseq.cells import Cell, elman, gru, lstm, lstm_coupled, lstm_peephole
from jaxseq.cells.cell import Sizes
from jaxseq.cells.checks import check_cell, check_drawn
from jaxseq.checks import check_floats, expect
from jaxseq.interop.gates import activation_of
from jaxseq.interop.onnx import cells
from jaxseq.interop.onnx.activations import SIGMOID, TANH, of_cell, to_cell
from jaxseq.interop.onnx.cells import Form
from jaxseq.network import Layer
from jaxseq.types import Tree


DIRECTIONS = ("forward", "reverse", "bidirectional")


class Recurrent(NamedTuple):
    """A recurrent node: what it computes, and with which parameters.

    Attributes:
        forms: one, or two for both directions.
        params: of `cell(form)`, one of each form.
        direction: one of DIRECTIONS.
        layout: 0 for `[T, B, I]`, 1 for `[B, T, I]`.
    """

    forms: tuple[Form, ...]
    params: tuple[Tree, ...]
    direction: str = "forward"
    layout: int = 0


LSTM = Form("LSTM", (SIGMOID, TANH, TANH))
PEEPHOLES = LSTM._replace(has_peepholes=True)
COUPLED = LSTM._replace(input_forget=True)
GRU_BEFORE = Form("GRU", (SIGMOID, TANH))
GRU_AFTER = GRU_BEFORE._replace(linear_before_reset=True)

_CELLS: dict[Form, Cell] = {
    LSTM: lstm.cell(),
    PEEPHOLES: lstm_peephole.cell(),
    COUPLED: lstm_coupled.cell(),
    GRU_BEFORE: gru.reset_before(),
    GRU_AFTER: gru.reset_after(),
}


def cell(form: Form) -> Cell:
    """Returns the cell that computes a form, the same one each time.

    Args:
        form: one direction of a node.
    """
    if form in _CELLS:
        return _CELLS[form]
    if form.kind == "RNN":
        activation = to_cell(form.activations[0])
        plain = form.clip is None and activation is not None
        return elman.cell(activation) if plain and activation else cells.rnn(form)
    if form.kind == "LSTM":
        return cells.lstm_whole(form)
    is_after = form.linear_before_reset
    return cells.gru_after(form) if is_after else cells.gru_before(form)


def of_cell_of_jaxseq(argument: str, one: Cell) -> Form:
    """Returns the form that a cell of jaxseq computes.

    Args:
        argument: the name of `one`, for errors.
        one: the cell.

    Raises:
        ValueError: if ONNX does not have it.
    """
    check_cell(argument, one)
    activation = activation_of(one)
    if activation is not None:
        return Form("RNN", (of_cell(activation),))
    found = [form for form, known in _CELLS.items() if known is one]
    expected = "the cell of elman, gru, lstm, lstm_peephole or lstm_coupled"
    expect(len(found) == 1, argument, expected, one.name)
    return found[0]


def of_layer(layer: Layer, params: Tree, *, reverse: bool = False) -> Recurrent:
    """Describes a layer of jaxseq as a node.

    Args:
        layer: a cell, or `Both`.
        params: its parameters.
        reverse: whether a cell reads from the last step to the first.

    Raises:
        ValueError: if ONNX does not have it, or the parameters are not the cell's.
    """
    if not isinstance(layer, Both):
        form = of_cell_of_jaxseq("layer", layer)
        _check_params("params", layer, params)
        return Recurrent((form,), (params,), DIRECTIONS[bool(reverse)])
    expected = "Both, as the layer has both directions"
    expect(isinstance(params, Both), "params", expected, type(params).__name__)
    expect(not reverse, "reverse", "False, as the layer has both directions", reverse)
    forms = tuple(of_cell_of_jaxseq("layer", one) for one in layer)
    alike = forms[0]._replace(activations=()) == forms[1]._replace(activations=())
    expect(alike, "layer", "both directions of one kind", [f.kind for f in forms])
    sizes = [
        _check_params(f"params.{direction}", one, each)
        for direction, one, each in zip(Both._fields, layer, params, strict=True)
    ]
    expected = f"the sizes of params.forward, {list(sizes[0])}"
    expect(sizes[0] == sizes[1], "params.backward", expected, list(sizes[1]))
    return Recurrent(forms, tuple(params), "bidirectional")


def _check_params(argument: str, one: Cell, params: Tree) -> Sizes:
    """Checks that parameters are a cell's; those of another may have its shapes."""
    leaves = jax.tree.leaves(params)
    expect(bool(leaves), argument, f"the parameters of {one.name}", params)
    check_floats(argument, leaves[0])
    return check_drawn(argument, one, params, leaves[0].dtype)


def layer_of(recurrent: Recurrent) -> tuple[Layer, Tree]:
    """Returns a node's layer and parameters for `jaxseq.network` and `unroll`.

    A node of direction "reverse" is one cell: give `reverse=True` to `unroll`.

    Args:
        recurrent: the node.
    """
    made: list[Any] = [cell(form) for form in recurrent.forms]
    if len(made) == 1:
        return made[0], recurrent.params[0]
    return Both(*made), Both(*recurrent.params)


def num_gates(kind: str) -> int:
    """Returns how many stacked gates W and R of a node have.

    Args:
        kind: "RNN", "LSTM" or "GRU".
    """
    return {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
