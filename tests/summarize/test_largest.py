"""The K largest, against a stable sort."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize.largest import largest


@pytest.mark.parametrize(("N", "K"), [(1, 1), (7, 7), (80, 5), (81, 5), (1001, 5)])
@pytest.mark.parametrize("kinds", [3, 10**6])
def test_largest_are_those_of_a_stable_sort(N, K, kinds):
    rng = np.random.default_rng(N)
    numbers = rng.integers(0, kinds, (4, 3, N)).astype(float)
    order = np.argsort(-numbers, axis=-1, kind="stable")[..., :K]
    values, places = largest(jnp.asarray(numbers), K)
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(values, np.take_along_axis(numbers, order, -1))


def test_few_finite_numbers_come_once():
    numbers = np.full((2, 500), -np.inf)
    numbers[:, [3, 400]] = [1.0, np.inf]
    values, places = largest(jnp.asarray(numbers), 4)
    np.testing.assert_array_equal(values, [[np.inf, 1, -np.inf, -np.inf]] * 2)
    np.testing.assert_array_equal(places[:, :2], [[400, 3]] * 2)
