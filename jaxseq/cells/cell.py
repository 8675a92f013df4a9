"""The Cell: one recurrent step and its deltas, as a record of pure functions.

A cell says what happens at one time step and how errors go back through it. Everything
that needs no state is named apart, so that `jaxseq.unroll` can do it once for all
steps, outside the loop:

    zs = project(params, xs)                               before the loop, one GEMM
    prepared = prepare(params)                             before the loop
    state_t, tape_t = step(prepared, state_tm1, z_t)       in the forward loop
    rows = prepare_delta(params)                           before the backward loop
    d_state_tm1, delta_t = delta(rows, trace_t, d_state_t)         in the backward loop
    d_params, d_xs = collect(params, xs, trace, deltas)    after the loop, GEMMs

The textbook's weight gradient dW = Σ_t δ_t s_{t-1}ᵀ needs nothing but the deltas, so
the backward loop emits them and `collect` forms the sum as one matrix product.

The record is the manner of `optax.GradientTransformation`: a new cell is a new record.
A cell of one's own needs no deltas: see `jaxseq.cells.derived`.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.precision import product
from jaxseq.types import Array, Tree, accumulator


class Trace(NamedTuple):
    """What the forward pass leaves for the backward pass: of one step, or of all.

    In `delta` the leaves are those of one step, `[..., ·]`; in `collect` they are
    stacked over time, `[T, ..., ·]`.

    Attributes:
        z: the projected input.
        state_tm1: the state that the step started from.
        state: the state that it led to.
        tape: what else the cell's delta needs; `()` for nothing.
    """

    z: Tree
    state_tm1: Tree
    state: Tree
    tape: Tree


class Sizes(NamedTuple):
    """The sizes that `init` was called with, read off the parameters.

    Attributes:
        num_inputs: I.
        num_hidden: H.
    """

    num_inputs: int
    num_hidden: int


class Prepared(NamedTuple):
    """Parameters, and what the forward loop multiplies with.

    Attributes:
        params: the parameters.
        W_T: `[H, G]` the recurrent weights, transposed once and not at each step.
    """

    params: Tree
    W_T: Array


def transpose(params: Tree) -> Prepared:
    """Prepares parameters that have recurrent weights W.

    Args:
        params: the weights.
    """
    return Prepared(params, params.W.T)


def as_they_are(params: Tree) -> Tree:
    """Prepares nothing.

    Args:
        params: the parameters.
    """
    return params


def sizes(params: Tree) -> Sizes:
    """Reads I and H off the weights.

    Args:
        params: the weights, with U and W.
    """
    return Sizes(num_inputs=params.U.shape[1], num_hidden=params.W.shape[1])


def project(params: Tree, xs: Array) -> Array:
    """Returns U x_t for all t: what of a step's pre-activations needs no state.

    Args:
        params: the weights, with U.
        xs: `[T, ..., I]` the inputs.

    Returns:
        `[T, ..., G]`.
    """
    return product(xs, params.U.T)


def recur(prepared: Prepared, y_tm1: Array) -> Array:
    """Returns W y_{t-1} + b: what `project` leaves of the pre-activations of a step.

    The bias is here, as adding it to U x_t would read and write those of all t again.

    Args:
        prepared: the weights, as `transpose` makes them, with b.
        y_tm1: `[..., H]` the last output.

    Returns:
        `[..., G]`.
    """
    return plus(product(y_tm1, prepared.W_T), prepared.params.b)


def no_recur(prepared: Tree, y_tm1: Array) -> Tree:
    """Stands for a `recur` that a cell was not given.

    Args:
        prepared: not used.
        y_tm1: `[..., H]`, not used.

    Raises:
        ValueError: always.
    """
    raise ValueError("recur: expected one, got a cell that was not given it")


def no_combine(
    prepared: Tree, state_tm1: Tree, z_t: Tree, r_t: Tree
) -> tuple[Tree, Tree]:
    """Stands for a `combine` that a cell was not given.

    Args:
        prepared: not used.
        state_tm1: not used.
        z_t: not used.
        r_t: not used.

    Raises:
        ValueError: always.
    """
    raise ValueError("combine: expected one, got a cell that was not given it")


class Cell(NamedTuple):
    """A recurrent cell: what the weights are, one step, and its deltas.

    Attributes:
        name: for messages and reports.
        init: `(key, num_inputs, num_hidden, dtype=float32) -> params`; the key is
            consumed.
        sizes: `(params) -> Sizes`, the inverse of `init` as far as shapes go.
        zero_state: `(params, batch_shape) -> state`, leaves `[*batch_shape, ·]`.
        project: `(params, xs) -> zs`, from `[T, ..., I]`; must not mix time steps.
        step: `(prepared, state_tm1, z_t) -> (state_t, tape_t)`.
        output: `(state_t) -> y_t`, picks the part of the state that is the output; must
            be linear.
        delta: `(rows, trace_t, d_state_t) -> (d_state_tm1, delta_t)`, BP2T: the error
            ∂L/∂state_t, complete, goes one step back.
        collect: `(params, xs, trace, deltas) -> (d_params, d_xs)`, BP3 and BP4: sums
            over time.
        is_truncated: whether `step` holds back errors by `stop_gradient` (as Elman
            1990 and the LSTM of 1997 did), so that the gradient is meant to differ
            from the true one. It is then no function's gradient, and differentiating
            it again has no meaning that could be relied on.
        prepare: `(params) -> prepared`, what `step` takes: the parameters in the form
            that the loop needs; the parameters themselves, unless given.
        recur: `(prepared, y_tm1) -> r_t`, the product of the last output with weights,
            and what else is added to z_t.
        combine: `(prepared, state_tm1, z_t, r_t) -> (state_t, tape_t)`, the rest of the
            step, elementwise: `step` is `combine` after `recur`. Both are for
            `jaxseq.memory.outputs`, and may be left out.
        prepare_delta: `(params) -> rows`, what `delta` takes: the parameters in the
            form that the backward loop needs; themselves, unless given.

    The cells of jaxseq have all of these; in `jaxseq.cells.derived` a user may leave
    out `init`, `sizes` and `zero_state`: then they are the functions below, that say
    so.
    """

    name: str
    init: Callable[..., Tree]
    sizes: Callable[[Tree], Sizes]
    zero_state: Callable[[Tree, tuple[int, ...]], Tree]
    project: Callable[[Tree, Array], Tree]
    step: Callable[[Tree, Tree, Tree], tuple[Tree, Tree]]
    output: Callable[[Tree], Array]
    delta: Callable[[Tree, Trace, Tree], tuple[Tree, Tree]]
    collect: Callable[[Tree, Array, Trace, Tree], tuple[Tree, Array]]
    is_truncated: bool = False
    prepare: Callable[[Tree], Tree] = as_they_are
    recur: Callable[[Tree, Array], Tree] = no_recur
    combine: Callable[[Tree, Tree, Tree, Tree], tuple[Tree, Tree]] = no_combine
    prepare_delta: Callable[[Tree], Tree] = as_they_are


def no_init(*args: object) -> Tree:
    """Stands for an `init` that a cell was not given.

    Raises:
        ValueError: always.
    """
    expected = "one, as derived.from_step(step, init=..., sizes=...) takes it"
    raise ValueError(f"init: expected {expected}, got a derived cell without")


def no_sizes(params: Tree) -> Sizes:
    """Stands for `sizes` that a cell was not given.

    Args:
        params: not used.

    Raises:
        ValueError: always.
    """
    raise ValueError("sizes: expected them, got a derived cell that was not given them")


def no_zero_state(params: Tree, batch_shape: tuple[int, ...]) -> Tree:
    """Stands for a `zero_state` that a cell was not given.

    Args:
        params: not used.
        batch_shape: not used.

    Raises:
        ValueError: always.
    """
    raise ValueError("state_0: expected one, as this cell has no zero_state, got None")


@functools.cache
def truncated(
    cell: Cell,
    name: str,
    held: Callable[[Callable[[Array], Array], Tree], Tree] = jax.tree.map,
) -> Cell:
    """Returns the cell with a truncated gradient: some of the last state is an input.

    The forward pass is the cell's. No error goes back through that part of the state
    (its BP2T is 0): all of it, as Jordan 1986 and Elman 1990 trained, or all but the
    carousel, in the LSTM of 1997.

    Args:
        cell: the cell.
        name: of the new cell.
        held: `(f, state) -> state`, applies f to what no error goes back through; to
            all of the state, unless given.
    """

    def step(prepared, state_tm1, z_t):
        return cell.step(prepared, held(jax.lax.stop_gradient, state_tm1), z_t)

    def delta(rows, trace_t, d_state_t):
        d_state_tm1, delta_t = cell.delta(rows, trace_t, d_state_t)
        return held(jnp.zeros_like, d_state_tm1), delta_t

    return cell._replace(
        name=name, step=step, delta=delta, is_truncated=True, combine=no_combine
    )


def affine(weights: Array, xs: Array, bias: Array) -> Array:
    """Returns W x + b for every x of a stack: `[..., N]` to `[..., G]`.

    Args:
        weights: W, `[G, N]`.
        xs: `[..., N]`.
        bias: b, `[G]`.
    """
    return plus(product(xs, weights.T), bias)


def plus(ys: Array, bias: Array) -> Array:
    """Returns y + b for every y of a stack, in the dtype of y.

    Args:
        ys: `[..., G]`.
        bias: b, `[G]`.

    Returns:
        `[..., G]`.
    """
    return ys + jnp.broadcast_to(bias, ys.shape).astype(ys.dtype)


def sum_outer(deltas: Array, inputs: Array) -> Array:
    """Returns Σ δ xᵀ over time and batch: BP4, as one GEMM.

    Args:
        deltas: `[T, ..., G]` errors of the pre-activations.
        inputs: `[T, ..., N]` what the weights were multiplied with.

    Returns:
        `[G, N]` the gradient of the weights, in the dtype of `deltas`, accumulated in
        float32 at least.
    """
    leading = tuple(range(deltas.ndim - 1))
    total = jax.lax.dot_general(
        deltas,
        inputs,
        ((leading, leading), ((), ())),
        preferred_element_type=accumulator(deltas.dtype),
    )
    return total.astype(deltas.dtype)


def sum_steps(deltas: Array) -> Array:
    """Returns Σ δ over time and batch: BP3, `[T, ..., G]` to `[G]`.

    Args:
        deltas: `[T, ..., G]` errors of the pre-activations.
    """
    return jnp.sum(deltas, axis=tuple(range(deltas.ndim - 1)))
