"""Modern Hopfield networks: energy, the three regimes, and equality with attention."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import modern_hopfield as modern


def draw(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


PATTERNS = draw(7, 5)


@pytest.mark.parametrize("beta", [0.1, 1.0, 8.0])
def test_energy_never_rises_and_has_its_bounds(beta):
    state = draw(50, 5, seed=1)
    largest = jnp.max(jnp.sum(PATTERNS**2, -1))
    state *= jnp.sqrt(largest) / jnp.linalg.norm(state, axis=-1, keepdims=True)
    for _ in range(10):
        after = modern.update(beta, PATTERNS, state)
        before = modern.energy(beta, PATTERNS, state)
        assert (modern.energy(beta, PATTERNS, after) <= before + 1e-12).all()
        assert (before >= 0).all()
        assert (before <= 2 * largest).all()
        state = after


def test_energy_is_the_formula():
    beta, xi = 0.7, np.asarray(draw(5, seed=1))
    X = np.asarray(PATTERNS)
    lse = np.log(sum(np.exp(beta * x @ xi) for x in X)) / beta
    M = max(np.linalg.norm(x) for x in X)
    expected = -lse + xi @ xi / 2 + np.log(7) / beta + M**2 / 2
    np.testing.assert_allclose(modern.energy(beta, PATTERNS, xi), expected, rtol=1e-14)


def test_update_goes_down_the_gradient_of_the_energy():
    """ξ - update(ξ) is ∇E: the step of the concave-convex procedure."""
    xi = draw(5, seed=1)
    slope = jax.grad(lambda s: modern.energy(0.7, PATTERNS, s))(xi)
    moved = xi - modern.update(0.7, PATTERNS, xi)
    np.testing.assert_allclose(slope, moved, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("beta", [5**-0.5, 3.0])
def test_one_update_is_attention(beta):
    # JAX's attention takes its softmax in float32, whatever it is given.
    queries, keys = draw(4, 5, seed=1).astype("float32"), PATTERNS.astype("float32")
    with jax.numpy_dtype_promotion("standard"):
        attended = jax.nn.dot_product_attention(
            *(a[None, :, None] for a in (queries, keys, keys)), scale=beta
        )[0, :, 0]
    np.testing.assert_allclose(
        modern.update(beta, keys, queries), attended, rtol=2e-6, atol=1e-7
    )


def test_update_is_the_formula():
    queries, keys = np.asarray(draw(4, 5, seed=1)), np.asarray(PATTERNS)
    scores = np.exp(0.7 * queries @ keys.T)
    expected = scores / scores.sum(-1, keepdims=True) @ keys
    np.testing.assert_allclose(modern.update(0.7, keys, queries), expected, rtol=1e-12)


def test_large_beta_retrieves_small_beta_blends():
    patterns = PATTERNS / jnp.linalg.norm(PATTERNS, axis=-1, keepdims=True)
    damaged = patterns + 0.1 * draw(7, 5, seed=2)
    sharp = modern.retrieve(200.0, patterns, damaged)
    assert sharp.is_settled.all()
    np.testing.assert_allclose(sharp.state, patterns, atol=1e-6)
    blend = modern.retrieve(1e-3, patterns, damaged)
    mean = jnp.broadcast_to(patterns.mean(0), patterns.shape)
    np.testing.assert_allclose(blend.state, mean, atol=1e-3)


def test_retrieve_that_has_no_time_says_so():
    ended = modern.retrieve(1.0, PATTERNS, draw(5, seed=1), 0.0, max_updates=2)
    assert ended.num_updates == 2
    assert not ended.is_settled


def test_retrieve_stops_at_the_first_update_within_the_tolerance():
    state, moved = draw(5, seed=1), []
    for _ in range(12):
        new = modern.update(0.3, PATTERNS, state)
        moved.append(float(jnp.linalg.norm(new - state)))
        state = new
    assert moved == sorted(moved, reverse=True)
    for number in (5, 9):
        ended = modern.retrieve(0.3, PATTERNS, draw(5, seed=1), moved[number])
        assert ended.num_updates == number + 1
        assert ended.is_settled


def test_numpy_arrays_and_traced_numbers_will_do():
    state = np.asarray(draw(5, seed=1))
    expected = modern.retrieve(2.0, PATTERNS, draw(5, seed=1), 1e-3)
    by_numpy = modern.retrieve(np.float64(2), np.asarray(PATTERNS), state, 1e-3)
    traced = jax.jit(modern.retrieve)(2.0, PATTERNS, state, 1e-3)
    for ended in (by_numpy, traced):
        np.testing.assert_allclose(ended.state, expected.state, rtol=1e-12)
    with jax.enable_x64(False):  # NumPy's float64 becomes float32, all of it
        narrow = modern.retrieve(2.0, np.asarray(PATTERNS), state)
    assert narrow.state.dtype == jnp.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: modern.update(0.0, PATTERNS, draw(5)),
            "beta: expected a finite number above 0, got 0.0",
        ),
        *(
            (
                lambda beta=beta: modern.update(beta, PATTERNS, draw(5)),
                f"beta: .* {got}",
            )
            for beta, got in (
                (float("inf"), "inf"),
                (float("nan"), "nan"),
                (np.ones(2), r"float64\[2\]"),
                ("8", "'8'"),
                (None, "None"),
                (True, "True"),
            )
        ),
        (
            lambda: modern.energy(1.0, PATTERNS, draw(4)),
            r"state: expected float64\[..., 5\], as patterns, got float64\[4\]",
        ),
        (
            lambda: modern.weights(1.0, draw(5), draw(5)),
            r"patterns: expected shape \[n, d\].* got float64\[5\]",
        ),
        (
            lambda: modern.retrieve(1.0, PATTERNS, draw(5), -1.0),
            "tolerance: expected a number of 0 or more, got -1.0",
        ),
        (
            lambda: modern.retrieve(1.0, PATTERNS, draw(5), max_updates=0),
            "max_updates: expected an integer ≥ 1, got 0",
        ),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
