"""Masks over time: which steps are taken, and which start afresh.

`None` stands for a mask that is true (valid) or false (restart) everywhere, and costs
nothing. A mask `[...]` is applied to leaves `[..., ·]` of any rank, time or not.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.types import Array, Tree


class Masks(NamedTuple):
    """Which steps are taken, and which start afresh; None where all do or none.

    Attributes:
        valid: `[T, ...]` bool, which steps are taken.
        restart: `[T, ...]` bool, which start afresh, in the order of reading.
    """

    valid: Array | None
    restart: Array | None


def masks_of(
    num_steps: int, lengths: Array | None, resets: Array | None, reverse: bool
) -> Masks:
    """Writes lengths `[...]` and resets `[T, ...]` as masks of the order of reading.

    Args:
        num_steps: T.
        lengths: `[...]` integers, or None for T.
        resets: `[T, ...]` bool, or None.
        reverse: whether the pass goes from the last step to the first.
    """
    valid = restart = None
    if lengths is not None:
        valid = valid_of(num_steps, lengths)
    if resets is not None:
        restart = jnp.asarray(resets)
        if valid is not None:
            # A reset beyond the end begins nothing, in either order of reading.
            restart = restart & valid
        if reverse:
            # Read backwards, a sequence is entered at its last step.
            restart = jnp.concatenate([restart[1:], jnp.zeros_like(restart[:1])])
    return Masks(valid, restart)


def valid_of(num_steps: int, lengths: Array) -> Array:
    """Returns which steps count, `[T, ...]` bool.

    Args:
        num_steps: T.
        lengths: `[...]` integers.
    """
    steps = jnp.arange(num_steps).reshape(-1, *(1,) * jnp.ndim(lengths))
    lengths = jnp.asarray(lengths).astype(steps.dtype)
    return steps < jnp.broadcast_to(lengths, (1, *jnp.shape(lengths)))


def pad(valid: Array | None, xs: Array) -> Array:
    """Replaces the padding by an input on which a cell is finite: the first, or ones.

    The shape stays `[T, ..., I]`. A NaN there, or a cell that is singular at 0, would
    come back as 0 * NaN.

    Args:
        valid: `[T, ...]` bool, which steps count; None for all.
        xs: `[T, ..., I]` the inputs.
    """
    if valid is None or len(xs) == 0:
        return xs
    first = jnp.where(_align(valid[0], xs[0]), xs[0], jnp.ones_like(xs[0]))
    first = jax.lax.stop_gradient(first)
    return jnp.where(_align(valid, xs), xs, jnp.broadcast_to(first, xs.shape))


def restarted(restart: Array | None, state_0: Tree, state: Tree) -> Tree:
    """Puts state_0 where a new sequence begins.

    Args:
        restart: `[...]` bool, or None for nowhere.
        state_0: leaves `[..., ·]`, the state to start from.
        state: leaves `[..., ·]`, the last state.
    """
    if restart is None:
        return state
    return _where(restart, state_0, state)


def frozen(valid: Array | None, state_t: Tree, state_tm1: Tree) -> Tree:
    """Keeps the last state where the sequence is over.

    Args:
        valid: `[T, ...]` bool, which steps count; None for all.
        state_t: leaves `[..., ·]`, the new state.
        state_tm1: leaves `[..., ·]`, the last state.
    """
    if valid is None:
        return state_t
    return _where(valid, state_t, state_tm1)


def zero_unless(mask: Array | None, tree: Tree) -> Tree:
    """Puts 0 where the mask is false.

    Args:
        mask: `[...]` bool, or None for everywhere.
        tree: leaves `[..., ·]`.
    """
    if mask is None:
        return tree
    return jax.tree.map(
        lambda a: jnp.where(_align(mask, a), a, jnp.zeros_like(a)), tree
    )


def _where(mask, if_true, if_false):
    return jax.tree.map(
        lambda a, b: jnp.where(_align(mask, a), a, b), if_true, if_false
    )


def _align(mask, leaf):
    """Gives a mask `[...]` the rank of a leaf `[..., ·]`, whatever its features."""
    return jnp.broadcast_to(
        mask.reshape(mask.shape + (1,) * (leaf.ndim - mask.ndim)), leaf.shape
    )
