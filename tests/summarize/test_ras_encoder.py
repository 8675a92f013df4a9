"""The position-aware convolution: sums in loops, JAX's gradients, padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import ras_encoder
from jaxseq.summarize.ras_encoder import Params, convolve, convolve_plain
from tests.programs import equations


NUM_WORDS, BATCH, NUM_INPUTS, NUM_FILTERS = 6, 3, 2, 4
LENGTHS = np.array([6, 3, 0])
MASK = np.arange(NUM_WORDS)[:, None] < LENGTHS[None]
ENCODER = ras_encoder.convolution(max_words=7)


def draw(width=5, seed=0):
    rng = np.random.default_rng(seed)
    params = Params(
        positions=jnp.asarray(rng.normal(size=(7, NUM_INPUTS))),
        B=jnp.asarray(rng.normal(size=(NUM_FILTERS, width * NUM_INPUTS))),
    )
    return params, jnp.asarray(rng.normal(size=(NUM_WORDS, BATCH, NUM_INPUTS)))


def test_keys_are_the_sums_of_the_paper():
    params, xs = draw()
    keys, mask = ENCODER.encode(params, xs, jnp.asarray(MASK), NUM_FILTERS)
    np.testing.assert_array_equal(mask, MASK)
    b = np.asarray(params.B).reshape(NUM_FILTERS, 5, NUM_INPUTS)
    for n, length in enumerate(LENGTHS):
        a = np.asarray(xs[:length, n] + params.positions[:length])
        for i in range(length):
            z = np.zeros(NUM_FILTERS)
            for k in range(NUM_FILTERS):
                for h in range(-2, 3):
                    if 0 <= i + h < length:
                        z[k] += a[i + h] @ b[k, 2 + h]
            np.testing.assert_allclose(keys[i, n], z, rtol=1e-13)


@pytest.mark.parametrize("width", [1, 5])
def test_gradients_equal_those_of_jax(width):
    params, xs = draw(width)

    def total(form):
        return lambda b, a: jnp.sum(jnp.sin(form(b, a)))

    ours = jax.grad(total(convolve), (0, 1))(params.B, xs)
    wanted = jax.grad(total(convolve_plain), (0, 1))(params.B, xs)
    for a, b in zip(ours, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_the_convolution_and_its_deltas_are_three_products():
    params, xs = draw()
    loss = lambda b, a: jnp.sum(jnp.sin(convolve(b, a)))
    jaxpr = jax.make_jaxpr(jax.grad(loss, (0, 1)))(params.B, xs).jaxpr
    names = [e.primitive.name for e in equations(jaxpr)]
    assert names.count("dot_general") == 3


def test_padding_is_never_read():
    params, xs = draw()
    mask = jnp.asarray(MASK)

    def total(params, xs):
        keys = ENCODER.encode(params, xs, mask, NUM_FILTERS).keys
        return jnp.sum(jnp.where(mask[..., None], jnp.sin(keys), 0.0))

    whole = jax.value_and_grad(total, (0, 1))(params, xs)
    spoilt = jnp.where(mask[..., None], xs, jnp.nan)
    again = jax.value_and_grad(total, (0, 1))(params, spoilt)
    jax.tree.map(np.testing.assert_array_equal, whole, again)
    np.testing.assert_array_equal(whole[1][1][~MASK], 0)


def test_nothing_is_attended_to_by_nothing():
    encoder = ras_encoder.nothing()
    assert encoder.init(jax.random.key(0), 2, 4, "float64") == ()
    keys, mask = encoder.encode((), draw()[1], jnp.asarray(MASK), 4)
    assert keys.shape == (NUM_WORDS, BATCH, 4)
    assert not mask.any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ras_encoder.convolution(0), "max_words: expected an integer ≥ 1"),
        (lambda: ras_encoder.convolution(9, 4), "width: expected an odd number, got 4"),
        (
            lambda: ENCODER.encode(draw()[0], jnp.zeros((8, 1, 2)), jnp.ones(()), 4),
            "xs: expected at most 7 positions, got 8",
        ),
        (
            lambda: ENCODER.encode(draw()[0], draw()[1], jnp.asarray(MASK), 3),
            r"params.B: expected shape \[3, q I\], got float64\[4, 10\]",
        ),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
