"""Bootstrap intervals of a mean, and of the difference between two systems.

From the scores x_1 … x_n of n pairs, R times n of them are drawn with replacement:

    m_r = 1/n Σ_i x_{k_ri},    k_ri uniform in 1 … n                                (1)

The percentile interval at a level of 0.95 goes from the 2.5th to the 97.5th percentile
of the m_r. Two systems that have scored the same pairs are drawn together: the interval
is that of the mean of the differences x_i - y_i, often far narrower than the two
intervals by themselves suggest, as a pair that is hard for one is hard for the other.

It is the interval of the test set, as if other pairs had been drawn: it says nothing of
what another seed in training would have given.

Reference: Efron, Bootstrap methods, 1979; for the difference Koehn, Statistical
significance tests for machine translation evaluation, 2004.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxseq.checks import check_count, describe, expect


class Interval(NamedTuple):
    """A mean and where it lies.

    Attributes:
        mean: of the values themselves, not of the resamples.
        low: lower end.
        high: upper end.
    """

    mean: float
    low: float
    high: float


class Resampling(NamedTuple):
    """How the intervals are drawn.

    Attributes:
        num_resamples: R.
        level: how much of the distribution an interval holds, 0 to 1.
        seed: of `numpy.random.default_rng`; the same seed draws the same pairs.
    """

    num_resamples: int = 1000
    level: float = 0.95
    seed: int = 0


DEFAULT = Resampling()


def intervals(values: ArrayLike, resampling: Resampling = DEFAULT) -> list[Interval]:
    """The interval of each column's mean; all columns are drawn together.

    Args:
        values: `[n, k]` numbers, n at least 1.
        resampling: how they are drawn.

    Returns:
        k intervals.

    Raises:
        ValueError: naming the argument.
    """
    table = np.asarray(values, np.float64)
    expect(table.ndim == 2, "values", "[n, k] numbers", describe(table))
    expect(len(table) > 0, "values", "at least one row", describe(table))
    expect(bool(np.isfinite(table).all()), "values", "finite numbers", "inf or NaN")
    check_count("num_resamples", resampling.num_resamples)
    check_count("seed", resampling.seed, least=0)
    level = resampling.level
    expect(0 < level < 1, "level", "a number between 0 and 1", level)
    rng = np.random.default_rng(resampling.seed)
    num_rows = len(table)
    means = np.empty((resampling.num_resamples, table.shape[1]))
    for mean in means:
        drawn = rng.integers(num_rows, size=num_rows)
        mean[:] = np.bincount(drawn, minlength=num_rows) @ table / num_rows  # (1)
    tail = 50 * (1 - level)
    ends = np.percentile(means, [tail, 100 - tail], axis=0)
    columns = zip(table.mean(0), *ends, strict=True)
    return [Interval(*map(float, column)) for column in columns]


def interval(values: ArrayLike, resampling: Resampling = DEFAULT) -> Interval:
    """The interval of the mean of values `[n]`; errors as those of `intervals`."""
    table = np.asarray(values, np.float64)
    expect(table.ndim == 1, "values", "[n] numbers", describe(table))
    return intervals(table[:, None], resampling)[0]


def difference(
    values: ArrayLike, baseline: ArrayLike, resampling: Resampling = DEFAULT
) -> Interval:
    """The interval of how much a system is better than another on the same pairs.

    It is better beyond the chance of the test set if the lower end is above 0.

    Args:
        values: `[n]` scores of the system.
        baseline: `[n]` scores of the other one, in the same order.
        resampling: how pairs are drawn.

    Raises:
        ValueError: naming the argument.
    """
    x, y = np.asarray(values, np.float64), np.asarray(baseline, np.float64)
    expect(x.ndim == 1, "values", "[n] numbers", describe(x))
    expect(y.shape == x.shape, "baseline", f"{len(x)} scores, as values", describe(y))
    return interval(x - y, resampling)
