"""ONNX models that hold recurrent nodes: read, checked, and run in jaxseq.

`run` evaluates a graph node by node: RNN, GRU and LSTM by `unroll`, and the few
operators that exporters put around them. `read` takes the one recurrent node of a
model, to train it further or to write it elsewhere.

A model is a stranger's file. Arrays that it keeps elsewhere on the disk are refused,
the path may be anything; so are arrays whose shape is not that of their data, and
operators that are not in the table, before anything is computed.
"""

import importlib
import math
import os
import stat
from collections.abc import Callable, Mapping
from typing import Any

import jax.core
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import expect
from jaxseq.interop.onnx import node as nodes, recurrent as recurrents, weights
from jaxseq.interop.onnx.form import Recurrent
from jaxseq.interop.onnx.node import INPUTS, NUM_INPUTS, NUM_OUTPUTS, onnx
from jaxseq.interop.onnx.weights import Weights
from jaxseq.types import Array
from jaxseq.word2vec.streams import FilePath


MAX_BYTES = (1 << 31) - 1  # what a protocol buffer can hold
# The data of a TensorProto that is not raw, by the name of its type.
_FIELDS = {
    "FLOAT": "float_data",
    "DOUBLE": "double_data",
    "FLOAT16": "int32_data",
    "BFLOAT16": "int32_data",
    "INT32": "int32_data",
    "INT64": "int64_data",
}


def load(source: Any) -> Any:
    """Loads a model, and refuses what it should not hold.

    Args:
        source: a path, or a ModelProto.

    Returns:
        The ModelProto.

    Raises:
        ValueError: in one line, naming the file, if it is none, cut short or hostile.
        ImportError: if the package onnx is not installed.
    """
    if isinstance(source, onnx().ModelProto):
        _check(source)
        return source
    is_path = isinstance(source, str | os.PathLike)
    expect(is_path, "source", "a path or a ModelProto", type(source).__name__)
    name = repr(os.fspath(source))
    damaged = importlib.import_module("google.protobuf.message").DecodeError
    try:
        model = onnx().ModelProto()
        model.ParseFromString(_content(source))
        _check(model)
    except OSError as error:
        raise ValueError(f"{name}: {error.strerror}") from None
    except (ValueError, damaged) as error:
        reason = (str(error).splitlines() or ["damaged"])[0][:300]
        raise ValueError(f"{name}: no model to run ({reason})") from None
    return model


def read(source: Any) -> Recurrent:
    """Reads the one recurrent node of a model, whose weights are in the model.

    Args:
        source: as in `load`.

    Raises:
        ValueError: if there is none, or several, or its weights come from elsewhere.
    """
    graph = load(source).graph
    return _recurrent(_only_recurrent(graph), _constants(graph))


def read_weights(source: Any) -> Weights:
    """Reads W, R, B and P of the one recurrent node as they are, for `like`.

    Args:
        source: as in `load`.

    Raises:
        ValueError: as `read` does.
    """
    graph = load(source).graph
    node = _only_recurrent(graph)
    return _weights(_inputs(node, _constants(graph), weights_only=True))


def run(source: Any, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Runs a model; may be differentiated, and jitted, as a function of `inputs`.

    Args:
        source: a path, or a ModelProto.
        inputs: the graph's inputs by name, of the shape `[...]` that it says.

    Returns:
        The graph's outputs `[...]` by name.

    Raises:
        ValueError: naming the input, node or attribute that cannot be run.
    """
    is_mapping = isinstance(inputs, Mapping)
    expect(is_mapping, "inputs", "arrays by name", type(inputs).__name__)
    graph = load(source).graph
    values: dict[str, Any] = _constants(graph)
    wanted = {one.name for one in graph.input} - values.keys()
    named, got = (", ".join(sorted(names)) or "none" for names in (wanted, inputs))
    expect(inputs.keys() == wanted, "inputs", named, got)
    values |= inputs
    for node in graph.node:
        given = _inputs(node, values)
        if node.op_type in NUM_INPUTS:
            outputs: Any = _run_recurrent(node, values, given)
        elif node.op_type == "Constant":
            continue
        else:
            outputs = (_operated(node, given),)
        values |= {
            name: output
            for name, output in zip(node.output, outputs, strict=False)
            if name
        }
    names = [one.name for one in graph.output]
    missing = [name for name in names if values.get(name) is None]
    expect(not missing, "model", "outputs that some node gives", ", ".join(missing))
    return {name: jnp.asarray(values[name]) for name in names}


def _only_recurrent(graph: Any) -> Any:
    """Returns the one recurrent node of a graph."""
    found = [node for node in graph.node if node.op_type in NUM_INPUTS]
    expected = f"one node of {', '.join(NUM_INPUTS)}"
    expect(len(found) == 1, "model", expected, len(found))
    return found[0]


def _operated(node: Any, given: list[Any]) -> Array:
    try:
        return _OPERATORS[node.op_type](nodes.attributes(node), *given)
    except (IndexError, KeyError, TypeError) as error:
        message = f"{node.op_type}: expected fitting inputs and attributes, got {error}"
        raise ValueError(message) from error


def _run_recurrent(node: Any, values: dict[str, Any], given: list[Any]) -> Any:
    by_name = dict(zip(INPUTS, given, strict=False))
    states = {
        name: by_name.get(name) for name in ("sequence_lens", "initial_h", "initial_c")
    }
    return recurrents.run(_recurrent(node, values), by_name["X"], **states)


def _recurrent(node: Any, values: Mapping[str, Any]) -> Recurrent:
    found = _weights(_inputs(node, values, weights_only=True))
    shape = np.shape(found.R)
    expect(len(shape) == 3, "R", "shape [D, G, H]", list(shape))
    made = nodes.read(node, shape[2], found.P is not None)
    return made._replace(params=weights.read(made.forms, found))


def _weights(given: list[Any]) -> Weights:
    by_name: dict[str, Any] = dict(zip(INPUTS, given, strict=False))
    for name in ("W", "R"):
        is_there = by_name.get(name) is not None
        expect(is_there, name, "an initializer of the model", "none")
    found = Weights(*(by_name.get(name) for name in Weights._fields))
    traced = [n for n, a in found._asdict().items() if isinstance(a, jax.core.Tracer)]
    expect(not traced, ", ".join(traced), "numbers, to be converted", "traced ones")
    return found


def _inputs(
    node: Any, values: Mapping[str, Any], weights_only: bool = False
) -> list[Any]:
    """Looks up a node's inputs; None for those absent."""
    found = []
    for number, name in enumerate(node.input):
        is_asked = INPUTS[number] in Weights._fields if weights_only else True
        if not name or not is_asked:
            found.append(None)
            continue
        expect(name in values, node.op_type, f"{name} computed before it", "not there")
        found.append(values[name])
    return found


def _constants(graph: Any) -> dict[str, np.ndarray]:
    """Returns the arrays that a graph holds, by name."""
    constants = {one.name: _array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = _array(nodes.attributes(node)["value"])
    return constants


def _array(tensor: Any) -> np.ndarray:
    return np.array(onnx().numpy_helper.to_array(tensor))


def _content(path: FilePath) -> bytes:
    about = os.stat(path)
    is_regular = stat.S_ISREG(about.st_mode)
    expect(is_regular, "path", "a regular file", "something else")
    size = about.st_size
    expect(size <= MAX_BYTES, "path", f"at most {MAX_BYTES} bytes", size)
    with open(path, "rb") as stream:
        return stream.read(MAX_BYTES)


def _check(model: Any) -> None:
    """Checks all of a model that can be checked before it is run."""
    versions = [one.version for one in model.opset_import if not one.domain]
    fits = len(versions) == 1 and versions[0] >= 7
    expect(fits, "opset_import", "one version ≥ 7 of ONNX's operators", versions)
    graph = model.graph
    expect(not graph.sparse_initializer, "model", "dense initializers", "sparse ones")
    for tensor in graph.initializer:
        _check_tensor(tensor)
    for node in graph.node:
        known = node.op_type in _OPERATORS or node.op_type in NUM_INPUTS
        known = known or node.op_type == "Constant"
        known = known and node.domain in ("", "ai.onnx")
        expected = f"{', '.join([*NUM_INPUTS, *_OPERATORS, 'Constant'])}"
        expect(known, "node", expected, f"{node.domain} {node.op_type}"[:80].strip())
        most = NUM_INPUTS.get(node.op_type, 2)
        expected = f"at most {most} inputs"
        expect(len(node.input) <= most, node.op_type, expected, len(node.input))
        most = NUM_OUTPUTS.get(node.op_type, 1)
        expected = f"at most {most} outputs"
        expect(len(node.output) <= most, node.op_type, expected, len(node.output))
        if node.op_type in NUM_INPUTS:
            has_x = len(node.input) >= 3 and node.input[0]
            expect(bool(has_x), node.op_type, "inputs X, W and R", list(node.input)[:3])
        if node.op_type == "Constant":
            is_tensor = [(one.name, one.HasField("t")) for one in node.attribute]
            fits = is_tensor == [("value", True)] and len(node.output) == 1
            expect(fits, "Constant", "a tensor, value", [n for n, _ in is_tensor])
            _check_tensor(node.attribute[0].t)


def _check_tensor(tensor: Any) -> None:
    """Checks that a tensor's data are in the model, and as many as its shape says."""
    name = repr(tensor.name[:80])
    outside = tensor.data_location or tensor.external_data or tensor.HasField("segment")
    expect(not outside, name, "data in the model", "data in another file")
    types = onnx().TensorProto.DataType
    kind = types.Name(tensor.data_type) if tensor.data_type in types.values() else "?"
    expect(kind in _FIELDS, name, f"one of {', '.join(_FIELDS)}", kind)
    fits = len(tensor.dims) <= 16 and all(size >= 0 for size in tensor.dims)
    expect(fits, name, "at most 16 axes of sizes ≥ 0", list(tensor.dims)[:17])
    num_entries = math.prod(tensor.dims)
    if tensor.HasField("raw_data"):
        dtype = onnx().helper.tensor_dtype_to_np_dtype(tensor.data_type)
        num_found = len(tensor.raw_data) / np.dtype(dtype).itemsize
    else:
        num_found = len(getattr(tensor, _FIELDS[kind]))
    expected = f"{num_entries} numbers, as its shape says"
    expect(num_found == num_entries, name, expected, f"{num_found:g}")


# What exporters put around recurrent nodes. Attributes first, then inputs.


def _transpose(given: dict[str, Any], a: Array) -> Array:
    return jnp.transpose(a, given.get("perm"))


def _squeeze(given: dict[str, Any], a: Array, axes: Any = None) -> Array:
    # Of version 13 on, the axes are an input.
    axes = given.get("axes") if axes is None else axes
    where = None if axes is None else tuple(int(axis) for axis in np.asarray(axes))
    return jnp.squeeze(a, where)


def _unsqueeze(given: dict[str, Any], a: Array, axes: Any = None) -> Array:
    axes = given["axes"] if axes is None else axes
    return jnp.expand_dims(a, tuple(int(axis) for axis in np.asarray(axes)))


def _reshape(given: dict[str, Any], a: Array, shape: Any) -> Array:
    sizes = [int(size) for size in np.asarray(shape)]
    if not given.get("allowzero"):  # a size of 0 is kept as it is
        sizes = [a.shape[k] if size == 0 else size for k, size in enumerate(sizes)]
    return jnp.reshape(a, sizes)


_OPERATORS: dict[str, Callable[..., Array]] = {
    "Identity": lambda given, a: a,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
}
