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
        spent: leaves `[T, ...]`, read, then written over by the leaves that are
            emitted: each by the first of its shape and dtype, if any.
        reverse: whether to go from the last step to the first.

    Returns:
        The last carry, and what was emitted, stacked `[T, ...]`.
    """
    leaves, spent_tree = jax.tree.flatten(spent)
    if not leaves or len(leaves[0]) == 0:
        return _scan(body, carry, xs, spent, reverse)
    emitted = _emitted(body, carry, xs, spent)
    emitted_leaves, emitted_tree = jax.tree.flatten(emitted)
    places = _places(emitted_leaves, leaves)
    buffers = {place: leaves[place] for place in places if place is not None}
    if not buffers:
        return _scan(body, carry, xs, spent, reverse)
    num_steps = len(leaves[0])
    others = {n: leaf for n, leaf in enumerate(leaves) if n not in buffers}

    def step(carry, inputs):
        carry, buffers, read = carry
        t, x_t, others_t = inputs
        spent_t = [(read | others_t)[n] for n in range(len(leaves))]
        carry, emitted_t = body(carry, x_t, spent_tree.unflatten(spent_t))
        emitted_t = jax.tree.leaves(emitted_t)
        buffers = {
            place: _put(buffers[place], leaf, t)
            for leaf, place in zip(emitted_t, places, strict=True)
            if place is not None
        }
        # Read ahead, after the writing: XLA then sees that one buffer is enough.
        # Reading at t as well would make it copy the whole buffer at each step.
        t_next = jnp.maximum(t - 1, 0) if reverse else jnp.minimum(t + 1, num_steps - 1)
        read = {place: _at(buffer, t_next) for place, buffer in buffers.items()}
        kept = [leaf for leaf, p in zip(emitted_t, places, strict=True) if p is None]
        return (carry, buffers, read), kept

    start = num_steps - 1 if reverse else 0
    read = {place: buffer[start] for place, buffer in buffers.items()}
    (carry, buffers, _), kept = jax.lax.scan(
        step,
        (carry, buffers, read),
        (jnp.arange(num_steps), xs, others),
        reverse=reverse,
    )
    kept = iter(kept)
    stacked = [next(kept) if p is None else buffers[p] for p in places]
    return carry, emitted_tree.unflatten(stacked)


def _emitted(body, carry, xs, spent):
    """Finds the shapes of what one step emits."""

    def first_step(carry, inputs):
        return body(carry, *jax.tree.map(lambda leaf: leaf[0], inputs))[1]

    return jax.eval_shape(first_step, carry, (xs, spent))


def _scan(body, carry, xs, spent, reverse):
    """Scans without writing over anything."""
    return jax.lax.scan(
        lambda carry, inputs: body(carry, *inputs), carry, (xs, spent), reverse=reverse
    )


def _places(emitted, buffers):
    """Finds for each emitted leaf the first free buffer of its kind, or None."""
    free = dict(enumerate(buffers))
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


_at = functools.partial(jax.lax.dynamic_index_in_dim, axis=0, keepdims=False)
_put = functools.partial(jax.lax.dynamic_update_index_in_dim, axis=0)
