"""Flax's parameter trees and jaxseq's parameters: exact round trips, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.interop.flax import trees


NUM_INPUTS, NUM_HIDDEN = 2, 3
LAYOUTS = {name: layout for name, layout in vars(trees).items() if name.isupper()}
LAYOUTS = {name: one for name, one in LAYOUTS.items() if isinstance(one, trees.Layout)}
every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def draw(layout):
    """Draws the parameters of the layout's cell; b_m where there is a place for it."""
    shapes = jax.eval_shape(
        lambda key: layout.cell.init(key, NUM_INPUTS, NUM_HIDDEN, jnp.float64),
        jax.random.key(0),
    )
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape)), shapes)
    if hasattr(params, "b_m") and not layout.b_m:
        params = params._replace(b_m=jnp.zeros(NUM_HIDDEN))
    return params


def test_there_are_seven_layouts():
    assert len(LAYOUTS) == 7


@every_layout
def test_round_trips_are_exact(layout):
    params = draw(layout)
    tree = layout.to_tree(params)
    back = layout.to_params(tree)
    assert jax.tree.structure(back) == jax.tree.structure(params)
    jax.tree.map(np.testing.assert_array_equal, back, params)
    again = layout.to_tree(back)
    assert jax.tree.structure(again) == jax.tree.structure(tree)
    jax.tree.map(np.testing.assert_array_equal, again, tree)


@every_layout
def test_the_way_back_is_the_gradient_of_the_way_there(layout):
    params = draw(layout)
    tree = jax.jit(layout.to_tree)(params)
    _, pull = jax.vjp(layout.to_params, tree)
    (d_tree,) = pull(params)
    jax.tree.map(np.testing.assert_array_equal, d_tree, tree)


@every_layout
def test_carries_go_both_ways(layout):
    state = layout.cell.zero_state(draw(layout), (2,))
    back = layout.to_state(layout.to_carry(state))
    assert jax.tree.structure(back) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(back), jax.tree.leaves(state), strict=True):
        assert a is b


def test_an_lstms_carry_is_c_first():
    state = trees.LINEN_LSTM.to_state(("c", "h"))
    assert (state.c, state.h) == ("c", "h")


def test_each_gate_is_where_flax_has_it():
    gates = {name: k for k, name in enumerate("fiog")}
    rows = jnp.repeat(jnp.arange(4.0), NUM_HIDDEN)
    params = draw(trees.LINEN_LSTM)._replace(b=rows)
    tree = trees.LINEN_LSTM.to_tree(params)
    for name, k in gates.items():
        assert np.all(tree[f"h{name}"]["bias"] == k)
    fused = trees.NNX_OPTIMIZED_LSTM.to_tree(params)["dense_h"]["bias"]
    expected = np.repeat([gates[name] for name in "ifgo"], NUM_HIDDEN)
    np.testing.assert_array_equal(fused, expected)


def test_what_does_not_fit_is_named():
    lstm, gru = trees.LINEN_LSTM, trees.NNX_GRU
    params = draw(lstm)
    tree = lstm.to_tree(params)
    del tree["hf"]
    with pytest.raises(ValueError, match="tree: expected modules ii, if, ig, io, hi"):
        lstm.to_params(tree)
    with pytest.raises(ValueError, match=r"params: expected the parameters of gru\."):
        gru.to_tree(params)
    with pytest.raises(ValueError, match=r"params\.b_m: expected 0, as flax\.nnx has"):
        gru.to_tree(draw(gru)._replace(b_m=jnp.ones(NUM_HIDDEN)))
    with pytest.raises(ValueError, match=r"initial_carry: expected \(c, h\)"):
        lstm.to_state(jnp.zeros(3))
