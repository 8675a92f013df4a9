"""A scan that writes what it emits over what it has read.

`jax.lax.scan` puts what its body emits into new arrays, which it first fills with
zeros. Back-propagation through time need not: once step t has read z_t, its place may
hold the gates of step t, and once the backward pass has read those, δ_t. So one array
`[T, ..., G]` is first the projected inputs, then the gates, then the deltas; memory
that is never touched costs no time either.

What is written over is gone inside this loop only: JAX's arrays do not change, and XLA
copies one first that is wanted later.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxseq.types import Tree


def scan(
    body: Callable[[Tree, Tree, Tree], tuple[Tree, Tree]],
    carry: Tree,
    xs: Tree,
    spent: Tree,
    *,
    reverse: bool = False,
) -> tuple[Tree, Tree]:
    """Runs `lax.scan`, writing over arrays that nobody needs afterwards.

    Args:
        body: `(carry, x_t, spent_t) -> (carry, emitted_t)`.
        carry: the first one.
        xs: leaves `[T, ...]`, read only.
        spent: leaves `[T, ...]`, at least one; read, then written over by the leaves
            that are emitted: each by the first of its shape and dtype, if any.
        reverse: whether to go from the last step to the first.

    Returns:
        The last carry, and what was emitted, stacked `[T, ...]`.
    """
    buffers, spent_tree = jax.tree.flatten(spent)
    num_steps = len(buffers[0])
    if num_steps == 0:
        return jax.lax.scan(
            lambda carry, inputs: body(carry, *inputs),
            carry,
            (xs, spent),
            reverse=reverse,
        )
    _, emitted = jax.eval_shape(body, carry, *jax.tree.map(_first, (xs, spent)))
    emitted, emitted_tree = jax.tree.flatten(emitted)
    places = _places(emitted, buffers)

    def step(carry, inputs):
        state, buffers, spent_t = carry
        t, x_t = inputs
        state, emitted_t = body(state, x_t, spent_tree.unflatten(spent_t))
        buffers, kept = list(buffers), []
        for leaf, place in zip(jax.tree.leaves(emitted_t), places, strict=True):
            if place is None:
                kept.append(leaf)
            else:
                buffers[place] = _put(buffers[place], leaf, t)
        # Read ahead, after the writing: XLA then sees that one buffer is enough.
        # Reading at t as well would make it copy the whole buffer at each step.
        t_next = jnp.maximum(t - 1, 0) if reverse else jnp.minimum(t + 1, num_steps - 1)
        return (state, buffers, [_at(b, t_next) for b in buffers]), kept

    start = num_steps - 1 if reverse else 0
    carry = (carry, buffers, [buffer[start] for buffer in buffers])
    steps = jnp.arange(num_steps)
    (carry, buffers, _), kept = jax.lax.scan(step, carry, (steps, xs), reverse=reverse)
    kept = iter(kept)
    stacked = [next(kept) if p is None else buffers[p] for p in places]
    return carry, emitted_tree.unflatten(stacked)


def _places(emitted, buffers):
    """Finds for each emitted leaf the first free buffer of its kind, or None."""
    free = {place: jax.typeof(buffer) for place, buffer in enumerate(buffers)}
    places = []
    for leaf in emitted:
        fitting = (
            place
            for place, buffer in free.items()
            if buffer.shape[1:] == leaf.shape and buffer.dtype == leaf.dtype
        )
        places.append(next(fitting, None))
        free.pop(places[-1], None)
    return places


def _first(stacked):
    return stacked[0]


_at = functools.partial(jax.lax.dynamic_index_in_dim, axis=0, keepdims=False)
_put = functools.partial(jax.lax.dynamic_update_index_in_dim, axis=0)
