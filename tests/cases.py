"""Every cell of jaxseq beside its NumPy step, and random inputs for both.

The weights of a stack of gates are cut apart here, in the order that the cells' module
docstrings state, so that an oracle sees one matrix a gate.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tests import oracles
from tests.oracles import ACTIVATIONS, held, identity, logistic


NUM_INPUTS, NUM_HIDDEN = 2, 3


class Case(NamedTuple):
    """A cell and what it must compute."""

    name: str
    make: Callable  # (jaxseq.cells, or a copy of it) -> the cell
    step: Callable  # of tests.oracles
    weights: Callable  # {parameter: array} -> the oracle's weights


class Inputs(NamedTuple):
    """The arguments of `unroll`, as NumPy arrays in the cell's trees."""

    params: tuple
    state_0: tuple
    reset_state: tuple
    xs: np.ndarray
    lengths: np.ndarray
    resets: np.ndarray


def _gates(names, also=()):
    """Cuts U, W and b into gates: U_r, W_r, b_r, ..."""

    def weights(params):
        num_hidden = params["W"].shape[1]
        w = {name: params[name] for name in also}
        for number, name in enumerate(names):
            rows = slice(number * num_hidden, (number + 1) * num_hidden)
            for letter in "UWb":
                w[f"{letter}_{name}"] = params[letter][rows]
        return w

    return weights


def _lecture(names, also=()):
    """Cuts into gates, and puts W_f beside U_f: one matrix on [h_{t-1}, x_t]."""

    def weights(params):
        w = _gates(names, also)(params)
        for name in names:
            both = [w[f"W_{name}"], w.pop(f"U_{name}")]
            w[f"W_{name}"] = np.concatenate(both, axis=1)
        return w

    return weights


def _elman(name):
    return Case(
        f"elman_{name}",
        lambda cells: cells.elman.cell(getattr(cells.activations, name)),
        oracles.elman_step(ACTIVATIONS[name]),
        dict,
    )


def _leaky(params, s_tm1, x_t):
    return _combine(_project(params, x_t), _recur(params, s_tm1), s_tm1)


def _project(params, x_t):
    z_t = x_t @ params.U.T
    return z_t + jnp.broadcast_to(params.b, z_t.shape)


def _recur(params, s_tm1):
    return s_tm1 @ params.W.T


def _combine(z_t, r_t, s_tm1):
    return 0.5 * jnp.tanh(s_tm1) + jnp.tanh(z_t + r_t)


def _elmans(cells):
    return {
        name: getattr(cells.elman, name) for name in ("init", "sizes", "zero_state")
    }


CASES = (
    *map(_elman, ACTIVATIONS),
    Case(
        "elman_one_step",
        lambda cells: cells.elman.one_step(),
        held(oracles.elman_step(np.tanh), (0,)),
        dict,
    ),
    Case(
        "jordan",
        lambda cells: cells.jordan.cell(2, 0.6),
        oracles.jordan_step(0.6, logistic, logistic),
        dict,
    ),
    Case(
        "jordan_textbook",
        lambda cells: cells.jordan.cell(
            2, hidden=cells.activations.tanh, out=cells.activations.identity
        ),
        oracles.jordan_step(0.0, np.tanh, identity),
        dict,
    ),
    Case(
        "jordan_one_step",
        lambda cells: cells.jordan.one_step(2, 0.6),
        held(oracles.jordan_step(0.6, logistic, logistic), (0, 1)),
        dict,
    ),
    Case("lstm", lambda cells: cells.lstm.cell(), oracles.lstm_step, _lecture("fioc")),
    Case(
        "lstm_1997",
        lambda cells: cells.lstm_1997.cell(),
        oracles.lstm_1997_step,
        _lecture("ioc"),
    ),
    Case(
        "lstm_1997_truncated",
        lambda cells: cells.lstm_1997.truncated(),
        held(oracles.lstm_1997_step, (0,)),
        _lecture("ioc"),
    ),
    Case(
        "lstm_coupled",
        lambda cells: cells.lstm_coupled.cell(),
        oracles.lstm_coupled_step,
        _lecture("ioc"),
    ),
    Case(
        "lstm_linear",
        lambda cells: cells.lstm_linear.cell(),
        oracles.lstm_linear_step,
        _lecture("fioc"),
    ),
    Case(
        "lstm_peephole",
        lambda cells: cells.lstm_peephole.cell(),
        oracles.lstm_peephole_step,
        _lecture("fioc", also=("p_f", "p_i", "p_o")),
    ),
    Case(
        "gru_after",
        lambda cells: cells.gru.reset_after(),
        oracles.gru_after_step,
        _gates("rzn", also=("b_m",)),
    ),
    Case(
        "gru_before",
        lambda cells: cells.gru.reset_before(),
        oracles.gru_before_step,
        _gates("rzn"),
    ),
    Case(
        "from_step",
        lambda cells: cells.derived.from_step(_leaky, **_elmans(cells)),
        oracles.leaky_step,
        dict,
    ),
    Case(
        "from_parts",
        lambda cells: cells.derived.from_parts(
            _project, _recur, _combine, **_elmans(cells)
        ),
        oracles.leaky_step,
        dict,
    ),
)

BY_NAME = {case.name: case for case in CASES}


def draw(cell, seed, num_steps, batch, dtype=np.float64):
    """Draws every argument of `unroll`, no weight zero; masks are drawn too."""
    rng = np.random.default_rng(seed)

    def normal(leaf):
        return rng.normal(scale=0.7, size=leaf.shape).astype(dtype)

    params, state = _shapes(cell, batch)
    resets = rng.random((num_steps, *batch)) < 0.4
    lengths = rng.integers(0, num_steps + 1, batch)
    return Inputs(
        params=jax.tree.map(normal, params),
        state_0=jax.tree.map(normal, state),
        reset_state=jax.tree.map(normal, state),
        xs=rng.normal(size=(num_steps, *batch, NUM_INPUTS)).astype(dtype),
        lengths=lengths,
        # A reset beyond the end belongs to no sequence.
        resets=resets & (np.arange(num_steps)[(..., *[None] * len(batch))] < lengths),
    )


@functools.cache
def _shapes(cell, batch):
    def like(key):
        params = cell.init(key, NUM_INPUTS, NUM_HIDDEN)
        return params, cell.zero_state(params, batch)

    return jax.eval_shape(like, jax.random.key(0))


def unroll_oracle(case, inputs, reverse=False):
    """Runs the oracle of a case on the arguments of `unroll`."""
    params, state_0, reset_state, xs, lengths, resets = inputs
    return oracles.unroll_each(
        case.step,
        case.weights({k: np.asarray(v) for k, v in params._asdict().items()}),
        jax.tree.leaves(state_0),
        jax.tree.leaves(reset_state),
        xs,
        lengths,
        resets,
        reverse,
    )
