"""Stacks: layers by hand, directions by hand, and what dropout may do."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxseq.cells import activations, elman, gru, jordan, lstm
from jaxseq.network import Both, drop, init, stack
from jaxseq.unroll import unroll, unroll_plain
from tests.cases import BY_NAME, NUM_HIDDEN, NUM_INPUTS, draw, unroll_oracle


NUM_STEPS, BATCH = 5, 3
LAYERS = (lstm.cell(), Both(gru.reset_before(), gru.reset_before()), elman.cell())
NAMES = ("lstm", ("gru_before", "gru_before"), "elman_tanh")
SMALL = (Both(elman.cell(), elman.cell()), elman.cell())
KEY = jax.random.key(1)


def _network(layers=LAYERS, dtype=np.float64):
    """Draws parameters and states, none zero, and a padded batch with resets."""
    rng = np.random.default_rng(0)

    def normal(leaf):
        return rng.normal(scale=0.7, size=leaf.shape).astype(dtype)

    like = jax.eval_shape(
        lambda key: init(key, layers, NUM_INPUTS, NUM_HIDDEN), jax.random.key(0)
    )
    params = jax.tree.map(normal, like)
    inputs = draw(lstm.cell(), 1, NUM_STEPS, (BATCH,), dtype)
    states = jax.eval_shape(lambda p, xs: stack(layers, p, None, xs), params, inputs.xs)
    masks = {"lengths": np.array([5, 0, 3]), "resets": inputs.resets}
    return params, jax.tree.map(normal, states.states), inputs.xs, masks


def _one_layer(name, params, state_0, xs, masks, reverse=False):
    """Runs the NumPy oracle of a layer."""
    inputs = (params, state_0, state_0, xs, masks["lengths"], masks["resets"])
    ys, state = unroll_oracle(BY_NAME[name], inputs, reverse)
    return ys.real, [s.real for s in state]


def test_stack_equals_layers_by_hand():
    params, states_0, xs, masks = _network()
    with jax.disable_jit():
        stacked = stack(LAYERS, params, states_0, xs, **masks)
    ys, wanted = xs, []
    for name, p, state_0 in zip(NAMES, params, states_0, strict=True):
        if isinstance(name, tuple):
            there, end = _one_layer(name[0], p.forward, state_0.forward, ys, masks)
            back, begin = _one_layer(
                name[1], p.backward, state_0.backward, ys, masks, reverse=True
            )
            ys, state = np.concatenate([there, back], axis=-1), [*end, *begin]
        else:
            ys, state = _one_layer(name, p, state_0, ys, masks)
        wanted.extend(state)
    np.testing.assert_allclose(stacked.ys, ys, rtol=1e-12, atol=1e-14)
    for leaf, by_hand in zip(jax.tree.leaves(stacked.states), wanted, strict=True):
        np.testing.assert_allclose(leaf, by_hand, rtol=1e-12, atol=1e-14)


def test_both_directions_equal_each_sequence_flipped_by_hand():
    """Each sequence cut out, flipped, run forwards, and flipped back."""
    layers = [Both(lstm.cell(), lstm.cell())]
    params, _, xs, _ = _network(layers)
    lengths = np.array([5, 2, 4])
    resets = np.zeros((NUM_STEPS, BATCH), bool)
    resets[2, 0] = resets[3, 2] = True
    with jax.disable_jit():
        ys = stack(layers, params, None, xs, lengths=lengths, resets=resets).ys
        for row, cuts in enumerate([(0, 2, 5), (0, 2), (0, 3, 4)]):
            for start, stop in zip(cuts, cuts[1:], strict=False):
                piece = jnp.asarray(xs[start:stop, row])
                there = _alone(params[0].forward, piece)
                back = _alone(params[0].backward, piece[::-1])[::-1]
                wanted = np.concatenate([there, back], axis=-1)
                np.testing.assert_allclose(ys[start:stop, row], wanted, rtol=1e-12)
            assert not np.any(ys[cuts[-1] :, row])


def _alone(params, xs):
    return unroll_plain(lstm.cell(), params, None, xs).ys


def test_gradient_equals_that_of_plain_layers():
    arguments, masks = _arguments()
    by_hand = _values_and_gradients(_with_dropout(unroll, masks), arguments)
    plain = _values_and_gradients(_with_dropout(unroll_plain, masks), arguments)
    for leaf, wanted in zip(by_hand, plain, strict=True):
        assert np.linalg.norm(leaf - wanted) <= 1e-12 * np.linalg.norm(wanted)


def test_gradient_equals_differences():
    arguments, masks = _arguments()
    function = jax.jit(_with_dropout(unroll, masks))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        moved = [
            0.3 * a + 0.1 * rng.normal(size=a.shape) for a in jax.tree.leaves(arguments)
        ]
        moved = jax.tree.unflatten(jax.tree.structure(arguments), moved)
        check_grads(function, moved, 1, ["rev"], atol=1e-8, rtol=1e-8, eps=1e-5)


def _arguments():
    params, states_0, xs, masks = _network(SMALL)
    return (params, states_0, xs), masks


def _with_dropout(unroll, masks):
    drops = {"dropout": 0.4, "key": KEY}
    return functools.partial(stack, SMALL, unroll=unroll, **masks, **drops)


def _values_and_gradients(function, arguments):
    @jax.jit
    def both(arguments):
        outputs, pull = jax.vjp(function, *arguments)
        rng = np.random.default_rng(2)
        cotangents = jax.tree.map(lambda y: rng.normal(size=y.shape), outputs)
        return outputs, pull(cotangents)

    return jax.tree.leaves(both(arguments))


def test_init_gives_each_layer_what_the_one_below_puts_out():
    layers = [jordan.cell(7), Both(lstm.cell(), gru.reset_after()), elman.cell()]
    params = jax.eval_shape(lambda key: init(key, layers, 2, 3, np.float64), KEY)
    assert params[0].U.shape == (3, 2)
    assert params[1].forward.U.shape == (12, 7)
    assert params[1].backward.U.shape == (9, 7)
    assert params[2].U.shape == (3, 6)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype(np.float64)}


def test_init_draws_every_cell_anew():
    layers = [Both(elman.cell(), elman.cell()), elman.cell(), elman.cell()]
    first, *others = init(KEY, layers, num_inputs=3, num_hidden=3)
    again, *_ = init(KEY, layers, num_inputs=3, num_hidden=3)
    np.testing.assert_array_equal(first.forward.W, again.forward.W)
    other, *_ = init(jax.random.key(2), layers, num_inputs=3, num_hidden=3)
    Ws = [first.forward.W, first.backward.W, *(p.W for p in others), other.forward.W]
    for k, W in enumerate(Ws):
        assert not any(np.allclose(W, other) for other in Ws[:k])


def test_drop_keeps_entries_at_the_rate_and_the_mean():
    """Of 100,000 entries 70 % stay, within 0.6 %: four deviations of 0.00145."""
    ys = drop(jax.random.key(3), 0.3, np.ones((500, 200)))
    kept = np.asarray(ys != 0)
    np.testing.assert_allclose(kept.mean(), 0.7, atol=0.006)
    # 19,661 of 65,536 numbers drop an entry.
    np.testing.assert_allclose(ys[kept], 65536 / 45875, rtol=1e-15)
    np.testing.assert_allclose(ys.mean(), 1, atol=0.009)


@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (5, 3)])
def test_drop_keeps_the_shape(shape):
    assert drop(KEY, 0.5, np.ones(shape)).shape == shape


def test_what_one_word_draws_for_two_entries_is_independent():
    """Of 40,000 pairs each of the four cases is at its share, within 4 deviations.

    The two numbers of a word lie half of the last axis apart.
    """
    kept = np.asarray(drop(KEY, 0.3, np.ones(80_000)) != 0).reshape(2, 40_000)
    found = np.bincount(kept[0] + 2 * kept[1], minlength=4) / 40_000
    shares = np.array([0.3 * 0.3, 0.7 * 0.3, 0.3 * 0.7, 0.7 * 0.7])
    deviations = np.sqrt(shares * (1 - shares) / 40_000)
    assert np.all(np.abs(found - shares) < 4 * deviations)


def test_a_rate_near_1_drops_nearly_all_and_stays_finite():
    ys = np.asarray(drop(KEY, 1 - 1e-9, np.ones(500_000)))
    assert set(np.unique(ys)) == {0, 2**16}
    assert 0 < np.count_nonzero(ys) < 30  # 7.6 are expected


def test_drop_depends_on_the_key_only():
    ys = np.ones((50, 4))
    dropped = drop(KEY, 0.5, ys)
    np.testing.assert_array_equal(
        dropped, jax.jit(drop, static_argnums=1)(KEY, 0.5, ys)
    )
    assert np.any(dropped != drop(jax.random.key(2), 0.5, ys))
    np.testing.assert_array_equal(drop(KEY, 0.0, ys), ys)


def test_dropout_acts_between_layers_only_and_anew_at_each_step():
    """Layers that copy their input show what is dropped between them."""
    copy = elman.cell(activations.identity)
    params = elman.Params(np.eye(4), np.zeros((4, 4)), np.zeros(4))
    xs = np.ones((20, 2, 4))
    with jax.disable_jit():
        one = stack([copy], [params], None, xs, dropout=0.5, key=KEY)
        two = stack([copy] * 2, [params] * 2, None, xs, dropout=0.5, key=KEY)
        again = stack([copy] * 2, [params] * 2, None, xs, dropout=0.5, key=KEY)
        three = stack([copy] * 3, [params] * 3, None, xs, dropout=0.5, key=KEY)
    np.testing.assert_array_equal(one.ys, xs)
    np.testing.assert_array_equal(two.ys, again.ys)
    assert set(np.unique(two.ys)) == {0, 2}
    assert set(np.unique(three.ys)) == {0, 4}  # a second, other mask
    assert np.any((two.ys == 0) != (three.ys == 0))
    assert len({step.tobytes() for step in np.asarray(two.ys)}) > 10
    np.testing.assert_array_equal(
        two.states[0], xs[-1]
    )  # not dropped from step to step


def test_each_direction_restores_its_own_reset_state():
    layers = [Both(elman.cell(), elman.cell())]
    params, states_0, xs, masks = _network(layers)
    resets = masks["resets"]
    assert resets[1:].any()
    other = jax.tree.map(lambda s: s + 1, states_0)
    with jax.disable_jit():
        told = stack(layers, params, states_0, xs, resets=resets, reset_states=other)
        alone = [
            unroll_plain(
                elman.cell(), p, state_0, xs, resets=resets, reset_state=s, reverse=r
            ).ys
            for p, state_0, s, r in zip(
                params[0], states_0[0], other[0], (False, True), strict=True
            )
        ]
    np.testing.assert_allclose(told.ys, np.concatenate(alone, axis=-1), rtol=1e-12)


def test_stack_says_in_which_layer_something_does_not_fit():
    layers = [elman.cell(), lstm.cell()]
    params, _, xs, _ = _network(layers)
    wrong = [params[0], params[1]._replace(b=params[1].b[:-1])]
    with pytest.raises(ValueError, match=r"^layer 1: params\.b: expected") as caught:
        stack(layers, wrong, None, xs)
    assert str(caught.value.__cause__).startswith("params.b: expected")


def test_stack_keeps_float32():
    params, states_0, xs, masks = _network(SMALL, np.float32)
    run = functools.partial(stack, SMALL, **masks, dropout=0.2, key=KEY)
    stacked = jax.eval_shape(run, params, states_0, xs)
    assert {leaf.dtype for leaf in jax.tree.leaves(stacked)} == {np.dtype(np.float32)}


def test_stack_starts_from_zeros_unless_told():
    layers = list(LAYERS)
    params, states_0, xs, masks = _network()
    zeros = jax.tree.map(np.zeros_like, states_0)
    with jax.disable_jit():
        told = stack(layers, params, zeros, xs, **masks)
        untold = stack(layers, params, None, xs, **masks)
        partly = stack(layers, params, [None, zeros[1], None], xs, **masks)
    np.testing.assert_array_equal(untold.ys, told.ys)
    np.testing.assert_array_equal(partly.ys, told.ys)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_a_rate_of_numpy_keeps_the_dtype(dtype):
    ys = jnp.ones((4, 3), dtype)
    for rate in (np.float32(0.5), np.float64(0.5)):
        assert drop(jax.random.key(0), rate, ys).dtype == dtype


def test_a_stack_copies_no_array_of_all_steps():
    """But for the zeros that states and outputs begin as, nothing between layers."""
    layers = [lstm.cell()] * 3
    like = jax.eval_shape(lambda: init(KEY, layers, 8, 8, jnp.float32))
    xs = jax.ShapeDtypeStruct((50, 3, 8), jnp.float32)

    def loss(params, xs):
        return jnp.sum(stack(layers, params, None, xs).ys)

    text = jax.jit(jax.grad(loss, (0, 1))).lower(like, xs).compile().as_text()
    copied = re.findall(r" f32\[50,3,\d+\]\S* (?:copy|transpose)\(%([\w.-]+)", text)
    assert 0 < len(copied) <= 2 * len(layers)
    assert all("broadcast" in name for name in copied), copied
