"""Keras 3 on JAX: its layers by `stateless_call`, batch-major, as they only come.

On a GPU its LSTM calls cuDNN by itself where it can.
"""

import importlib
import os
import sys

from jaxseq.interop import keras as interop

from .. import forms, on_jax
from ..contender import Contender, Peer, missing_package
from ..forms import CellName
from ..problem import Point, Problem


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
    point, form = problem.point, problem.form
    make = getattr(keras.layers, LAYERS[point.cell])
    # Its default, orthogonal, knows no bfloat16; the weights are replaced anyway.
    settings = {"return_sequences": True, "recurrent_initializer": "zeros"}
    rnn = make(point.hidden, dtype=point.dtype, **settings)
    rnn.build((point.batch, point.steps, point.hidden))
    rest = [variable.value for variable in rnn.non_trainable_variables]
    layer = on_jax.Layer(
        convert=lambda weights: interop.write(form.cell, forms.params(form, weights)),
        apply=lambda weights, xs: rnn.stateless_call(weights, rest, xs)[0],
        layout=on_jax.batch_major,
    )
    return on_jax.contender(problem, layer)


PEER = Peer(
    "keras",
    packages=("keras",),
    forms={"lstm": forms.LSTM, "gru": forms.GRU_AFTER, "elman": forms.ELMAN},
    missing=missing,
    build=build,
)
