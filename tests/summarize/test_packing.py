"""Packing: what counts, in one block and back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import packing


LENGTHS = np.array([2, 0, 4, 1])


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


def test_pack_gathers_the_steps_that_count():
    xs = draw(4, 4, 3)
    packed = packing.pack(packing.of(LENGTHS, 4, 9), jnp.asarray(xs))
    expected = [xs[t, b] for t in range(4) for b in range(4) if t < LENGTHS[b]]
    np.testing.assert_array_equal(packed[:7], expected)
    np.testing.assert_array_equal(packed[7:], 0)


def test_the_gradient_goes_back_to_its_step():
    d_packed, xs = draw(9, 3), jnp.asarray(draw(4, 4, 3))
    made = packing.of(LENGTHS, 4, 9)
    _, back = jax.vjp(lambda xs: packing.pack(made, xs), xs)
    taken = jnp.where(made.steps < 16, made.steps, 0)

    def plain(xs):
        rows = xs.reshape(16, 3)[taken]
        return jnp.where((made.steps < 16)[:, None], rows, jnp.zeros_like(rows))

    _, plain_back = jax.vjp(plain, xs)
    (ours,), (wanted,) = back(jnp.asarray(d_packed)), plain_back(jnp.asarray(d_packed))
    np.testing.assert_array_equal(ours, wanted)
    assert not np.any(ours[:, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: packing.of(LENGTHS, 4, 6), "num_places: expected 7 at least, got 6"),
        (lambda: packing.of(LENGTHS, 3, 9), "lengths: expected at most T = 3"),
        (
            lambda: packing.pack(packing.of(LENGTHS, 4, 9), jnp.zeros((3, 4, 2))),
            r"xs: expected shape \[4, 4\] and more axes, got float64\[3, 4, 2\]",
        ),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
