"""Flax linen: `nn.RNN`, time-major, over the faster cell where there are two."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from jaxseq.interop.flax import trees

from .. import forms, on_jax
from ..contender import Contender, Peer, installed
from ..forms import CellName, Weights
from ..problem import Problem


CELLS: dict[CellName, tuple[Callable[..., Any], trees.Layout]] = {
    "lstm": (nn.OptimizedLSTMCell, trees.LINEN_LSTM),
    "gru": (nn.GRUCell, trees.LINEN_GRU),
    "elman": (nn.SimpleCell, trees.LINEN_SIMPLE),
}


def build(problem: Problem) -> Contender:
    point = problem.point
    dtype = jnp.dtype(point.dtype)
    cell, layout = CELLS[point.cell]
    # The weights come from the problem; Flax still traces its own, and its default, a
    # QR decomposition, does not exist in bfloat16.
    draw = nn.initializers.lecun_normal()
    rnn = nn.RNN(
        cell(point.hidden, dtype=dtype, param_dtype=dtype, recurrent_kernel_init=draw),
        time_major=True,
        unroll=on_jax.num_unrolled(),
    )

    def convert(weights: Weights) -> dict:
        params = forms.params(problem.form, weights)
        return {"params": {"cell": layout.to_tree(params)}}

    layer = on_jax.Layer(convert, lambda variables, xs: rnn.apply(variables, xs))
    return on_jax.contender(problem, layer)


PEER = Peer(
    "flax-linen",
    packages=("flax",),
    forms={"lstm": forms.LSTM, "gru": forms.GRU_AFTER, "elman": forms.ELMAN},
    missing=installed,
    build=build,
)
