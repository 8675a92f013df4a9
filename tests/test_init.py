"""What the cells' weights start from, where a paper says it matters."""

import jax
import numpy as np

from jaxseq.cells import lstm, lstm_coupled


def test_lstm_starts_with_forget_bias_one():
    """Jozefowicz, Zaremba, Sutskever 2015: else a cell forgets before it learns."""
    b_f, *others = np.split(lstm.init(jax.random.key(0), 3, 4).b, 4)
    assert np.all(b_f == 1)
    assert not np.any(others)
    b_f, *others = np.split(lstm.init(jax.random.key(0), 3, 4, forget_bias=2.5).b, 4)
    assert np.all(b_f == 2.5)
    assert not np.any(others)


def test_lstm_coupled_starts_with_its_input_gate_closed():
    b_i, *others = np.split(lstm_coupled.init(jax.random.key(0), 3, 4).b, 3)
    assert np.all(b_i == -1)
    assert not np.any(others)
