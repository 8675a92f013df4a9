"""Clipping: the direction stays, whatever the size of what is clipped."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxseq.train import clip


SIZES = {
    jnp.float32: (1e-30, 1e-20, 1e-3, 1.0, 1e10, 3e19, 1e30, 3e38),
    jnp.bfloat16: (1e-30, 1e-3, 1.0, 3e19, 1e30, 3e38),
    jnp.float16: (1e-4, 1e-2, 1.0, 3e2, 6e4),
    jnp.float64: (1e-300, 1.0, 1e300),
}


def gradient(size, dtype):
    draw = np.random.default_rng(0)
    shares = {"a": draw.uniform(-1, 1, (7, 5)), "b": draw.uniform(-1, 1, 3)}
    shares["b"][0] = 1
    return jax.tree.map(lambda g: jnp.asarray(g * size, dtype), shares)


def flat(tree):
    return np.concatenate(
        [np.asarray(leaf, np.longdouble).ravel() for leaf in jax.tree.leaves(tree)]
    )


def length(tree):
    vector = flat(tree)
    largest = np.abs(vector).max()
    return largest * np.sqrt(np.sum((vector / largest) ** 2))


@pytest.mark.parametrize(
    ("dtype", "size"), [(d, size) for d, sizes in SIZES.items() for size in sizes]
)
def test_any_size_is_cut_to_the_largest_norm(dtype, size):
    before = gradient(size, dtype)
    transformation = clip.clip_by_global_norm(1.0)
    after, _ = jax.jit(transformation.update)(before, transformation.init(before))
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, before)
    assert {leaf.dtype for leaf in jax.tree.leaves(after)} == {jnp.dtype(dtype)}
    assert 0 < length(after) <= 1 + 1e-6
    cosine = flat(before) / length(before) @ (flat(after) / length(after))
    assert cosine >= 0.999
    if length(before) <= 1:
        jax.tree.map(np.testing.assert_array_equal, after, before)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(d, size) for d in (jnp.float32, jnp.bfloat16) for size in SIZES[d]],
)
def test_a_gradient_that_the_compiler_knows_is_cut_too(dtype, size):
    """XLA moves factors of constants about, and must not square the size first."""
    transformation = clip.clip_by_global_norm(1e-2)

    @jax.jit
    def cut():
        before = jnp.full(4, size, dtype)
        return transformation.update(before, transformation.init(before))[0]

    rtol = 1e-6 if dtype == jnp.float32 else 2**-7
    np.testing.assert_allclose(
        cut().astype(jnp.float32), np.full(4, min(size, 5e-3)), rtol=rtol
    )


@pytest.mark.parametrize("max_norm", [1e-3, 0.5, 2.0, 100.0])
def test_it_is_optax_where_nothing_overflows(max_norm):
    before = gradient(3.0, jnp.float64)
    ours = clip.clip_by_global_norm(max_norm)
    theirs = optax.clip_by_global_norm(max_norm)
    found, _ = ours.update(before, ours.init(before))
    expected, _ = theirs.update(before, theirs.init(before))
    np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-14)


def test_the_norm_is_that_of_all_leaves():
    norm = clip.global_norm({"a": jnp.asarray([3.0, 0.0]), "b": jnp.asarray([[-4.0]])})
    np.testing.assert_allclose(norm.power * norm.relative, 5.0, rtol=1e-15)


@pytest.mark.parametrize(
    ("largest", "power"),
    [
        (np.float32(3e38), 2.0**126),  # 1 / 2^127 would be flushed to 0
        (np.float32(2e-38), 2.0**-126),
        (np.float32(4.0), 4.0),
        (np.nextafter(np.float32(4), np.float32(0)), 2.0),
        (np.float64(1e300), 2.0**996),
    ],
)
def test_the_power_divides_without_rounding(largest, power):
    entries = [largest, largest.dtype.type(np.pi) / 4 * largest]
    norm = clip.global_norm(jnp.asarray(entries))
    assert norm.power == power
    assert norm.power.dtype == largest.dtype
    inverse = np.asarray(1 / norm.power)
    assert inverse * np.asarray(norm.power) == 1
    exact = np.asarray(entries, np.longdouble) / power
    np.testing.assert_array_equal(np.asarray(entries) * inverse, exact)
    np.testing.assert_allclose(norm.relative, np.sqrt(np.sum(exact**2)), rtol=2e-7)


def test_nothing_and_zero_stay_what_they_are():
    transformation = clip.clip_by_global_norm(1.0)
    for tree in ({"a": jnp.zeros(3)}, {"a": jnp.zeros((0, 3))}, {}, ()):
        found, _ = transformation.update(tree, transformation.init(tree))
        jax.tree.map(np.testing.assert_array_equal, found, tree)


@pytest.mark.parametrize("bad", [jnp.inf, -jnp.inf, jnp.nan])
def test_what_is_not_finite_is_not_hidden(bad):
    tree = {"a": jnp.asarray([1.0, bad]), "b": jnp.ones(3)}
    norm = clip.global_norm(tree)
    assert not np.isfinite(norm.power * norm.relative)
    transformation = clip.clip_by_global_norm(1.0)
    found, _ = transformation.update(tree, transformation.init(tree))
    assert not np.isfinite(flat(found)).all()


@pytest.mark.parametrize("max_norm", [0.0, -1.0, float("nan"), float("inf")])
def test_a_norm_that_is_none_is_refused(max_norm):
    with pytest.raises(ValueError, match="^max_norm: expected a finite number above 0"):
        clip.clip_by_global_norm(max_norm)
