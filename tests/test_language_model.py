"""The language model against a loop in NumPy, and against itself in other forms."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import language_model, network
from jaxseq.cells import elman, gru, lstm, lstm_coupled, lstm_peephole
from jaxseq.unroll import unroll as unroll_by_deltas, unroll_plain


NUM_IDS, NUM_INPUTS, NUM_HIDDEN = 7, 3, 4
STACKS = {
    "elman": (elman.cell(),),
    "lstm": (lstm.cell(),),
    "gru": (gru.reset_after(),),
    "gru_before, lstm_peephole": (gru.reset_before(), lstm_peephole.cell()),
    "elman, lstm_coupled": (elman.cell(), lstm_coupled.cell()),
}


@pytest.fixture
def cells():
    return STACKS["gru_before, lstm_peephole"]


def draw(cells, seed=0):
    return language_model.init(
        jax.random.key(seed), cells, NUM_IDS, NUM_INPUTS, NUM_HIDDEN, jnp.float64
    )


def draw_ids(*shape, seed=1):
    return np.random.default_rng(seed).integers(0, NUM_IDS, shape).astype(np.int32)


def sum_score(params, cells, ids, targets, weights, **options):
    nats, _ = language_model.score(cells, params, None, ids, targets, **options)
    return jnp.sum(nats * weights)


def logistic(a):
    return 1 / (1 + np.exp(-a))


def test_score_equals_a_loop():
    cells = (elman.cell(), lstm.cell())
    params = jax.tree.map(np.asarray, draw(cells))
    ids = draw_ids(6)
    below, above = params.layers
    s, h, c = np.zeros(NUM_HIDDEN), np.zeros(NUM_HIDDEN), np.zeros(NUM_HIDDEN)
    expected = []
    for word, following in zip(ids[:-1], ids[1:], strict=True):
        s = np.tanh(below.U @ params.embedding[word] + below.W @ s + below.b)
        f, i, o, g = np.split(above.U @ s + above.W @ h + above.b, 4)
        c = logistic(f) * c + logistic(i) * np.tanh(g)
        h = logistic(o) * np.tanh(c)
        a = params.readout.V @ h + params.readout.b
        expected.append(-np.log(np.exp(a[following]) / np.exp(a).sum()))
    nats, states = language_model.score(
        cells, draw(cells), None, jnp.asarray(ids[:-1]), jnp.asarray(ids[1:])
    )
    np.testing.assert_allclose(nats, expected, rtol=1e-12)
    np.testing.assert_allclose(states[0], s, rtol=1e-12)
    np.testing.assert_allclose(states[1].c, c, rtol=1e-12)


@pytest.mark.parametrize("name", STACKS)
def test_gradient_by_deltas_is_that_of_the_plain_scan(name):
    cells = STACKS[name]
    params, ids = draw(cells), draw_ids(9, 2)
    resets = np.random.default_rng(2).random((8, 2)) < 0.3
    weights = np.random.default_rng(3).random((8, 2))

    def gradient(unroll):
        loss = functools.partial(
            sum_score,
            cells=cells,
            ids=ids[:-1],
            targets=ids[1:],
            weights=weights,
            resets=resets,
            dropout=0.4,
            key=jax.random.key(5),
            unroll=unroll,
        )
        return jax.jit(jax.grad(loss))(params)

    deltas, plain = gradient(unroll_by_deltas), gradient(unroll_plain)
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(ours, theirs, atol=1e-12),
        deltas,
        plain,
    )
    assert all(np.any(leaf) for leaf in jax.tree.leaves(deltas))


def test_states_carried_over_chunks_are_those_of_one_long_text(cells):
    params, ids = draw(cells), draw_ids(11, 2)
    whole = language_model.predict(cells, params, None, ids)
    states, pieces = None, []
    for start, end in ((0, 4), (4, 5), (5, 11)):
        piece, states = language_model.predict(cells, params, states, ids[start:end])
        pieces.append(piece)
    np.testing.assert_allclose(jnp.concatenate(pieces), whole.logits, atol=1e-13)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-13), states, whole.states
    )


def test_resets_start_from_zeros_not_from_the_carried_state(cells):
    params, ids = draw(cells), draw_ids(6)
    _, carried = language_model.predict(cells, params, None, draw_ids(5, seed=4))
    resets = np.array([False, False, True, False, False, False])
    logits, _ = language_model.predict(cells, params, carried, ids, resets=resets)
    afresh, _ = language_model.predict(cells, params, None, ids[2:])
    np.testing.assert_allclose(logits[2:], afresh, atol=1e-13)
    onward, _ = language_model.predict(cells, params, carried, ids)
    assert np.abs(logits[2] - onward[2]).max() > 1e-4


def test_predict_sees_nothing_that_comes_later(cells):
    params, ids = draw(cells), draw_ids(6)
    changed = np.append(ids[:4], (ids[4:] + 1) % NUM_IDS).astype(np.int32)
    before, _ = language_model.predict(cells, params, None, ids)
    after, _ = language_model.predict(cells, params, None, changed)
    np.testing.assert_array_equal(before[:4], after[:4])
    assert np.abs(before[4] - after[4]).max() > 1e-6


def test_dropout_falls_on_the_embedding_and_on_the_readout():
    cells = (elman.cell(),)
    params, ids = draw(cells), draw_ids(3, 400)
    logits, states = language_model.predict(
        cells, params, None, ids, dropout=0.5, key=jax.random.key(0)
    )
    _, kept = language_model.predict(cells, params, None, ids)
    assert np.abs(states[0] - kept[0]).max() > 1e-2
    # Σ_k over the last step: V drop(h) + b has V h + b as its expectation.
    expected = states[0] @ params.readout.V.T + params.readout.b[None]
    assert np.abs(logits[-1] - expected).max() > 1e-2
    np.testing.assert_allclose(logits[-1].mean(0), expected.mean(0), atol=0.06)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dropout": 0.5}, "key: expected a random key"),
        ({"dropout": 1.0, "key": jax.random.key(0)}, "dropout: expected a number in"),
        ({"resets": np.zeros((2, 1), bool)}, "resets: expected shape"),
        ({"resets": np.zeros(3, np.int32)}, "resets: expected an array of dtype bool"),
    ],
)
def test_predict_refuses(options, message):
    cells = (elman.cell(),)
    with pytest.raises(ValueError, match=message):
        language_model.predict(cells, draw(cells), None, draw_ids(3), **options)


def test_init_refuses_a_layer_of_both_directions():
    cells = (network.Both(elman.cell(), elman.cell()),)
    with pytest.raises(ValueError, match=r"cells\[0\]: expected a jaxseq.cells.Cell"):
        draw(cells)


def test_zero_states_share_no_buffer():
    cells = (lstm.cell(), lstm.cell())
    states = language_model.zero_states(cells, draw(cells), (2,))
    give = jax.jit(lambda s: jax.tree.map(lambda a: a + 1, s), donate_argnums=0)
    assert all(np.all(leaf == 1) for leaf in jax.tree.leaves(give(states)))


def test_dropout_of_embedding_and_readout_differ(monkeypatch):
    keys = []

    def drop(key, rate, ys):
        keys.append(tuple(jax.random.key_data(key).tolist()))
        return ys

    monkeypatch.setattr(network, "drop", drop)
    cells = (elman.cell(), elman.cell())
    language_model.predict(
        cells, draw(cells), None, draw_ids(3), dropout=0.5, key=jax.random.key(0)
    )
    assert len(set(keys)) == len(keys) == 3


def test_wide_states_are_reset_to_wide_zeros():
    cells = [lstm.cell(), elman.cell()]
    params = language_model.init(jax.random.key(0), cells, 5, 3, 4, jnp.bfloat16)
    zeros = language_model.zero_states(cells, params, (2,))
    wide = jax.tree.map(lambda s: s.astype(jnp.float32), zeros)
    ids = jnp.array([[1, 2], [3, 4], [0, 1]])
    resets = jnp.zeros((3, 2), bool).at[1].set(True)
    for states in (wide, (wide[0], None), (None, wide[1])):
        predicted = language_model.predict(cells, params, states, ids, resets=resets)
        afresh = language_model.predict(cells, params, states, ids[1:])
        np.testing.assert_array_equal(predicted.logits[1:], afresh.logits)
