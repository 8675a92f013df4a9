"""Flax nnx: `nnx.RNN`, time-major, by the functional calls (`split`, `merge`).

Its GRU cell has no bias b_m behind the reset gate.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxseq.interop.flax import trees

from .. import forms, on_jax
from ..contender import Contender, Peer, installed
from ..forms import CellName, Weights
from ..problem import Problem


CELLS: dict[CellName, tuple[Callable[..., Any], trees.Layout]] = {
    "lstm": (nnx.OptimizedLSTMCell, trees.NNX_OPTIMIZED_LSTM),
    "gru": (nnx.GRUCell, trees.NNX_GRU),
    "elman": (nnx.SimpleCell, trees.NNX_SIMPLE),
}


def build(problem: Problem) -> Contender:
    point = problem.point
    dtype = jnp.dtype(point.dtype)
    make, layout = CELLS[point.cell]
    cell = make(
        point.hidden,
        point.hidden,
        dtype=dtype,
        param_dtype=dtype,
        # Its default, orthogonal, knows no bfloat16; the weights are replaced anyway.
        recurrent_kernel_init=nnx.initializers.zeros_init(),
        rngs=nnx.Rngs(0),
    )
    unroll = on_jax.num_unrolled()
    rnn = nnx.RNN(cell, time_major=True, unroll=unroll, rngs=False)
    graph, params, rest = nnx.split(rnn, nnx.Param, ...)

    def convert(weights: Weights) -> dict:
        return layout.to_tree(forms.params(problem.form, weights))

    def apply(weights, xs):
        state = jax.tree.map(lambda leaf: leaf, params)
        nnx.replace_by_pure_dict(state, {"cell": weights})
        zeros = jnp.zeros((point.batch, point.hidden), dtype)
        state_0 = (zeros, zeros) if point.cell == "lstm" else zeros
        return nnx.merge(graph, state, rest)(xs, initial_carry=state_0)

    return on_jax.contender(problem, on_jax.Layer(convert, apply))


PEER = Peer(
    "flax-nnx",
    packages=("flax",),
    forms={"lstm": forms.LSTM, "gru": forms.GRU_AFTER_NO_B_M, "elman": forms.ELMAN},
    missing=installed,
    build=build,
)
