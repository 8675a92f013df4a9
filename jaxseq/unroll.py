"""A cell unrolled over time, with its hand-written deltas as the backward pass.

`unroll` runs the loops and the derivation of `jaxseq.bptt`; `unroll_plain` is the same
forward pass as one plain scan, differentiated by JAX. It is what `unroll` is compared
with, and the one to use for forward-mode differentiation.

Masks. `lengths` freezes the state where t ≥ length: the final state is that of the last
valid step, outputs beyond are 0, nothing flows from or to the padding, even if it holds
NaN: what is computed there reads the sequence's own first input, or ones if it has
none. `resets` is true at the first step of a new sequence: this step starts from
`reset_state` (state_0, unless given). In reverse the same positions hold: a reversed
pass restores the state as it enters a sequence from its end.

Differentiation: reverse mode to any order; forward-over-reverse (Hessian-vector
products); `jit`, `vmap`, `jax.checkpoint`, `shard_map`. Forward mode (`jax.jvp`) raises
an error that sends to `unroll_plain`.

Memory. What is kept for the backward pass is chosen from `jaxseq.memory`.

Reference: as `jaxseq.bptt`.
"""

from typing import NamedTuple

import jax

from jaxseq.axes import alike
from jaxseq.bptt import Run
from jaxseq.cells.cell import Cell
from jaxseq.cells.checks import check_cell, check_unroll
from jaxseq.checks import check_flag
from jaxseq.masks import frozen, masks_of, pad, restarted, zero_unless
from jaxseq.memory import Memory, check_memory, gates
from jaxseq.precision import casts
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array, Tree


class Unrolled(NamedTuple):
    """The outputs of a layer, and the state it ends in.

    Attributes:
        ys: `[T, ..., O]` the outputs, 0 beyond a sequence's length.
        state: leaves `[..., ·]`, after the last valid step in the order of reading.
    """

    ys: Array
    state: Tree


def unroll(
    cell: Cell,
    params: Tree,
    state_0: Tree | None,
    xs: Array,
    *,
    lengths: Array | None = None,
    resets: Array | None = None,
    reset_state: Tree | None = None,
    reverse: bool = False,
    memory: Memory = gates,
) -> Unrolled:
    """Unrolls a cell over time; gradients by the cell's hand-written deltas.

    A cell that adds up what it reads, over sequences of 3 steps and of 1:

        >>> from jaxseq.cells import activations, elman
        >>> ones, zeros = jax.numpy.ones, jax.numpy.zeros
        >>> adder = elman.cell(activations.identity)
        >>> params = elman.Params(U=ones((1, 1)), W=ones((1, 1)), b=zeros(1))
        >>> lengths = jax.numpy.array([3, 1])
        >>> ys, state = unroll(adder, params, None, ones((3, 2, 1)), lengths=lengths)
        >>> ys[..., 0].tolist(), state[..., 0].tolist()
        ([[1.0, 1.0], [2.0, 0.0], [3.0, 0.0]], [3.0, 1.0])

    Args:
        cell: the cell; static under `jit`.
        params: its parameters.
        state_0: leaves `[..., ·]`, the state before the first step; differentiable, so
            it can be learned. None for zeros. In float32 beside narrower parameters, it
            makes all states float32: see `jaxseq.precision`.
        xs: `[T, ..., I]` the inputs, T ≥ 0.
        lengths: `[...]` integers, how many steps of each sequence are valid.
        resets: `[T, ...]` bool, where a new sequence begins.
        reset_state: as `state_0`, what `resets` restores; None for `state_0`. Differs
            from it when `state_0` was carried over from an earlier chunk.
        reverse: whether to read from the last step to the first.
        memory: what to keep for the backward pass, one of `jaxseq.memory`. On a CPU,
            with gates and B·H up to 64, `states` is faster too: .77 to 1 of the time.

    Returns:
        The outputs, in the order and the dtype of `xs`, and the final state.

    Raises:
        ValueError: naming the argument, if shapes, dtypes or lengths do not fit.
        TypeError: under `jax.jvp`; `unroll_plain` works there.
    """
    check_flag("reverse", reverse)
    check_cell("cell", cell)
    check_memory("memory", memory, cell)
    run = run_of(cell, params, state_0, xs, lengths, resets, reset_state, reverse)
    run = reverse_only(
        "jaxseq.unroll.unroll",
        "jaxseq.unroll.unroll_plain, with the same arguments",
        run,
    )
    return Unrolled(*memory.run(cell, reverse, run))


def unroll_plain(
    cell: Cell,
    params: Tree,
    state_0: Tree | None,
    xs: Array,
    *,
    lengths: Array | None = None,
    resets: Array | None = None,
    reset_state: Tree | None = None,
    reverse: bool = False,
) -> Unrolled:
    """Unrolls a cell over time by a plain scan; gradients by JAX.

    The clean reference: everything happens in the loop, `delta` and `collect` are not
    used. Arguments, results and errors are those of `unroll`; every transformation of
    JAX works, forward mode included.
    """
    check_flag("reverse", reverse)
    run = run_of(cell, params, state_0, xs, lengths, resets, reset_state, reverse)
    params, state_0, reset_state, xs, masks = run
    narrow, wide = casts(state_0, xs.dtype)
    prepared = cell.prepare(params)

    def body(state_tm1, inputs_t):
        x_t, masks_t = inputs_t
        z_t = jax.tree.map(lambda z: z[0], cell.project(params, x_t[None]))
        state_tm1 = restarted(masks_t.restart, reset_state, state_tm1)
        state_t, _ = cell.step(prepared, state_tm1, wide(z_t))  # (1)
        state_t = frozen(masks_t.valid, state_t, state_tm1)
        return state_t, narrow(cell.output(state_t))  # (2)

    state_T, ys = jax.lax.scan(body, state_0, (xs, masks), reverse=reverse)
    return Unrolled(zero_unless(masks.valid, ys), state_T)


def run_of(
    cell: Cell,
    params: Tree,
    state_0: Tree | None,
    xs: Array,
    lengths: Array | None,
    resets: Array | None,
    reset_state: Tree | None,
    reverse: bool,
) -> Run:
    """Writes arguments, checked, as one pass over a sequence: those of `unroll`.

    Raises:
        ValueError: naming the argument.
    """
    state_0, reset_state = check_unroll(
        cell, params, state_0, xs, lengths, resets, reset_state
    )
    masks = masks_of(xs.shape[0], lengths, resets, reverse)
    run = Run(*alike(params, state_0, reset_state, xs, masks))
    # Once for the whole sequence: a chunk of it may have no valid step of its own.
    return run._replace(xs=pad(run.masks.valid, run.xs))
