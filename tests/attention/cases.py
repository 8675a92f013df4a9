"""Arguments of attention at random, and both forms of it from scratch."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.attention import additive, dot, general
from jaxseq.attention.attend import attend, attend_plain
from jaxseq.attention.memory import remember, remember_plain


SCORES = {
    "dot": dot.score(0.7),
    "general": general.score(),
    "additive": additive.score(6),
}
NUM_HIDDEN, NUM_VALUES = 3, 2
PARAMS = {  # shapes
    "dot": (),
    "general": general.Params(W=(3, 4)),
    "additive": additive.Params(W=(6, 3), U=(6, 4), b=(6,), v=(6,)),
}
every_score = pytest.mark.parametrize("name", SCORES)
# Where compiling takes long: the score that has all there is in the others.
every_score_in_time = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) for n in SCORES if n != "additive"]
    + ["additive"],
)


class Arguments(NamedTuple):
    """What attention differentiates."""

    params: tuple
    queries: np.ndarray  # [*lead, *batch, H]
    encoded: np.ndarray  # [M, *batch, D]
    values: np.ndarray  # [M, *batch, N]


def draw(name, lead=(5,), batch=(3,), num_positions=4, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    num_memory = NUM_HIDDEN if name == "dot" else 4
    shapes = Arguments(
        params=PARAMS[name],
        queries=(*lead, *batch, NUM_HIDDEN),
        encoded=(num_positions, *batch, num_memory),
        values=(num_positions, *batch, NUM_VALUES),
    )
    # By NumPy, as operations of JAX by themselves would be compiled for each shape.
    return jax.tree.map(
        lambda shape: jnp.asarray(rng.normal(size=shape).astype(dtype)),
        shapes,
        is_leaf=lambda shape: (
            isinstance(shape, tuple) and set(map(type, shape)) == {int}
        ),
    )


def draw_mask(batch=(3,), num_positions=4, seed=0):
    """About two in three positions count; in the first sequence none does."""
    mask = np.random.default_rng(seed).random((num_positions, *batch)) < 0.7
    if batch and 0 not in batch:
        mask[(slice(None), *(0,) * len(batch))] = False
    return mask


@functools.partial(jax.jit, static_argnums=0)
def by_hand(name, params, queries, encoded, values, mask=None):
    memory = remember(SCORES[name], params, encoded, values, mask)
    return attend(SCORES[name], params, queries, memory)


@functools.partial(jax.jit, static_argnums=0)
def by_autodiff(name, params, queries, encoded, values, mask=None):
    memory = remember_plain(SCORES[name], params, encoded, values, mask)
    return attend_plain(SCORES[name], params, queries, memory)


def value_and_gradients(form, name, args, mask=None):
    """Returns what attention returns, and the gradients along a random direction."""
    rng = np.random.default_rng(1)
    steps, num_positions = args[1].shape[:-1], len(args[2])
    d_contexts = rng.normal(size=(*steps, args[3].shape[-1]))
    d_weights = rng.normal(size=(*steps, num_positions))
    return _value_and_gradients(form, name, args, mask, (d_contexts, d_weights))


# Compiled once for all masks, seeds and blanks of a shape.
@functools.partial(jax.jit, static_argnums=(0, 1))
def _value_and_gradients(form, name, args, mask, directions):
    def along(args):
        attended = form(name, *args, mask)
        total = sum(
            jnp.sum(w * a.astype(jnp.float64))
            for w, a in zip(directions, attended, strict=True)
        )
        return total, attended

    gradients, attended = jax.grad(along, has_aux=True)(args)
    return attended, gradients


def assert_close(got, wanted, tolerance=1e-12):
    """Compares trees leaf by leaf, relative to the largest entry of each."""
    assert jax.tree.structure(got) == jax.tree.structure(wanted)
    pairs = zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True)
    for a, b in pairs:
        assert a.dtype == b.dtype
        scale = np.max(np.abs(b), initial=1e-3)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * float(scale))
