"""Correlations, with the probability that none at all looks as strong.

With x̄ and ȳ the means, n pairs and ν = n - 2:

    r = Σ (x - x̄)(y - ȳ) / √(Σ (x - x̄)² Σ (y - ȳ)²)        (1)
    p = I_{1-r²}(ν/2, 1/2)                                  (2)

Spearman's coefficient is (1) of the ranks; equal values share the mean of their ranks.
(2) is the two-sided test of r by Student's t with ν degrees of freedom, I the
regularised incomplete beta function; for ranks it is an approximation. These are the
numbers of `scipy.stats.pearsonr` and `spearmanr`, in float64 and without SciPy.

References: Spearman, The proof and measurement of association between two things,
American Journal of Psychology 15, 1904. Student, The probable error of a mean,
Biometrika 6, 1908.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxseq.checks import describe, expect


_TINY = 1e-300


class Correlation(NamedTuple):
    """A coefficient and its test, named as SciPy names them.

    Attributes:
        statistic: r, eq. (1), -1 to 1.
        pvalue: p, eq. (2); 1 for two pairs, which always lie on a line.
    """

    statistic: float
    pvalue: float


def pearson(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Correlates values, eq. (1).

    Args:
        x: `[n]`, at least two values that are not all equal.
        y: `[n]`, the same.

    Returns:
        The coefficient and p.

    Raises:
        ValueError: naming the argument.
    """
    x, y = _checked("x", x), _checked("y", y)
    expect(len(x) == len(y), "y", f"{len(x)} values, as x has", f"{len(y)}")
    r = float(np.clip(_centred(x) @ _centred(y), -1, 1))  # (1)
    nu = len(x) - 2
    return Correlation(r, _beta((1 - r) * (1 + r), nu / 2, 0.5) if nu else 1.0)  # (2)


def spearman(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Correlates ranks; arguments, result and errors as those of `pearson`."""
    return pearson(_ranks(_checked("x", x)), _ranks(_checked("y", y)))


def _checked(argument: str, values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, np.float64)
    is_list = array.ndim == 1 and len(array) >= 2
    expect(is_list, argument, "[n] values, at least two", describe(array))
    expect(bool(np.isfinite(array).all()), argument, "finite values", "inf or NaN")
    expected = "values that are not all equal: no correlation is defined"
    expect(
        bool(np.ptp(array) > 0), argument, expected, f"{array[0]} {len(array)} times"
    )
    return array


def _centred(x: np.ndarray) -> np.ndarray:
    """Returns x - x̄ at length 1."""
    centred = x - x.mean()
    return centred / np.linalg.norm(centred)


def _ranks(x: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def _beta(x: float, a: float, b: float) -> float:
    """Returns I_x(a, b), by the continued fraction that converges the quicker."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    log_front = a * math.log(x) + b * math.log1p(-x)
    log_front += math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front)
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Evaluates 1/(1 + d₁/(1 + d₂/(1 + ...))), DLMF 8.17.22, by Lentz's method (1976).

    It needs some √max(a, b) terms: a hundred for ten thousand pairs.
    """
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    fraction, m, factor = d, 0, 0.0
    while abs(factor - 1) > 1e-15:
        m += 1
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        factor = 1.0
        for term in even, odd:
            c = 1 + term / c or _TINY
            d = 1 / (1 + term * d or _TINY)
            factor *= c * d
        fraction *= factor
    return fraction
