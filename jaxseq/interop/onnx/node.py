"""A recurrent node's attributes, read from and written to a NodeProto.

Defaults are those of the operators, RNN-14, GRU-14 and LSTM-14; that of `activations`
is one's own for each direction. An attribute that nobody knows is refused: it may
change what is computed.
"""

import importlib
from typing import Any

from jaxseq.checks import expect
from jaxseq.interop.onnx.activations import SIGMOID, TANH, Activation, named
from jaxseq.interop.onnx.cells import Form
from jaxseq.interop.onnx.form import DIRECTIONS, Recurrent


# Names and order of a node's inputs.
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
OUTPUTS = ("Y", "Y_h", "Y_c")
NUM_INPUTS = {"RNN": 6, "GRU": 6, "LSTM": 8}
NUM_OUTPUTS = {"RNN": 2, "GRU": 2, "LSTM": 3}

_DEFAULT_ACTIVATIONS = {
    "RNN": (TANH,),
    "GRU": (SIGMOID, TANH),
    "LSTM": (SIGMOID, TANH, TANH),
}
_DEFAULTS: dict[str, Any] = {
    "activations": [],
    "activation_alpha": [],
    "activation_beta": [],
    "clip": None,
    "direction": "forward",
    "hidden_size": None,
    "layout": 0,
}
_FLAGS = {"LSTM": "input_forget", "GRU": "linear_before_reset"}


def onnx() -> Any:
    """Returns the package onnx, imported when it is first needed.

    Raises:
        ImportError: naming the extra that brings it.
    """
    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        message = "jaxseq.interop.onnx needs the package onnx: pip install jaxseq[onnx]"
        raise ImportError(message) from error


def attributes(node: Any) -> dict[str, Any]:
    """Returns the attributes of a node by name, texts as str.

    Args:
        node: a NodeProto.
    """
    return {
        one.name: _value(onnx().helper.get_attribute_value(one))
        for one in node.attribute
    }


def read(node: Any, num_hidden: int, has_peepholes: bool) -> Recurrent:
    """Reads what a node computes; its parameters are empty.

    Args:
        node: NodeProto of an RNN, GRU or LSTM.
        num_hidden: H, as R has it.
        has_peepholes: whether the node has an input P.

    Raises:
        ValueError: naming the attribute that is unknown or wrong.
    """
    kind = node.op_type
    known = _DEFAULTS | ({_FLAGS[kind]: 0} if kind in _FLAGS else {})
    given = attributes(node)
    unknown = ", ".join(sorted(given.keys() - known.keys()))
    expected = f"attributes among {', '.join(known)}"
    expect(not unknown, kind, expected, unknown)
    found: dict[str, Any] = known | given
    for name in ("layout", _FLAGS.get(kind, "layout")):
        expect(found[name] in (0, 1), name, "0 or 1", repr(found[name])[:60])
    direction, size, clip = (found[k] for k in ("direction", "hidden_size", "clip"))
    expected = f"one of {', '.join(DIRECTIONS)}"
    expect(direction in DIRECTIONS, "direction", expected, repr(direction)[:60])
    expected = f"{num_hidden}, as R has it"
    expect(size in (None, num_hidden), "hidden_size", expected, repr(size)[:60])
    fits = clip is None or (isinstance(clip, float) and clip > 0)
    expect(fits, "clip", "a number > 0", repr(clip)[:60])
    num_directions = 2 if direction == "bidirectional" else 1
    each = _activations(kind, num_directions, found)
    forms = [
        Form(
            kind,
            one,
            clip,
            input_forget=kind == "LSTM" and found["input_forget"] == 1,
            linear_before_reset=kind == "GRU" and found["linear_before_reset"] == 1,
            has_peepholes=has_peepholes,
        )
        for one in each
    ]
    return Recurrent(tuple(forms), (), direction, found["layout"])


def write(recurrent: Recurrent, inputs: list[str], outputs: list[str]) -> Any:
    """Writes a NodeProto.

    Args:
        recurrent: the node.
        inputs: names of its inputs, "" for those absent.
        outputs: names of its outputs.
    """
    first = recurrent.forms[0]
    given: dict[str, Any] = {"hidden_size": recurrent.params[0].W.shape[1]}
    if recurrent.direction != "forward":
        given["direction"] = recurrent.direction
    if recurrent.layout:
        given["layout"] = recurrent.layout
    if first.clip is not None:
        given["clip"] = first.clip
    if first.input_forget:
        given["input_forget"] = 1
    if first.linear_before_reset:
        given["linear_before_reset"] = 1
    used = [one for form in recurrent.forms for one in form.activations]
    if used != list(_DEFAULT_ACTIVATIONS[first.kind]) * len(recurrent.forms):
        given["activations"] = [one.name for one in used]
        alphas = [one.alpha for one in used if one.alpha is not None]
        betas = [one.beta for one in used if one.beta is not None]
        given |= {"activation_alpha": alphas} if alphas else {}
        given |= {"activation_beta": betas} if betas else {}
    return onnx().helper.make_node(first.kind, inputs, outputs, **given)


def _activations(
    kind: str, num_directions: int, found: dict[str, Any]
) -> list[tuple[Activation, ...]]:
    """Gives each direction its activations."""
    default = _DEFAULT_ACTIVATIONS[kind]
    names = found["activations"] or [one.name for one in default] * num_directions
    lists = [names, found["activation_alpha"], found["activation_beta"]]
    are_lists = all(isinstance(values, list) for values in lists)
    are_names = are_lists and all(isinstance(name, str) for name in names)
    are_numbers = are_lists and all(
        isinstance(number, float) for values in lists[1:] for number in values
    )
    fits = are_names and are_numbers and len(names) == num_directions * len(default)
    expected = f"{num_directions * len(default)} names, and lists of numbers"
    expect(fits, "activations", expected, repr(names)[:60])
    every = named(*lists)
    size = len(default)
    return [every[size * d : size * (d + 1)] for d in range(num_directions)]


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    is_list = hasattr(value, "__len__") and not isinstance(value, str)
    return [_value(one) for one in value] if is_list else value
