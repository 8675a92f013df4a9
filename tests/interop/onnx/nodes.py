"""Recurrent nodes drawn at random, as models of one node."""

import numpy as np
from onnx import helper, numpy_helper


NUM_STEPS, BATCH, NUM_INPUTS, NUM_HIDDEN = 4, 3, 2, 3
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
ORDER = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")


def drawn(kind, without=(), dtype=np.float32, seed=0, **attributes):
    """Draws the inputs of a node by name; None for those that it shall not have."""
    rng = np.random.default_rng(seed)
    num_directions = 2 if attributes.get("direction") == "bidirectional" else 1
    rows = GATES[kind] * NUM_HIDDEN
    state = (num_directions, BATCH, NUM_HIDDEN)
    shapes = {
        "X": (NUM_STEPS, BATCH, NUM_INPUTS),
        "W": (num_directions, rows, NUM_INPUTS),
        "R": (num_directions, rows, NUM_HIDDEN),
        "B": (num_directions, 2 * rows),
        "sequence_lens": None,
        "initial_h": state,
        "initial_c": state,
        "P": (num_directions, 3 * NUM_HIDDEN),
    }
    if kind != "LSTM":
        without = (*without, "initial_c", "P")
    inputs = {}
    for name, shape in shapes.items():
        if name == "sequence_lens":
            inputs[name] = np.array([4, 1, 3], np.int32)
        else:
            inputs[name] = rng.normal(size=shape).astype(dtype)
    if attributes.get("layout"):
        for name in ("X", "initial_h", "initial_c"):
            inputs[name] = inputs[name].swapaxes(0, 1).copy()
    return {n: None if n in without else a for n, a in inputs.items()}


def model_of(kind, inputs, attributes):
    """Makes a model of one node; weights are in it, the rest are its inputs."""
    inside = ("W", "R", "B", "P")
    given = [n if inputs.get(n) is not None else "" for n in ORDER]
    given = given if kind == "LSTM" else given[:6]
    outputs = ["Y", "Y_h", "Y_c"] if kind == "LSTM" else ["Y", "Y_h"]
    node = helper.make_node(kind, given, outputs, hidden_size=NUM_HIDDEN, **attributes)
    present = {n: a for n, a in inputs.items() if a is not None}
    graph = helper.make_graph(
        [node],
        "one",
        [
            helper.make_tensor_value_info(
                n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape
            )
            for n, a in present.items()
            if n not in inside
        ],
        [
            helper.make_tensor_value_info(
                n, helper.np_dtype_to_tensor_dtype(inputs["X"].dtype), None
            )
            for n in outputs
        ],
        [numpy_helper.from_array(present[n], n) for n in inside if n in present],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8
    )


def run_inputs(inputs):
    inside = ("W", "R", "B", "P")
    return {n: a for n, a in inputs.items() if a is not None and n not in inside}


def onnxruntime_outputs(model, inputs):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, inputs)
