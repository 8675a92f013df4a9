"""What every cell must do: the suite runs over the table in `tests.models`."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from jax.test_util import check_grads

from jaxseq.unroll import unroll, unroll_plain
from tests.models import (
    cotangent_like,
    every_cell,
    every_cell_in_time,
    inputs,
    masks,
    relative_error,
    value_and_gradients,
)


def error_of_hand(cell, args, mode):
    """Compares value and gradients by hand with those of the plain scan."""
    by_hand = value_and_gradients(unroll, cell, args, **mode)
    by_autodiff = value_and_gradients(unroll_plain, cell, args, **mode)
    chex.assert_trees_all_equal_shapes_and_dtypes(by_hand, by_autodiff)
    return relative_error(by_hand, by_autodiff)


@every_cell
@pytest.mark.parametrize(("num_steps", "mode"), [(10, "plain"), (10, "all")])
def test_gradient_equals_autodiff(cell, num_steps, mode):
    error = error_of_hand(cell, inputs(cell, num_steps), masks(num_steps)[mode])
    assert error <= 1e-12


@pytest.mark.slow
@every_cell
@pytest.mark.parametrize("mode", ["plain", "lengths", "resets", "reverse", "all"])
@pytest.mark.parametrize("num_steps", [0, 1, 2, 10, 100, 1000])
def test_gradient_equals_autodiff_everywhere(cell, num_steps, mode):
    for seed in range(3):
        args = inputs(cell, num_steps, seed=seed)
        assert error_of_hand(cell, args, masks(num_steps, seed=seed)[mode]) <= 1e-12


@every_cell_in_time
@given(data=st.data())
def test_gradient_equals_autodiff_for_any_mask(cell, data):
    # Few shapes, so that few programs are compiled; masks vary freely.
    lengths = data.draw(st.lists(st.integers(0, 5), min_size=3, max_size=3))
    resets = data.draw(st.lists(st.booleans(), min_size=15, max_size=15))
    mode = {
        "lengths": jnp.asarray(lengths),
        "resets": jnp.asarray(resets).reshape(5, 3),
        "reverse": data.draw(st.booleans()),
    }
    seed = data.draw(st.integers(0, 1000))
    assert error_of_hand(cell, inputs(cell, 5, seed=seed), mode) <= 1e-12


@every_cell_in_time
@pytest.mark.parametrize("batch", [(), (2, 3)], ids=["single", "two_axes"])
def test_gradient_equals_autodiff_for_any_batch_axes(cell, batch):
    assert error_of_hand(cell, inputs(cell, 4, batch), {}) <= 1e-12


@every_cell_in_time
def test_gradient_equals_differences_along_five_directions(cell):
    if cell.is_truncated:
        pytest.skip("differs from the full gradient on purpose: tests/gradcheck")
    args = inputs(cell, 4)
    f = jax.jit(lambda *a: tuple(unroll(cell, *a)))
    for seed in range(5):
        # check_grads draws its direction from NumPy's own state.
        np.random.seed(seed)  # noqa: NPY002
        check_grads(f, args, 1, modes=["rev"], atol=1e-8, rtol=1e-8, eps=1e-5)


@every_cell_in_time
def test_float32_is_close_to_float64(cell):
    args = inputs(cell, 20, dtype=jnp.float32)
    wide = jax.tree.map(lambda a: a.astype(jnp.float64), args)
    result = value_and_gradients(unroll, cell, args)
    assert {leaf.dtype for leaf in jax.tree.leaves(result)} == {jnp.dtype("float32")}
    assert relative_error(result, value_and_gradients(unroll, cell, wide)) <= 5e-6


@every_cell_in_time
def test_bfloat16_is_no_worse_than_autodiff(cell):
    by_hand, by_autodiff = [], []
    for seed in range(8):
        args = inputs(cell, 20, dtype=jnp.bfloat16, seed=seed)
        wide = jax.tree.map(lambda a: a.astype(jnp.float64), args)
        _, truth = value_and_gradients(unroll, cell, wide)
        _, hand = value_and_gradients(unroll, cell, args)
        _, autodiff = value_and_gradients(unroll_plain, cell, args)
        assert {leaf.dtype for leaf in jax.tree.leaves(hand)} == {jnp.dtype("bfloat16")}
        by_hand.append(relative_error(hand, truth))
        by_autodiff.append(relative_error(autodiff, truth))
    # Of the logarithms: where a sequence diverges its rounding is as good as drawn.
    assert np.mean(np.log(by_hand)) <= np.log(1.1) + np.mean(np.log(by_autodiff))


@every_cell_in_time
def test_padding_with_nan_changes_nothing(cell):
    mode = masks(6)["all"]
    params, state_0, xs = inputs(cell, 6)
    inside = jnp.arange(6)[:, None] < mode["lengths"][None]
    dirty = jnp.where(inside[..., None], xs, jnp.nan)
    clean = jnp.where(inside[..., None], xs, 0.0)
    one = value_and_gradients(unroll, cell, (params, state_0, dirty), **mode)
    other = value_and_gradients(unroll, cell, (params, state_0, clean), **mode)
    chex.assert_trees_all_equal(one, other)  # bitwise
    (ys, _), (_, _, d_xs) = one
    assert not np.any(np.asarray(ys)[~np.asarray(inside)])
    assert not np.any(np.asarray(d_xs)[~np.asarray(inside)])


@every_cell_in_time
def test_empty_sequence_gives_back_its_initial_state(cell):
    args = inputs(cell, 5)
    lengths = jnp.array([0, 5, 0])
    only_empty = jax.tree.map(lambda s: s.at[1].set(0), cotangent_like(args[1]))

    @jax.jit
    def run(*args):
        result, pull = jax.vjp(lambda *a: unroll(cell, *a, lengths=lengths), *args)
        cotangent = result._replace(ys=jnp.zeros_like(result.ys), state=only_empty)
        return result, pull(cotangent)

    result, (d_params, d_state_0, d_xs) = run(*args)
    for initial, final in zip(
        jax.tree.leaves(args[1]), jax.tree.leaves(result.state), strict=True
    ):
        np.testing.assert_array_equal(final[::2], initial[::2])
    assert not any(np.any(leaf) for leaf in jax.tree.leaves((d_params, d_xs)))
    chex.assert_trees_all_equal(d_state_0, only_empty)


@every_cell_in_time
@pytest.mark.parametrize("reverse", [False, True])
def test_resets_mean_sequences_run_apart(cell, reverse):
    resets = jnp.zeros((7, 3), bool).at[jnp.array([2, 5])].set(True)

    @jax.jit
    def run(params, state_0, xs):
        together = unroll(cell, params, state_0, xs, resets=resets, reverse=reverse)
        parts = [
            unroll(cell, params, state_0, part, reverse=reverse)
            for part in (xs[:2], xs[2:5], xs[5:])
        ]
        return together, parts

    together, parts = run(*inputs(cell, 7))
    ys = jnp.concatenate([part.ys for part in parts])
    assert relative_error(together.ys, ys) <= 1e-14
    last = parts[0] if reverse else parts[-1]
    assert relative_error(together.state, last.state) <= 1e-14


def in_two_chunks(cell, params, state_0, xs):
    first = unroll(cell, params, state_0, xs[:3])
    second = unroll(cell, params, first.state, xs[3:])
    return second._replace(ys=jnp.concatenate([first.ys, second.ys]))


@every_cell_in_time
def test_two_chunks_with_carried_state_are_one_sequence(cell):
    args = inputs(cell, 7)
    whole, gradients = value_and_gradients(unroll, cell, args)
    parts, gradients_of_parts = value_and_gradients(in_two_chunks, cell, args)
    assert relative_error(parts, whole) <= 1e-14
    assert relative_error(gradients_of_parts, gradients) <= 1e-12


@every_cell
def test_outputs_do_not_depend_on_later_inputs(cell):
    params, state_0, xs = inputs(cell, 5, batch=())
    gradients = jax.jacrev(lambda xs: unroll(cell, params, state_0, xs).ys)
    jacobian = jax.jit(gradients)(xs)
    influence = np.abs(np.asarray(jacobian)).max(axis=(1, 3))  # [output t, input t]
    np.testing.assert_array_equal(np.triu(influence, k=1), 0)
    assert np.all(np.diag(influence) > 0)
    if not cell.is_truncated:
        assert np.all(influence[np.tril_indices(5)] > 0)


@every_cell_in_time
def test_eager_jit_and_vmap_agree(cell):
    params, state_0, xs = inputs(cell, 4)

    def run(params, state_0, xs):
        result, pull = jax.vjp(lambda *a: unroll(cell, *a), params, state_0, xs)
        return result, pull(jax.tree.map(jnp.ones_like, result))

    eager, compiled = run(params, state_0, xs), jax.jit(run)(params, state_0, xs)
    assert relative_error(compiled, eager) <= 1e-14
    batch_last = (jax.tree.map(lambda s: 0, state_0), 1)
    result, (d_params, d_state_0, d_xs) = jax.vmap(
        run, in_axes=(None, *batch_last), out_axes=0
    )(params, state_0, xs)
    each = (
        result._replace(ys=jnp.moveaxis(result.ys, 0, 1)),
        (
            jax.tree.map(lambda d: d.sum(0), d_params),
            d_state_0,
            jnp.moveaxis(d_xs, 0, 1),
        ),
    )
    assert relative_error(each, eager) <= 1e-13


@every_cell
def test_second_call_does_not_retrace(cell):
    traces = []

    @jax.jit
    def gradient(params, state_0, xs):
        traces.append(1)
        return jax.grad(lambda p: unroll(cell, p, state_0, xs).ys.sum())(params)

    gradient(*inputs(cell, 3, seed=0))
    gradient(*inputs(cell, 3, seed=1))
    assert len(traces) == 1


@every_cell_in_time
def test_cells_compose_with_checkpoint(cell):
    args = inputs(cell, 4)

    def loss(unroll, *args):
        result = unroll(cell, *args)
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(result))

    plain, saved = (
        jax.jit(jax.grad(each, (0, 1, 2)))(*args)
        for each in (
            functools.partial(loss, unroll_plain),
            jax.checkpoint(functools.partial(loss, unroll)),
        )
    )
    assert relative_error(saved, plain) <= 1e-12


@every_cell_in_time
@pytest.mark.parametrize("num_steps", [20, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_finite_in_float32(cell, num_steps, scale):
    params, state_0, xs = inputs(cell, num_steps, dtype=jnp.float32)
    if cell.name == "elman(identity)":
        # Linear: it saturates nothing, so its states grow as its matrix says.
        params = params._replace(W=params.W / jnp.linalg.norm(params.W, 2))
    if cell.name == "elman(relu)":
        params = params._replace(W=params.W / jnp.linalg.norm(params.W, 2))
    if "1997" in cell.name:
        # No forget gate: gradients grow with T² when gates see their own outputs.
        params = params._replace(W=params.W / 4)
    with jax.debug_nans(True):
        result = value_and_gradients(unroll, cell, (params, state_0, xs * scale))
    chex.assert_tree_all_finite(result)
