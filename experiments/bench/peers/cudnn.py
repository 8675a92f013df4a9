"""`jax.experimental.rnn`: cuDNN's LSTM in JAX, batch-major, float32 on a GPU alone."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import rnn

from jaxseq.cells import lstm
from jaxseq.cudnn import packed
from jaxseq.types import Array

from .. import forms, on_jax
from ..contender import Contender, Peer
from ..forms import Weights
from ..problem import Point, Problem


def missing(point: Point) -> str | None:
    if jax.default_backend() != "gpu":
        return "needs a GPU with cuDNN"
    return None if point.dtype == "float32" else "computes in float32 alone"


def build(problem: Problem) -> Contender:
    batch, hidden = problem.point.batch, problem.point.hidden

    def apply(weights: Array, xs: Array) -> Array:
        zeros = jnp.zeros((1, batch, hidden), xs.dtype)
        lengths = jnp.full((batch,), xs.shape[1], jnp.int32)
        sizes = {"input_size": hidden, "hidden_size": hidden, "num_layers": 1}
        outputs: Any = rnn.lstm(
            *(xs, zeros, zeros, weights, lengths),
            **sizes,
            dropout=0.0,
            bidirectional=False,
        )
        return outputs[0]

    layer = on_jax.Layer(_convert, apply, on_jax.batch_major)
    return on_jax.contender(problem, layer)


def _convert(weights: Weights) -> Array:
    return packed(lstm.Params(**weights))


PEER = Peer(
    "cudnn",
    packages=("jax",),
    forms={"lstm": forms.LSTM},
    missing=missing,
    build=build,
)
