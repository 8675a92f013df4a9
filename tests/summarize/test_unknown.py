"""Words in the place of unknown ones."""

import numpy as np
import pytest

from jaxseq.summarize.unknown import replace_unknown


DOCUMENT = ["a", "b", "c"]


def test_the_word_attended_to_takes_the_place():
    weights = np.array([[0.1, 0.2, 0.7, 9], [0.5, 0.5, 0, 9], [1, 0, 0, 9], [9] * 4])
    words, marks = replace_unknown(
        "? ? x".split(), [True, True, False], weights, DOCUMENT
    )
    assert words == ["c", "a", "x"]
    assert marks == [True, True, False]


@pytest.mark.parametrize("row", [[0, 0, 0], [np.nan] * 3])
def test_without_attention_the_word_stays(row):
    assert replace_unknown(["?"], [True], np.array([row]), DOCUMENT) == (["?"], [False])
    assert replace_unknown(["?"], [True], np.array([row]), []) == (["?"], [False])


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match="^is_unknown: expected 1 of them, one a word"):
        replace_unknown(["?"], [], np.ones((1, 3)), DOCUMENT)
    for shape in ((1, 2), (0, 3), (3,)):
        with pytest.raises(
            ValueError, match=r"^weights: expected shape \[1, 3\] or more"
        ):
            replace_unknown(["?"], [True], np.ones(shape), DOCUMENT)
