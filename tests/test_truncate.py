"""Truncated back-propagation: against a loop of chunks, and against the whole."""

import functools

import jax
import numpy as np
import pytest

from jaxseq import cells
from jaxseq.truncate import unroll_truncated
from jaxseq.unroll import unroll, unroll_plain
from tests import plain
from tests.cases import BY_NAME, draw


NUM_STEPS, BATCH = 5, (3,)


def _arguments(name, masked=True):
    cell = BY_NAME[name].make(cells)
    inputs = draw(cell, 0, NUM_STEPS, BATCH)
    masks = {"lengths": np.array([5, 0, 3]), "resets": inputs.resets}
    return cell, inputs[:4], masks if masked else {}


def _results(function, arguments):
    """Values, and gradients of random cotangents, of params, both states and inputs."""
    with jax.disable_jit():
        return _compiled(function, arguments)


def _compiled(function, arguments):
    @jax.jit
    def values_and_gradients(arguments):
        outputs, pull = jax.vjp(function, *arguments)
        rng = np.random.default_rng(1)
        cotangents = jax.tree.map(lambda y: rng.normal(size=y.shape), outputs)
        return outputs, pull(cotangents)

    return jax.tree.leaves(values_and_gradients(arguments))


def _assert_equal(ours, wanted, tolerance=1e-12):
    for leaf, w in zip(ours, wanted, strict=True):
        assert np.linalg.norm(leaf - w) <= tolerance * np.linalg.norm(w)


def _call(function, cell, masks, *sizes):
    """As a function of parameters, states and inputs."""

    def call(params, state_0, reset_state, xs):
        return function(
            cell, params, state_0, xs, *sizes, reset_state=reset_state, **masks
        )

    return call


@pytest.mark.parametrize(
    ("name", "num_steps"),
    [
        pytest.param("lstm", 2, marks=pytest.mark.slow),
        pytest.param("gru_before", 2, marks=pytest.mark.slow),
        ("elman_tanh", 1),
    ],
)
def test_truncated_equals_chunks_in_a_loop(name, num_steps):
    cell, arguments, masks = _arguments(name)
    ours = _results(_call(unroll_truncated, cell, masks, num_steps), arguments)
    chunks = _results(_call(plain.unroll_chunks, cell, masks, num_steps), arguments)
    _assert_equal(ours, chunks)


@pytest.mark.parametrize(
    ("name", "masked"), [("lstm", False), ("lstm", True), ("gru_before", True)]
)
def test_chunk_as_long_as_the_sequence_gives_the_whole_gradient(name, masked):
    cell, arguments, masks = _arguments(name, masked)
    ours = _results(_call(unroll_truncated, cell, masks, NUM_STEPS), arguments)
    whole = _results(_call(unroll, cell, masks), arguments)
    for leaf, wanted in zip(ours, whole, strict=True):
        np.testing.assert_array_equal(leaf, wanted)


def test_chunk_longer_than_the_sequence_gives_the_whole_gradient():
    cell, arguments, masks = _arguments("lstm")
    ours = _compiled(_call(unroll_truncated, cell, masks, NUM_STEPS + 3), arguments)
    whole = _results(_call(unroll, cell, masks), arguments)
    _assert_equal(ours, whole)


def test_truncated_values_are_those_of_unroll_but_the_gradient_is_not():
    cell, arguments, masks = _arguments("lstm")
    ours = _results(_call(unroll_truncated, cell, masks, 2), arguments)
    whole = _results(_call(unroll, cell, masks), arguments)
    _assert_equal(ours[:3], whole[:3])
    assert not np.allclose(ours[3], whole[3], rtol=0.01)


def test_truncated_takes_lengths_of_any_integers():
    cell, (params, state_0, _, xs), _ = _arguments("lstm")
    with jax.disable_jit():
        narrow, wide = (
            unroll_truncated(cell, params, state_0, xs, 2, lengths=lengths)
            for lengths in (np.array([5, 0, 3], np.int32), np.array([5, 0, 3]))
        )
    np.testing.assert_array_equal(narrow.ys, wide.ys)


def test_no_error_passes_a_cut():
    """What is read before the cut has no part in the outputs after it, exactly."""
    cell, (params, state_0, _, xs), _ = _arguments("lstm", masked=False)

    def last(state_0, xs):
        return unroll_truncated(cell, params, state_0, xs, 2).ys[2:4].sum()

    with jax.disable_jit():
        d_state_0, d_xs = jax.grad(last, (0, 1))(state_0, xs)
    assert not any(np.any(d) for d in d_state_0)
    np.testing.assert_array_equal(np.any(d_xs, axis=(1, 2)), [0, 0, 1, 1, 0])


def test_truncated_is_the_same_compiled_and_by_plain_unroll():
    cell, arguments, masks = _arguments("lstm")
    eager = _results(_call(unroll_truncated, cell, masks, 2), arguments)
    by_plain = functools.partial(unroll_truncated, unroll=unroll_plain)
    _assert_equal(_results(_call(by_plain, cell, masks, 2), arguments), eager)
    compiled = _compiled(_call(unroll_truncated, cell, masks, 2), arguments)
    _assert_equal(compiled, eager)


def test_truncated_of_no_steps_is_the_initial_state():
    cell, (params, state_0, _, xs), _ = _arguments("lstm")
    ys, state = unroll_truncated(cell, params, state_0, xs[:0], 2)
    assert ys.shape == (0, 3, 3)
    for leaf, wanted in zip(state, state_0, strict=True):
        np.testing.assert_array_equal(leaf, wanted)


@pytest.mark.parametrize("name", ["lstm", "gru_before"])
def test_two_calls_with_carried_state_equal_one(name):
    """The chunks of a long text: what resets restore is given, not what is carried."""
    cell, arguments, masks = _arguments(name)

    def in_two(params, state_0, reset_state, xs):
        lengths, resets = masks["lengths"], masks["resets"]
        first = unroll(
            cell,
            params,
            state_0,
            xs[:2],
            lengths=lengths.clip(0, 2),
            resets=resets[:2],
            reset_state=reset_state,
        )
        second = unroll(
            cell,
            params,
            first.state,
            xs[2:],
            lengths=(lengths - 2).clip(0, 3),
            resets=resets[2:],
            reset_state=reset_state,
        )
        return jax.numpy.concatenate([first.ys, second.ys]), second.state

    whole = _results(_call(unroll, cell, masks), arguments)
    _assert_equal(_results(in_two, arguments), whole)
