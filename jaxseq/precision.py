"""Narrow weights, wide state: bfloat16 products around a float32 recurrence.

A state that is added to at every step loses in bfloat16 what is smaller than 1/256 of
it. With parameters and inputs of a narrow dtype and `state_0` in float32,

    products     take narrow factors and add up in the state's dtype (`product`)
    elementwise  the rest of a step, and of its deltas, is in the state's dtype
    kept         outputs, gates and deltas are stored narrow, as without it

so the memory and the products are those of the narrow dtype. Where both are the same,
nothing is cast.

Reference: Micikevicius et al., Mixed precision training, ICLR 2018.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxseq.types import Array, DTypeLike, Tree, accumulator


Cast = Callable[[Tree], Tree]


def product(ys: Array, weights: Array) -> Array:
    """Returns ys @ weights with factors in the weights' dtype, sums in that of ys.

    Args:
        ys: `[..., N]`.
        weights: `[N, G]`.

    Returns:
        `[..., G]` in the dtype of `ys`.
    """
    return jnp.matmul(
        ys.astype(weights.dtype), weights, preferred_element_type=ys.dtype
    )


def casts(state: Tree, inputs: DTypeLike) -> tuple[Cast, Cast]:
    """Returns how to cast trees to the dtype of the inputs, and to that of the state.

    Args:
        state: a checked state.
        inputs: the dtype of inputs and parameters.
    """
    wide = state_dtype(state, inputs)
    if wide == inputs:
        return _leave, _leave
    return functools.partial(cast, inputs), functools.partial(cast, wide)


def cast(dtype: DTypeLike, tree: Tree) -> Tree:
    """Casts every floating-point leaf.

    Args:
        dtype: to cast to.
        tree: a tree of arrays.
    """
    return jax.tree.map(
        lambda a: a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.floating) else a, tree
    )


def widened(params: Tree) -> Tree:
    """Casts parameters up, for a loop that casts them down again at each step.

    The loop's transpose then adds up their gradient in float32 at least. In bfloat16 a
    sum stands still once what is added is under 1/256 of it.

    Args:
        params: a tree of arrays.
    """
    return jax.tree.map(lambda a: a.astype(accumulator(a.dtype)), params)


def state_dtype(state: Tree, inputs: DTypeLike) -> jnp.dtype:
    """Returns the dtype of a step: the inputs', or float32 if all of the state is.

    Args:
        state: a tree of arrays.
        inputs: the dtype of inputs and parameters.
    """
    wide = accumulator(inputs)
    dtypes = {getattr(leaf, "dtype", None) for leaf in jax.tree.leaves(state)}
    return wide if dtypes == {wide} else jnp.dtype(inputs)


def _leave(tree: Tree) -> Tree:
    return tree
