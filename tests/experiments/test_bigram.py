import collections
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from experiments import bigram


TEXTS = st.lists(st.integers(0, 6), min_size=2, max_size=60)


def brute_force(ids, num_ids):
    """P[v][w] by dictionaries and loops, straight from the definition."""
    pairs = collections.Counter(itertools.pairwise(ids))

    def discount(counts):
        n1, n2 = (sum(c == k for c in counts) for k in (1, 2))
        return n1 / (n1 + 2 * n2) if n1 else 0.5

    d_2 = discount(pairs.values())
    before = {w: len({v for v, u in pairs if u == w}) for w in range(num_ids)}
    d_1 = discount([n for n in before.values() if n])
    num_types = sum(n > 0 for n in before.values())
    table = []
    for v in range(num_ids):
        total = sum(c for (u, _), c in pairs.items() if u == v)
        followers = sum(u == v for u, _ in pairs)
        row = []
        for w in range(num_ids):
            p_1 = max(before[w] - d_1, 0) / len(pairs)
            p_1 += d_1 * num_types / len(pairs) / num_ids
            if total:
                p_2 = max(pairs[v, w] - d_2, 0) / total
                row.append(p_2 + d_2 * followers / total * p_1)
            else:
                row.append(p_1)
        table.append(row)
    return np.array(table)


def table_of(model):
    num_ids = len(model.unigram)
    return bigram.probabilities(
        model, np.arange(num_ids)[:, None], np.arange(num_ids)[None, :]
    )


@given(ids=TEXTS)
def test_probabilities_equal_brute_force(ids):
    model = bigram.fit(np.array(ids), 9)
    np.testing.assert_allclose(table_of(model), brute_force(ids, 9), rtol=1e-12)


@given(ids=TEXTS)
def test_probabilities_sum_to_one_in_every_context(ids):
    table = table_of(bigram.fit(np.array(ids), 9))  # 7 and 8 are never seen
    np.testing.assert_allclose(table.sum(axis=1), 1, rtol=1e-12)
    assert (table > 0).all()


def test_perplexity_of_a_toy_example_by_hand():
    # 0 1 0 1 0 2: bigrams 01 twice, 10 twice, 02 once, so D2 = 1 / (1 + 2 * 2) = 1/5;
    # one predecessor each for 0, 1 and 2, so D1 = 3 / (3 + 0) = 1 and with V = 4
    # P1 = (1 - 1) / 3 + 1 * 3 / 3 / 4 = 1/4 for all.
    # P(1|0) = (2 - 1/5) / 3 + 1/5 * 2 / 3 * 1/4 = 19/30, P(2|0) = 4/15 + 1/30 = 3/10,
    # P(0|1) = (2 - 1/5) / 2 + 1/5 * 1 / 2 * 1/4 = 37/40, P(3|2) = P1(3) = 1/4.
    model = bigram.fit(np.array([0, 1, 0, 1, 0, 2]), 4)
    found = bigram.perplexity(model, np.array([0, 1, 0, 2, 3]))
    assert found == pytest.approx((19 / 30 * 37 / 40 * 3 / 10 * 1 / 4) ** (-1 / 4))


def test_perplexity_of_blocks_equals_that_of_the_whole(monkeypatch):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 50, 1000)
    model = bigram.fit(ids[:500], 50)
    logs = np.log(bigram.probabilities(model, ids[:-1], ids[1:]))
    monkeypatch.setattr(bigram, "_BLOCK", 7)
    assert bigram.perplexity(model, ids) == pytest.approx(math.exp(-logs.mean()))


def test_perplexity_is_near_that_of_the_source_and_below_the_unigrams():
    rng = np.random.default_rng(1)
    source = rng.dirichlet(np.full(8, 0.3), size=8)
    ids = [0]
    for _ in range(20_000):
        ids.append(rng.choice(8, p=source[ids[-1]]))
    train, test = np.array(ids[:15_000]), np.array(ids[15_000:])
    optimum = math.exp(-np.log(source[test[:-1], test[1:]]).mean())
    found = bigram.perplexity(bigram.fit(train, 8), test)
    assert optimum < found < 1.01 * optimum


def test_fit_keeps_keys_apart_where_their_product_passes_32_bits():
    num_ids = 2**17
    ids = np.array([num_ids - 1, num_ids - 2, num_ids - 1, num_ids - 2, 5])
    model = bigram.fit(ids, num_ids)
    assert len(model.keys) == 3
    found = bigram.probabilities(model, ids[:1], ids[1:2])
    unseen = bigram.probabilities(model, ids[:1], ids[4:])
    assert found > 0.5 > unseen > 0


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([0, 9], r"ids\[1\] = 9 is no id: .*V = 9"),
        ([0], r"ids must be \[N\] with N at least 2, got shape \(1,\)"),
        ([[0, 1]], "got shape"),
        ([0, 1.0], r"ids\[1\] = 1.0 is no id"),
    ],
)
def test_fit_and_perplexity_reject_wrong_ids(ids, message):
    model = bigram.fit(np.array([0, 1, 2]), 9)
    with pytest.raises(ValueError, match=message):
        bigram.fit(ids, 9)
    with pytest.raises(ValueError, match=message):
        bigram.perplexity(model, ids)
