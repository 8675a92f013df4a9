"""The order of the data: every entry once, any place at once, well mixed."""

import time

import numpy as np
import pytest

from jaxseq.train import order


@pytest.mark.parametrize("num_entries", [1, 2, 3, 4, 5, 16, 17, 1000, 4097])
def test_an_epoch_has_every_entry_once(num_entries):
    epoch = order.shuffled(3, 1, num_entries, 0, num_entries)
    assert sorted(epoch.tolist()) == list(range(num_entries))


def test_a_part_is_that_of_the_whole():
    whole = order.shuffled(3, 1, 1000, 0, 1000)
    parts = [order.shuffled(3, 1, 1000, i, i + 7) for i in range(0, 1000, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_seeds_and_epochs_have_orders_of_their_own():
    orders = [
        tuple(order.shuffled(seed, epoch, 50, 0, 50).tolist())
        for seed in range(10)
        for epoch in range(10)
    ]
    assert len(set(orders)) == 100


@pytest.mark.parametrize(
    "num_entries", [7, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 20))]
)
def test_every_entry_is_as_likely_in_every_place(num_entries):
    num_orders = 3000
    counts = np.zeros((num_entries, num_entries))
    for seed in range(num_orders):
        entries = order.shuffled(seed, 0, num_entries, 0, num_entries)
        counts[np.arange(num_entries), entries] += 1
    expected = num_orders / num_entries
    freedom = (num_entries - 1) ** 2
    excess = np.sum((counts - expected) ** 2) / expected - freedom
    assert excess / np.sqrt(2 * freedom) < 4


def test_neighbours_are_far_apart():
    entries = order.shuffled(1, 2, 10**5, 0, 10**5)
    for lag in (1, 2, 100):
        assert abs(np.corrcoef(entries[:-lag], entries[lag:])[0, 1]) < 4 / 10**2.5
    assert abs(np.corrcoef(entries, np.arange(10**5))[0, 1]) < 4 / 10**2.5


def test_seeking_costs_nothing():
    order.shuffled(0, 0, 10**9, 0, 128)
    started = time.perf_counter()
    number = order.place(10**6, 7 * 10**6)
    order.shuffled(0, number.epoch, 10**9, 128 * number.batch, 128 * number.batch + 128)
    assert time.perf_counter() - started < 0.05


@pytest.mark.parametrize("num_entries", [1, 2, 5, 70])
def test_dealt_rows_have_every_entry_once_in_an_order_of_their_own(num_entries):
    places = [order.dealt(3, 1, 30, num_entries, i) for i in range(num_entries)]
    rows = np.array(places).T
    assert rows.shape == (30, num_entries)
    for row in rows:
        assert sorted(row.tolist()) == list(range(num_entries))
    if num_entries == 70:
        assert len(set(map(tuple, rows))) == 30
        # Who was dealt together in one epoch is not in the next.
        another = np.array([order.dealt(3, 2, 30, 70, i) for i in range(70)]).T
        pairs, others = (
            {(row, *pair) for row in range(29) for pair in a[row : row + 2].T.tolist()}
            for a in (rows, another)
        )
        assert len(pairs & others) < len(pairs) / 20
        correlated = np.corrcoef(rows) - np.eye(30)
        assert np.sqrt(np.mean(correlated**2)) < 1.3 / np.sqrt(70)


def test_place_counts_epochs():
    assert order.place(0, 3) == (0, 0)
    assert order.place(8, 3) == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0, 5, 0, 1), "seed: expected an integer ≥ 0, got -1"),
        ((0, 0.5, 5, 0, 1), "epoch: expected an integer ≥ 0, got 0.5"),
        ((0, 0, 0, 0, 1), "num_entries: expected an integer ≥ 1, got 0"),
        ((0, 0, 5, 3, 2), "stop: expected an integer ≥ 3, got 2"),
    ],
)
def test_wrong_numbers_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        order.shuffled(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0, 0, 5, 0), "num_rows: expected an integer ≥ 1, got 0"),
        ((0, 0, 1, 5, 5), "place: expected less than 5, got 5"),
        ((0, -1, 1, 5, 0), "epoch: expected an integer ≥ 0, got -1"),
    ],
)
def test_wrong_deals_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        order.dealt(*arguments)
