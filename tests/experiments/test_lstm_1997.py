"""The LSTM of 1997 as an experiment: weight counts, tasks, and when training stops."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.classics import (
    lstm_adding,
    lstm_long_lag,
    lstm_temporal_order,
    lstm_training,
)
from jaxseq import readout
from jaxseq.cells import lstm_1997_blocks as blocks


# Task: blocks, cells of a block, inputs, outputs, who has a bias, and the weights.
COUNTS = {
    "1, 4 blocks": (4, 1, 7, 7, "gates", 264),
    "1, 3 blocks": (3, 2, 7, 7, "gates", 276),
    "2c, p = 50": (2, 1, 54, 2, "none", 364),
    "2c, p = 100": (2, 1, 104, 2, "none", 664),
    "2c, p = 200": (2, 1, 204, 2, "none", 1_264),
    "2c, p = 500": (2, 1, 504, 2, "none", 3_064),
    "2c, p = 1000": (2, 1, 1_004, 2, "none", 6_064),
    "3": (3, 1, 1, 1, "hidden", 102),
    "4 and 5": (2, 2, 2, 1, "all", 93),
    "6a": (2, 2, 8, 4, "all", 156),
    "6b": (3, 2, 8, 8, "all", 308),
}


@pytest.mark.parametrize("task", COUNTS)
def test_weights_are_as_many_as_the_papers(task):
    num_blocks, size, num_inputs, num_outputs, who, expected = COUNTS[task]
    key, num_cells = jax.random.key(0), num_blocks * size
    hidden = blocks.cell(size).init(key, num_inputs, num_cells)
    out = readout.init(key, num_cells, num_outputs)
    biases = {
        "none": 0,
        "gates": 2 * num_blocks,
        "hidden": hidden.b.size,
        "all": hidden.b.size + out.b.size,
    }
    matrices = hidden.U.size + hidden.W.size + out.V.size
    assert matrices + biases[who] == expected


def test_temporal_order_is_asked_of_the_two_letters():
    keys = jax.random.split(jax.random.key(0), 200)
    xs, lengths, targets = jax.vmap(lstm_temporal_order.example)(keys)
    for x, length, target in zip(*map(np.asarray, (xs, lengths, targets)), strict=True):
        assert 100 <= length <= 110
        assert not x[length:].any()
        assert (x[:length].sum(-1) == 1).all()
        ids = x[:length].argmax(-1)
        assert (ids[0], ids[-1]) == (lstm_temporal_order.E, lstm_temporal_order.B)
        places = np.flatnonzero((ids == 4) | (ids == 5))
        assert 10 <= places[0] <= 20 < 50 <= places[1] <= 60
        first, second = ids[places] - 4
        assert target.tolist() == np.eye(4)[2 * first + second].tolist()
    assert (targets.sum(0) > 20).all()


def test_adding_asks_for_the_sum_of_what_is_marked():
    keys = jax.random.split(jax.random.key(0), 300)
    xs, lengths, targets = jax.vmap(lstm_adding.example)(keys)
    num_without = latest = 0
    for x, length, target in zip(*map(np.asarray, (xs, lengths, targets)), strict=True):
        values, markers = x.T
        assert markers[0] == markers[length - 1] == -1
        assert not x[length:].any()
        places = np.flatnonzero(markers == 1)
        assert places.max() <= 49
        latest = max(latest, places.max())
        num_without += len(places) == 1
        assert len(places) == 2 or places[0] > 0
        np.testing.assert_allclose(target[0], 0.5 + values[places].sum() / 4, rtol=1e-6)
    assert latest == 49
    assert 10 < num_without < 60  # in one of ten the first pair would be marked


def test_long_lag_is_asked_of_the_second_letter():
    lag, e, b, x = 20, 20, 21, 22
    keys = jax.random.split(jax.random.key(0), 400)
    drawn = jax.vmap(lambda key: lstm_long_lag.example(lag, key))(keys)
    lengths = np.asarray(drawn.length)
    for ids, length, target in zip(
        np.asarray(drawn.xs.argmax(-1)), lengths, np.asarray(drawn.target), strict=True
    ):
        assert (ids[0], ids[length - 1]) == (b, e)
        assert target.tolist() == np.eye(2)[ids[1] - x].tolist()
        assert (ids[2 : length - 1] < lag).all()
    is_there = np.arange(drawn.xs.shape[1]) < lengths[:, None]
    np.testing.assert_array_equal(drawn.xs.sum(-1), is_there)
    # b, x, e, at least 20 distractors, and on average 9 more.
    assert lengths.min() == 23
    assert abs(lengths.mean() - 32) < 1.5
    assert 150 < drawn.target[:, 0].sum() < 250


def test_network_without_biases_gets_none():
    task = lstm_long_lag.setting(5, 0.01, 0.2)._replace(optimizer=optax.sgd(0.1))
    keys = jax.random.split(jax.random.key(0), 1)
    start = jax.vmap(lambda key: lstm_training.init(key, task))(keys)
    moments = jax.vmap(task.optimizer.init)(start)
    after, _, _ = lstm_training._read(task, keys, start, moments, 0)
    assert (after.out.V != start.out.V).all()
    for params in (start, after):
        assert not params.hidden.b.any()
        assert not params.out.b.any()


@pytest.mark.slow
def test_training_is_descent_after_each_sequence():
    task = lstm_adding.setting(0.3)
    keys = jax.random.split(jax.random.key(0), 1)
    start = jax.vmap(lambda key: lstm_training.init(key, task))(keys)
    np.testing.assert_array_equal(start.hidden.b[0, :2], [-3, -6])
    moments = jax.vmap(task.optimizer.init)(start)
    after, _, errors = lstm_training._read(task, keys, start, moments, 0)
    assert errors.shape == (1, lstm_training.CHUNK, 1)
    chunk_keys = jax.random.split(jax.random.fold_in(keys[0], 0), lstm_training.CHUNK)
    params = jax.tree.map(lambda leaf: leaf[0], start)

    def loss(params, example):
        y = lstm_training.answer(task, params, example)
        return jnp.sum((y - example.target) ** 2) / 2

    for number in range(3):
        example = lstm_adding.example(chunk_keys[number])
        y = lstm_training.answer(task, params, example)
        np.testing.assert_allclose(
            errors[0, number], abs(y - example.target), rtol=1e-4, atol=1e-6
        )
        gradient = jax.grad(loss)(params, example)
        params = jax.tree.map(lambda p, d: p - 0.5 * d, params, gradient)
    assert (after.hidden.W != start.hidden.W).all()


@pytest.mark.parametrize(("num_correct", "stops"), [(2_000, 3_000), (1_400, 2_000)])
def test_training_stops_after_so_many_right(num_correct, stops, monkeypatch):
    task = lstm_adding.setting(0.3)._replace(num_correct=num_correct)
    wrong_at = {0: [500], 1: [], 2: [], 3: []}
    seen = []

    def read(setting, keys, params, moments, number):
        seen.append(number)
        errors = np.zeros((2, lstm_training.CHUNK, 1))
        errors[0, wrong_at[number]] = 1.0  # the first: 499, 1,499, 2,499 in a row
        if number > 0:
            errors[1, -1] = 1.0  # the second never gets there
        return jax.tree.map(lambda leaf: leaf + 1, params), moments, errors

    monkeypatch.setattr(lstm_training, "_read", read)
    keys = jax.random.split(jax.random.key(0), 2)
    learned = lstm_training.learn(keys, task, 4_000)
    assert seen == [0, 1, 2, 3]
    assert learned.num_sequences.tolist() == [stops, -1]
    start = jax.vmap(lambda key: lstm_training.init(key, task))(keys)
    moved = learned.params.out.b - start.out.b
    np.testing.assert_allclose(moved[:, 0], [stops / 1_000, 4], rtol=1e-5)


def test_training_goes_on_while_the_error_is_large_on_average(monkeypatch):
    """All correct, off by less than .04, but by more than .01 on average."""
    task, size = lstm_adding.setting(0.3), 0.02

    def read(setting, keys, params, moments, number):
        return params, moments, np.full((1, lstm_training.CHUNK, 1), size)

    monkeypatch.setattr(lstm_training, "_read", read)
    keys = jax.random.split(jax.random.key(0), 1)
    assert lstm_training.learn(keys, task, 4_000).num_sequences.tolist() == [-1]
    size = 0.009
    assert lstm_training.learn(keys, task, 4_000).num_sequences.tolist() == [2_000]
