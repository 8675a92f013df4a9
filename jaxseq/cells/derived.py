"""Cells of one's own: hoisted weight gradients without writing a delta.

Two ways, both exact for any differentiable step.

`from_step`: the cell is given by `step` alone. The backward loop emits the errors
d_s_t = ∂L/∂s_t, and ONE `jax.vjp` of the step, with time as one more batch axis,
turns them into every gradient:

    d_s_{t-1} = (∂s_t/∂s_{t-1})ᵀ d_s_t             in the loop                     (1)
    d_θ, d_x = Σ_t (∂s_t/∂(θ, x_t))ᵀ d_s_t         after it, as GEMMs              (2)

The loop computes the step's products again, to have the values that (1) needs.

`from_parts`: the finer cut, s_t = combine(z_t, recur(θ, s_{t-1}), s_{t-1}) with
z_t = project(θ, x_t). combine has no weights, so the loop holds the transpose of
recur and the derivative of combine only:

    d_z_t, d_r_t, e_t = combine's vjp at (z_t, r_t, s_{t-1}) of d_s_t              (3)
    d_s_{t-1} = e_t + (∂r_t/∂s_{t-1})ᵀ d_r_t       in the loop                     (4)
    d_θ, d_x = project's vjp of d_z, recur's of d_r   after it, as GEMMs           (5)

If recur is linear in the state, (4) is one product a step, as in a delta by hand.

All functions are written for one step: `x_t [..., I]`, states `[..., ·]`; a step for
single examples becomes one for batches by `jax.vmap(step, (None, 0, 0))`.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxseq.cells.cell import Cell, Sizes, no_init, no_sizes, no_zero_state
from jaxseq.checks import check_function
from jaxseq.types import Array, Tree


def whole(state_t: Tree) -> Tree:
    """Picks all of a state as the output.

    Args:
        state_t: `[..., H]`.
    """
    return state_t


def from_step(
    step: Callable[[Tree, Tree, Array], Tree],
    *,
    output: Callable[[Tree], Array] = whole,
    init: Callable[..., Tree] = no_init,
    sizes: Callable[[Tree], Sizes] = no_sizes,
    zero_state: Callable[[Tree, tuple[int, ...]], Tree] = no_zero_state,
) -> Cell:
    """Returns a cell from its step alone.

    Args:
        step: `(params, state_tm1, x_t) -> state_t`; keep one function, so that `jit`
            compiles once.
        output: picks the output from a state, linear; default the state itself.
        init: as `Cell.init`; needed by stacks and by `gradcheck` of the cell.
        sizes: as `Cell.sizes`; with `init`, calls are checked against it.
        zero_state: as `Cell.zero_state`; without it `state_0` must be given, and the
            cell can stand in no stack that `jaxseq.network.init` draws.

    Returns:
        The cell; the same one for the same functions.

    Raises:
        ValueError: naming what is no function.
    """
    check_function("step", step)
    _check_optional(output, init, sizes, zero_state)
    return _from_step(step, output, init, sizes, zero_state)


@functools.cache
def _from_step(step, output, init, sizes, zero_state) -> Cell:
    def step_keeping_nothing(params, state_tm1, x_t):
        return step(params, state_tm1, x_t), ()

    def delta(params, trace_t, d_state_t):
        _, pull = jax.vjp(lambda s: step(params, s, trace_t.z), trace_t.state_tm1)
        (d_state_tm1,) = pull(d_state_t)  # (1)
        return d_state_tm1, d_state_t

    def collect(params, xs, trace, d_states):
        over_time = jax.vmap(step, (None, 0, 0))
        _, pull = jax.vjp(
            lambda p, inputs: over_time(p, trace.state_tm1, inputs), params, xs
        )
        d_params, d_xs = pull(d_states)  # (2)
        return d_params, d_xs

    return Cell(
        name=_name(step),
        init=init,
        sizes=sizes,
        zero_state=zero_state,
        project=_nothing_to_project,
        step=step_keeping_nothing,
        output=output,
        delta=delta,
        collect=collect,
    )


def from_parts(
    project: Callable[[Tree, Array], Tree],
    recur: Callable[[Tree, Tree], Tree],
    combine: Callable[[Tree, Tree, Tree], Tree],
    *,
    output: Callable[[Tree], Array] = whole,
    init: Callable[..., Tree] = no_init,
    sizes: Callable[[Tree], Sizes] = no_sizes,
    zero_state: Callable[[Tree, tuple[int, ...]], Tree] = no_zero_state,
) -> Cell:
    """Returns a cell from its parts: the products apart from the arithmetic.

    Args:
        project: `(params, x_t) -> z_t`, what needs no state.
        recur: `(params, state_tm1) -> r_t`, what needs weights and state.
        combine: `(z_t, r_t, state_tm1) -> state_t`, what needs no weights.
        output: as in `from_step`.
        init: as in `from_step`.
        sizes: as in `from_step`.
        zero_state: as in `from_step`.

    Returns:
        The cell; the same one for the same functions.
    """
    check_function("project", project)
    check_function("recur", recur)
    check_function("combine", combine)
    _check_optional(output, init, sizes, zero_state)
    return _from_parts(project, recur, combine, output, init, sizes, zero_state)


@functools.cache
def _from_parts(project, recur, combine, output, init, sizes, zero_state) -> Cell:
    project_all = jax.vmap(project, (None, 0))
    recur_all = jax.vmap(recur, (None, 0))

    def step(params, state_tm1, z_t):
        r_t = recur(params, state_tm1)
        return combine(z_t, r_t, state_tm1), r_t

    def delta(params, trace_t, d_state_t):
        _, pull = jax.vjp(combine, trace_t.z, trace_t.tape, trace_t.state_tm1)
        d_z_t, d_r_t, d_state_tm1 = pull(d_state_t)  # (3)
        _, pull_recur = jax.vjp(lambda s: recur(params, s), trace_t.state_tm1)
        (through_recur,) = pull_recur(d_r_t)
        d_state_tm1 = jax.tree.map(jnp.add, d_state_tm1, through_recur)  # (4)
        return d_state_tm1, (d_z_t, d_r_t)

    def collect(params, xs, trace, deltas):
        d_zs, d_rs = deltas
        _, pull_project = jax.vjp(project_all, params, xs)
        _, pull_recur = jax.vjp(lambda p: recur_all(p, trace.state_tm1), params)
        through_project, d_xs = pull_project(d_zs)  # (5)
        (through_recur,) = pull_recur(d_rs)  # (5)
        return jax.tree.map(jnp.add, through_project, through_recur), d_xs

    return Cell(
        name=_name(combine),
        init=init,
        sizes=sizes,
        zero_state=zero_state,
        project=project_all,
        step=step,
        output=output,
        delta=delta,
        collect=collect,
    )


def _check_optional(output, init, sizes, zero_state) -> None:
    check_function("output", output)
    check_function("init", init)
    check_function("sizes", sizes)
    check_function("zero_state", zero_state)


def _nothing_to_project(params: Tree, xs: Array) -> Array:
    del params
    return xs


def _name(function: Callable) -> str:
    return getattr(function, "__qualname__", repr(function))
