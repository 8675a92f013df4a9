import re

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from jaxseq.text.ids import MAX_NUM_IDS, check_ids


@pytest.mark.parametrize(
    ("ids", "where", "value"),
    [
        ([[0, 1], [2, 30]], "[1, 1]", "30"),
        ([0, -1], "[1]", "-1"),
        (np.array([5, 2**31]), "[1]", str(2**31)),
        (np.array([5, 2**31 + 1], np.uint64), "[1]", str(2**31 + 1)),
        ([1, 2**70], "[1]", str(2**70)),
        ([1, -(2**70)], "[1]", str(-(2**70))),
        ([1, True], "[1]", "True"),
        ([1, 2.0], "[1]", "2.0"),
        ([None], "[0]", "None"),
        (["3"], "[0]", "'3'"),
        (30, "", "30"),
        (np.array([[[0, 0], [0, -7]]], np.int8), "[0, 1, 1]", "-7"),
    ],
)
def test_check_ids_names_argument_position_value_and_size(ids, where, value):
    expected = (
        f"labels{where} = {value} is no id: expected an integer in 0..29 (V = 30)"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        check_ids("labels", ids, 30)


@pytest.mark.parametrize(
    "ids", [np.array([1.0, 2.0]), np.array([True]), np.array([1 + 0j]), np.array(["1"])]
)
def test_check_ids_rejects_arrays_that_are_no_integers(ids):
    with pytest.raises(ValueError, match=rf"V = 30\), got dtype {ids.dtype}, x\[0\] ="):
        check_ids("x", ids, 30)
    with pytest.raises(ValueError, match="got dtype"):
        check_ids("x", ids[:0], 30)


def test_check_ids_rejects_ragged_lists():
    with pytest.raises(ValueError, match=r"x\[0\] = \[1, 2\] is no id"):
        check_ids("x", [[1, 2], [3]], 30)
    with pytest.raises(ValueError, match="x must be an array or evenly nested lists"):
        check_ids("x", [np.zeros((2, 2), int), np.zeros((2, 3), int)], 30)


@pytest.mark.parametrize("num_ids", [0, -1, MAX_NUM_IDS + 1, 2.0, True, None])
def test_check_ids_rejects_a_number_of_ids_that_is_none(num_ids):
    with pytest.raises(ValueError, match="num_ids must"):
        check_ids("x", [0], num_ids)


@given(
    hnp.arrays(
        st.sampled_from([np.int8, np.uint16, np.int32, np.int64, np.uint64]),
        hnp.array_shapes(min_dims=0, min_side=0),
        elements=st.integers(0, 99),
    )
)
def test_check_ids_returns_the_same_ids_as_int32(array):
    for ids in (array, array.tolist()):
        checked = check_ids("x", ids, 100)
        assert checked.dtype == np.int32
        np.testing.assert_array_equal(checked.ravel(), array.ravel())


def test_check_ids_copies_nothing_that_is_int32_already():
    ids = np.arange(5, dtype=np.int32)
    assert check_ids("x", ids, 5) is ids


def test_check_ids_takes_the_largest_id_of_all():
    assert check_ids("x", [MAX_NUM_IDS - 1], MAX_NUM_IDS)[0] == 2**31 - 2
