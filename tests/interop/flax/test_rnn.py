"""`RNN` of linen and nnx against Flax's own: values, carries, gradients, options."""

import functools

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.interop.flax import linen, nnx
from tests.interop.flax.layers import (
    BATCH,
    KINDS,
    KINDS_SLOWLY,
    LIBRARIES,
    NUM_HIDDEN,
    NUM_INPUTS,
    NUM_STEPS,
    assert_equal,
    carry_like,
    draw_inputs,
    lax_dtypes,
    ours_and_flaxs,
    run,
)


LENGTHS = np.array([6, 1, 4])
every_kind = pytest.mark.parametrize(("api", "cell"), KINDS)
every_kind_slowly = pytest.mark.parametrize(("api", "cell"), KINDS_SLOWLY)
both_apis = pytest.mark.parametrize("api", ["linen", "nnx"])


@functools.partial(jax.jit, static_argnums=0)
def values_and_gradients(function, *args):
    outputs, pull = jax.vjp(function, *args)
    # As random as the rest, and the same for both.
    cotangents = jax.tree.map(lambda y: jnp.cos(17 * y), outputs)
    return outputs, pull(cotangents)


def compare(ours, flaxs, args, **options):
    results = [
        values_and_gradients(
            lambda p, c, x, layer=layer: layer.apply(p, x, initial_carry=c, **options),
            *args,
        )
        for layer in (ours, flaxs)
    ]
    assert_equal(*results, tolerance=1e-12)


@every_kind_slowly
def test_initial_values_are_flaxs_to_the_bit(api, cell):
    _, *libraries = LIBRARIES[api]
    inputs = draw_inputs((BATCH, NUM_STEPS), jnp.float32)

    def initial(library):
        make = getattr(library, cell)
        if api == "nnx":
            rnn = library.RNN(make(NUM_INPUTS, NUM_HIDDEN, rngs=library.Rngs(3)))
            return library.to_pure_dict(library.state(rnn, library.Param))
        return jax.jit(library.RNN(make(NUM_HIDDEN)).init)(jax.random.key(3), inputs)

    ours, flaxs = map(initial, libraries)
    assert jax.tree.structure(ours) == jax.tree.structure(flaxs)
    jax.tree.map(np.testing.assert_array_equal, ours, flaxs)


def test_init_takes_the_options_of_the_call():
    layer = linen.RNN(linen.GRUCell(NUM_HIDDEN))
    inputs = draw_inputs((NUM_STEPS, BATCH), jnp.float32)
    init = functools.partial(layer.init_with_output, jax.random.key(0))
    (last, ys), _ = jax.eval_shape(
        functools.partial(init, time_major=True, return_carry=True), inputs
    )
    assert last.shape == (BATCH, NUM_HIDDEN)
    assert ys.shape == (NUM_STEPS, BATCH, NUM_HIDDEN)


@every_kind
def test_single_precision(api, cell):
    ours, flaxs = ours_and_flaxs(api, cell, jnp.float32)
    inputs = draw_inputs((BATCH, NUM_STEPS), jnp.float32)
    outputs = [run(layer, ours.params, inputs) for layer in (ours, flaxs)]
    assert_equal(*outputs, tolerance=1e-6)
    assert ours.module.is_by_hand


@every_kind_slowly
def test_gradients_with_every_option_at_once(api, cell):
    options = {"reverse": True, "keep_order": True, "return_carry": True}
    ours, flaxs = ours_and_flaxs(api, cell, time_major=True, **options)
    inputs = draw_inputs((NUM_STEPS, BATCH))
    args = flaxs.params, carry_like(cell), inputs
    compare(ours, flaxs, args, seq_lengths=LENGTHS)


OPTIONS = {
    "none": {},
    "carry": {"return_carry": True},
    "reverse": {"reverse": True, "return_carry": True},
    "kept order": {"reverse": True, "keep_order": True},
    "time first": {"time_major": True, "reverse": True},
    "lengths": {"seq_lengths": LENGTHS},
    "lengths, carry": {"seq_lengths": LENGTHS, "return_carry": True},
    "lengths, reverse": {"seq_lengths": LENGTHS, "reverse": True},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize(
    ("api", "cell"),
    [
        pytest.param("linen", "OptimizedLSTMCell", marks=pytest.mark.slow),
        ("nnx", "GRUCell"),
    ],
)
def test_options_of_the_call(api, cell, options):
    ours, flaxs = ours_and_flaxs(api, cell)
    order = (NUM_STEPS, BATCH) if "time_major" in options else (BATCH, NUM_STEPS)
    params, inputs = ours.params, draw_inputs(order)
    outputs = [run(layer, params, inputs, **options) for layer in (ours, flaxs)]
    assert_equal(*outputs, tolerance=1e-12)


@both_apis
def test_options_of_the_call_win_over_those_of_the_layer(api):
    set_otherwise = {"return_carry": True, "time_major": True, "reverse": True}
    ours, flaxs = ours_and_flaxs(api, "LSTMCell", keep_order=True, **set_otherwise)
    inputs = draw_inputs((BATCH, NUM_STEPS))
    options = dict.fromkeys([*set_otherwise, "keep_order"], False)
    outputs = [run(layer, ours.params, inputs, **options) for layer in (ours, flaxs)]
    assert_equal(*outputs, tolerance=1e-12)


@pytest.mark.parametrize("batch", [(), (2, 3)])
@both_apis
def test_any_number_of_batch_axes(api, batch):
    # Flax selects carries with one batch axis only: it gets the sequences in a row.
    ours, flaxs = ours_and_flaxs(api, "LSTMCell", return_carry=True, reverse=True)
    inputs = draw_inputs((*batch, NUM_STEPS))
    lengths = np.random.default_rng(0).integers(1, NUM_STEPS, batch)
    carry, ys = run(ours, ours.params, inputs, seq_lengths=jnp.asarray(lengths))
    flat = inputs.reshape(-1, *inputs.shape[-2:])
    expected = run(flaxs, ours.params, flat, seq_lengths=lengths.reshape(-1))
    carry = jax.tree.map(lambda leaf: leaf.reshape(-1, NUM_HIDDEN), carry)
    in_a_row = carry, ys.reshape(-1, *ys.shape[-2:])
    assert_equal(in_a_row, expected, tolerance=1e-12)
    plain = [run(layer, ours.params, inputs) for layer in (ours, flaxs)]
    assert_equal(*plain, tolerance=1e-12)


# Where Flax is wrong.


@pytest.mark.parametrize(("api", "cell"), [KINDS[0], KINDS[-2]])
def test_a_sequence_of_length_zero_ends_in_its_initial_carry(api, cell):
    ours, flaxs = ours_and_flaxs(api, cell, return_carry=True)
    lengths = np.array([4, 0, 6])
    carry, inputs = carry_like(cell), draw_inputs((BATCH, NUM_STEPS))
    params = flaxs.params
    options = {"initial_carry": carry, "seq_lengths": lengths}
    ours_last, ys = run(ours, params, inputs, **options)
    flaxs_last, flaxs_ys = run(flaxs, params, inputs, **options)
    assert_equal(ys, flaxs_ys, tolerance=1e-12)
    for last, flaxs_one, first in zip(
        *map(jax.tree.leaves, (ours_last, flaxs_last, carry)), strict=True
    ):
        np.testing.assert_array_equal(last[1], first[1])
        assert np.abs(flaxs_one[1] - first[1]).max() > 1e-3  # it can be that of step T
        np.testing.assert_allclose(last[::2], flaxs_one[::2], rtol=1e-12)


@both_apis
def test_the_error_of_an_empty_sequence_goes_to_its_initial_carry_only(api):
    (ours, _) = ours_and_flaxs(api, "LSTMCell", return_carry=True)
    inputs = draw_inputs((BATCH, NUM_STEPS))

    def last(params, carry, inputs):
        lengths = jnp.zeros(BATCH, int)
        (c, h), _ = ours.apply(params, inputs, initial_carry=carry, seq_lengths=lengths)
        return jnp.sum(2 * c + h)

    args = ours.params, carry_like("LSTMCell"), inputs
    d_params, (d_c, d_h), d_inputs = jax.jit(jax.grad(last, (0, 1, 2)))(*args)
    assert all(not np.any(leaf) for leaf in jax.tree.leaves((d_params, d_inputs)))
    assert np.all(d_c == 2)
    assert np.all(d_h == 1)


@both_apis
def test_lengths_beyond_the_end(api):
    (ours, _) = ours_and_flaxs(api, "LSTMCell", return_carry=True, reverse=True)
    inputs = draw_inputs((BATCH, NUM_STEPS))
    for wrong in (7, -1):
        lengths = np.array([1, wrong, 2])
        message = rf"seq_lengths: expected 0 to T = 6, got {wrong} at \[1\]"
        with pytest.raises(ValueError, match=message):
            ours.apply(ours.params, inputs, seq_lengths=lengths)
    apply = jax.jit(lambda n: ours.apply(ours.params, inputs, seq_lengths=n))
    wild, cut = (apply(jnp.array([1, n, m])) for n, m in [(9, -3), (6, 0)])
    jax.tree.map(np.testing.assert_array_equal, wild, cut)


@both_apis
def test_no_steps_at_all(api):
    (ours, _) = ours_and_flaxs(api, "GRUCell", return_carry=True)
    carry = carry_like("GRUCell")
    for lengths in (None, np.zeros(BATCH, int)):
        last, ys = ours.apply(
            *(ours.params, draw_inputs((BATCH, 0))),
            initial_carry=carry,
            seq_lengths=lengths,
        )
        np.testing.assert_array_equal(last, carry)
        assert ys.shape == (BATCH, 0, NUM_HIDDEN)


@both_apis
@pytest.mark.parametrize("lengths", [None, np.zeros(0, int)])
def test_a_batch_without_sequences(api, lengths):
    layers = ours_and_flaxs(api, "GRUCell", return_carry=True)
    found, expected = (
        layer.apply(layer.params, draw_inputs((0, NUM_STEPS)), seq_lengths=lengths)
        for layer in layers
    )
    assert jax.tree.map(jnp.shape, found) == jax.tree.map(jnp.shape, expected)


# Dtypes.


@pytest.mark.parametrize(
    ("cell", "lengths"),
    [
        pytest.param("OptimizedLSTMCell", LENGTHS, marks=pytest.mark.slow),
        ("GRUCell", None),
    ],
)
def test_narrow_products_are_no_worse_than_flaxs(cell, lengths):
    inputs = draw_inputs((BATCH, NUM_STEPS), jnp.float32)
    options = {"return_carry": True, "seq_lengths": lengths}

    def apply(library, dtype):
        layer = library.RNN(getattr(library, cell)(16, dtype=dtype))
        params = jax.jit(layer.init)(jax.random.key(0), inputs)
        return jax.jit(lambda p: layer.apply(p, inputs, **options))(params)

    with lax_dtypes():
        exact, narrow = apply(flax.linen, jnp.float32), apply(linen, jnp.bfloat16)
        theirs = apply(flax.linen, jnp.bfloat16)
    for a, b, truth in zip(*map(jax.tree.leaves, (narrow, theirs, exact)), strict=True):
        assert a.dtype == b.dtype == jnp.float32
        error, flaxs = (np.linalg.norm(y - truth) for y in (a, b))
        assert 0 < error <= 1.2 * flaxs


def test_a_carry_that_jaxseq_cannot_have_runs_in_flaxs_scan():
    layer = linen.RNN(linen.GRUCell(4, dtype=jnp.float32, param_dtype=jnp.float64))
    flaxs = flax.linen.RNN(layer.cell.clone())
    inputs = draw_inputs((BATCH, NUM_STEPS), jnp.float32)
    with lax_dtypes():
        params = flaxs.init(jax.random.key(0), inputs)
        ys, expected = layer.apply(params, inputs), flaxs.apply(params, inputs)
    np.testing.assert_array_equal(ys, expected)
    assert ys.dtype == jnp.float64


# Wrong calls.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initial_carry": carry_like("GRUCell")}, r"initial_carry: expected \(c, h\)"),
        ({"reverse": 1}, "reverse: expected True or False, got 1"),
        ({"seq_lengths": np.ones(2, int)}, r"seq_lengths: expected shape \[3\]"),
        ({"seq_lengths": np.ones(3)}, "seq_lengths: expected an array of an integer"),
        (
            {"initial_carry": carry_like("LSTMCell", (2,))},
            r"initial_carry\[0\]: expected shape \[3, 4\], got float64\[2, 4\]",
        ),
    ],
)
@both_apis
def test_wrong_options_are_named(api, options, message):
    (ours, _) = ours_and_flaxs(api, "LSTMCell")
    inputs = draw_inputs((BATCH, NUM_STEPS))
    with pytest.raises(ValueError, match=message):
        ours.apply(ours.params, inputs, **options)


@both_apis
def test_wrong_inputs_are_named(api):
    (ours, _) = ours_and_flaxs(api, "GRUCell")
    with pytest.raises(ValueError, match="inputs: expected 2 features in the last"):
        ours.apply(ours.params, jnp.zeros((3, 5, 7)))
    with pytest.raises(
        ValueError, match=r"inputs: expected an array \[\*batch, T, I\]"
    ):
        ours.apply(ours.params, jnp.zeros(3))


@both_apis
def test_forward_mode_names_what_has_it(api):
    ours, flaxs = ours_and_flaxs(api, "GRUCell")
    inputs = draw_inputs((BATCH, NUM_STEPS))
    tangent = (ours.params,), (ours.params,)
    with pytest.raises(TypeError, match="reverse mode only"):
        jax.jvp(lambda p: ours.apply(p, inputs), *tangent)
    jax.jvp(lambda p: flaxs.apply(p, inputs), *tangent)


def test_the_rest_of_the_namespaces_is_flaxs():
    for module, flaxs in ((linen, flax.linen), (nnx, __import__("flax").nnx)):
        assert module.Module is flaxs.Module
        assert module.LSTMCell is flaxs.LSTMCell
        assert issubclass(module.RNN, flaxs.RNN)
        assert module.RNN is not flaxs.RNN
        with pytest.raises(AttributeError, match="no_such_name"):
            _ = module.no_such_name
        assert not hasattr(module, "__path__")
