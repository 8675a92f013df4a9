"""Truncated back-propagation through time: in chunks, with the state carried.

The sequence is cut into chunks of k steps. States go from chunk to chunk, errors do
not:

    state_{jk} = stop_gradient(unroll(steps (j-1)k + 1 … jk))       j = 1, 2, …   (1)

so that ∂L_t/∂θ counts the steps since the last cut only. With k ≥ T it is the whole
gradient. Each chunk's gradient is formed by the deltas of `jaxseq.unroll`; the error of
the initial state is that of the first chunk.

Reference:
    Williams, Peng, An efficient gradient-based algorithm for on-line training of
    recurrent network trajectories, Neural Computation 2, 1990: BPTT(h; h') with
    h = h' = k.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxseq.axes import alike
from jaxseq.cells.cell import Cell
from jaxseq.cells.checks import check_unroll
from jaxseq.checks import check_count, check_function
from jaxseq.precision import cast, widened
from jaxseq.types import Array, Tree
from jaxseq.unroll import Unrolled, unroll as unroll_by_deltas


def unroll_truncated(
    cell: Cell,
    params: Tree,
    state_0: Tree | None,
    xs: Array,
    num_steps: int,
    *,
    lengths: Array | None = None,
    resets: Array | None = None,
    reset_state: Tree | None = None,
    unroll: Callable[..., Unrolled] = unroll_by_deltas,
) -> Unrolled:
    """Unrolls a cell over time, with errors cut every `num_steps` steps, eq. (1).

    Args:
        cell: the cell; static under `jit`.
        params: its parameters.
        state_0: as in `jaxseq.unroll.unroll`.
        xs: `[T, ..., I]` the inputs; T need not be a multiple of `num_steps`.
        num_steps: k, the steps of a chunk.
        lengths: `[...]` integers, how many steps of each sequence are valid.
        resets: `[T, ...]` bool, where a new sequence begins.
        reset_state: as in `jaxseq.unroll.unroll`: what `resets` restores in any chunk;
            its error comes from all of them.
        unroll: `unroll` or `unroll_plain` of `jaxseq.unroll`.

    Returns:
        The outputs and the final state: those of `unroll`, only the gradient differs.

    Raises:
        ValueError: naming the argument.
    """
    state_0, reset_state = check_unroll(
        cell, params, state_0, xs, lengths, resets, reset_state
    )
    # All of them here: `unroll` would mark the weights in the loop over the chunks.
    params, state_0, reset_state, xs, lengths, resets = alike(
        params, state_0, reset_state, xs, lengths, resets
    )
    check_count("num_steps", num_steps)
    check_function("unroll", unroll)
    num_chunks, num_left = divmod(xs.shape[0], num_steps)
    wide = widened(params)

    def run(state, chunk):
        xs_chunk, resets_chunk, start = chunk
        lengths_left = None
        if lengths is not None:
            left = jnp.asarray(lengths).astype(starts.dtype) - start
            lengths_left = jnp.clip(left, 0, xs_chunk.shape[0])
        masks = {"lengths": lengths_left, "resets": resets_chunk}
        narrow = cast(xs.dtype, wide)
        return unroll(cell, narrow, state, xs_chunk, reset_state=reset_state, **masks)

    def body(state, numbered):
        j, chunk = numbered
        held = jax.lax.stop_gradient(state)
        # The first chunk starts from state_0, whose error is wanted.
        state = jax.tree.map(lambda s, h: jnp.where(j == 0, s, h), state, held)
        ys, state = run(state, chunk)  # (1)
        return state, ys

    num_whole = num_chunks * num_steps
    whole, left = _cut(xs, resets, num_whole)
    chunks = jax.tree.map(lambda a: a.reshape(-1, num_steps, *a.shape[1:]), whole)
    starts = jnp.arange(num_chunks) * num_steps
    numbered = (jnp.arange(num_chunks), (*chunks, starts))
    state, ys = jax.lax.scan(body, state_0, numbered)
    ys = ys.reshape(num_whole, *ys.shape[2:])
    if num_left > 0:
        state = jax.lax.stop_gradient(state) if num_chunks > 0 else state
        ys_left, state = run(state, (*left, num_whole))
        ys = jnp.concatenate([ys, ys_left])
    return Unrolled(ys, state)


def _cut(xs, resets, step):
    """Cuts inputs and resets in two, before and from a step on."""
    arrays = (xs, None if resets is None else jnp.asarray(resets))
    before = jax.tree.map(lambda a: a[:step], arrays)
    after = jax.tree.map(lambda a: a[step:], arrays)
    return before, after
