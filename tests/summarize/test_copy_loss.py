"""The loss of written or copied words: by loops, by JAX, in extremes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxseq.summarize.copy_loss import copy_loss, copy_loss_plain


NUM_IDS, NUM_PLACES = 5, 4
# Written or copied, copied twice, outside and copied, written only.
DOCUMENT = np.array([2, 5, 3, 5])
IDS = np.array([2, 5, 3, 4])
MATCHES = DOCUMENT[None] == IDS[:, None]
FLOATS = (0, 1, 2)


def arguments(seed=0):
    rng = np.random.default_rng(seed)
    weights = np.exp(rng.normal(size=(4, NUM_PLACES)))
    weights /= weights.sum(-1, keepdims=True)
    logits = rng.normal(scale=2, size=(4, NUM_IDS))
    floats = logits, rng.normal(size=4), weights
    return *map(jnp.asarray, floats), jnp.asarray(MATCHES), jnp.asarray(IDS)


def test_value_equals_a_loop():
    logits, gates, weights, _, _ = map(np.asarray, arguments())
    values = copy_loss(*arguments())
    for n, y in enumerate(IDS):
        total = sum(math.exp(a) for a in logits[n])
        q = math.exp(logits[n, y]) / total if y < NUM_IDS else 0.0
        r = sum(weights[n, j] for j in range(NUM_PLACES) if DOCUMENT[j] == y)
        switch = 1 / (1 + math.exp(-gates[n]))
        expected = -math.log(switch * q + (1 - switch) * r)
        assert values[n] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_equals_autodiff_of_the_equations(seed):
    d_losses = jnp.asarray(np.random.default_rng(9).normal(size=4))
    by_hand, by_autodiff = (
        jax.grad(lambda *args, f=f: jnp.sum(d_losses * f(*args)), FLOATS)(
            *arguments(seed)
        )
        for f in (copy_loss, copy_loss_plain)
    )
    for ours, wanted in zip(by_hand, by_autodiff, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-12, atol=1e-15)


def test_gradient_equals_differences():
    *floats, matches, ids = arguments()
    check_grads(
        lambda *floats: copy_loss(*floats, matches, ids),
        floats,
        1,
        ["rev"],
        atol=1e-8,
        rtol=1e-8,
        eps=1e-6,
    )


def test_without_a_match_it_is_cross_entropy_and_the_switch():
    logits, gates, weights, matches, _ = arguments()
    ids = jnp.asarray([0, 1, 2, 4])
    values = copy_loss(logits, gates, weights, jnp.zeros_like(matches), ids)
    expected = -jax.nn.log_softmax(logits)[jnp.arange(4), ids]
    expected -= jax.nn.log_sigmoid(gates)
    np.testing.assert_allclose(values, expected, rtol=1e-13)


@pytest.mark.parametrize("size", [30.0, 800.0])
def test_extremes_stay_finite_and_right(size):
    """In float32, where e^-200 is 0."""
    logits = jnp.asarray([[size, 0, 0, 0, -size]] * 4, jnp.float32)
    gates = jnp.asarray([size, size, -size, -size], jnp.float32)
    weights = jnp.asarray([[1, 0, 0, 0], [1, 0, 0, 0]] * 2, jnp.float32)
    matches = jnp.asarray([[0, 0, 0, 0], [1, 0, 0, 0]] * 2, bool)
    ids = jnp.asarray([4, 4, 4, 4])

    def total(*floats):
        return jnp.sum(copy_loss(*floats, matches, ids))

    floats = logits, gates, weights
    values = copy_loss(*floats, matches, ids)
    # Written: 2 size; copied by a switch shut: size; written by one: 3 size; copied: 0.
    expected = [2 * size, size, 3 * size, 0]
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)
    gradients = jax.grad(total, FLOATS)(*floats)
    for gradient in gradients:
        assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradients[1], [0, 1, -1, 0], atol=1e-6)


def test_a_match_without_weight_has_a_finite_loss_and_gradient():
    zeros = jnp.zeros((1, 1), jnp.float32)
    args = zeros, zeros[0], zeros, jnp.ones((1, 1), bool), jnp.asarray([7])
    value = copy_loss(*args)
    assert value[0] == pytest.approx(-math.log(np.finfo("float32").tiny / 2), rel=1e-6)
    for gradient in jax.grad(lambda *a: copy_loss(*a, *args[3:])[0], FLOATS)(*args[:3]):
        assert np.isfinite(gradient).all()


def test_what_is_no_word_is_nan():
    logits, gates, weights, matches, _ = arguments()
    nowhere = jnp.asarray([5, -1, 2, 3])
    values = copy_loss(logits, gates, weights, jnp.zeros_like(matches), nowhere)
    np.testing.assert_array_equal(np.isnan(values), [True, True, False, False])


def test_forward_mode_says_what_to_call_instead():
    args = arguments()
    with pytest.raises(TypeError, match="copy_loss_plain"):
        jax.jvp(lambda a: copy_loss(a, *args[1:]), args[:1], args[:1])


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, jnp.zeros(()), r"logits: expected shape \[..., V\]"),
        (1, jnp.zeros(3), r"gates: expected float64\[4\], got float64\[3\]"),
        (2, jnp.zeros((3, 4)), r"weights: expected float64\[4, M\]"),
        (3, jnp.zeros((4, 4)), "matches: expected an array of dtype bool"),
        (4, jnp.zeros(4), "ids: expected an array of an integer dtype"),
    ],
)
def test_wrong_calls_are_refused(place, value, message):
    args = list(arguments())
    args[place] = value
    with pytest.raises(ValueError, match=f"^{message}"):
        copy_loss(*args)
