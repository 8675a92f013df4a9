"""Stacks of gates and the two biases."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.cells import elman, jordan, lstm, lstm_coupled
from jaxseq.interop import gates


@pytest.mark.parametrize("xp", [np, jnp])
def test_reorder_stacks_gates_anew(xp):
    rows = xp.arange(8.0)[:, None]
    expected = [2, 3, 0, 1, 6, 7, 4, 5]
    assert gates.reorder(rows, "fiog", "ifgo").ravel().tolist() == expected


def test_cells_that_others_do_not_have_are_refused():
    for cell in (jordan.cell(3), lstm_coupled.cell(), elman.one_step()):
        with pytest.raises(ValueError, match=f"cell: expected .*, got {cell.name[:5]}"):
            gates.kind_of("cell", cell)
    assert gates.kind_of("cell", lstm.cell()) == "lstm"


def test_a_zero_bias_changes_no_bit_of_the_other():
    stacks = gates.Stacks(
        np.ones((2, 3)),
        np.ones((2, 2)),
        np.array([-0.0, np.inf]),
        np.array([0.0, -np.inf]),
    )
    b = gates.params_of(elman.cell(), stacks, gates.OURS).b
    assert np.signbit(b[0])
    assert np.isnan(b[1])
