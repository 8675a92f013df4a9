"""The parts of a cell's projected input add up to the whole."""

import jax
import numpy as np
import pytest

from jaxseq.cells import gru, inputs, jordan, lstm
from tests.models import CELLS, in_time, inputs as draw


AFFINE = {
    "lstm": lstm.cell(),
    "gru": gru.reset_after(),
    "jordan": jordan.cell(2),
    "derived": CELLS["derived_from_parts"],
}


@in_time(AFFINE)
def test_parts_add_up_to_the_whole(cell):
    params, _, xs = draw(cell, 4)
    of_first, of_rest = inputs.split(cell, params, 1)
    assert cell.sizes(of_first).num_inputs == 1
    assert cell.sizes(of_rest).num_inputs == 2
    first = cell.project(of_first, xs[..., :1])
    rest = jax.tree.map(lambda m: xs[..., 1:] @ m, inputs.matrix(cell, of_rest))
    jax.tree.map(
        lambda a, b, whole: np.testing.assert_allclose(a + b, whole, rtol=1e-12),
        first,
        rest,
        cell.project(params, xs),
    )


def test_a_cell_that_projects_nothing_is_refused():
    cell = CELLS["derived_from_step"]
    params, _, _ = draw(cell, 1)
    inputs.check_sums("cell", lstm.cell(), params, 1)
    halves = lstm.init(jax.random.key(0), 2, 4)  # alike, but not the whole
    for refused in (params, halves):
        with pytest.raises(ValueError, match="cell: expected one whose project sums"):
            inputs.check_sums("cell", cell, refused, 1)
