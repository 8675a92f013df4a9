"""Intervals against the normal approximation, plain resampling and their promise."""

import numpy as np
import pytest

from jaxseq.summarize.rouge import bootstrap
from jaxseq.summarize.rouge.bootstrap import Resampling


def draw(*shape, seed=0):
    return np.random.default_rng(seed).random(shape)


def test_interval_is_that_of_plain_resampling():
    x, resampling = draw(37), Resampling(200, 0.9, seed=4)
    rng = np.random.default_rng(4)
    means = sorted(
        np.mean([x[k] for k in rng.integers(37, size=37)]) for _ in range(200)
    )
    found = bootstrap.interval(x, resampling)
    expected = np.mean(x), *np.percentile(means, [5, 95])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_interval_nears_the_normal_one():
    x = draw(2000)
    mean, low, high = bootstrap.interval(x, Resampling(4000))
    half = 1.96 * x.std() / np.sqrt(2000)
    np.testing.assert_allclose([mean - low, high - mean], half, rtol=0.05)


def test_interval_holds_the_true_mean_as_often_as_it_says():
    resampling = Resampling(200)
    found = [bootstrap.interval(draw(60, seed=i), resampling) for i in range(300)]
    held = sum(low <= 0.5 <= high for _, low, high in found)
    assert 0.90 * 300 <= held <= 0.98 * 300


def test_columns_are_drawn_together_and_by_the_seed():
    x = draw(50)
    one, two = bootstrap.intervals(np.stack([x, 1 - x], 1))
    np.testing.assert_allclose([one.low, one.high], [1 - two.high, 1 - two.low])
    np.testing.assert_allclose(bootstrap.interval(x), one, rtol=1e-12)
    assert bootstrap.interval(x) == bootstrap.interval(x)
    assert bootstrap.interval(x, Resampling(seed=1)) != one
    assert bootstrap.interval(x, Resampling(level=0.5)).low > one.low


def test_difference_is_paired():
    baseline = draw(200)
    system = baseline + 0.05 + 0.01 * draw(200, seed=1)
    found = bootstrap.difference(system, baseline)
    assert 0.05 < found.low < found.mean < found.high < 0.06
    assert found == bootstrap.interval(system - baseline)
    worse = bootstrap.difference(baseline, system)
    np.testing.assert_allclose(worse, [-found.mean, -found.high, -found.low])
    # The systems' own intervals overlap: pairing is what tells them apart.
    assert bootstrap.interval(baseline).high > bootstrap.interval(system).low


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap.interval([]), "values: expected at least one row"),
        (
            lambda: bootstrap.interval([[1.0]]),
            r"values: expected \[n\] numbers, got float64\[1, 1\]",
        ),
        (
            lambda: bootstrap.intervals([1.0]),
            r"values: expected \[n, k\] numbers, got float64\[1\]",
        ),
        (lambda: bootstrap.interval([np.nan]), "values: expected finite numbers"),
        (
            lambda: bootstrap.difference([1.0, 2.0], [1.0]),
            r"baseline: expected 2 scores, as values, got float64\[1\]",
        ),
        (
            lambda: bootstrap.interval([1.0], Resampling(0)),
            "num_resamples: expected an integer ≥ 1, got 0",
        ),
        (
            lambda: bootstrap.interval([1.0], Resampling(level=95)),
            "level: expected a number between 0 and 1, got 95",
        ),
        (
            lambda: bootstrap.interval([1.0], Resampling(seed=-1)),
            "seed: expected an integer ≥ 0, got -1",
        ),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
