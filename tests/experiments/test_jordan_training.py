"""Teacher forcing: what comes back, and that nothing comes from "don't care"."""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.classics.jordan_training import endless, learn, lessons, together
from jaxseq.cells import jordan


FREE = float("nan")
TARGETS = jnp.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.9]])
KEYS = jax.random.split(jax.random.key(0), 2)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def learn_by_hand(params, mu, targets, rate, num_steps, starts_afresh=True):
    """One network in NumPy: forward, one step back, update."""
    U, W, b_h, V, b_y = (np.array(leaf) for leaf in params)
    s = y = np.zeros(targets.shape[1])
    for number in range(num_steps):
        if number % len(targets) == 0 and (starts_afresh or number == 0):
            s = y = np.zeros_like(s)
        target = targets[number % len(targets)]
        s = mu * s + y
        h = sigmoid(U @ np.ones(1) + W @ s + b_h)
        out = sigmoid(V @ h + b_y)
        y = np.where(np.isnan(target), out, target)
        delta_y = (out - y) * out * (1 - out)
        delta_h = V.T @ delta_y * h * (1 - h)
        V, b_y = V - rate * np.outer(delta_y, h), b_y - rate * delta_y
        U, W = U - rate * delta_h[:, None], W - rate * np.outer(delta_h, s)
        b_h = b_h - rate * delta_h
    return U, W, b_h, V, b_y


def check(cell, mu, given, targets, **afresh):
    params = learn(KEYS, cell, given, 4, 0.5, 11)
    for number, key in enumerate(KEYS):
        start = cell.init(key, 1, 4, jnp.float64)
        by_hand = learn_by_hand(start, mu, np.asarray(targets), 0.5, 11, **afresh)
        for leaf, expected in zip(params, by_hand, strict=True):
            np.testing.assert_allclose(leaf[number], expected, rtol=1e-12)


def test_learn_is_one_step_descent_with_the_target_fed_back():
    cell = jordan.one_step(2, 0.5)
    given = lessons(jnp.ones(1), TARGETS)
    check(cell, 0.5, given, TARGETS)
    check(cell, 0.5, endless(given), TARGETS, starts_afresh=False)


def test_where_nobody_cares_the_output_is_fed_back():
    cell = jordan.one_step(2, 0.8)
    targets = TARGETS.at[1, 0].set(FREE)
    check(cell, 0.8, lessons(jnp.ones(1), targets), targets)


def test_an_output_that_nobody_cares_for_is_never_taught():
    cell = jordan.one_step(2, 0.5)
    targets = TARGETS.at[:, 1].set(FREE)
    params = learn(KEYS, cell, lessons(jnp.ones(1), targets), 4, 0.5, 20)
    start = jax.vmap(lambda key: cell.init(key, 1, 4, jnp.float64))(KEYS)
    np.testing.assert_array_equal(params.V[:, 1], start.V[:, 1])
    assert (params.V[:, 0] != start.V[:, 0]).all()


def test_together_starts_each_sequence_from_zeros():
    one = lessons(jnp.ones(1), TARGETS)
    assert together(one, one).is_first.tolist() == [True, False, False] * 2
