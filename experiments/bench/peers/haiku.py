"""Haiku: `dynamic_unroll`, time-major.

Its LSTM adds 1 to the forget gate's pre-activation, its GRU resets before the product
and counts the update gate the other way round, its VanillaRNN is relu.
"""

import importlib
from typing import Any

import jax
import jax.numpy as jnp

from .. import forms, on_jax
from ..contender import Contender, Peer, missing_package
from ..forms import Weights
from ..problem import Point, Problem


def missing(point: Point) -> str | None:
    return missing_package("haiku", "dm-haiku")


def build(problem: Problem) -> Contender:
    hk = importlib.import_module("haiku")
    make, convert = {
        "lstm": (hk.LSTM, _lstm),
        "gru": (hk.GRU, _gru),
        "elman": (lambda hidden: hk.VanillaRNN(hidden, double_bias=False), _elman),
    }[problem.point.cell]

    def layer(xs):
        core = make(problem.point.hidden)
        state_0 = _cast(core.initial_state(problem.point.batch), xs.dtype)
        unroll = on_jax.num_unrolled()
        return hk.dynamic_unroll(core, xs, state_0, time_major=True, unroll=unroll)[0]

    transformed = hk.without_apply_rng(hk.transform(layer))
    return on_jax.contender(problem, on_jax.Layer(convert, transformed.apply))


def _cast(state: Any, dtype: Any) -> Any:
    """Its zero states are float32, whatever the inputs are."""
    return jax.tree.map(lambda leaf: leaf.astype(dtype), state)


def _lstm(weights: Weights) -> dict:
    parts = forms.gates(weights["b"], forms.LSTM_GATES)
    b = jnp.concatenate([parts["i"], parts["g"], parts["f"] - 1, parts["o"]])
    U, W = (
        forms.reorder(weights[name], forms.LSTM_GATES, "igfo") for name in ("U", "W")
    )
    return {"lstm/linear": {"w": jnp.concatenate([U, W], axis=1).T, "b": b}}


def _gru(weights: Weights) -> dict:
    U, W, b = (_update_turned_round(weights[name]) for name in ("U", "W", "b"))
    return {"gru": {"w_i": U.T, "w_h": W.T, "b": b}}


def _update_turned_round(rows: jax.Array) -> jax.Array:
    """1 - σ(a) is σ(-a)."""
    parts = forms.gates(rows, forms.GRU_GATES)
    return jnp.concatenate([-parts["z"], parts["r"], parts["n"]])


def _elman(weights: Weights) -> dict:
    return {
        "vanilla_rnn/linear": {"w": weights["U"].T, "b": weights["b"]},
        "vanilla_rnn/linear_1": {"w": weights["W"].T},
    }


PEER = Peer(
    "haiku",
    packages=("dm-haiku",),
    forms={
        "lstm": forms.LSTM,
        "gru": forms.GRU_BEFORE,
        "elman": forms.ELMAN_RELU,
    },
    missing=missing,
    build=build,
)
