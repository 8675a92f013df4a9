"""The word table: a row is a one-hot vector times the matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxseq import embedding
from tests.oracles import one_hot


NUM_IDS, SIZE = 5, 3
IDS = np.array([[0, 4, 2], [2, 2, 1]])


def _table(seed=0, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=(NUM_IDS, SIZE)).astype(dtype)


@pytest.mark.parametrize("ids", [IDS, IDS[0], IDS[0, 1:2][0], IDS[:0]], ids=np.shape)
def test_lookup_equals_one_hot_times_matrix(ids):
    ids, table = np.asarray(ids), _table()
    rows = embedding.lookup(table, ids)
    assert rows.shape == (*ids.shape, SIZE)
    for place in np.ndindex(*ids.shape):
        wanted = one_hot(ids[place], NUM_IDS) @ table
        np.testing.assert_array_equal(rows[place], wanted)


def test_gradient_adds_each_error_to_its_row():
    d_rows = np.random.default_rng(1).normal(size=(*IDS.shape, SIZE))
    _, pull = jax.vjp(lambda table: embedding.lookup(table, IDS), _table())
    wanted = np.zeros((NUM_IDS, SIZE))
    for place in np.ndindex(*IDS.shape):
        wanted += np.outer(one_hot(IDS[place], NUM_IDS), d_rows[place])
    np.testing.assert_allclose(pull(d_rows)[0], wanted, rtol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_gradient_equals_differences(seed):
    def squares(table):
        return embedding.lookup(table, IDS) ** 2

    check_grads(squares, (_table(seed),), 1, ["rev"], atol=1e-8, rtol=1e-8, eps=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_lookup_takes_any_integers(dtype):
    rows = embedding.lookup(_table(), IDS.astype(dtype))
    np.testing.assert_array_equal(rows, _table()[IDS])


@pytest.mark.parametrize("bad_id", [-1, -NUM_IDS, NUM_IDS, 2**31 - 1])
def test_row_of_wrong_id_is_nan_under_jit(bad_id):
    ids, table = IDS.copy(), _table()
    ids[0, 1] = bad_id
    rows = jax.jit(embedding.lookup)(table, ids)
    wrong = ids == bad_id
    np.testing.assert_array_equal(np.isnan(rows).all(-1), wrong)
    np.testing.assert_array_equal(rows[~wrong], table[ids[~wrong]])


def test_loss_of_wrong_id_is_nan_and_no_row_learns_from_it():
    ids = IDS.copy()
    ids[0, 1] = -1  # would be the last row, which no right id reads

    def loss(table, ids):
        return jnp.sum(embedding.lookup(table, ids))

    value, d_table = jax.jit(jax.value_and_grad(loss))(_table(), ids)
    assert np.isnan(value)
    np.testing.assert_array_equal(d_table[-1], 0)


def test_dtype_is_kept():
    value, pull = jax.vjp(lambda t: embedding.lookup(t, IDS), _table(dtype=np.float32))
    assert value.dtype == pull(np.ones_like(value))[0].dtype == np.float32


def test_init_is_normal():
    table = embedding.init(jax.random.key(0), 200, 100)
    assert table.shape == (200, 100)
    assert table.dtype == np.float32
    # 20,000 draws of deviation 0.1: the mean's is 0.0007, the deviation's 0.0005.
    np.testing.assert_allclose(np.mean(table), 0, atol=0.004)
    np.testing.assert_allclose(np.std(table), 0.1, atol=0.003)


@pytest.mark.parametrize(("dtype", "num_ids"), [("int8", 300), ("int16", 70_000)])
def test_a_negative_id_of_few_bits_is_no_row(dtype, num_ids):
    table = jnp.arange(num_ids * 1.0)[:, None]
    ids = jnp.array([-1, 5], dtype)
    row, right = jax.jit(embedding.lookup)(table, ids)
    assert jnp.isnan(row)
    assert right == 5
