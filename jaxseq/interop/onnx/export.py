"""A layer of jaxseq as an ONNX model of one node.

Inputs of the model are X `[T, B, I]`, and on request sequence_lens `[B]`, initial_h and
initial_c `[D, B, H]`; outputs are Y `[T, D, B, H]`, Y_h and, of an LSTM, Y_c
`[D, B, H]`. T and B are free.
"""

from typing import Any

import numpy as np

from jaxseq.interop.onnx import node as nodes, weights
from jaxseq.interop.onnx.form import Recurrent
from jaxseq.interop.onnx.node import onnx
from jaxseq.interop.onnx.weights import Weights
from jaxseq.word2vec.streams import FilePath, writing


OPSET = 14  # the first with `layout`
IR_VERSION = 8  # of the same time, so that older runtimes read it


def write(
    recurrent: Recurrent,
    *,
    sequence_lens: bool = False,
    initial_states: bool = False,
    like: Weights | None = None,
) -> Any:
    """Writes a node as a model.

    Args:
        recurrent: the node, from `form.of_layer` or `model.read`.
        sequence_lens: whether the model takes the lengths.
        initial_states: whether it takes initial states.
        like: as in `jaxseq.interop.onnx.weights.write`.

    Returns:
        A ModelProto.

    Raises:
        ImportError: if the package onnx is not installed.
    """
    helper, types = onnx().helper, onnx().TensorProto
    arrays = weights.write(recurrent, like)._asdict()
    arrays = {name: array for name, array in arrays.items() if array is not None}
    num_directions, _, num_inputs = arrays["W"].shape
    num_hidden = arrays["R"].shape[2]
    is_lstm = recurrent.forms[0].kind == "LSTM"
    time = ["B", "T"] if recurrent.layout else ["T", "B"]
    end = ["B", num_directions] if recurrent.layout else [num_directions, "B"]
    along = ["B", "T", num_directions] if recurrent.layout else ["T", *end]
    shapes: dict[str, list[Any]] = {"X": [*time, num_inputs]}
    if sequence_lens:
        shapes["sequence_lens"] = ["B"]
    if initial_states:
        names = ("initial_h", "initial_c") if is_lstm else ("initial_h",)
        shapes |= {name: [*end, num_hidden] for name in names}
    inputs = [n if n in shapes or n in arrays else "" for n in nodes.INPUTS]
    while not inputs[-1]:
        inputs.pop()
    outputs: list[str] = list(nodes.OUTPUTS if is_lstm else nodes.OUTPUTS[:2])
    given = [*along, num_hidden], [*end, num_hidden], [*end, num_hidden]
    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(arrays["W"].dtype))

    def info(name: str, shape: list[Any]) -> Any:
        kind = types.INT32 if name == "sequence_lens" else dtype
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        [nodes.write(recurrent, inputs, outputs)],
        "jaxseq",
        [info(name, shape) for name, shape in shapes.items()],
        [info(*pair) for pair in zip(outputs, given, strict=False)],
        [onnx().numpy_helper.from_array(a, name) for name, a in arrays.items()],
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="jaxseq",
    )


def save(path: FilePath, model: Any) -> None:
    """Writes a model to a file; an old one is replaced in one step.

    Args:
        path: where to.
        model: a ModelProto, from `write`.

    Raises:
        OSError: if the file cannot be written; an old one is then unharmed.
    """
    content = model.SerializeToString(deterministic=True)
    with writing(path) as (stream,):
        stream.write(content)
