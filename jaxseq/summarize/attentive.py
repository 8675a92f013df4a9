"""A recurrent decoder whose step attends with its previous state, deltas by hand.

For inputs x_1 … x_T, any cell of `jaxseq.cells` with I + D inputs and a memory that is
attended to, with h_t the output of the cell's state:

    e_tj = score(h_{t-1}, k_j),  α_t = softmax(e_t),  c_t = Σ_j α_tj v_j           (1)
    z_t = project([x_t, c_t]) = project_x(x_t) + P c_t                             (2)
    state_t = step(state_{t-1}, z_t)                                               (3)

project is affine, so that its part of x_t is done for all t before the loop; P c_t is
left in it. Backward, over t = T … 1, with errors of h_t, c_t and α_t from outside:

    d_state_t += outputᵀ d_h_t                                                     (4)
    d_state_{t-1}, δ_t = delta(d_state_t)                     of the cell          (5)
    d_c_t += Pᵀ δ_t                                                                (6)
    d_h_{t-1}, ε_t = delta(d_c_t, d_α_t)                      of attention         (7)
    d_state_{t-1} += outputᵀ d_h_{t-1}                                             (8)

The loop emits δ_t, and the errors ε_t of the scores. All else is one product for each
matrix, after it:

    d_params, [d_x, Pᵀ δ] = collect([x, c], δ_1 … δ_T)        of the cell          (9)
    d_params, d_k, d_v = collect(d_c, ε_1 … ε_T)              of attention        (10)

Sizes: I inputs, D of a value, and those of `jaxseq.attention`.

Reference: Chopra, Auli, Rush, Abstractive sentence summarization with attentive
recurrent neural networks, NAACL 2016, is (1) to (3) with the dot score.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import loop
from jaxseq.attention.attend import Attended, attend_plain, collect, delta
from jaxseq.attention.memory import Memory
from jaxseq.attention.score import Score, check_score
from jaxseq.axes import alike
from jaxseq.bptt import Run, previous
from jaxseq.cells.cell import Cell, Trace
from jaxseq.cells.checks import check_cell, check_state
from jaxseq.cells.inputs import check_sums, matrix, split
from jaxseq.checks import check_inputs, describe, expect
from jaxseq.masks import Masks
from jaxseq.precision import casts, product
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array, Tree


class Params(NamedTuple):
    """The weights of (1) to (3).

    Attributes:
        cell: of I + D inputs, those of x_t first.
        score: of the attention.
    """

    cell: Tree
    score: Tree


class Unrolled(NamedTuple):
    """What each step gave, and the state they end in.

    Attributes:
        ys: `[T, *B, H]` h.
        contexts: `[T, *B, D]` c.
        weights: `[T, *B, M]` α, float32 at least.
        state: leaves `[*B, ·]`, the last.
    """

    ys: Array
    contexts: Array
    weights: Array
    state: Tree


def unroll(
    cell: Cell,
    score: Score,
    params: Params,
    state_0: Tree | None,
    xs: Array,
    memory: Memory,
) -> Unrolled:
    """Unrolls a cell that attends, eqs. (1) to (3); gradients by (4) to (10).

    Args:
        cell: any cell whose `project` is affine and gives sums over its inputs.
        score: what compares its last output with the memory.
        params: the weights of both.
        state_0: leaves `[*B, ·]`; None for zeros.
        xs: `[T, *B, I]` the inputs without the contexts.
        memory: of `jaxseq.attention.memory.remember`, with batch axes *B.

    Returns:
        Outputs, contexts and weights of each step, and the final state.

    Raises:
        ValueError: naming the argument.
        TypeError: under `jax.jvp`; `unroll_plain` works there.
    """
    args = _checked(cell, score, params, state_0, xs, memory)
    marked = reverse_only(
        "jaxseq.summarize.attentive.unroll",
        "jaxseq.summarize.attentive.unroll_plain, with the same arguments",
        args,
    )
    return _unroll(cell, score, *marked)


def unroll_plain(
    cell: Cell,
    score: Score,
    params: Params,
    state_0: Tree | None,
    xs: Array,
    memory: Memory,
) -> Unrolled:
    """Unrolls as `unroll` does, by one plain scan; gradients by JAX."""
    args = _checked(cell, score, params, state_0, xs, memory)
    params, state_0, xs, memory = args

    def body(state_tm1, x_t):
        state_t, found = step(cell, score, params, memory, state_tm1, x_t)
        return state_t, (cell.output(state_t), *found)

    state, (ys, contexts, weights) = jax.lax.scan(body, state_0, xs)
    return Unrolled(ys, contexts, weights, state)


def step(
    cell: Cell,
    score: Score,
    params: Params,
    memory: Memory,
    state_tm1: Tree,
    x_t: Array,
) -> tuple[Tree, Attended]:
    """Takes one step, eqs. (1) to (3), for those who choose the next input by it.

    Gradients are JAX's.

    Args:
        cell: as in `unroll`.
        score: as in `unroll`.
        params: as in `unroll`.
        memory: as in `unroll`, with batch axes *B.
        state_tm1: leaves `[..., *B, ·]`; the axes in front share the memory.
        x_t: `[..., *B, I]`.

    Returns:
        The state, and what was attended to.
    """
    query = cell.output(state_tm1)
    found = attend_plain(score, params.score, query, memory)  # (1)
    inputs = jnp.concatenate([x_t, found.contexts], axis=-1)
    z_t = cell.project(params.cell, inputs)  # (2)
    state_t, _ = cell.step(cell.prepare(params.cell), state_tm1, z_t)  # (3)
    return state_t, found


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _unroll(cell, score, params, state_0, xs, memory):
    return _forward(cell, score, params, state_0, xs, memory)[0]


def _forward(cell, score, params, state_0, xs, memory):
    narrow, wide = casts(state_0, xs.dtype)
    prepared = cell.prepare(params.cell)
    of_x, of_c = split(cell, params.cell, xs.shape[-1])
    zs = cell.project(of_x, xs)
    P_T = matrix(cell, of_c)

    def body(state_tm1, _, z_t):
        query = cell.output(state_tm1)
        context, weights = attend_plain(score, params.score, query, memory)  # (1)
        z_t = jax.tree.map(lambda z, m: z + product(context, m), wide(z_t), P_T)  # (2)
        state_t, tape_t = cell.step(prepared, state_tm1, z_t)  # (3)
        return state_t, (narrow(tape_t), narrow(state_t), narrow(context), weights)

    state, (tapes, states, contexts, weights) = loop.scan(body, state_0, (), zs)
    result = Unrolled(cell.output(states), contexts, weights, state)
    return result, (params, state_0, xs, memory, tapes, states, contexts, weights)


def _backward(cell, score, residuals, d_result):
    params, state_0, xs, memory, tapes, states, contexts, weights = residuals
    narrow, wide = casts(state_0, xs.dtype)
    inputs = jnp.concatenate([xs, contexts], axis=-1)
    run = Run(params.cell, state_0, state_0, inputs, Masks(None, None))
    zs = cell.project(params.cell, inputs)  # for the few cells whose deltas use it
    trace = Trace(zs, previous(False, run, states), states, tapes)
    _, of_c = split(cell, params.cell, xs.shape[-1])
    queries = cell.output(trace.state_tm1)
    rows = cell.prepare_delta(params.cell)

    def body(d_state_t, inputs_t, tape_t):
        d_y_t, d_context_t, d_weights_t, weights_t, context_t, trace_t = inputs_t
        trace_t = wide(trace_t._replace(tape=tape_t))
        d_state_t = _add_output(cell, d_state_t, trace_t.state, wide(d_y_t))  # (4)
        d_state_tm1, delta_t = cell.delta(rows, trace_t, d_state_t)  # (5)
        delta_t = narrow(delta_t)
        one = jax.tree.map(lambda a: a[None], (context_t, narrow(trace_t), delta_t))
        _, through_cell = cell.collect(of_c, *one)  # of which this alone is used
        d_context_t = wide(d_context_t) + wide(through_cell[0])  # (6)
        d_attended = Attended(d_context_t, d_weights_t)
        query = cell.output(trace_t.state_tm1)
        d_query, epsilon_t = delta(
            score, params.score, query, memory, weights_t, d_attended
        )  # (7)
        d_state_tm1 = _add_output(cell, d_state_tm1, trace_t.state_tm1, d_query)  # (8)
        return d_state_tm1, (delta_t, epsilon_t)

    d_state_0, (deltas, epsilons) = loop.scan(
        body,
        d_result.state,
        (*d_result[:3], weights, contexts, trace._replace(tape=())),
        trace.tape,
        reverse=True,
    )
    d_cell, d_inputs = cell.collect(params.cell, inputs, trace, deltas)  # (9)
    d_xs, through_cell = jnp.split(d_inputs, [xs.shape[-1]], axis=-1)
    d_contexts = d_result.contexts + through_cell
    d_score, d_memory = collect(
        score, params.score, queries, memory, weights, d_contexts, epsilons
    )  # (10)
    return Params(d_cell, d_score), d_state_0, d_xs, d_memory


_unroll.defvjp(_forward, _backward)


def _add_output(cell, d_state, state, d_y):
    """Adds outputᵀ d_y, of a linear function."""
    (through_output,) = jax.linear_transpose(cell.output, state)(d_y)
    return jax.tree.map(jnp.add, d_state, through_output)


def _checked(cell, score, params, state_0, xs, memory):
    """Checks the arguments; returns all but cell and score as JAX's arrays."""
    check_cell("cell", cell)
    check_score("score", score)
    is_params = isinstance(params, Params)
    expect(is_params, "params", "attentive.Params", type(params).__name__)
    check_inputs("xs", xs)
    hint = "a Memory, as of jaxseq.attention.memory.remember"
    expect(isinstance(memory, Memory), "memory", hint, type(memory).__name__)
    fits = memory.values.dtype == xs.dtype
    fits &= memory.values.shape[:-2] == xs.shape[1:-1]
    batch = ", ".join(map(str, xs.shape[1:-1]))
    expected = f"{xs.dtype}[{batch}, M, D], as xs"
    expect(fits, "memory.values", expected, describe(memory.values))
    num_inputs = cell.sizes(params.cell).num_inputs - memory.values.shape[-1]
    expected = f"shape [T, ..., I] with I + D = {cell.sizes(params.cell).num_inputs}"
    expect(xs.shape[-1] == num_inputs, "xs", expected, describe(xs))
    state_0 = check_state("state_0", cell, params.cell, state_0, xs)
    args = jax.tree.map(jnp.asarray, (params, state_0, xs, memory))
    check_sums("cell", cell, args[0].cell, num_inputs)
    return alike(*args)
