import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.word2vec import sampler, sparse, vocab


@pytest.mark.parametrize("cuts", [[slice(4)], [slice(1), slice(1, 4)]])
def test_descend_caps_the_step_of_rows_in_many_terms(cuts):
    table = jnp.ones((4, 3))
    ids = jnp.asarray([1, 2, 1, 1], jnp.int32)
    rows = jnp.arange(12.0).reshape(4, 3)
    terms = jnp.asarray([2.0, 1.0, 3.0, 5.0])
    places = jnp.asarray([3, -1, 99, 0], jnp.int32)
    rate, cap = 0.5, 2.0
    whole = sparse.Rows(ids, rows, terms)
    parts = [jax.tree.map(lambda a, cut=cut: a[cut], whole) for cut in cuts]
    new, _ = sparse.descend(table, parts, jnp.asarray(rate), cap, places)
    expected = np.ones((4, 3))
    expected[1] -= min(rate, cap / 10) * (rows[0] + rows[2] + rows[3])
    expected[2] -= min(rate, cap / 1) * rows[1]
    np.testing.assert_allclose(new, expected, rtol=1e-12)


def test_without_terms_a_row_stays():
    gradient = sparse.Rows(jnp.zeros(1, jnp.int32), jnp.zeros((1, 2)), jnp.zeros(1))
    places = jnp.zeros(1, jnp.int32)
    new, _ = sparse.descend(jnp.ones((1, 2)), [gradient], jnp.asarray(0.1), 1.0, places)
    np.testing.assert_array_equal(new, np.ones((1, 2)))


@pytest.mark.parametrize("counts", [[1], [5, 1], [1000, 1, 1], [7, 5, 3, 3, 2, 1]])
def test_bins_hold_the_distribution_exactly(counts):
    probabilities = vocab.noise(np.array(counts))
    bins = sampler.make(probabilities)
    num_words = len(counts)
    of_word = np.array(bins.shares, np.float64)
    np.add.at(of_word, np.array(bins.others), 1 - np.array(bins.shares, np.float64))
    np.testing.assert_allclose(of_word / num_words, probabilities, atol=1e-7)


def test_draws_follow_the_distribution():
    import jax

    probabilities = np.array([0.5, 0.3, 0.15, 0.05])
    drawn = sampler.draw(jax.random.key(0), sampler.make(probabilities), (40_000,))
    assert drawn.dtype == jnp.int32
    shares = np.bincount(np.array(drawn), minlength=4) / 40_000
    np.testing.assert_allclose(shares, probabilities, atol=0.01)


@pytest.mark.parametrize(
    ("wrong", "got"),
    [
        ([0.5, 0.6], "a least one of 0.5 and the sum 1.1"),
        ([-0.5, 1.5], "a least one of -0.5 and the sum 1"),
        ([[1.0]], r"float64\[1, 1\]"),
        ([np.nan, 1.0], "the sum nan"),
        ([], "the sum 0"),
    ],
)
def test_what_is_no_distribution_is_refused(wrong, got):
    with pytest.raises(ValueError, match=f"probabilities: expected .*{got}"):
        sampler.make(np.array(wrong))
