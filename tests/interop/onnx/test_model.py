"""ONNX's nodes: its equations, onnxruntime, bits both ways, hostile files."""

import functools

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest


onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from jaxseq import network  # noqa: E402
from jaxseq.cells import (  # noqa: E402
    activations,
    elman,
    gru,
    jordan,
    lstm,
    lstm_coupled,
    lstm_peephole,
)
from jaxseq.interop.onnx import (  # noqa: E402
    export,
    form,
    model,
    recurrent,
    weights,
)
from jaxseq.network import Both  # noqa: E402
from jaxseq.unroll import unroll  # noqa: E402
from tests.interop.documented import onnx_outputs  # noqa: E402
from tests.interop.onnx.nodes import (  # noqa: E402
    drawn,
    model_of,
    onnxruntime_outputs,
    run_inputs,
)


NODES = {
    "RNN": ("RNN", (), {}),
    "RNN both relu": (
        "RNN",
        (),
        {"direction": "bidirectional", "activations": ["Relu", "Tanh"]},
    ),
    "RNN clip": ("RNN", ("B",), {"clip": 0.5, "activations": ["Softsign"]}),
    "GRU": ("GRU", (), {}),
    "GRU after": ("GRU", ("initial_h",), {"linear_before_reset": 1}),
    "GRU reverse clip": ("GRU", (), {"direction": "reverse", "clip": 0.4}),
    "GRU after clip": (
        "GRU",
        (),
        {
            "linear_before_reset": 1,
            "clip": 0.4,
            "direction": "bidirectional",
            "activations": ["HardSigmoid", "LeakyRelu", "Sigmoid", "Elu"],
            "activation_alpha": [0.3, 0.2, 0.7],
            "activation_beta": [0.4],
        },
    ),
    "LSTM": ("LSTM", ("P",), {}),
    "LSTM reverse": ("LSTM", ("P", "sequence_lens"), {"direction": "reverse"}),
    "LSTM peepholes": ("LSTM", (), {"direction": "bidirectional"}),
    "LSTM coupled": ("LSTM", ("P", "B"), {"input_forget": 1}),
    "LSTM coupled peepholes": ("LSTM", ("initial_c",), {"input_forget": 1}),
    "LSTM clip": ("LSTM", (), {"clip": 0.6}),
    "LSTM activations": (
        "LSTM",
        ("initial_h", "initial_c"),
        {
            "activations": ["HardSigmoid", "ScaledTanh", "ThresholdedRelu"],
            "activation_alpha": [0.3, 1.5, 0.1],
            "activation_beta": [0.4, 0.7],
        },
    ),
    "LSTM affine": (
        "LSTM",
        ("P",),
        {
            "activations": ["sigmoid", "Affine", "softplus"],  # in any case
            "activation_alpha": [0.5],
            "activation_beta": [0.1],
        },
    ),
}
# What onnxruntime's CPU does not have is tied to the documentation alone.
LAYOUTS = {
    "LSTM layout": ("LSTM", (), {"layout": 1, "direction": "bidirectional"}),
    "GRU layout": ("GRU", (), {"layout": 1}),
}


# The rest of NODES is tied to the documentation, as these are, and to onnxruntime by
# `make test-all`.
QUICK = ("RNN both relu", "GRU after clip", "LSTM peepholes", "lstm", "gru before")


def quick(names):
    """Marks the others slow."""
    marks = {name: () if name in QUICK else pytest.mark.slow for name in names}
    return [pytest.param(name, marks=mark) for name, mark in marks.items()]


def case(name, dtype=np.float32):
    kind, without, attributes = (NODES | LAYOUTS)[name]
    inputs = drawn(kind, without, dtype, **attributes)
    return kind, inputs, attributes, model_of(kind, inputs, attributes)


@pytest.mark.parametrize("name", [*NODES, *LAYOUTS])
def test_run_computes_what_onnx_documents(name):
    kind, inputs, attributes, proto = case(name, np.float64)
    attributes = dict(attributes)
    for key in ("clip", "activation_alpha", "activation_beta"):
        if key in attributes:  # ONNX holds these in float32
            attributes[key] = np.float32(attributes[key]).tolist()
    if "activations" in attributes:
        attributes["activations"] = [
            n.capitalize() if n.islower() else n for n in attributes["activations"]
        ]
    expected = onnx_outputs(kind, inputs, attributes)
    with jax.disable_jit():
        found = model.run(proto, run_inputs(inputs))
    for array, wanted in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", quick(NODES))
def test_equals_onnxruntime(name):
    pytest.importorskip("onnxruntime")
    _, inputs, _, proto = case(name)
    expected = onnxruntime_outputs(proto, run_inputs(inputs))
    found = jax.jit(functools.partial(model.run, proto))(run_inputs(inputs))
    names = [one.name for one in proto.graph.output]
    assert found.keys() == set(names)
    for name, wanted in zip(names, expected, strict=True):
        np.testing.assert_allclose(found[name], wanted, rtol=1e-6, atol=1e-6)
    again = export.write(
        model.read(proto),
        sequence_lens=inputs["sequence_lens"] is not None,
        initial_states=inputs["initial_h"] is not None,
        like=model.read_weights(proto),
    )
    onnx.checker.check_model(again, full_check=True)
    for one, wanted in zip(
        again.graph.initializer, proto.graph.initializer, strict=True
    ):
        assert one.name == wanted.name
        array, wanted = numpy_helper.to_array(one), numpy_helper.to_array(wanted)
        assert array.tobytes() == wanted.tobytes()
    needed = {one.name for one in again.graph.input}
    zeros = {n: np.zeros((1, 3, 3), np.float32) for n in needed}
    written = onnxruntime_outputs(again, zeros | run_inputs(inputs))
    for array, wanted in zip(written, expected, strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-6, atol=1e-6)


LAYERS = {
    "elman": elman.cell(),
    "relu": elman.cell(activations.relu),
    "identity": elman.cell(activations.identity),
    "gru before": gru.reset_before(),
    "gru after": gru.reset_after(),
    "lstm": lstm.cell(),
    "peephole": lstm_peephole.cell(),
    "coupled": lstm_coupled.cell(),
}


def normal(tree, seed=0):
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda a: jnp.asarray(rng.normal(size=a.shape).astype(a.dtype)), tree
    )


@pytest.mark.parametrize("name", quick(LAYERS))
def test_layers_of_jaxseq_go_out_and_come_back(name):
    """To the bit; and onnxruntime computes what they compute."""
    pytest.importorskip("onnxruntime")
    cell = LAYERS[name]
    layer = Both(cell, cell)
    (params,) = normal(network.init(jax.random.key(0), [layer], 2, 3))
    proto = export.write(form.of_layer(layer, params), sequence_lens=True)
    onnx.checker.check_model(proto, full_check=True)
    again, params_again = form.layer_of(model.read(proto))
    assert again == layer
    leaves = jax.tree.leaves(params)
    for leaf, wanted in zip(jax.tree.leaves(params_again), leaves, strict=True):
        assert np.asarray(leaf).tobytes() == np.asarray(wanted).tobytes()
    xs = normal(jnp.zeros((5, 3, 2), jnp.float32), 1)
    lengths = np.array([5, 2, 1], np.int32)
    Y, *_ = onnxruntime_outputs(proto, {"X": np.asarray(xs), "sequence_lens": lengths})
    ys = network.stack([layer], [params], None, xs, lengths=lengths).ys
    np.testing.assert_allclose(
        np.concatenate([Y[:, 0], Y[:, 1]], -1), ys, rtol=1e-6, atol=1e-6
    )


def test_gradients_are_those_of_the_layer():
    """Also of cells that jaxseq has for ONNX alone."""
    cell = lstm_peephole.cell()
    params = normal(cell.init(jax.random.key(0), 2, 3, jnp.float64))
    plain = form.of_layer(cell, params, reverse=True)
    # A clip that never clips: the same numbers by the other cell.
    clipped = plain._replace(forms=(plain.forms[0]._replace(clip=1e6),))
    assert form.cell(clipped.forms[0]) is not cell
    xs = normal(jnp.zeros((4, 3, 2)), 1)

    def through(proto):
        return lambda xs: jnp.sum(jnp.sin(model.run(proto, {"X": xs})["Y"]))

    gradient = lambda function: jax.jit(jax.grad(function))
    wanted = gradient(
        lambda xs: jnp.sum(jnp.sin(unroll(cell, params, None, xs, reverse=True).ys))
    )(xs)
    for node in (plain, clipped):
        found = gradient(through(export.write(node)))(xs)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.slow
@hypothesis.settings(max_examples=10)
@hypothesis.given(st.data())
def test_any_attributes_equal_the_documentation(data):
    kind = data.draw(st.sampled_from(["RNN", "GRU", "LSTM"]))
    optional = ("B", "sequence_lens", "initial_h", "initial_c", "P")
    attributes = {
        "direction": data.draw(st.sampled_from(form.DIRECTIONS)),
        "layout": data.draw(st.integers(0, 1)),
    }
    if data.draw(st.booleans()):
        attributes["clip"] = data.draw(st.sampled_from([0.25, 1.0]))
    flag = {"LSTM": "input_forget", "GRU": "linear_before_reset"}.get(kind)
    if flag:
        attributes[flag] = data.draw(st.integers(0, 1))
    without = data.draw(st.sets(st.sampled_from(optional)))
    inputs = drawn(kind, tuple(without), np.float64, **attributes)
    if inputs["sequence_lens"] is not None:
        lengths = data.draw(st.lists(st.integers(0, 4), min_size=3, max_size=3))
        inputs["sequence_lens"] = np.array(lengths, np.int32)
    with jax.disable_jit():
        proto = model_of(kind, inputs, attributes)
        found = model.run(proto, run_inputs(inputs))
    for array, wanted in zip(
        found.values(), onnx_outputs(kind, inputs, attributes), strict=True
    ):
        np.testing.assert_allclose(array, wanted, rtol=1e-11, atol=1e-12)


def test_an_empty_sequence_ends_in_zero_as_in_onnxruntime():
    pytest.importorskip("onnxruntime")
    inputs = drawn("LSTM") | {"sequence_lens": np.array([0, 2, 4], np.int32)}
    proto = model_of("LSTM", inputs, {})
    expected = onnxruntime_outputs(proto, run_inputs(inputs))
    found = model.run(proto, run_inputs(inputs))
    for array, wanted in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(array, wanted, rtol=0, atol=1e-6)


def test_operators_around_a_node(tmp_path):
    """As PyTorch exports a batch-first bidirectional module."""
    inputs = drawn("GRU", ("sequence_lens",), direction="bidirectional")
    proto = model_of("GRU", inputs, {"direction": "bidirectional"})
    graph = proto.graph
    graph.node[0].input[0] = "turned"
    before = helper.make_node("Transpose", ["X"], ["turned"], perm=[1, 0, 2])
    after = [
        helper.make_node("Transpose", ["Y"], ["swapped"], perm=[2, 0, 1, 3]),
        helper.make_node("Reshape", ["swapped", "shape"], ["flat"]),
        helper.make_node("Unsqueeze", ["flat", "axes"], ["more"]),
        helper.make_node("Squeeze", ["more", "axes"], ["less"]),
        helper.make_node("Identity", ["less"], ["ys"]),
    ]
    constant = helper.make_node(
        "Constant", [], ["axes"], value=numpy_helper.from_array(np.array([1]))
    )
    nodes = [constant, before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.append(numpy_helper.from_array(np.array([0, 0, -1]), "shape"))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("ys", TensorProto.FLOAT, None))
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = 3
    graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4
    export.save(tmp_path / "model.onnx", proto)
    given = run_inputs(inputs)
    given["X"] = given["X"].swapaxes(0, 1).copy()
    found = model.run(tmp_path / "model.onnx", given)
    (expected,) = onnxruntime_outputs(proto, given)
    np.testing.assert_allclose(found["ys"], expected, rtol=0, atol=1e-6)
    assert found["ys"].shape == (3, 4, 6)


def test_weights_without_like_add_the_biases():
    inputs = drawn("LSTM", ("P",))
    recurrent = model.read(model_of("LSTM", inputs, {}))
    found = weights.write(recurrent)
    np.testing.assert_array_equal(found.W, inputs["W"])
    np.testing.assert_array_equal(found.B[0, 12:], 0)
    total = inputs["B"][0, :12] + inputs["B"][0, 12:]
    np.testing.assert_array_equal(found.B[0, :12], total)


def tensor_of(**fields):
    one = numpy_helper.from_array(np.ones((1, 3, 2), np.float32), "W")
    for name, value in fields.items():
        if name == "dims":
            del one.dims[:]
            one.dims.extend(value)
        else:
            setattr(one, name, value)
    return one


def with_initializer(tensor):
    proto = model_of("RNN", drawn("RNN"), {})
    (index,) = (k for k, t in enumerate(proto.graph.initializer) if t.name == "W")
    proto.graph.initializer[index].CopyFrom(tensor)
    return proto


def external():
    tensor = tensor_of(data_location=TensorProto.EXTERNAL)
    tensor.ClearField("raw_data")
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return with_initializer(tensor)


def changed(**attributes):
    return model_of("LSTM", drawn("LSTM"), attributes)


def without_node(op_type="Loop", domain=""):
    proto = changed()
    proto.graph.node.append(helper.make_node(op_type, ["Y"], ["Z"], domain=domain))
    return proto


def of_opset(version):
    proto = changed()
    proto.opset_import[0].version = version
    return proto


def writing(*names):
    proto = changed()
    proto.graph.node[0].output[:] = names
    return proto


def reading(name):
    proto = changed()
    proto.graph.node[0].input[1] = name
    return proto


WRONG = {
    "external": (external, "'W': expected data in the model, got data in another file"),
    "huge": (
        lambda: with_initializer(tensor_of(dims=[1 << 40, 1 << 40, 3])),
        "'W': expected 3626777458843887524118528 numbers",
    ),
    "negative": (lambda: with_initializer(tensor_of(dims=[-1])), "sizes ≥ 0"),
    "cut": (lambda: with_initializer(tensor_of(raw_data=b"123")), "expected 6 numbers"),
    "type": (lambda: with_initializer(tensor_of(data_type=99)), "one of FLOAT, .* got"),
    "text": (lambda: with_initializer(tensor_of(data_type=8)), "got STRING"),
    "operator": (without_node, "node: expected RNN, .*, got Loop"),
    "domain": (lambda: without_node("Identity", "x"), "got x Identity"),
    "opset": (lambda: of_opset(6), "opset_import: expected one version ≥ 7"),
    "unknown input": (lambda: reading("nowhere"), "nowhere computed before it"),
    "no input": (lambda: reading(""), "W: expected an initializer"),
    "attribute": (lambda: changed(zoneout=1.0), "got zoneout"),
    "direction": (lambda: changed(direction="sideways"), "got 'sideways'"),
    "activation": (
        lambda: changed(activations=["Sigmoid", "Cos", "Tanh"]),
        "activations: expected some of Sigmoid, .*, got 'Cos'",
    ),
    "few activations": (lambda: changed(activations=["Tanh"]), "expected 3 names"),
    "alpha": (
        lambda: changed(activations=["Sigmoid", "Affine", "Tanh"]),
        "activation_alpha: expected one for Affine",
    ),
    "numbers": (lambda: changed(activation_alpha=["x"]), "and lists of numbers"),
    "clip": (lambda: changed(clip=-1.0), "clip: expected a number > 0"),
    "layout": (lambda: changed(layout=2), "layout: expected 0 or 1, got 2"),
    "outputs": (
        lambda: writing("a", "b", "c", "d"),
        "LSTM: expected at most 3 outputs",
    ),
    "flag": (lambda: changed(input_forget=-1), "input_forget: expected 0 or 1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_models_are_refused(name):
    make, message = WRONG[name]
    proto = make()
    with pytest.raises(ValueError, match=message):
        model.run(proto, run_inputs(drawn(proto.graph.node[0].op_type)))


def test_hidden_size_must_be_that_of_the_weights():
    proto = changed()
    (size,) = (a for a in proto.graph.node[0].attribute if a.name == "hidden_size")
    size.i = 1 << 60
    with pytest.raises(ValueError, match="hidden_size: expected 3, as R has it"):
        model.read(proto)


def test_wrong_shapes_are_named():
    inputs = drawn("LSTM")
    for name, message in (
        ("W", r"W: expected float32\[1, 12, 2\], got float32\[1, 11, 2\]"),
        ("B", r"B: expected float32\[1, 24\]"),
        ("P", r"P: expected float32\[1, 9\]"),
    ):
        cut = np.delete(inputs[name], 0, axis=1)
        with pytest.raises(ValueError, match=message):
            model.read(model_of("LSTM", inputs | {name: cut}, {}))
    proto, given = changed(), run_inputs(inputs)
    for name, array, message in (
        ("initial_h", given["initial_h"][:, :2], r"initial_h: expected shape \[1, 3"),
        ("X", given["X"][0], "X: expected shape"),
        ("sequence_lens", np.array([5, 1, 1]), "sequence_lens: expected 0 to T = 4"),
    ):
        with pytest.raises(ValueError, match=message):
            model.run(proto, given | {name: array})
    with pytest.raises(ValueError, match="inputs: expected X, initial_c, .*, got none"):
        model.run(proto, {})
    with pytest.raises(ValueError, match="inputs: expected arrays by name, got list"):
        model.run(proto, [given["X"]])


def test_read_wants_one_node():
    proto = changed()
    del proto.graph.node[:]
    for read in (model.read, model.read_weights):
        with pytest.raises(ValueError, match="model: expected one node of RNN.* got 0"):
            read(proto)


@pytest.mark.parametrize("source", [3, None, b"model.onnx"])
def test_a_source_is_a_path_or_a_model(source):
    with pytest.raises(ValueError, match="^source: expected a path or a ModelProto"):
        model.read(source)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "opset_import"), (b"PK\3\4", "no model to run"), (b"\xff" * 99, "no model")],
)
def test_files_that_are_none_are_refused(content, message, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as e:
        model.load(path)
    assert repr(str(path)) in str(e.value)
    for other in ("none", "."):
        with pytest.raises(ValueError, match="No such file|a regular file"):
            model.load(tmp_path / other)


def test_without_the_package_the_extra_is_named(monkeypatch):
    def no_module(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("jaxseq.interop.onnx.node.importlib.import_module", no_module)
    with pytest.raises(ImportError, match=r"pip install jaxseq\[onnx\]"):
        model.load("model.onnx")


def test_what_onnx_has_not_is_refused():
    cell = jordan.cell(3)
    params = cell.init(jax.random.key(0), 2, 3)
    with pytest.raises(ValueError, match="layer: expected the cell of elman.* jordan"):
        form.of_layer(cell, params)
    with pytest.raises(ValueError, match="params: expected Both"):
        form.of_layer(Both(lstm.cell(), lstm.cell()), params)
    with pytest.raises(ValueError, match="both directions of one kind"):
        form.of_layer(Both(lstm.cell(), elman.cell()), Both(params, params))


CELLS_OF_ONNX = {
    "elman": elman.cell(),
    "gru after": gru.reset_after(),
    "gru before": gru.reset_before(),
    "lstm": lstm.cell(),
    "coupled": lstm_coupled.cell(),
    "peephole": lstm_peephole.cell(),
}


@pytest.mark.parametrize("of", CELLS_OF_ONNX)
@pytest.mark.parametrize("name", CELLS_OF_ONNX)
def test_parameters_of_another_cell_are_refused(name, of):
    cell, drawn_from = CELLS_OF_ONNX[name], CELLS_OF_ONNX[of]
    params = drawn_from.init(jax.random.key(0), 3, 4, jnp.float32)
    if name == of:
        assert form.of_layer(cell, params).params == (params,)
        return
    with pytest.raises(ValueError, match=r"^params.*: expected"):
        form.of_layer(cell, params)
    both = Both(cell.init(jax.random.key(0), 3, 4, jnp.float32), params)
    with pytest.raises(ValueError, match=r"^params\.backward.*: expected"):
        form.of_layer(Both(cell, cell), both)


@pytest.mark.parametrize("params", [None, (), {"U": 1}])
def test_what_are_no_parameters_is_refused(params):
    with pytest.raises(ValueError, match="^params: expected"):
        form.of_layer(lstm.cell(), params)


def test_both_directions_have_one_size():
    cell = lstm.cell()
    params = Both(*(cell.init(jax.random.key(0), 3, size) for size in (4, 5)))
    with pytest.raises(ValueError, match=r"^params\.backward: expected the sizes of"):
        form.of_layer(Both(cell, cell), params)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("X", np.zeros((2, 3, 5), np.float32), "I = 4"),
        ("X", np.zeros((2, 3, 4), int), "floating-point"),
        ("sequence_lens", np.array([1, 2]), r"\[3\]"),
        ("sequence_lens", np.array([1, 2, 3]), "0 to T = 2"),
    ],
)
def test_wrong_inputs_are_refused_by_the_nodes_names(name, value, expected):
    params = elman.cell().init(jax.random.key(0), 4, 3, jnp.float32)
    node = model.read(export.write(form.of_layer(elman.cell(), params)))
    inputs = {"X": np.zeros((2, 3, 4), np.float32)} | {name: value}
    with pytest.raises(ValueError, match=f"^{name}: .*{expected}"):
        recurrent.run(node, **inputs)
