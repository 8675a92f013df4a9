"""The scan that writes over what it has read, against `jax.lax.scan`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import in_place
from jaxseq.unroll import unroll
from tests.models import CELLS, inputs


def body(carry, x_t, spent_t):
    a_t, b_t = spent_t
    carry = jnp.tanh(carry + x_t + a_t) * b_t.sum()
    narrow = jnp.concatenate([carry, a_t], axis=-1)
    return carry, {"fits_a": carry * a_t, "fits_none": narrow, "no_room": carry}


def arrays(num_steps):
    keys = jax.random.split(jax.random.key(0), 4)
    shapes = [(3, 2), (num_steps, 3, 2), (num_steps, 3, 2), (num_steps, 5)]
    draw = [jax.random.normal(k, s) for k, s in zip(keys, shapes, strict=True)]
    return draw[0], draw[1], (draw[2], draw[3])


def by_lax(carry, xs, spent, reverse):
    return jax.lax.scan(
        lambda carry, inputs: body(carry, *inputs), carry, (xs, spent), reverse=reverse
    )


def in_its_place(carry, xs, spent, reverse):
    return in_place.scan(body, carry, xs, spent, reverse=reverse)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("num_steps", [0, 1, 2, 7])
def test_scan_is_lax_scan(num_steps, reverse):
    args = arrays(num_steps)
    found = jax.jit(in_its_place, static_argnums=3)(*args, reverse)
    expected = jax.jit(by_lax, static_argnums=3)(*args, reverse)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def narrower(carry, x_t, spent_t):
    """Emits what has fewer columns than the one, and as many as the other."""
    a_t, b_t = spent_t
    carry = jnp.tanh(carry + x_t + a_t) * b_t.sum()
    return carry, {"a": carry[:, :1], "b": 2 * b_t}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("num_steps", [0, 1, 2, 7])
def test_what_is_narrower_takes_the_first_columns(num_steps, reverse):
    carry, xs, spent = arrays(num_steps)
    found = jax.jit(lambda *args: in_place.scan(narrower, *args, reverse=reverse))(
        carry, xs, spent
    )
    expected = jax.jit(
        lambda carry, xs, spent: jax.lax.scan(
            lambda c, i: narrower(c, *i), carry, (xs, spent), reverse=reverse
        )
    )(carry, xs, spent)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_places_are_taken_by_what_fills_them_first():
    def shapes(*all_shapes, dtype=jnp.float32):
        return [jax.ShapeDtypeStruct(shape, dtype) for shape in all_shapes]

    buffers = shapes((7, 3, 4), (7, 3, 8))
    assert in_place._places(shapes((3, 2), (3, 4)), buffers) == [1, 0]
    assert in_place._places(shapes((3, 2), (3, 2)), buffers) == [0, 1]
    assert in_place._places(shapes((3, 2), (3, 9)), buffers) == [None, None]
    assert in_place._places(shapes((3, 8), (3, 9), (3, 2)), buffers) == [1, None, None]
    others = shapes((2, 2), (4,), (), (3, 9), (3, 2, 2))
    assert in_place._places(others, buffers) == [None] * 5
    assert in_place._places(shapes((3, 2), dtype=jnp.float64), buffers) == [None]
    assert in_place._places(shapes(()), shapes((7,))) == [0]


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_leaves_its_arguments_as_they_were(reverse):
    args = arrays(4)
    before = jax.tree.map(np.array, args)
    in_its_place(*args, reverse)
    jax.tree.map(np.testing.assert_array_equal, args, before)


@pytest.mark.parametrize("reverse", [False, True])
def test_gradient_of_scan_is_that_of_lax_scan(reverse):
    args = arrays(5)

    def total(scan):
        def loss(*args):
            leaves = jax.tree.leaves(scan(*args, reverse))
            return sum(jnp.sum(jnp.sin(leaf)) for leaf in leaves)

        return jax.grad(loss, (0, 1, 2))(*args)

    for found, expected in zip(
        jax.tree.leaves(total(in_its_place)),
        jax.tree.leaves(total(by_lax)),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


def test_scan_under_vmap_is_a_loop_over_examples():
    carry, xs, spent = arrays(4)
    several = jax.tree.map(lambda a: jnp.stack([a, 2 * a]), (carry, xs, spent))
    found = jax.vmap(lambda *args: in_its_place(*args, False))(*several)
    second = by_lax(*jax.tree.map(lambda a: 2 * a, (carry, xs, spent)), False)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a[1], b, rtol=1e-13), found, second
    )


# The other LSTMs' tapes are of single gates, that fit no array of all of them.
WRITING_OVER = (
    *("elman", "jordan", "lstm", "lstm_linear", "gru_reset_after"),
    "gru_reset_before",
)


@pytest.mark.parametrize("name", WRITING_OVER)
def test_the_loops_of_a_cell_write_over_what_they_read(name, monkeypatch):
    taken = []
    places = in_place._places

    def noted(emitted, buffers):
        taken.append(places(emitted, buffers))
        return taken[-1]

    monkeypatch.setattr(in_place, "_places", noted)
    cell = CELLS[name]
    args = inputs(cell, 4)
    jax.eval_shape(jax.grad(lambda *args: jnp.sum(unroll(cell, *args).ys)), *args)
    # An Elman network's backward pass reads nothing but its states.
    assert len(taken) == (1 if name == "elman" else 2)
    for found in taken:
        assert any(place is not None for place in found)
