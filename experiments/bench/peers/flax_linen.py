"""Flax linen: `nn.RNN`, time-major, over the faster cell where there are two."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from experiments.bench import forms, on_jax
from experiments.bench.contender import Contender, Peer, installed
from experiments.bench.forms import CellName, Weights
from experiments.bench.problem import Problem


CELLS: dict[CellName, Callable[..., Any]] = {
    "lstm": nn.OptimizedLSTMCell,
    "gru": nn.GRUCell,
    "elman": nn.SimpleCell,
}


def build(problem: Problem) -> Contender:
    point = problem.point
    dtype = jnp.dtype(point.dtype)
    cell = CELLS[point.cell](point.hidden, dtype=dtype, param_dtype=dtype)
    rnn = nn.RNN(cell, time_major=True)
    convert = {"lstm": _lstm, "gru": _gru, "elman": _elman}[point.cell]
    layer = on_jax.Layer(
        convert=lambda weights: {"params": {"cell": convert(weights)}},
        apply=lambda variables, xs: rnn.apply(variables, xs),
    )
    return on_jax.contender(problem, layer)


def _lstm(weights: Weights) -> dict:
    U, W, b = (forms.gates(weights[name], forms.LSTM_GATES) for name in ("U", "W", "b"))
    kernels = {f"i{gate}": {"kernel": U[gate].T} for gate in U}
    return kernels | {f"h{gate}": {"kernel": W[gate].T, "bias": b[gate]} for gate in W}


def _gru(weights: Weights) -> dict:
    U, W, b = (forms.gates(weights[name], forms.GRU_GATES) for name in ("U", "W", "b"))
    kernels = {f"i{gate}": {"kernel": U[gate].T, "bias": b[gate]} for gate in U}
    kernels |= {f"h{gate}": {"kernel": W[gate].T} for gate in W}
    kernels["hn"]["bias"] = weights["b_m"]
    return kernels


def _elman(weights: Weights) -> dict:
    inputs = {"kernel": weights["U"].T, "bias": weights["b"]}
    return {"i": inputs, "h": {"kernel": weights["W"].T}}


PEER = Peer(
    "flax-linen",
    packages=("flax",),
    forms={"lstm": forms.LSTM, "gru": forms.GRU_AFTER, "elman": forms.ELMAN},
    missing=installed,
    build=build,
)
