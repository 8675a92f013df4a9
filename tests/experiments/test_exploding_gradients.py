"""Clipping and Pascanu's regulariser, against their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.classics import exploding_gradients as exploding
from experiments.classics.exploding_gradients import KINDS, Kind
from jaxseq import losses, readout


H = exploding.NUM_HIDDEN
T = 12


@pytest.fixture(scope="module")
def case():
    key = jax.random.key(0)
    with jax.enable_x64(False):
        params = exploding._init(key)
        xs, ids = exploding.example(key, T)
    wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (params, xs))
    params, xs = wide
    return params, xs[:, :4], ids[:4]


def net_inputs(params, xs, given=None):
    """Returns every a_t, `[T, B, H]`, from the equations, with some a_t given."""
    hidden = params.hidden
    s, a = jnp.zeros((xs.shape[1], H)), []
    for t, x_t in enumerate(xs):
        a.append(x_t @ hidden.U.T + s @ hidden.W.T + hidden.b[None])
        if given is not None and t in given:
            a[-1] = given[t]
        s = jnp.tanh(a[-1])
    return a


def loss(params, xs, ids, given=None):
    s = jnp.tanh(net_inputs(params, xs, given)[-1])
    logits = readout.readout(params.out, s)
    return jnp.mean(losses.cross_entropy(logits, ids))


def deltas(params, xs, ids):
    """Differentiates by one net input after the other: `[T, B, H]`."""
    a = net_inputs(params, xs)
    by_one = [
        jax.grad(lambda a_t, t=t: loss(params, xs, ids, {t: a_t}))(a[t])
        for t in range(T)
    ]
    return jnp.stack(by_one)


def penalty(W, params, xs, ids):
    """Ω by Jacobians, one step and one sequence at a time, s_t and δ_t as they are."""
    a, found, terms = net_inputs(params, xs), deltas(params, xs, ids), []
    for t in range(T - 1):
        for n in range(xs.shape[1]):
            jacobian = W @ jnp.diag(1 - jnp.tanh(a[t][n]) ** 2)  # ∂a_{t+1}/∂a_t
            delta = found[t + 1, n]
            ratio = jnp.linalg.norm(delta @ jacobian) / jnp.linalg.norm(delta)
            terms.append((ratio - 1) ** 2)
    return jnp.mean(jnp.stack(terms))


@pytest.mark.slow
def test_gradient_is_that_of_the_error_and_of_the_penalty(case):
    params, xs, ids = case
    weight = 3.0
    plain = exploding.gradient(Kind(np.inf, 0.0), params, xs, ids)
    expected = jax.grad(loss)(params, xs, ids)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-13), plain, expected
    )
    held = jax.lax.stop_gradient(params)
    d_W = jax.grad(penalty)(params.hidden.W, held, xs, ids)
    assert abs(d_W).max() > 1e-4
    both = exploding.gradient(Kind(np.inf, weight), params, xs, ids)
    np.testing.assert_allclose(
        both.hidden.W - plain.hidden.W, weight * d_W, rtol=1e-9, atol=1e-13
    )
    others = both._replace(hidden=both.hidden._replace(W=plain.hidden.W))
    jax.tree.map(np.testing.assert_array_equal, others, plain)


def test_penalty_is_zero_where_errors_keep_their_length():
    ys = jnp.zeros((5, 2, 3))  # f' = 1
    deltas = jax.random.normal(jax.random.key(0), (5, 2, 3))
    assert exploding.penalty(jnp.eye(3), deltas, ys) < 1e-20
    half = exploding.penalty(0.5 * jnp.eye(3), deltas, ys)
    np.testing.assert_allclose(half, 0.25, rtol=1e-12)


def test_penalty_of_errors_that_are_gone_is_nothing():
    gone = jnp.zeros((5, 2, 3))
    value, d_W = jax.value_and_grad(exploding.penalty)(jnp.ones((3, 3)), gone, gone)
    assert value == 0
    assert not d_W.any()


def test_clipping_keeps_the_direction_and_bounds_the_length():
    gradient = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([[4.0]])}
    short = exploding.clipped(gradient, 2.5)
    np.testing.assert_allclose(short["a"], [1.5, 0], rtol=1e-12)
    np.testing.assert_allclose(short["b"], [[2.0]], rtol=1e-12)
    for bound in (5.0, np.inf):
        jax.tree.map(
            np.testing.assert_array_equal, exploding.clipped(gradient, bound), gradient
        )
    nothing = jax.tree.map(jnp.zeros_like, gradient)
    jax.tree.map(
        np.testing.assert_array_equal, exploding.clipped(nothing, 1.0), nothing
    )


def test_kinds_add_one_thing_after_the_other():
    descent, clipped, both = KINDS.values()
    assert (descent.clip, descent.weight) == (np.inf, 0)
    assert clipped == descent._replace(clip=1.0)
    assert both == clipped._replace(weight=2.0)


def test_orders_are_asked_of_the_two_letters():
    with jax.enable_x64(False):
        xs, which = exploding.example(jax.random.key(1), 20)
    ids = np.asarray(xs.argmax(-1)).T
    for row, answer in zip(ids, np.asarray(which), strict=True):
        places = np.flatnonzero(row >= exploding.X)
        assert places.shape == (2,)
        assert 2 <= places[0] < 4
        assert 8 <= places[1] < 10
        first, second = row[places] - exploding.X
        assert answer == 2 * first + second


def test_descent_at_the_wall_leaps_and_clipped_descent_does_not():
    with jax.enable_x64(True):
        config = exploding.Config()
        far, near = (exploding._descend(config, clip) for clip in (np.inf, 0.5))
    steps = [
        np.linalg.norm(np.diff(np.asarray(each["path"]), axis=0), axis=1)
        for each in (far, near)
    ]
    assert steps[0].max() > 10
    assert steps[1].max() <= exploding.WALL_RATE * exploding.WALL_CLIP * (1 + 1e-12)
    assert near["reached"] > 3 * far["reached"]
