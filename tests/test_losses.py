"""Losses and their deltas: against NumPy sums, JAX's gradients and differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxseq import losses
from tests import oracles, plain


NUM_STEPS, BATCH, NUM_CLASSES = 4, 2, 3
SHAPE = (NUM_STEPS, BATCH, NUM_CLASSES)
MASK = np.array([[1, 1], [0, 1], [1, 0], [0, 0]], bool)
NAMES = ("cross_entropy", "cross_entropy_soft", "squared_error", "bernoulli")
OUTPUTS = {
    "cross_entropy": jax.nn.softmax,
    "cross_entropy_soft": jax.nn.softmax,
    "squared_error": lambda a: a,
    "bernoulli": jax.nn.sigmoid,
}
every_loss = pytest.mark.parametrize("name", NAMES)


def _arguments(name, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2, size=SHAPE).astype(dtype)
    if name == "cross_entropy":
        return logits, rng.integers(0, NUM_CLASSES, SHAPE[:-1])
    targets = rng.uniform(size=SHAPE)
    if name == "cross_entropy_soft":
        targets /= targets.sum(axis=-1, keepdims=True)
    return logits, targets.astype(dtype)


def _target(y):
    return y if y.ndim == len(SHAPE) else np.eye(NUM_CLASSES)[y]


def _gradients(loss, arguments, weights):
    """Gradients of the floating arguments, each step's value weighted."""
    places = tuple(k for k, a in enumerate(arguments) if a.dtype != int)

    def total(*arguments):
        return jnp.sum(weights * loss(*arguments))

    return jax.grad(total, places)(*map(jnp.asarray, arguments))


@every_loss
def test_value_equals_oracle(name):
    a, y = _arguments(name)
    oracle = getattr(oracles, name.removesuffix("_soft"))
    value = getattr(losses, name)(a, y)
    assert value.shape == SHAPE[:-1]
    for step in np.ndindex(*SHAPE[:-1]):
        wanted = oracle(a[step], _target(y)[step])
        np.testing.assert_allclose(value[step], wanted, rtol=1e-13)


@every_loss
def test_delta_is_output_minus_target(name):
    a, y = _arguments(name)
    delta, *_ = _gradients(getattr(losses, name), (a, y), np.ones(SHAPE[:-1]))
    np.testing.assert_allclose(delta, OUTPUTS[name](a) - _target(y), atol=1e-15)


@every_loss
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_gradient_equals_autodiff_of_formula(name, mask):
    weights = np.random.default_rng(9).normal(size=SHAPE[:-1])
    by_hand, by_autodiff = (
        _gradients(functools.partial(loss, mask=mask), _arguments(name), weights)
        for loss in (getattr(losses, name), getattr(plain, name))
    )
    for ours, wanted in zip(by_hand, by_autodiff, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-12, atol=1e-15)


@every_loss
@pytest.mark.parametrize("seed", range(5))
def test_gradient_equals_differences(name, seed):
    loss = getattr(losses, name)
    a, y = _arguments(name, seed)
    arguments, function = (a, y), loss
    if name == "cross_entropy":
        arguments, function = (a,), lambda a: loss(a, y)
    check_grads(function, arguments, 1, ["rev"], atol=1e-8, rtol=1e-8, eps=1e-5)


@every_loss
def test_masked_steps_are_exactly_zero_even_if_nan(name):
    a, y = _arguments(name)
    loss = getattr(losses, name)
    blank_a, blank_y = a.copy(), y.copy()
    blank_a[~MASK] = np.nan
    blank_y[~MASK] = -7 if name == "cross_entropy" else np.nan
    value = loss(blank_a, blank_y, MASK)
    np.testing.assert_array_equal(value, np.where(MASK, loss(a, y), 0))
    weights = np.ones(SHAPE[:-1])
    gradients = _gradients(lambda a, y: loss(a, y, MASK), (blank_a, blank_y), weights)
    for d, whole in zip(gradients, _gradients(loss, (a, y), weights), strict=True):
        np.testing.assert_array_equal(d, np.where(MASK[..., None], whole, 0))


@every_loss
def test_all_masked_and_no_steps_are_zero(name):
    a, y = _arguments(name)
    loss = getattr(losses, name)
    assert not np.any(loss(a, y, np.zeros_like(MASK)))
    assert loss(a[:0], y[:0]).shape == (0, BATCH)


@every_loss
def test_dtype_is_kept(name):
    a, y = _arguments(name, dtype=np.float32)
    loss = getattr(losses, name)
    value = loss(a, y, MASK)
    gradients = _gradients(loss, (a, y), np.ones(SHAPE[:-1], np.float32))
    assert {leaf.dtype for leaf in (value, *gradients)} == {np.dtype(np.float32)}


_compiled = jax.jit(losses.cross_entropy)
_compiled_gradient = jax.jit(
    jax.grad(lambda logits, ids: losses.cross_entropy(logits, ids).sum())
)


@pytest.mark.parametrize("bad_id", [-1, -3, NUM_CLASSES, 2**31])
def test_cross_entropy_of_wrong_id_is_nan_under_jit(bad_id):
    logits, ids = _arguments("cross_entropy")
    right = losses.cross_entropy(logits, ids)
    ids[1, 0] = bad_id
    wrong = np.zeros(SHAPE[:-1], bool)
    wrong[1, 0] = True
    value = _compiled(logits, ids)
    np.testing.assert_allclose(value, np.where(wrong, np.nan, right), rtol=1e-15)

    delta = _compiled_gradient(logits, ids)
    np.testing.assert_array_equal(np.isnan(delta).all(-1), wrong)
    np.testing.assert_array_equal(np.isnan(delta).any(-1), wrong)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32])
@pytest.mark.parametrize("transform", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_cross_entropy_takes_ids_narrower_than_the_classes(dtype, transform):
    logits = np.random.default_rng(0).normal(size=(2, 300))
    ids = np.array([3, 120])

    def total(logits, ids):
        return losses.cross_entropy(logits, ids).sum()

    gradient = transform(jax.value_and_grad(total))
    value, delta = gradient(logits, ids.astype(dtype))
    wanted, wanted_delta = jax.value_and_grad(plain_total)(logits, ids)
    np.testing.assert_allclose(value, wanted, rtol=1e-13)
    np.testing.assert_allclose(delta, wanted_delta, atol=1e-15)


def plain_total(logits, ids):
    return plain.cross_entropy(logits, ids).sum()


def test_cross_entropy_takes_wrong_ids_under_mask_in_jit():
    logits, ids = _arguments("cross_entropy")
    blank = np.where(MASK, ids, 99)
    value = jax.jit(losses.cross_entropy)(logits, blank, MASK)
    right = losses.cross_entropy(logits, ids, MASK)
    np.testing.assert_allclose(value, right, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy_soft", "bernoulli"])
def test_extreme_logits_have_finite_values_and_deltas(name, dtype):
    a = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype)
    targets = np.array([[1, 0], [1, 0]], dtype)
    y = np.array([0, 0]) if name == "cross_entropy" else targets
    loss = getattr(losses, name)
    # Right and certain costs nothing; wrong and certain the logits' difference.
    np.testing.assert_allclose(loss(a, y), [0, 2e4])
    delta, *others = _gradients(loss, (a, y), np.ones(2, dtype))
    np.testing.assert_array_equal(delta, [[0, 0], [-1, 1]])
    assert all(np.isfinite(d).all() for d in others)


def test_squared_error_of_squashed_output_gets_the_slope():
    a, y = _arguments("squared_error")

    def total(a):
        return losses.squared_error(jnp.tanh(a), y).sum()

    o = np.tanh(a)
    # Where o is close to 1, 1 - o² keeps the digits of 1 and not its own.
    want = (o - y) * (1 - o**2)
    np.testing.assert_allclose(jax.grad(total)(a), want, rtol=1e-12, atol=1e-15)


def test_cross_entropy_differentiates_twice():
    logits = np.array([0.3, -1.0, 2.0])

    def total(logits):
        return losses.cross_entropy(logits, np.array(1))

    o = np.asarray(jax.nn.softmax(logits))
    hessian = jax.jacrev(jax.grad(total))(logits)
    np.testing.assert_allclose(hessian, np.diag(o) - np.outer(o, o), atol=1e-15)


def test_an_id_of_64_bits_does_not_become_another_one():
    logits, ids = jnp.ones((2, 3), jnp.float32), np.array([2**32 + 1, 1])
    counted, other = np.array([True, True]), np.array([False, True])
    with jax.enable_x64(False):
        for mask in (None, counted):
            with pytest.raises(ValueError, match="^ids: expected 0 to 2"):
                losses.cross_entropy(logits, ids, mask)
        jitted = jax.jit(lambda mask: losses.cross_entropy(logits, ids, mask))
        assert jnp.isnan(jitted(counted)[0])
        np.testing.assert_allclose(jitted(other), [0.0, np.log(3)], rtol=1e-6)
