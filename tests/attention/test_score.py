"""The scores by themselves, their deltas, and the three products under them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.attention import additive, dot, general, score as scoring
from tests.attention.cases import SCORES, assert_close, draw, every_score_in_time


SHAPES = [((), (3,)), ((2, 3), (2, 2)), ((5,), (3,)), ((4,), ()), ((), ())]
every_shape = pytest.mark.parametrize(("lead", "batch"), SHAPES, ids=str)


@every_shape
def test_products_equal_loops(lead, batch):
    rng = np.random.default_rng(0)
    queries = rng.normal(size=(*lead, *batch, 3))
    keys = rng.normal(size=(*batch, 4, 3))
    weights = rng.normal(size=(*lead, *batch, 4))
    dots, mix = scoring.dots(queries, keys), scoring.mix(weights, keys)
    spread = np.zeros(keys.shape)
    for t in np.ndindex(*lead):
        for b in np.ndindex(*batch):
            for j in range(4):
                wanted = queries[t + b] @ keys[(*b, j)]
                np.testing.assert_allclose(dots[(*t, *b, j)], wanted, rtol=1e-12)
                spread[(*b, j)] += weights[(*t, *b, j)] * queries[t + b]
            wanted = weights[t + b] @ keys[b]
            np.testing.assert_allclose(mix[t + b], wanted, rtol=1e-12, atol=1e-14)
    got = scoring.spread(weights, queries, keys)
    np.testing.assert_allclose(got, spread, rtol=1e-12, atol=1e-14)


@every_score_in_time
@pytest.mark.parametrize(("lead", "batch"), SHAPES[1:2], ids=str)
def test_deltas_are_the_transposes_of_the_score(name, lead, batch):
    score, args = SCORES[name], draw(name, lead, batch)
    keys = score.project(args.params, jnp.moveaxis(args.encoded, 0, -2))
    scores, pull = jax.vjp(jax.jit(score.score), args.params, args.queries, keys)
    deltas = jnp.asarray(np.random.default_rng(1).normal(size=scores.shape))
    given = (args.params, args.queries, keys, deltas)
    d_params, d_keys = jax.jit(score.collect)(*given)
    d_queries = jax.jit(score.delta)(*given)
    assert_close((d_params, d_queries, d_keys), pull(deltas))

    keys, pull = jax.vjp(jax.jit(score.project), args.params, args.encoded)
    d_keys = jnp.asarray(np.random.default_rng(2).normal(size=keys.shape))
    assert_close(score.unproject(args.params, args.encoded, d_keys), pull(d_keys))


def test_general_with_identity_is_dot():
    args = draw("dot")
    params = general.Params(W=jnp.eye(3))
    keys = general.project(params, args.encoded)
    np.testing.assert_array_equal(keys, args.encoded)
    keys = jnp.moveaxis(keys, 0, -2)
    np.testing.assert_array_equal(
        general.scores(params, args.queries, keys),
        dot.scores(1.0, (), args.queries, keys),
    )


def test_additive_is_concat_of_luong():
    args = draw("additive", (), ())
    params = args.params
    W, U, b, v = (np.asarray(leaf) for leaf in params)
    joined = np.concatenate([W, U], axis=1)
    wanted = [
        v @ np.tanh(joined @ np.concatenate([args.queries, m]) + b)
        for m in np.asarray(args.encoded)
    ]
    keys = additive.project(params, args.encoded)
    got = additive.scores(params, args.queries, keys)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_scores_of_equal_arguments_are_one():
    # What jit compares, to know whether it has compiled for this score already.
    assert dot.score(2) is dot.score(2.0)
    assert general.score() is general.score()
    assert additive.score(6) is additive.score(6)


def test_init_is_uniform_by_fan_in():
    key = jax.random.key(0)
    assert dot.score().init(key, 3, 3) == ()
    draw_both = jax.jit(
        lambda key: (
            general.score().init(key, 50, 400, np.float64),
            additive.score(60).init(key, 100, 400, np.float64),
        )
    )
    (W,), params = draw_both(key)
    assert W.shape == (50, 400)
    assert additive.sizes(params) == scoring.Sizes(100, 400, 60)
    assert jax.eval_shape(lambda: additive.score().init(key, 5, 4)).v.shape == (5,)
    assert not np.any(params.b)
    for leaf, fan_in in ((W, 400), (params.W, 100), (params.U, 400)):
        leaf = np.asarray(leaf)
        assert np.abs(leaf).max() <= fan_in**-0.5
        # Uniform on ±a: standard deviation a/√3; 6,000 draws and more, 6 % is 6 sigma.
        np.testing.assert_allclose(np.std(leaf), (3 * fan_in) ** -0.5, rtol=0.06)
