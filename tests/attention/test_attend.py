"""Attention and its gradients: loops, JAX's gradients, differences, other libraries."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from jax.sharding import PartitionSpec

from jaxseq import gradcheck, modern_hopfield
from jaxseq.attention import attend as attention, dot
from jaxseq.attention.memory import remember, remember_plain
from tests import oracles
from tests.attention.cases import (
    SCORES,
    assert_close,
    by_autodiff,
    by_hand,
    draw,
    draw_mask,
    every_score,
    every_score_in_time,
    value_and_gradients,
)
from tests.devices import two_devices
from tests.programs import equations


ORACLES = {
    "dot": oracles.dot_score(0.7),
    "general": oracles.general_score,
    "additive": oracles.additive_score,
}


# Values.


@every_score
@pytest.mark.parametrize("batch", [(3,), pytest.param((2, 2), marks=pytest.mark.slow)])
def test_attention_equals_loops(name, batch):
    args, mask = draw(name, batch=batch), draw_mask(batch)
    contexts, weights = by_hand(name, *args, mask)
    assert contexts.shape == (5, *batch, 2)
    assert weights.shape == (5, *batch, 4)
    w = _by_name(args.params)
    for b in np.ndindex(*batch):
        one = [np.asarray(a[(slice(None), *b)]) for a in args[1:]]
        wanted = oracles.attention(ORACLES[name], w, *one, mask[(slice(None), *b)])
        at = (slice(None), *b)
        np.testing.assert_allclose(contexts[at], wanted[0].real, atol=1e-14)
        np.testing.assert_allclose(weights[at], wanted[1].real, atol=1e-14)


def _by_name(params):
    return (
        {name: np.asarray(a) for name, a in params._asdict().items()} if params else {}
    )


@pytest.mark.parametrize(
    ("masked", "scale"),
    [pytest.param(False, 1.0, marks=pytest.mark.slow), (True, 3**-0.5)],
)
def test_dot_equals_attention_of_jax(masked, scale):
    args = draw("dot", dtype=np.float32)  # JAX's takes its softmax in float32
    mask = draw_mask() | (np.arange(4) == 1)[:, None] if masked else None
    memory = remember(dot.score(scale), (), args.encoded, args.values, mask)
    contexts, _ = attention.attend(dot.score(scale), (), args.queries, memory)
    # Queries [B, T, heads, H], keys and values [B, M, heads, ·].
    queries, keys, values = (a.swapaxes(0, 1)[:, :, None] for a in args[1:])
    values = jnp.pad(values, [(0, 0)] * 3 + [(0, 1)])  # it wants the keys' width
    allowed = None if mask is None else jnp.asarray(mask.T)[:, None, None]
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        wanted = jax.nn.dot_product_attention(
            queries, keys, values, mask=allowed, scale=scale
        )
    wanted = wanted[:, :, 0, :2].swapaxes(0, 1)
    np.testing.assert_allclose(contexts, wanted, rtol=2e-6, atol=1e-6)


def test_one_update_of_a_modern_hopfield_network_is_attention():
    beta = 3.0
    rng = np.random.default_rng(0)
    patterns, states = rng.normal(size=(7, 5)), rng.normal(size=(4, 5))
    score = dot.score(beta)

    @jax.jit
    def update(states, patterns):
        return attention.attend(score, (), states, remember(score, (), patterns))

    contexts, weights = update(states, patterns)
    wanted = modern_hopfield.update(beta, patterns, states)
    np.testing.assert_allclose(contexts, wanted, rtol=1e-13)
    wanted = modern_hopfield.weights(beta, patterns, states)
    np.testing.assert_allclose(weights, wanted, rtol=1e-12)
    # So the rule by hand is the gradient of the network's update, patterns' too.
    by_rule = jax.vjp(lambda *a: update(*a).contexts, states, patterns)[1]
    by_jax = jax.vjp(lambda s, p: modern_hopfield.update(beta, p, s), states, patterns)[
        1
    ]
    assert_close(by_rule(contexts), by_jax(contexts))


@every_score_in_time
def test_weights_sum_to_one_and_permute_with_the_memory(name):
    args, mask = draw(name), draw_mask()
    contexts, weights = by_hand(name, *args, mask)
    np.testing.assert_allclose(weights[:, 1:].sum(-1), np.ones((5, 2)), rtol=1e-14)
    assert not np.any(np.asarray(weights)[:, ~mask.T])
    order = np.array([2, 0, 3, 1])
    moved = args._replace(encoded=args.encoded[order], values=args.values[order])
    contexts_moved, weights_moved = by_hand(name, *moved, mask[order])
    np.testing.assert_allclose(weights_moved, weights[..., order], rtol=1e-13)
    np.testing.assert_allclose(contexts_moved, contexts, rtol=1e-12, atol=1e-14)


@pytest.mark.slow
@every_score
def test_steps_and_beams_share_one_memory(name):
    args, mask = draw(name, lead=(2, 4)), draw_mask()
    contexts, weights = by_hand(name, *args, mask)
    for place in np.ndindex(2, 4):
        one = by_hand(name, *args._replace(queries=args.queries[place]), mask)
        np.testing.assert_allclose(contexts[place], one.contexts, rtol=1e-12)
        np.testing.assert_allclose(weights[place], one.weights, rtol=1e-12)


# Gradients.


@every_score
@given(data=st.data())
def test_gradient_equals_autodiff_for_any_mask(name, data):
    entries = data.draw(st.lists(st.booleans(), min_size=12, max_size=12))
    seed = data.draw(st.integers(0, 1000))
    args, mask = draw(name, seed=seed), np.reshape(entries, (4, 3))
    assert_close(
        value_and_gradients(by_hand, name, args, mask),
        value_and_gradients(by_autodiff, name, args, mask),
    )


SHAPES = [  # steps or beams, batch, positions
    ((), (), 1),
    ((2, 3), (2, 2), 3),
    *(
        pytest.param(*shape, marks=pytest.mark.slow)
        for shape in [
            ((5,), (3,), 1),
            ((), (3,), 4),
            ((5,), (0,), 4),
            ((0,), (3,), 4),
            ((5,), (3,), 0),
        ]
    ),
]


@every_score_in_time
@pytest.mark.parametrize(("lead", "batch", "num_positions"), SHAPES, ids=str)
def test_gradient_equals_autodiff_for_any_shape(name, lead, batch, num_positions):
    args = draw(name, lead, batch, num_positions)
    mask = draw_mask(batch, num_positions)
    got, wanted = (
        value_and_gradients(form, name, args, mask) for form in (by_hand, by_autodiff)
    )
    assert_close(got, wanted)


@every_score_in_time
def test_gradient_equals_complex_steps(name):
    args = draw(name, batch=())
    mask = np.array([True, False, True, True])
    rng = np.random.default_rng(2)
    d_contexts, d_weights = rng.normal(size=(5, 2)), rng.normal(size=(5, 4))
    names = ("queries", "encoded", "values")

    def total(given):
        ours = [given[name] for name in names]
        contexts, weights = oracles.attention(ORACLES[name], given, *ours, mask)
        return np.sum(d_contexts * contexts) + np.sum(d_weights * weights)

    arguments = _by_name(args.params) | dict(zip(names, args[1:], strict=True))
    wanted = oracles.gradients(total, arguments)
    _, pull = jax.vjp(lambda *args: by_hand(name, *args, mask), *args)
    got = pull(attention.Attended(jnp.asarray(d_contexts), jnp.asarray(d_weights)))
    found = _by_name(got[0]) | dict(zip(names, got[1:], strict=True))
    for each, d in wanted.items():
        np.testing.assert_allclose(found[each], d, rtol=1e-10, atol=1e-13)


@pytest.mark.slow
@every_score
def test_gradient_check_passes(name):
    args, mask = draw(name), draw_mask()
    report = gradcheck.check(
        lambda *args: tuple(by_hand(name, *args, mask)),
        args,
        plain=lambda *args: tuple(by_autodiff(name, *args, mask)),
        names=args._fields,
        num_entries=12,
    )
    gradcheck.require(report)


@every_score_in_time
def test_step_by_step_equals_all_at_once(name):
    """As a decoder does whose query is its own last state: `collect` after the loop."""
    args, mask, score = draw(name), draw_mask(), SCORES[name]
    memory = remember(score, args.params, args.encoded, args.values, mask)

    def all_at_once(params, queries, keys, values):
        return attention.attend(
            score, params, queries, memory._replace(keys=keys, values=values)
        )

    one_step = jax.jit(functools.partial(attention.delta, score))
    attended, pull = jax.vjp(
        jax.jit(all_at_once), args.params, args.queries, *memory[:2]
    )
    rng = np.random.default_rng(1)
    d_attended = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape)), attended)
    d_queries, deltas = [], []
    for t, query in enumerate(args.queries):
        d_attended_t = jax.tree.map(lambda a, t=t: a[t], d_attended)
        d_query, delta_t = one_step(
            args.params, query, memory, attended.weights[t], d_attended_t
        )
        d_queries.append(d_query)
        deltas.append(delta_t)
    d_params, d_memory = jax.jit(attention.collect, static_argnums=0)(
        score,
        args.params,
        args.queries,
        memory,
        attended.weights,
        d_attended.contexts,
        jnp.stack(deltas),
    )
    got = (d_params, jnp.stack(d_queries), *d_memory[:2])
    assert_close(got, pull(d_attended))


@every_score_in_time
def test_second_derivative_equals_autodiff(name):
    args, mask = draw(name, lead=(2,), num_positions=3), draw_mask(num_positions=3)
    found = []
    for form in (by_hand, by_autodiff):

        def slope(args, form=form):
            def total(args):
                contexts, weights = form(name, *args, mask)
                return jnp.sum(jnp.sin(contexts)) + jnp.sum(weights**2)

            leaves = jax.tree.leaves(jax.grad(total)(args))
            return sum(jnp.sum(jnp.cos(leaf)) for leaf in leaves)

        found.append(jax.jit(jax.grad(slope))(args))
    assert_close(*found)
    # Forward over reverse passes too.
    tangents = jax.tree.map(jnp.ones_like, args)
    _, along = jax.jit(lambda a: jax.jvp(slope, (a,), (tangents,)))(args)
    wanted = sum(jnp.sum(leaf) for leaf in jax.tree.leaves(found[0]))
    np.testing.assert_allclose(along, wanted, rtol=1e-10)


def test_forward_mode_is_refused_with_what_to_call():
    args = draw("additive")
    score = SCORES["additive"]
    memory = remember_plain(score, args.params, args.encoded)

    def contexts(queries, form=attention.attend):
        return form(score, args.params, queries, memory).contexts

    with pytest.raises(TypeError, match=r"call jaxseq\.attention\.attend\.attend_pl"):
        jax.jvp(contexts, (args.queries,), (args.queries,))
    plain = functools.partial(contexts, form=attention.attend_plain)
    jacobian = jax.jit(jax.jacfwd(plain))(args.queries)
    assert_close(jax.jit(jax.jacrev(contexts))(args.queries), jacobian)


# What does not count.


@every_score_in_time
@pytest.mark.parametrize(
    "dtype", [pytest.param(jnp.float32, marks=pytest.mark.slow), jnp.bfloat16]
)
@pytest.mark.parametrize("blank", [np.nan, np.inf, 1e30])
def test_what_is_masked_reaches_nothing(name, dtype, blank):
    args, mask = draw(name, dtype=dtype), draw_mask()
    counts = jnp.asarray(mask)[..., None]
    # The first sequence is masked whole: its queries may be anything as well.
    queries = args.queries.at[:, 0].set(jnp.asarray(blank, dtype))
    dirty = args._replace(
        queries=queries,
        encoded=jnp.where(
            jnp.broadcast_to(counts, args.encoded.shape), args.encoded, blank
        ),
        values=jnp.where(
            jnp.broadcast_to(counts, args.values.shape), args.values, blank
        ),
    )
    clean, got = (value_and_gradients(by_hand, name, a, mask) for a in (args, dirty))
    assert_close(got, clean, 0)  # bitwise
    attended, gradients = got
    assert not np.any(np.asarray(attended.weights)[:, ~mask.T])
    assert not np.any(np.asarray(attended.contexts)[:, 0])
    assert not np.any(np.asarray(gradients.queries)[:, 0])
    assert not np.any(np.asarray(gradients.encoded)[~mask])
    assert not np.any(np.asarray(gradients.values)[~mask])


@every_score_in_time
def test_nothing_at_all_counts(name):
    args, mask = draw(name), np.zeros((4, 3), bool)
    for form in (by_hand, by_autodiff):
        result = value_and_gradients(form, name, args, mask)
        assert not any(np.any(leaf) for leaf in jax.tree.leaves(result))


@pytest.mark.parametrize(
    "name", ["dot", pytest.param("general", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_large_scores_choose_one_position(name, dtype):
    args = draw(name, dtype=dtype)
    args = args._replace(queries=1e15 * args.queries, encoded=1e15 * args.encoded)
    (contexts, weights), gradients = value_and_gradients(by_hand, name, args)
    np.testing.assert_array_equal(np.sort(weights)[..., :-1], np.zeros((5, 3, 3)))
    chosen = np.take_along_axis(
        np.asarray(args.values, np.float32).swapaxes(0, 1)[None],
        np.argmax(weights, axis=-1)[..., None, None],
        axis=2,
    )
    np.testing.assert_array_equal(np.asarray(contexts, np.float32), chosen[:, :, 0])
    for leaf in jax.tree.leaves(gradients):
        assert np.isfinite(np.asarray(leaf, np.float32)).all()


# Dtypes and transformations.


@pytest.mark.slow
@every_score
def test_bfloat16_is_no_worse_than_autodiff(name):
    off = {by_hand: [], by_autodiff: []}
    for seed in range(4):
        args = draw(name, seed=seed, dtype=jnp.bfloat16)
        wide = jax.tree.map(lambda a: a.astype(jnp.float64), args)
        truth = value_and_gradients(by_autodiff, name, wide, draw_mask())
        for form, errors in off.items():
            attended, gradients = value_and_gradients(form, name, args, draw_mask())
            assert attended.weights.dtype == jnp.float32
            narrow = (attended.contexts, gradients)
            assert {a.dtype for a in jax.tree.leaves(narrow)} == {jnp.dtype("bfloat16")}
            flat = [
                np.concatenate([np.ravel(np.asarray(a, float)) for a in leaves])
                for leaves in map(jax.tree.leaves, ((attended, gradients), truth))
            ]
            errors.append(np.linalg.norm(flat[0] - flat[1]) / np.linalg.norm(flat[1]))
    assert np.mean(off[by_hand]) <= 1.1 * np.mean(off[by_autodiff])
    assert np.mean(off[by_hand]) <= 0.02


@every_score_in_time
def test_wide_queries_around_a_narrow_memory(name):
    args = draw(name, dtype=jnp.bfloat16)
    args = args._replace(queries=args.queries.astype(jnp.float32))
    (contexts, weights), gradients = value_and_gradients(by_hand, name, args)
    assert {a.dtype for a in (contexts, weights)} == {jnp.dtype("float32")}
    assert_close(
        jax.tree.map(lambda a: jnp.zeros((), a.dtype), gradients),
        jax.tree.map(lambda a: jnp.zeros((), a.dtype), args),
    )
    wide = jax.tree.map(lambda a: a.astype(jnp.float64), args)
    truth, _ = value_and_gradients(by_hand, name, wide)
    np.testing.assert_allclose(weights, truth.weights, atol=0.03)


@every_score_in_time
def test_vmap_over_the_batch_equals_batch_axes(name):
    args, mask = draw(name), draw_mask()

    def one(queries, encoded, values, mask):
        attended, gradients = value_and_gradients(
            by_hand, name, (args.params, queries, encoded, values), mask
        )
        return attended, gradients[1:]

    mapped = jax.vmap(one, in_axes=1, out_axes=1)(*args[1:], jnp.asarray(mask))
    for b in range(3):
        got = jax.tree.map(lambda a, b=b: a[:, b], mapped)
        assert_close(got, one(*(a[:, b] for a in args[1:]), mask[:, b]))


@two_devices
@every_score_in_time
def test_shard_map_over_the_batch_gives_the_same_gradient(name):
    axis = (jax.sharding.AxisType.Auto,)
    mesh = jax.make_mesh((2,), ("data",), axis_types=axis)
    args, mask = draw(name, batch=(4,)), draw_mask((4,))

    def total(params, queries, encoded, values, mask):
        contexts, weights = by_hand(name, params, queries, encoded, values, mask)
        return jnp.sum(jnp.sin(contexts)) + jnp.sum(weights**2)

    by_column = PartitionSpec(None, "data")
    spread = jax.shard_map(
        lambda *args: jax.lax.psum(total(*args), "data"),
        mesh=mesh,
        in_specs=(PartitionSpec(), *(by_column,) * 4),
        out_specs=PartitionSpec(),
    )
    where = (0, 1, 2, 3)
    got = jax.jit(jax.grad(spread, where))(*args, mask)
    assert_close(got, jax.jit(jax.grad(total, where))(*args, mask))


# What the programs hold.


def _shapes(name, form=by_hand):
    args = draw(name, lead=(7,), batch=(3,), num_positions=5)

    def total(args):
        return jnp.sum(jnp.sin(form(name, *args).contexts))

    jaxpr = jax.make_jaxpr(jax.grad(total))(args).jaxpr
    found = [(e.primitive.name, e.outvars[0].aval.shape) for e in equations(jaxpr)]
    return args.params, found


@pytest.mark.parametrize("name", ["general", "additive"])
def test_weight_gradients_are_single_products(name):
    params, found = _shapes(name)
    products = [shape for kind, shape in found if kind == "dot_general"]
    for leaf in params:
        if leaf.ndim == 2:
            assert products.count(leaf.shape) == 1


@pytest.mark.parametrize("name", ["dot", "general"])
def test_memory_is_not_copied_for_each_step(name):
    largest = max(np.prod(shape) for _, shape in _shapes(name)[1])
    assert largest <= 7 * 3 * 5  # T B M, the weights; with D it would be 4 times that


def test_memory_copied_for_each_step_is_seen():
    """The test above can fail: the hidden layer of the additive score is that large."""
    assert max(np.prod(shape) for _, shape in _shapes("additive")[1]) == 7 * 3 * 5 * 6
