"""Keras 3 on JAX: its layers by `stateless_call`, batch-major, as they only come.

On a GPU its LSTM calls cuDNN by itself where it can.
"""

import importlib
import os
import sys

import jax.numpy as jnp

from experiments.bench import forms, on_jax
from experiments.bench.contender import Contender, Peer, missing_package
from experiments.bench.forms import CellName, Weights
from experiments.bench.problem import Point, Problem
from jaxseq.types import Array


LAYERS: dict[CellName, str] = {"lstm": "LSTM", "gru": "GRU", "elman": "SimpleRNN"}


def missing(point: Point) -> str | None:
    if reason := missing_package("keras", "keras"):
        return reason
    # Read once, when Keras is first imported: so it must be set before.
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "jax"
    backend = importlib.import_module("keras").backend.backend()
    return None if backend == "jax" else f"keras was imported with backend {backend}"


def build(problem: Problem) -> Contender:
    keras = importlib.import_module("keras")
    point = problem.point
    make = getattr(keras.layers, LAYERS[point.cell])
    # Its default, orthogonal, knows no bfloat16; the weights are replaced anyway.
    settings = {"return_sequences": True, "recurrent_initializer": "zeros"}
    rnn = make(point.hidden, dtype=point.dtype, **settings)
    rnn.build((point.batch, point.steps, point.hidden))
    rest = [variable.value for variable in rnn.non_trainable_variables]
    layer = on_jax.Layer(
        convert={"lstm": _lstm, "gru": _gru, "elman": _elman}[point.cell],
        apply=lambda weights, xs: rnn.stateless_call(weights, rest, xs)[0],
        layout=on_jax.batch_major,
    )
    return on_jax.contender(problem, layer)


def _lstm(weights: Weights) -> list[Array]:
    U, W, b = (
        forms.reorder(weights[name], forms.LSTM_GATES, "ifgo")
        for name in ("U", "W", "b")
    )
    return [U.T, W.T, b]


def _gru(weights: Weights) -> list[Array]:
    U, W, b = (
        forms.reorder(weights[name], forms.GRU_GATES, "zrn") for name in ("U", "W", "b")
    )
    b_m = weights["b_m"]
    # It adds a bias on both sides of every gate; one of the two would do for z and r.
    inner = jnp.concatenate([jnp.zeros_like(b_m), jnp.zeros_like(b_m), b_m])
    return [U.T, W.T, jnp.stack([b, inner])]


def _elman(weights: Weights) -> list[Array]:
    return [weights["U"].T, weights["W"].T, weights["b"]]


PEER = Peer(
    "keras",
    packages=("keras",),
    forms={"lstm": forms.LSTM, "gru": forms.GRU_AFTER, "elman": forms.ELMAN},
    missing=missing,
    build=build,
)
