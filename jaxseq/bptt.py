"""Back-propagation through time by hand: the rule behind `jaxseq.unroll.unroll`.

Forward, over t = 1 … T:

    z_t = project(x_t)                         for all t at once, before the loop
    state_t = step(state_{t-1}, z_t)           `lax.scan`                          (1)
    y_t = output(state_t)                                                          (2)

Backward, over t = T … 1, with d_state_T from outside:

    d_state_t += outputᵀ d_y_t                                                     (3)
    d_state_{t-1}, δ_t = delta(d_state_t)      `lax.scan`, emits δ only          (BP2T)
    d_params, d_xs = collect(δ_1 … δ_T)        GEMMs, after the loop     (BP3, BP4, BP5)

`jax.grad` of a scan would carry ∇W through the backward loop and add one small outer
product to it at each step; here the loop carries the state's error alone.

What the deltas need of the forward pass, `Trace`, is kept or computed anew as a `Kept`
says: see `jaxseq.memory`.

References: Werbos, Backpropagation through time: what it does and how to do it,
Proceedings of the IEEE 78, 1990. The names are those of `jaxseq.cells.elman`.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import loop
from jaxseq.cells.cell import Cell, Trace
from jaxseq.masks import Masks, frozen, restarted, zero_unless
from jaxseq.precision import casts
from jaxseq.types import Array, Tree


class Run(NamedTuple):
    """The arguments of one pass over a sequence, without the cell.

    Attributes:
        params: of the cell.
        state_0: leaves `[..., ·]`, the state before the first step.
        reset_state: leaves `[..., ·]`, the state that a reset step starts from.
        xs: `[T, ..., I]` the inputs; where a step is not taken, one that cells are
            finite on, as `jaxseq.masks.pad` has it.
        masks: which steps are taken, and which start afresh.
    """

    params: Tree
    state_0: Tree
    reset_state: Tree
    xs: Array
    masks: Masks


class Kept(NamedTuple):
    """What is kept of the forward pass, and how the rest comes back.

    Attributes:
        keep: `(cell, state_t, tape_t) -> kept_t`, in the forward loop.
        outputs: `(cell, kept) -> ys`, from what was kept of all steps.
        recall: `(cell, reverse, run, kept) -> Trace` of all steps, before the backward
            loop.
    """

    keep: Callable[[Cell, Tree, Tree], Tree]
    outputs: Callable[[Cell, Tree], Array]
    recall: Callable[[Cell, bool, Run, Tree], Trace]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def bptt(kept: Kept, cell: Cell, reverse: bool, run: Run) -> tuple[Array, Tree]:
    """Runs a cell over time, forward; its derivative is BPTT by hand.

    Args:
        kept: what the forward pass keeps for the backward pass.
        cell: the cell.
        reverse: whether to read from the last step to the first.
        run: what it runs on, already checked.

    Returns:
        `[T, ..., O]` the outputs, and the final state.
    """
    del kept  # Nothing is, unless somebody differentiates: that is `_forward`.
    return _run(keep_output, as_kept, cell, reverse, run)[0]


def _forward(kept, cell, reverse, run):
    """Runs forward; returns the result, and what `_backward` needs."""
    return _run(kept.keep, kept.outputs, cell, reverse, run)


def _run(keep, outputs, cell, reverse, run):
    """Runs (1) and (2); returns the result, and the run with what was kept of it."""
    narrow, wide = casts(run.state_0, run.xs.dtype)
    zs = cell.project(run.params, run.xs)
    prepared = cell.prepare(run.params)

    def body(state_tm1, masks_t, z_t):
        state_tm1 = restarted(masks_t.restart, run.reset_state, state_tm1)
        state_t, tape_t = cell.step(prepared, state_tm1, wide(z_t))  # (1)
        state_t = frozen(masks_t.valid, state_t, state_tm1)
        return state_t, narrow(keep(cell, state_t, tape_t))

    state_T, kepts = loop.scan(body, run.state_0, run.masks, zs, reverse=reverse)
    ys = zero_unless(run.masks.valid, outputs(cell, kepts))  # (2)
    return (ys, state_T), (run, kepts)


def _backward(kept, cell, reverse, residuals, d_result):
    """Runs (3), (BP2T), then (BP3), (BP4), (BP5)."""
    run, kepts = residuals
    narrow, wide = casts(run.state_0, run.xs.dtype)
    d_ys, d_state_T = d_result
    d_ys = zero_unless(run.masks.valid, d_ys)
    trace = kept.recall(cell, reverse, run, kepts)
    rows = cell.prepare_delta(run.params)

    def body(carry, inputs_t, tape_t):
        d_state_t, d_reset_state = carry
        d_y_t, trace_t, masks_t = inputs_t
        d_y_t, trace_t = wide((d_y_t, trace_t._replace(tape=tape_t)))
        d_out_t = _transpose(cell.output, trace_t.state, d_y_t)
        d_state_t = _add(d_state_t, d_out_t)  # (3)
        d_state_tm1, delta_t = cell.delta(rows, trace_t, d_state_t)  # (BP2T)
        d_state_tm1 = frozen(masks_t.valid, d_state_tm1, d_state_t)
        delta_t = zero_unless(masks_t.valid, delta_t)
        if masks_t.restart is not None:
            # The step started from reset_state: its error goes there, not further back.
            restored = zero_unless(masks_t.restart, d_state_tm1)
            d_reset_state = _add(d_reset_state, restored)
            d_state_tm1 = zero_unless(~masks_t.restart, d_state_tm1)
        return (d_state_tm1, d_reset_state), narrow(delta_t)

    (d_state_0, d_reset_state), deltas = loop.scan(
        body,
        (d_state_T, jax.tree.map(jnp.zeros_like, run.reset_state)),
        (d_ys, trace._replace(tape=()), run.masks),
        trace.tape,
        reverse=not reverse,
    )
    # (BP3), (BP4), (BP5)
    d_params, d_xs = cell.collect(run.params, run.xs, trace, deltas)
    return (Run(d_params, d_state_0, d_reset_state, d_xs, Masks(None, None)),)


bptt.defvjp(_forward, _backward)


def keep_output(cell: Cell, state_t: Tree, tape_t: Tree) -> Array:
    """Keeps the output of a step, as `Kept.keep`.

    Args:
        cell: the cell.
        state_t: leaves `[..., ·]`.
        tape_t: not kept.

    Returns:
        `[..., O]`.
    """
    del tape_t
    return cell.output(state_t)


def as_kept(cell: Cell, ys: Array) -> Array:
    """Returns the outputs that `keep_output` kept, as `Kept.outputs`.

    Args:
        cell: the cell.
        ys: `[T, ..., O]`.
    """
    del cell
    return ys


def previous(reverse: bool, run: Run, states: Tree) -> Tree:
    """Shifts states `[T, ...]` by one step: what each step started from.

    Args:
        reverse: whether the pass goes from the last step to the first.
        run: the pass.
        states: leaves `[T, ..., ·]`, the states that it led to.
    """
    shifted = jax.tree.map(functools.partial(_shift, reverse), run.state_0, states)
    return restarted(run.masks.restart, _like(run.reset_state, states), shifted)


def _shift(reverse, state_0, states):
    """Puts state_0 before the first of the states, in the order of reading."""
    state_0 = state_0.astype(states.dtype)
    if states.shape[0] == 0:
        return states
    if reverse:
        return jnp.concatenate([states[1:], state_0[None]])
    return jnp.concatenate([state_0[None], states[:-1]])


def _like(state_0, states):
    return jax.tree.map(
        lambda s, ss: jnp.broadcast_to(s, ss.shape).astype(ss.dtype), state_0, states
    )


def _add(tree, other):
    return jax.tree.map(jnp.add, tree, other)


def _transpose(linear, primal, cotangent):
    """Sends a cotangent back through a linear function."""
    return jax.linear_transpose(linear, primal)(cotangent)[0]
