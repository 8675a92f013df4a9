"""The price of attending again: by loops, by JAX, at its corner, behind a mask."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxseq.summarize.coverage import coverage_loss, coverage_loss_plain


def draw(seed=0, shape=(5, 3, 4)):
    weights = np.exp(np.random.default_rng(seed).normal(size=shape))
    return weights / weights.sum(-1, keepdims=True)


def test_value_equals_a_loop():
    weights = draw()
    found = coverage_loss(jnp.asarray(weights))
    for t, b in np.ndindex(5, 3):
        covered = [sum(weights[u, b, j] for u in range(t)) for j in range(4)]
        expected = sum(map(min, weights[t, b], covered))
        assert found[t, b] == pytest.approx(expected, rel=1e-14, abs=0)


@pytest.mark.parametrize("shape", [(5, 3, 4), (1, 3, 2), (6, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_gradient_equals_autodiff_of_the_steps(seed, shape):
    weights = jnp.asarray(draw(seed, shape))
    d_losses = np.random.default_rng(9).normal(size=shape[:-1])
    by_hand, by_autodiff = (
        jax.grad(lambda weights, f=f: jnp.sum(d_losses * f(weights)))(weights)
        for f in (coverage_loss, coverage_loss_plain)
    )
    np.testing.assert_allclose(by_hand, by_autodiff, rtol=1e-13, atol=1e-14)


def test_gradient_equals_differences():
    check_grads(coverage_loss, (jnp.asarray(draw()),), 1, ["rev"], eps=1e-6)


def test_at_the_corner_it_is_the_mean_of_the_slopes():
    """Step 2 has exactly the coverage of step 1; the masked place has 0 and 0."""
    weights = jnp.asarray([[0.25, 0.75, 0.0], [0.25, 0.75, 0.0]])
    gradient = jax.grad(lambda weights: coverage_loss(weights)[1])(weights)
    np.testing.assert_array_equal(gradient, np.full((2, 3), 0.5))
    plain = jax.grad(lambda weights: coverage_loss_plain(weights)[1])(weights)
    np.testing.assert_array_equal(gradient, plain)


def test_it_is_between_new_places_and_old_ones():
    anew, again = jnp.eye(3), jnp.broadcast_to(jnp.eye(3)[:1], (3, 3))
    np.testing.assert_array_equal(coverage_loss(anew), [0, 0, 0])
    np.testing.assert_array_equal(coverage_loss(again), [0, 1, 1])


def test_later_steps_change_nothing_before():
    weights = jnp.asarray(draw())
    gradient = jax.grad(lambda weights: jnp.sum(coverage_loss(weights)[:3]))(weights)
    assert not np.any(gradient[3:])
    assert np.any(gradient[:3])


def test_forward_mode_says_what_to_call_instead():
    weights = jnp.asarray(draw())
    with pytest.raises(TypeError, match="coverage_loss_plain"):
        jax.jvp(coverage_loss, (weights,), (weights,))


@pytest.mark.parametrize("wrong", [jnp.zeros(3), jnp.zeros((0, 3))])
def test_wrong_calls_are_refused(wrong):
    with pytest.raises(ValueError, match=r"^weights: expected shape \[T, ..., M\]"):
        coverage_loss(wrong)
