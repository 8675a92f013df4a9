"""A cell unrolled over time, with its hand-written deltas as the backward pass.

Forward, over t = 1 … T:

    z_t = project(x_t)                         for all t at once, before the loop
    state_t = step(state_{t-1}, z_t)           `lax.scan`                          (1)
    y_t = output(state_t)                                                          (2)

Backward, over t = T … 1, with d_state_T from outside:

    d_state_t += outputᵀ d_y_t                                                    (BP2)
    d_state_{t-1}, δ_t = delta(d_state_t)      `lax.scan`, emits δ only          (BP2T)
    d_params, d_xs = collect(δ_1 … δ_T)        GEMMs, after the loop     (BP3, BP4, BP5)

`jax.grad` of a scan would carry ∇W through the backward loop and add one small outer
product to it at each step; here the loop carries the state's error alone. The plain
form is kept as `unroll_plain`: it is what `unroll` is compared with, and the one to use
for forward-mode differentiation.

Masks. `lengths` freezes the state where t ≥ length: the final state is that of the last
valid step, outputs beyond are 0, nothing flows from or to the padding, even if it holds
NaN: what is computed there reads the sequence's own first input, or ones if it has
none. `resets` is true at the first step of a new sequence: this step starts from
`reset_state` (state_0, unless given). In reverse the same positions hold: a reversed
pass restores the state as it enters a sequence from its end.

Differentiation: reverse mode to any order; forward-over-reverse (Hessian-vector
products); `jit`, `vmap`, `jax.checkpoint`, `shard_map`. Forward mode (`jax.jvp`) raises
an error that sends to `unroll_plain`.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import in_place
from jaxseq.axes import alike
from jaxseq.cells.cell import Cell, Trace
from jaxseq.checks import check_flag, check_unroll
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array, Tree


class Unrolled(NamedTuple):
    """The outputs of a layer, and the state it ends in."""

    ys: Array  # [T, ..., O]
    state: Tree  # leaves [..., ·]: after the last valid step in the order of reading


class _Masks(NamedTuple):
    """Which steps are taken, and which start afresh; None where all do or none."""

    valid: Array | None  # [T, ...] bool
    restart: Array | None  # [T, ...] bool, in the order of reading


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
) -> Unrolled:
    """Unrolls a cell over time; gradients by the cell's hand-written deltas.

    Args:
        cell: the cell; static under `jit`.
        params: its parameters.
        state_0: leaves `[..., ·]`, the state before the first step; differentiable, so
            it can be learned. None for zeros.
        xs: `[T, ..., I]` the inputs, T ≥ 0.
        lengths: `[...]` integers, how many steps of each sequence are valid.
        resets: `[T, ...]` bool, where a new sequence begins.
        reset_state: as `state_0`, what `resets` restores; None for `state_0`. Differs
            from it when `state_0` was carried over from an earlier chunk.
        reverse: whether to read from the last step to the first.

    Returns:
        The outputs, in the order of `xs`, and the final state.

    Raises:
        ValueError: naming the argument, if shapes, dtypes or lengths do not fit.
        TypeError: under `jax.jvp`; `unroll_plain` works there.
    """
    check_flag("reverse", reverse)
    state_0, reset_state = check_unroll(
        cell, params, state_0, xs, lengths, resets, reset_state
    )
    masks = _masks(xs.shape[0], lengths, resets, reverse)
    params, state_0, reset_state, xs, masks = alike(
        params, state_0, reset_state, xs, masks
    )
    marked = reverse_only(
        "jaxseq.unroll.unroll",
        "jaxseq.unroll.unroll_plain, with the same arguments",
        *(params, state_0, reset_state, xs),
    )
    return _unroll(cell, reverse, *marked, masks)


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
    state_0, reset_state = check_unroll(
        cell, params, state_0, xs, lengths, resets, reset_state
    )
    masks = _masks(xs.shape[0], lengths, resets, reverse)
    params, state_0, reset_state, xs, masks = alike(
        params, state_0, reset_state, xs, masks
    )
    xs = _pad(masks.valid, xs)
    prepared = cell.prepare(params)

    def body(state_tm1, inputs_t):
        x_t, masks_t = inputs_t
        z_t = jax.tree.map(lambda z: z[0], cell.project(params, x_t[None]))
        state_tm1 = _restart(masks_t.restart, reset_state, state_tm1)
        state_t, _ = cell.step(prepared, state_tm1, z_t)  # (1)
        state_t = _freeze(masks_t.valid, state_t, state_tm1)
        return state_t, cell.output(state_t)  # (2)

    state_T, ys = jax.lax.scan(body, state_0, (xs, masks), reverse=reverse)
    return Unrolled(_zero_unless(masks.valid, ys), state_T)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _unroll(cell, reverse, params, state_0, reset_state, xs, masks):
    return _forward(cell, reverse, params, state_0, reset_state, xs, masks)[0]


def _forward(cell, reverse, params, state_0, reset_state, xs, masks):
    """Runs (1) and (2); returns the result, and what `_backward` needs."""
    xs = _pad(masks.valid, xs)
    zs = cell.project(params, xs)
    prepared = cell.prepare(params)

    def body(state_tm1, masks_t, z_t):
        state_tm1 = _restart(masks_t.restart, reset_state, state_tm1)
        state_t, tape_t = cell.step(prepared, state_tm1, z_t)  # (1)
        state_t = _freeze(masks_t.valid, state_t, state_tm1)
        return state_t, (state_t, tape_t)

    state_T, (states, tapes) = in_place.scan(body, state_0, masks, zs, reverse=reverse)
    ys = _zero_unless(masks.valid, cell.output(states))  # (2)
    residuals = (params, state_0, reset_state, xs, masks, states, tapes)
    return Unrolled(ys, state_T), residuals


def _backward(cell, reverse, residuals, d_result):
    """Runs (BP2), (BP2T), then (BP3), (BP4), (BP5)."""
    params, state_0, reset_state, xs, masks, states, tapes = residuals
    states_tm1 = jax.tree.map(functools.partial(_previous, reverse), state_0, states)
    states_tm1 = _restart(masks.restart, _like(reset_state, states), states_tm1)
    zs = cell.project(params, xs)
    d_ys = _zero_unless(masks.valid, d_result.ys)

    def body(carry, inputs_t, tape_t):
        d_state_t, d_reset_state = carry
        d_y_t, z_t, state_tm1, state_t, masks_t = inputs_t
        d_state_t = _add(d_state_t, _transpose(cell.output, state_t, d_y_t))
        trace_t = Trace(z_t, state_tm1, state_t, tape_t)
        d_state_tm1, delta_t = cell.delta(params, trace_t, d_state_t)  # (BP2T)
        d_state_tm1 = _freeze(masks_t.valid, d_state_tm1, d_state_t)
        delta_t = _zero_unless(masks_t.valid, delta_t)
        if masks_t.restart is not None:
            # The step started from reset_state: its error goes there, not further back.
            restored = _zero_unless(masks_t.restart, d_state_tm1)
            d_reset_state = _add(d_reset_state, restored)
            d_state_tm1 = _zero_unless(~masks_t.restart, d_state_tm1)
        return (d_state_tm1, d_reset_state), delta_t

    carry_T = (d_result.state, jax.tree.map(jnp.zeros_like, reset_state))
    (d_state_0, d_reset_state), deltas = in_place.scan(
        body,
        carry_T,
        (d_ys, zs, states_tm1, states, masks),
        tapes,
        reverse=not reverse,
    )
    trace = Trace(zs, states_tm1, states, tapes)
    d_params, d_xs = cell.collect(params, xs, trace, deltas)  # (BP3), (BP4), (BP5)
    return d_params, d_state_0, d_reset_state, d_xs, None


_unroll.defvjp(_forward, _backward)


def _masks(num_steps, lengths, resets, reverse):
    """Writes lengths and resets as masks of the order of reading."""
    valid = restart = None
    if lengths is not None:
        steps = jnp.arange(num_steps).reshape(-1, *(1,) * jnp.ndim(lengths))
        lengths = jnp.asarray(lengths).astype(steps.dtype)
        valid = steps < jnp.broadcast_to(lengths, (1, *jnp.shape(lengths)))
    if resets is not None:
        restart = jnp.asarray(resets)
        if valid is not None:
            # A reset beyond the end begins nothing, in either order of reading.
            restart = restart & valid
        if reverse:
            # Read backwards, a sequence is entered at its last step.
            restart = jnp.concatenate([restart[1:], jnp.zeros_like(restart[:1])])
    return _Masks(valid, restart)


def _pad(valid, xs):
    """Replaces the padding by an input on which a cell is finite: the first, or ones.

    A NaN there, or a cell that is singular at 0, would come back as 0 * NaN.
    """
    if valid is None or len(xs) == 0:
        return xs
    first = jnp.where(_align(valid[0], xs[0]), xs[0], jnp.ones_like(xs[0]))
    first = jax.lax.stop_gradient(first)
    return jnp.where(_align(valid, xs), xs, jnp.broadcast_to(first, xs.shape))


def _previous(reverse, state_0, states):
    """Shifts `[T, ...]` by one step: the state that each step started from."""
    if states.shape[0] == 0:
        return states
    if reverse:
        return jnp.concatenate([states[1:], state_0[None]])
    return jnp.concatenate([state_0[None], states[:-1]])


def _like(state_0, states):
    return jax.tree.map(lambda s, ss: jnp.broadcast_to(s, ss.shape), state_0, states)


def _align(mask, leaf):
    """Gives a mask `[...]` the rank of a leaf `[..., ·]`, whatever its features."""
    return jnp.broadcast_to(
        mask.reshape(mask.shape + (1,) * (leaf.ndim - mask.ndim)), leaf.shape
    )


def _restart(restart, state_0, state):
    """Puts state_0 where a new sequence begins."""
    if restart is None:
        return state
    return _where(restart, state_0, state)


def _freeze(valid, state_t, state_tm1):
    """Keeps the last state where the sequence is over."""
    if valid is None:
        return state_t
    return _where(valid, state_t, state_tm1)


def _where(mask, if_true, if_false):
    return jax.tree.map(
        lambda a, b: jnp.where(_align(mask, a), a, b), if_true, if_false
    )


def _zero_unless(mask, tree):
    if mask is None:
        return tree
    return jax.tree.map(
        lambda a: jnp.where(_align(mask, a), a, jnp.zeros_like(a)), tree
    )


def _add(tree, other):
    return jax.tree.map(jnp.add, tree, other)


def _transpose(linear, primal, cotangent):
    """Sends a cotangent back through a linear function."""
    return jax.linear_transpose(linear, primal)(cotangent)[0]
