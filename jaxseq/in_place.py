"""A scan that writes what it emits over what it has read.

`jax.lax.scan` puts what its body emits into new arrays, which it first fills with
zeros. Back-propagation through time need not: once step t has read z_t, its place may
hold the gates of step t, and once the backward pass has read those, δ_t. So one array
`[T, ..., G]` is first the projected inputs, then the gates, then the deltas; memory
that is never touched costs no time either. Who wants the outputs alone has them in the
first columns of the projected inputs.

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
            emitted: each by the first of its shape and dtype, if any. If each of the
            others fits the first columns of one, by these.
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
    stacked = [
        next(kept) if p is None else _columns(buffers[p], leaf)
        for leaf, p in zip(emitted_leaves, places, strict=True)
    ]
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
    """Finds for each emitted leaf the first free buffer that it fits, or None."""
    just_right = _taken([None] * len(emitted), emitted, buffers, _fills)
    # A loop that makes a new array all the same gains nothing by a narrower leaf.
    narrower = _taken(just_right, emitted, buffers, _is_narrower)
    return just_right if None in narrower else narrower


def _taken(places, emitted, buffers, fits):
    """Adds places for the leaves that have none."""
    free = {p: buffer for p, buffer in enumerate(buffers) if p not in places}
    found = []
    for place, leaf in zip(places, emitted, strict=True):
        if place is None:
            fitting = [p for p, buffer in free.items() if fits(leaf, buffer)]
            if fitting:
                place = fitting[0]
                del free[place]
        found.append(place)
    return found


def _fills(leaf, buffer):
    return buffer.shape[1:] == leaf.shape and buffer.dtype == leaf.dtype


def _is_narrower(leaf, buffer):
    *axes, columns = buffer.shape[1:] or (0,)
    *own_axes, own_columns = leaf.shape or (0,)
    is_alike = own_axes == axes and leaf.ndim == buffer.ndim - 1
    return is_alike and own_columns < columns and buffer.dtype == leaf.dtype


def _columns(buffer, leaf):
    """Returns the columns that were written over."""
    return buffer if _fills(leaf, buffer) else buffer[..., : leaf.shape[-1]]


_at = functools.partial(jax.lax.dynamic_index_in_dim, axis=0, keepdims=False)
_put = functools.partial(jax.lax.dynamic_update_index_in_dim, axis=0)
