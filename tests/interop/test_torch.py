"""PyTorch's weights: its documented equations, PyTorch itself, and bits both ways."""

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import network
from jaxseq.cells import activations, elman, gru, jordan, lstm
from jaxseq.interop import torch as interop
from jaxseq.network import Both
from tests.interop.documented import torch_outputs


GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DIRECTIONS = {1: ("",), 2: ("", "_reverse")}
NUM_INPUTS, NUM_HIDDEN, NUM_STEPS, BATCH = 3, 4, 5, 2


def drawn(name, num_layers=1, num_directions=1, dtype=np.float32, inner=1.0, prefix=""):
    """Draws a state_dict; `inner` scales the second of the two biases."""
    rng = np.random.default_rng(0)
    num_rows = GATES[name] * NUM_HIDDEN
    arrays = {}
    for k in range(num_layers):
        num_inputs = NUM_INPUTS if k == 0 else num_directions * NUM_HIDDEN
        for suffix in DIRECTIONS[num_directions]:
            shapes = {
                "weight_ih": (num_rows, num_inputs),
                "weight_hh": (num_rows, NUM_HIDDEN),
                "bias_ih": (num_rows,),
                "bias_hh": (num_rows,),
            }
            for kind, shape in shapes.items():
                scale = inner if kind == "bias_hh" else 1.0
                array = (0.5 * scale * rng.normal(size=shape)).astype(dtype)
                arrays[f"{prefix}{kind}_l{k}{suffix}"] = array
    return arrays


def assert_same_bits(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert np.asarray(found[name]).tobytes() == array.tobytes(), name


def inputs(dtype=np.float32):
    rng = np.random.default_rng(1)
    return rng.normal(size=(NUM_STEPS, BATCH, NUM_INPUTS)).astype(dtype)


@pytest.mark.parametrize("num_directions", [1, 2])
@pytest.mark.parametrize(("name", "num_layers"), [("LSTM", 2), ("GRU", 3), ("RNN", 1)])
def test_read_computes_what_pytorch_documents(name, num_layers, num_directions):
    state_dict = drawn(name, num_layers, num_directions, np.float64, prefix="rnn.")
    bare = {key.removeprefix("rnn."): array for key, array in state_dict.items()}
    layers, params = interop.read({**state_dict, "fc.bias": np.ones(3)}, "rnn.")
    xs = inputs(np.float64)
    with jax.disable_jit():
        ys = network.stack(layers, params, None, jnp.asarray(xs)).ys
    for row in range(BATCH):
        suffixes = DIRECTIONS[num_directions]
        expected = torch_outputs(name, bare, xs[:, row], num_layers, suffixes)
        np.testing.assert_allclose(ys[:, row], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "num_directions", "num_layers"),
    [
        ("GRU", 2, 2),
        ("LSTM", 1, 1),
        pytest.param("LSTM", 2, 3, marks=pytest.mark.slow),
        pytest.param("GRU", 1, 3, marks=pytest.mark.slow),
        pytest.param("RNN", 2, 2, marks=pytest.mark.slow),
    ],
)
def test_equals_pytorch(name, num_directions, num_layers):
    torch = pytest.importorskip("torch")
    both = num_directions == 2
    rnn = getattr(torch.nn, name)(
        NUM_INPUTS, NUM_HIDDEN, num_layers=num_layers, bidirectional=both
    )
    state_dict = drawn(name, num_layers, num_directions)
    rnn.load_state_dict({k: torch.from_numpy(a) for k, a in state_dict.items()})
    xs = inputs()
    layers, params = interop.read(rnn.state_dict())
    written = interop.write(layers, params, like=rnn.state_dict())
    assert_same_bits(written, state_dict)

    def loss(params, xs):
        ys = network.stack(layers, params, None, xs).ys
        return jnp.sum(jnp.sin(ys)), ys

    run = jax.jit(jax.grad(loss, (0, 1), has_aux=True))
    (d_params, d_xs), ys = run(params, jnp.asarray(xs))
    inputs_of_torch = torch.from_numpy(xs).requires_grad_()
    outputs = rnn(inputs_of_torch)[0]
    np.testing.assert_allclose(ys, outputs.detach().numpy(), rtol=0, atol=1e-6)
    outputs.sin().sum().backward()
    np.testing.assert_allclose(d_xs, inputs_of_torch.grad.numpy(), rtol=0, atol=1e-5)
    for key, array in interop.write(layers, d_params).items():
        # The gradients of both biases are one; jaxseq's is written as the first.
        if "bias_hh" not in key:
            gradient = rnn.get_parameter(key).grad.numpy()
            np.testing.assert_allclose(array, gradient, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_tensors_are_read_as_they_are(dtype):
    torch = pytest.importorskip("torch")
    rnn = torch.nn.GRU(3, 4, dtype=getattr(torch, dtype))
    layers, params = interop.read(dict(rnn.named_parameters()))
    assert params[0].U.dtype == jnp.dtype(dtype)
    written = interop.write(layers, params, like=rnn.state_dict())
    for key, tensor in rnn.state_dict().items():
        assert torch.equal(torch.from_dlpack(written[key]), tensor)
    before = np.asarray(params[0].W).copy()
    with torch.no_grad():
        rnn.weight_hh_l0.zero_()
    np.testing.assert_array_equal(before, params[0].W)  # a copy


LAYERS = {
    "lstm": lstm.cell(),
    "gru": gru.reset_after(),
    "elman": elman.cell(),
    "relu": elman.cell(activations.relu),
}


@pytest.mark.parametrize("dtype", [np.float32, jnp.bfloat16])
@pytest.mark.parametrize("name", LAYERS)
def test_what_is_written_is_read_back_to_the_bit(name, dtype):
    cell = LAYERS[name]
    layers = (Both(cell, cell), Both(cell, cell))
    rng = np.random.default_rng(0)
    like = jax.eval_shape(
        lambda key: network.init(key, layers, 3, 4, dtype), jax.random.key(0)
    )

    def normal(leaf):
        drawn = rng.normal(size=leaf.shape)
        drawn.flat[:2] = [-0.0, np.nan]
        return jnp.asarray(drawn.astype(leaf.dtype))

    params = jax.tree.map(normal, like)
    again = interop.read(interop.write(layers, params, "a."), "a.", cell)
    assert again.layers == layers
    assert jax.tree.structure(again.params) == jax.tree.structure(params)
    for leaf, expected in zip(
        jax.tree.leaves(again.params), jax.tree.leaves(params), strict=True
    ):
        assert leaf.dtype == expected.dtype
        assert np.asarray(leaf).tobytes() == np.asarray(expected).tobytes()


@pytest.mark.parametrize("name", GATES)
def test_what_is_read_is_written_back_to_the_bit(name):
    """Without `like` where the second bias is 0, with it always."""
    for inner, with_like in ((0.0, False), (0.0, True), (1.0, True)):
        state_dict = drawn(name, 2, 2, inner=inner)
        for array in state_dict.values():
            array.flat[0] = np.abs(array.flat[0])  # no -0 where it is scaled by 0
            array[array == 0] = 0
        layers, params = interop.read(state_dict)
        like = state_dict if with_like else None
        assert_same_bits(interop.write(layers, params, like=like), state_dict)
    summed = interop.write(layers, params)
    assert not np.asarray(summed["bias_hh_l0"])[: -NUM_HIDDEN or None].any()


@hypothesis.given(st.data())
def test_biases_that_changed_keep_their_sum(data):
    name = data.draw(st.sampled_from(["LSTM", "GRU", "RNN"]))
    state_dict = drawn(name)
    num_rows = GATES[name] * NUM_HIDDEN
    index = data.draw(st.integers(0, num_rows - 1))
    value = data.draw(st.floats(-2, 2, width=32))
    layers, (p,) = interop.read(state_dict)
    params = (p._replace(b=p.b.at[index].set(value)),)
    if name == "GRU":
        params = (params[0]._replace(b_m=p.b_m.at[0].add(1)),)
    written = interop.write(layers, params, like=state_dict)
    _, again = interop.read(written)
    np.testing.assert_array_equal(again[0].b, params[0].b)
    if name == "GRU":
        np.testing.assert_array_equal(again[0].b_m, params[0].b_m)
    changed = sum(
        int(np.sum(np.asarray(written[key]) != state_dict[key]))
        for key in ("bias_ih_l0", "bias_hh_l0")
    )
    assert changed <= 3


def test_modules_without_biases():
    state_dict = {k: a for k, a in drawn("GRU").items() if "bias" not in k}
    layers, params = interop.read(state_dict)
    assert not params[0].b.any()
    assert not params[0].b_m.any()
    assert_same_bits(interop.write(layers, params, like=state_dict), state_dict)
    trained = (params[0]._replace(b=params[0].b + 1),)
    with pytest.raises(ValueError, match="like: expected biases, .* not 0, got none"):
        interop.write(layers, trained, like=state_dict)


def test_what_is_written_has_a_prefix_and_the_size_of_like():
    layers, params = interop.read(drawn("LSTM"))
    with pytest.raises(ValueError, match="^like: expected the weights that were read"):
        interop.write(layers, params, like=drawn("GRU"))
    for function, given in ((interop.write, (layers, params)), (interop.read, ({},))):
        with pytest.raises(ValueError, match="^prefix: expected a str, got NoneType"):
            function(*given, prefix=None)


def test_everything_wrong_is_named_at_once():
    state_dict = drawn("LSTM", 2, 2, prefix="rnn.")
    del state_dict["rnn.bias_hh_l1_reverse"]
    state_dict["rnn.weight_hh_l1"] = np.zeros((16, 5), np.float32)
    state_dict["rnn.bias_ih_l0"] = np.zeros(16, np.float16)
    state_dict["rnn.weight_ih_l900000"] = np.zeros((16, 8), np.float32)
    state_dict["rnn.extra"] = np.zeros(1, np.float32)
    with pytest.raises(ValueError, match="^state_dict: expected the weights of") as e:
        interop.read(state_dict, "rnn.")
    for part in (
        "rnn.bias_hh_l1_reverse missing",
        "rnn.weight_hh_l1 float32[16, 5] in place of float32[16, 4]",
        "rnn.bias_ih_l0 float16[16] in place of float32[16]",
        "rnn.weight_ih_l900000 extra",
        "rnn.extra extra",
    ):
        assert part in str(e.value)
    assert str(e.value).count(" extra") == 2
    assert "\n" not in str(e.value)


WRONG = {
    "projections": (
        drawn("LSTM") | {"weight_hr_l0": np.zeros((2, 4))},
        r"no projections \(proj_size\), .* got weight_hr_l0",
    ),
    "none": ({}, "names such as weight_hh_l0, got none"),
    "unknown": (
        {"weight": np.zeros(3)},
        r"such as weight_hh_l0, got weight float64\[3",
    ),
    "no matrix": ({"weight_hh_l0": np.zeros(3)}, r"weight_hh_l0 \[G, H\]"),
    "gates": ({"weight_hh_l0": np.zeros((8, 4))}, r"4H \(LSTM\), 3H .* float64\[8, 4"),
    "names": (
        {0: np.zeros((8, 4))},
        r"state_dict: expected names that are str, got \[0",
    ),
    "integers": ({"weight_hh_l0": np.zeros((8, 4), int)}, "a floating-point dtype"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_state_dicts_are_refused(name):
    state_dict, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        interop.read(state_dict)


def test_cell_must_be_what_pytorch_has():
    layers, params = interop.read(drawn("RNN"), cell=elman.cell(activations.relu))
    assert layers == (elman.cell(activations.relu),)
    with pytest.raises(ValueError, match="weight_hh_l0 .* in place of"):
        interop.read(drawn("RNN"), cell=lstm.cell())
    for cell in (gru.reset_before(), jordan.cell(3), elman.cell(activations.logistic)):
        with pytest.raises(ValueError, match=r"cell: expected the cell of lstm, gru"):
            interop.read(drawn("RNN"), cell=cell)


def test_float64_needs_the_setting_of_jax():
    with (
        jax.enable_x64(False),
        pytest.raises(ValueError, match="jax_enable_x64 is not set, got float64"),
    ):
        interop.read(drawn("RNN", dtype=np.float64))


def of_layers(layers, num_inputs=3):
    return layers, network.init(jax.random.key(0), layers, num_inputs, 4)


WRONG_LAYERS = {
    "kinds": (of_layers([lstm.cell(), elman.cell()]), r"layers\[1\]: .* as layers"),
    "cells": (
        of_layers([gru.reset_before()]),
        r"layers\[0\]: .*, got gru.reset_before",
    ),
    "both": (of_layers([Both(lstm.cell(), elman.cell())]), "one cell, twice"),
    "count": ((of_layers([lstm.cell()])[0], []), "params: expected 1 entries"),
    "pair": (
        ([Both(lstm.cell(), lstm.cell())], of_layers([lstm.cell()])[1]),
        r"params\[0\]: expected Both",
    ),
    "type of a GRU": (
        ([gru.reset_after()], of_layers([elman.cell()])[1]),
        "gru.after.ParamsAfter, got Params",
    ),
    "type": (([lstm.cell()], of_layers([elman.cell()])[1]), "lstm.Params, got Params"),
    "inputs": (
        ([lstm.cell()] * 2, of_layers([lstm.cell()])[1] * 2),
        r"params\[1\]: expected I = 4",
    ),
    "rows": (
        ([elman.cell()], [elman.Params(np.ones((3, 2)), np.ones((3, 3)), np.ones(2))]),
        r"params\[0\].b: expected shape \[3\]",
    ),
}


@pytest.mark.parametrize("name", WRONG_LAYERS)
def test_what_pytorch_has_not_is_refused(name):
    (layers, params), message = WRONG_LAYERS[name]
    with pytest.raises(ValueError, match=message):
        interop.write(layers, params)


def test_like_must_be_what_was_read():
    layers, params = interop.read(drawn("LSTM"))
    with pytest.raises(ValueError, match="like: expected the state_dict that was read"):
        interop.write(layers, params, like={})
