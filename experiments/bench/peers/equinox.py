"""Equinox: a cell in `lax.scan`, as its documentation shows, mapped over the batch."""

import importlib

import jax
import jax.numpy as jnp

from jaxseq.types import Array, Tree

from .. import forms, on_jax
from ..contender import Contender, Peer, missing_package
from ..forms import Weights
from ..problem import Point, Problem


def missing(point: Point) -> str | None:
    return missing_package("equinox", "equinox")


def build(problem: Problem) -> Contender:
    eqx = importlib.import_module("equinox")
    point = problem.point
    make = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell}[point.cell]
    like = make(point.hidden, point.hidden, key=jax.random.key(0))

    def convert(weights: Weights) -> Tree:
        if point.cell == "lstm":
            U, W, b = (
                forms.reorder(weights[name], forms.LSTM_GATES, "ifgo")
                for name in ("U", "W", "b")
            )
            where, parts = _lstm_weights, (U, W, b)
        else:
            where = _gru_weights
            parts = tuple(weights[name] for name in ("U", "W", "b", "b_m"))
        return eqx.tree_at(where, like, parts)

    def apply(cell: Tree, xs: Array) -> Array:
        zeros = jnp.zeros((point.batch, point.hidden), xs.dtype)
        state_0 = (zeros, zeros) if point.cell == "lstm" else zeros

        def step(state, x_t):
            state = jax.vmap(cell)(x_t, state)
            return state, state[0] if point.cell == "lstm" else state

        return jax.lax.scan(step, state_0, xs, unroll=on_jax.num_unrolled())[1]

    return on_jax.contender(problem, on_jax.Layer(convert, apply))


def _lstm_weights(cell):
    return cell.weight_ih, cell.weight_hh, cell.bias


def _gru_weights(cell):
    return cell.weight_ih, cell.weight_hh, cell.bias, cell.bias_n


PEER = Peer(
    "equinox",
    packages=("equinox",),
    forms={"lstm": forms.LSTM, "gru": forms.GRU_AFTER},  # it has no Elman cell
    missing=missing,
    build=build,
)
