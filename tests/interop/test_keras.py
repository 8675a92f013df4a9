"""Keras' weights: its documented equations, Keras on JAX, and bits there and back."""

import functools
import importlib
import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import network
from jaxseq.cells import activations, elman, gru, jordan, lstm
from jaxseq.interop import keras as interop
from jaxseq.network import Both
from tests.interop.documented import keras_outputs


NUM_INPUTS, NUM_HIDDEN, NUM_STEPS, BATCH = 3, 4, 5, 2
GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
FORMS = ("LSTM", "GRU", "GRU before", "SimpleRNN")
CELLS = {
    "LSTM": lstm.cell(),
    "GRU": gru.reset_after(),
    "GRU before": gru.reset_before(),
    "SimpleRNN": elman.cell(),
}


def drawn(form, num_directions=1, dtype=np.float32, inner=1.0):
    """Draws what `get_weights()` gives; `inner` scales a second bias."""
    rng = np.random.default_rng(0)
    num_columns = GATES[form.split()[0]] * NUM_HIDDEN
    bias = (2, num_columns) if form == "GRU" else (num_columns,)
    shapes = [(NUM_INPUTS, num_columns), (NUM_HIDDEN, num_columns), bias]
    weights = [0.5 * rng.normal(size=shape) for shape in shapes * num_directions]
    if form == "GRU":
        for array in weights[2::3]:
            array[1, : 2 * NUM_HIDDEN] *= inner
    return [array.astype(dtype) for array in weights]


def assert_same_bits(found, expected):
    assert len(found) == len(expected)
    for array, wanted in zip(found, expected, strict=True):
        assert array.dtype == wanted.dtype
        assert np.asarray(array).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("num_directions", [1, 2])
@pytest.mark.parametrize("form", FORMS)
def test_read_computes_what_keras_documents(form, num_directions):
    weights = drawn(form, num_directions, np.float64)
    layer, params = interop.read(weights)
    cell = CELLS[form]
    assert layer == (Both(cell, cell) if num_directions == 2 else cell)
    xs = np.random.default_rng(1).normal(size=(NUM_STEPS, BATCH, NUM_INPUTS))
    with jax.disable_jit():
        ys = network.stack([layer], [params], None, jnp.asarray(xs)).ys
    for row in range(BATCH):
        expected = keras_outputs(form.split()[0], weights, xs[:, row])
        np.testing.assert_allclose(ys[:, row], expected, rtol=1e-12, atol=1e-14)


@functools.cache
def imported():
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "jax"  # read once, at the import
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("keras was imported with another back-end")
    return importlib.import_module("keras")


# Keras' variables do not yet take NumPy 2's `copy`; can go once they do.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(
    ("form", "num_directions"),
    [
        ("LSTM", 2),
        ("GRU before", 1),
        pytest.param("GRU", 2, marks=pytest.mark.slow),
        pytest.param("SimpleRNN", 1, marks=pytest.mark.slow),
    ],
)
def test_equals_keras(form, num_directions):
    keras = imported()
    settings = {"reset_after": " " not in form} if "GRU" in form else {}
    weights = drawn(form, num_directions)
    xs = np.random.default_rng(1).normal(size=(NUM_STEPS, BATCH, NUM_INPUTS))
    xs = jnp.asarray(xs.astype(np.float32))
    # Keras' own code promotes.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        made = getattr(keras.layers, form.split()[0])
        keras_layer = made(NUM_HIDDEN, return_sequences=True, **settings)
        if num_directions == 2:
            keras_layer = keras.layers.Bidirectional(keras_layer)
        keras_layer.build((BATCH, NUM_STEPS, NUM_INPUTS))
        keras_layer.set_weights(weights)
        got = keras_layer.get_weights()
        expected = keras_layer(jnp.swapaxes(xs, 0, 1))
        layer, params = interop.read(got)
        keras_layer.set_weights(interop.write(layer, params))
        again = keras_layer(jnp.swapaxes(xs, 0, 1))
    ys = network.stack([layer], [params], None, xs).ys
    np.testing.assert_allclose(ys, jnp.swapaxes(expected, 0, 1), rtol=0, atol=1e-6)
    np.testing.assert_allclose(again, expected, rtol=0, atol=1e-6)
    assert_same_bits(interop.write(layer, params, like=got), got)


@pytest.mark.parametrize("form", FORMS)
def test_bits_there_and_back(form):
    """To Keras and back always; from Keras where b_h is 0, or with `like`."""
    for inner, with_like in ((0.0, False), (0.0, True), (1.0, True)):
        weights = drawn(form, 2, inner=inner)
        for array in weights:
            array[array == 0] = 0  # no -0 where it is scaled by 0
        layer, params = interop.read(weights)
        like = weights if with_like else None
        assert_same_bits(interop.write(layer, params, like=like), weights)
    again = interop.read(interop.write(layer, params))
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(params)]
    assert again.layer == layer
    assert_same_bits(jax.tree.leaves(again.params), leaves)


def test_layers_without_biases():
    weights = drawn("GRU before")[:2]
    layer, params = interop.read(weights)
    assert layer is gru.reset_after()
    assert not params.b.any()
    assert_same_bits(interop.write(layer, params, like=weights), weights)
    layer, params = interop.read(weights, gru.reset_before())
    assert isinstance(params, gru.ParamsBefore)
    with pytest.raises(ValueError, match="like: expected biases"):
        interop.write(layer, params._replace(b=params.b + 1), like=weights)


def test_cell_says_what_the_list_does_not():
    cell = elman.cell(activations.relu)
    assert interop.read(drawn("SimpleRNN"), cell).layer is cell


LSTM = drawn("LSTM")
WRONG = {
    "count": ([LSTM[0]], "weights: expected a list of 2 arrays, .* got 1"),
    "rank": ([LSTM[0], LSTM[2], LSTM[2]], r"weights\[1\]: expected shape \[H, G\]"),
    "gates": ([LSTM[0], LSTM[1][:, :8]], r"with G = 4H .* got float32\[4, 8\]"),
    "kernel": (
        [LSTM[0][:, :3], *LSTM[1:]],
        r"weights\[0\]: expected float32\[3, 16\] for lstm, got float32\[3, 3\]",
    ),
    "kernel's rank": ([LSTM[2], *LSTM[1:]], "weights: expected kernels"),
    "bias": ([*LSTM[:2], LSTM[2][:3]], r"weights\[2\]: expected float32\[16\]"),
    "second": ([*LSTM, LSTM[0][:, :3], *LSTM[1:]], r"weights\[3\]: .* \[?.*3, 3\]"),
    "dtype": ([*LSTM[:2], LSTM[2].astype(np.float64)], r"weights\[2\]: .*float64"),
    "integers": ([*LSTM[:2], LSTM[2].astype(int)], r"weights\[2\]: .*floating-point"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_lists_are_refused(name):
    weights, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        interop.read(weights)


def test_what_keras_has_not_is_refused():
    cell = jordan.cell(3)
    params = cell.init(jax.random.key(0), 3, 4)
    with pytest.raises(ValueError, match="layer: expected .*, got jordan"):
        interop.write(cell, params)
    with pytest.raises(ValueError, match="params: expected Both"):
        interop.write(Both(lstm.cell(), lstm.cell()), params)
    with pytest.raises(ValueError, match="params: expected lstm.Params, got Params"):
        interop.write(lstm.cell(), params)
