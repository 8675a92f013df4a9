"""The hypothesis of least risk, against the definition written plainly."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import risk
from jaxseq.summarize.beam import Hypotheses
from jaxseq.summarize.rouge import lcs


K, T = 4, 6


def draw(seed, num=5):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, T + 1, (num, K)).astype(np.int32)
    tokens = rng.integers(4, 8, (num, K, T)).astype(np.int32)
    tokens[np.arange(T) >= lengths[..., None]] = 0
    return Hypotheses(
        tokens=jnp.asarray(tokens),
        lengths=jnp.asarray(lengths),
        scores=jnp.asarray(-np.sort(rng.exponential(1, (num, K)))),
        is_complete=jnp.asarray(rng.random((num, K)) < 0.8),
        weights=jnp.asarray(rng.random((num, K, T, 3))),
    )


def plain_likeness(y, other):
    total = len(y) + len(other)
    return 2 * lcs.length(y, other) / total if total else 0.0


def words(found, row, k):
    return found.tokens[row, k, : int(found.lengths[row, k])].tolist()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("tau", "alpha"), [(0.0, 0.0), (0.7, 0.6), (3.0, 1.0)])
def test_it_is_the_plain_definition(seed, tau, alpha):
    found = draw(seed)
    chosen = jax.jit(risk.least(tau, alpha))(found)
    for row in range(len(found.tokens)):
        all_words = [words(found, row, k) for k in range(K)]
        n = [len(w) + int(found.is_complete[row, k]) for k, w in enumerate(all_words)]
        p = [
            math.exp(tau * float(found.scores[row, k]) * max(n[k], 1) ** alpha)
            if all_words[k]
            else 0.0
            for k in range(K)
        ]
        gains = [
            sum(p[i] * plain_likeness(y, all_words[i]) for i in range(K))
            for y in all_words
        ]
        best = int(np.argmax(gains)) if max(gains) > 0 else 0
        assert chosen.tokens[row].tolist() == found.tokens[row, best].tolist()
        np.testing.assert_array_equal(chosen.weights[row], found.weights[row, best])


def test_likeness_is_that_of_rouge_l():
    found = draw(7, num=20)
    computed = np.asarray(risk.likeness(found.tokens, found.lengths))
    for row in range(20):
        for i in range(K):
            for j in range(K):
                expected = plain_likeness(words(found, row, i), words(found, row, j))
                assert computed[row, i, j] == pytest.approx(expected, abs=1e-6)


def test_a_likely_summary_unlike_the_others_is_not_chosen():
    tokens = jnp.array([[[9, 8, 0], [4, 5, 6], [4, 5, 7]]], jnp.int32)
    found = Hypotheses(
        tokens=tokens,
        lengths=jnp.array([[2, 3, 3]], jnp.int32),
        scores=jnp.log(jnp.array([[0.4, 0.35, 0.25]])),
        is_complete=jnp.ones((1, 3), bool),
        weights=jnp.zeros((1, 3, 3, 2)),
    )
    assert risk.least(1.0, 0.0)(found).tokens.tolist() == [[4, 5, 6]]
    # Where only probability counts the likeliest stays.
    assert risk.least(50.0, 0.0)(found).tokens.tolist() == [[9, 8, 0]]


def test_without_words_or_numbers_the_first_is_chosen():
    found = draw(1, num=2)
    empty = found._replace(lengths=jnp.zeros_like(found.lengths))
    np.testing.assert_array_equal(
        risk.least(1.0, 0.0)(empty).weights, found.weights[:, 0]
    )
    broken = found._replace(scores=jnp.full_like(found.scores, jnp.nan))
    np.testing.assert_array_equal(
        risk.least(1.0, 0.0)(broken).weights, found.weights[:, 0]
    )


@pytest.mark.parametrize("value", [-1.0, float("nan"), True, "1"])
def test_a_sharpness_without_sense_is_named(value):
    with pytest.raises(ValueError, match="sharpness: expected a number"):
        risk.least(value, 0.0)


def test_equal_arguments_give_the_same_choice():
    assert risk.least(0.5, 0.6) is risk.least(0.5, 0.6)
