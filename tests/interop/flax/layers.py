"""The same recurrent layer by Flax and by jaxseq, as functions of parameters."""

import contextlib
import functools
from collections.abc import Callable
from typing import NamedTuple

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx as flax_nnx

from jaxseq.interop.flax import linen, nnx


NUM_STEPS, BATCH, NUM_INPUTS, NUM_HIDDEN = 6, 3, 2, 4
CELLS = ("LSTMCell", "OptimizedLSTMCell", "GRUCell", "SimpleCell")
KINDS = [(api, cell) for api in ("linen", "nnx") for cell in CELLS]
# The layouts differ, the rest is one: two kinds tell most, the others take their time.
QUICK = (("linen", "GRUCell"), ("nnx", "OptimizedLSTMCell"))
KINDS_SLOWLY = [
    pytest.param(*kind, marks=() if kind in QUICK else pytest.mark.slow)
    for kind in KINDS
]


class Layer(NamedTuple):
    """A layer of one library: parameters, drawn at random, and how it is called."""

    params: dict
    apply: Callable  # (params, inputs, **options of RNN's call)
    module: object


def linen_layer(library, cell, dtype, **options):
    """Makes `nn.RNN(nn.Cell(H))`."""
    cell = getattr(library, cell)(NUM_HIDDEN, param_dtype=dtype)
    module = library.RNN(cell, **options)
    shape = module.time_major and (NUM_STEPS, BATCH) or (BATCH, NUM_STEPS)
    like = jnp.zeros((*shape, NUM_INPUTS), dtype)
    like = jax.eval_shape(module.init, jax.random.key(0), like)

    def apply(params, inputs, **options):
        return module.apply({"params": params}, inputs, **options)

    return Layer(random_like(like["params"]), apply, module)


def nnx_layer(library, cell, dtype, **options):
    """Makes `nnx.RNN(nnx.Cell(I, H))`."""
    make = getattr(library, cell)
    make = functools.partial(make, NUM_INPUTS, NUM_HIDDEN, rngs=library.Rngs(0))
    zeros = library.initializers.zeros_init()  # drawn quickly
    make = functools.partial(make, kernel_init=zeros, recurrent_kernel_init=zeros)
    module = library.RNN(make(dtype=dtype, param_dtype=dtype), **options)
    graph, params, rest = library.split(module, library.Param, ...)

    def apply(params, inputs, **options):
        layer = library.merge(graph, params, rest, copy=True)
        return layer(inputs, **options)

    return Layer(random_like(params), apply, module)


LIBRARIES = {
    "linen": (linen_layer, linen, flax.linen),
    "nnx": (nnx_layer, nnx, flax_nnx),
}


@functools.cache
def ours_and_flaxs(api, cell, dtype=jnp.float64, **options):
    """Makes the layer of both, with the same arguments."""
    make, *libraries = LIBRARIES[api]
    return [make(library, cell, dtype, **options) for library in libraries]


def run(layer, params, inputs, **options):
    """Applies a layer, compiled: quicker than one operation after the other."""
    carry = options.pop("initial_carry", None)

    def apply(params, carry, inputs):
        return layer.apply(params, inputs, initial_carry=carry, **options)

    return jax.jit(apply)(params, carry, inputs)


def random_like(tree, seed=0, scale=0.7):
    """Draws a tree of the same shapes and dtypes."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda a: jnp.asarray(scale * rng.normal(size=a.shape), a.dtype), tree
    )


def carry_like(cell, batch=(BATCH,), dtype=jnp.float64, seed=1):
    """Draws a carry of Flax's: (c, h) for an LSTM."""
    h = jnp.zeros((*batch, NUM_HIDDEN), dtype)
    return random_like((h, h) if "LSTM" in cell else h, seed)


def draw_inputs(shape, dtype=jnp.float64, seed=2):
    return random_like(jnp.zeros((*shape, NUM_INPUTS), dtype), seed)


def assert_equal(ours, flaxs, tolerance):
    """Compares trees, leaf by leaf, relative to the largest of a leaf's values."""
    assert jax.tree.structure(ours) == jax.tree.structure(flaxs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(flaxs), strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        largest = np.abs(b).max(initial=0)
        assert np.abs(a - b).max(initial=0) <= tolerance * max(largest, 1)


@contextlib.contextmanager
def lax_dtypes():
    """Lets dtypes mix, as optax does, and Flax's cells with a narrow `dtype`."""
    with jax.numpy_dtype_promotion("standard"):
        yield
