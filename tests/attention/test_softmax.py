"""The softmax over some of the positions: against JAX's, and where none is left."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.attention import softmax as attention_softmax


softmax = jax.jit(attention_softmax.softmax)
delta = jax.jit(attention_softmax.delta)
MASK = np.array([[1, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]], bool)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_softmax_is_that_of_the_positions_that_count():
    scores = draw(5, 3, 4)
    weights = np.asarray(softmax(scores, MASK))
    for b, mask in enumerate(MASK[:2]):
        powers = np.exp(scores[:, b, mask])
        wanted = powers / powers.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(weights[:, b, mask], wanted, rtol=1e-14)
    assert not np.any(np.asarray(weights)[:, ~MASK])
    wanted = jax.jit(jax.nn.softmax)(scores)
    np.testing.assert_allclose(softmax(scores), wanted, rtol=1e-14)


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_delta_equals_autodiff(mask):
    scores, d_weights = draw(5, 3, 4), draw(5, 3, 4, seed=1)
    weights, pull = jax.vjp(lambda scores: softmax(scores, mask), scores)
    got = delta(weights, d_weights)
    np.testing.assert_allclose(got, pull(d_weights)[0], rtol=1e-12, atol=1e-15)
    if mask is not None:
        assert not np.any(np.asarray(got)[:, ~MASK])


def test_one_position_has_all_the_weight_and_no_delta():
    weights = softmax(draw(5, 1), np.ones(1, bool))
    np.testing.assert_array_equal(weights, np.ones((5, 1)))
    np.testing.assert_array_equal(delta(weights, draw(5, 1, seed=1)), np.zeros((5, 1)))


@pytest.mark.parametrize("mask", [None, np.zeros(0, bool)], ids=["none", "empty"])
def test_no_positions_have_no_weights(mask):
    assert softmax(draw(5, 0), mask).shape == (5, 0)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_extreme_scores(dtype):
    large = float(jnp.finfo(dtype).max)
    scores = jnp.asarray(
        [
            [large, -large, 0.0, jnp.inf],  # the last does not count
            [-large, -large, -jnp.inf, jnp.nan],
            [-large, -jnp.inf, -jnp.inf, 0.0],
        ],
        dtype,
    )
    mask = jnp.asarray([[True, True, True, False]] * 3)
    weights, pull = jax.vjp(lambda scores: softmax(scores, mask), scores)
    assert weights.dtype == jnp.float32
    expected = [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [1, 0, 0, 0]]
    np.testing.assert_array_equal(weights, np.array(expected, np.float32))
    d_weights = jnp.asarray([[1.0, 2.0, 3.0, 4.0]] * 3, jnp.float32)
    by_hand, (by_autodiff,) = delta(weights, d_weights), pull(d_weights)
    expected = [[0] * 4, [-0.25, 0.25, 0, 0], [0] * 4]
    np.testing.assert_array_equal(by_hand, np.array(expected, np.float32))
    assert np.isfinite(np.asarray(by_autodiff, np.float32)).all()


def test_overflow_is_nan_as_in_jax():
    scores = jnp.asarray([jnp.inf, 0.0])
    assert np.isnan(softmax(scores)[0])
    assert np.isnan(jax.jit(jax.nn.softmax)(scores)[0])


def test_fully_masked_row_of_anything_is_zero():
    scores = jnp.asarray([jnp.nan, jnp.inf, -jnp.inf, 1e308])
    none = np.zeros(4, bool)
    weights, pull = jax.vjp(lambda scores: softmax(scores, none), scores)
    np.testing.assert_array_equal(weights, np.zeros(4))
    np.testing.assert_array_equal(pull(jnp.ones(4))[0], np.zeros(4))
