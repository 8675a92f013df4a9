"""The memory menu: what a layer keeps of its forward pass, beyond its outputs.

Arrays of T·B·H floats that wait for the backward pass:

| on the menu | LSTM       | GRU | Elman | what is computed again                   |
|-------------|------------|-----|-------|------------------------------------------|
| `gates`     | 5          | 4   | 0     | nothing                                  |
| `states`    | 1          | 0   | 0     | the gates of all t, one GEMM, (1)        |
| `outputs`   | 0          | 0   | 0     | these, and the states without a GEMM (2) |
| `chunked`   | 1          | 0   | 0     | the gates of a chunk, one GEMM each      |
| `sqrt`      | √T states  | √T  | √T    | every step, a chunk of √T at a time      |

Once the forward pass is over all h_{t-1} are known. The pre-activations of a step are
U x_t + W h_{t-1} + b: of all steps, they are one product, with nothing to wait for.

    gates_t = squash(z_t + W h_{t-1} + b)      all t at once, one GEMM             (1)
    state_t = combine(state_{t-1}, gates_t)    a loop of elementwise steps         (2)

`states` needs (1), `outputs` needs (1) and (2): their gates all come back at once, and
beside the δ of all steps: the peak is above that of `gates`, whose δ take their place;
with a wide state (`jaxseq.precision`) the products of (1) are wide too.
`chunked(n)` is `states` with those of n steps at a time, so that the peak is low too:
the choice where memory counts, with n·B some hundreds. `sqrt` keeps the state at the
start of each of √T chunks, and unrolls one chunk after the other again, from the last
to the first: the outputs of the layer then are what is largest.

Reference: Chen, Xu, Zhang, Guestrin, Training deep nets with sublinear memory cost,
2016 (`sqrt`). Recomputed gates may differ from the first ones by rounding.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import loop
from jaxseq.bptt import Kept, Run, as_kept, bptt, keep_output, previous
from jaxseq.cells.cell import Cell, Trace, no_combine
from jaxseq.checks import check_count, expect
from jaxseq.masks import Masks, frozen, restarted
from jaxseq.precision import cast, casts, widened
from jaxseq.types import Array, Tree


class Memory(NamedTuple):
    """One of the menu.

    Attributes:
        name: for messages.
        run: `(cell, reverse, run) -> (ys, state)`, differentiable.
        check: `(cell)`, raises if the cell lacks what it takes.
    """

    name: str
    run: Callable[[Cell, bool, Run], tuple[Array, Tree]]
    check: Callable[[Cell], None]


def check_memory(argument: str, memory: Memory, cell: Cell) -> None:
    """Checks that something is on the menu, and that the cell can have it.

    Args:
        argument: its name, for the error's message.
        memory: what should be on the menu.
        cell: the cell whose passes are to be kept.
    """
    is_one = isinstance(memory, Memory)
    expect(is_one, argument, "one of jaxseq.memory", type(memory).__name__)
    memory.check(cell)


def _keep_all(cell, state_t, tape_t):
    del cell
    return state_t, tape_t


def _outputs_of_all(cell, kept):
    return cell.output(kept[0])


def _recall_all(cell, reverse, run, kept):
    states, tapes = kept
    return Trace(_projected(cell, run), previous(reverse, run, states), states, tapes)


def _keep_state(cell, state_t, tape_t):
    del cell, tape_t
    return state_t


def _outputs_of_states(cell, states):
    return cell.output(states)


def _recall_from_states(cell, reverse, run, states):
    narrow, wide = casts(run.state_0, run.xs.dtype)
    zs = _projected(cell, run)
    states_tm1 = previous(reverse, run, states)
    # Over time as one more batch axis: JAX makes one GEMM of it.
    step = jax.vmap(cell.step, (None, 0, 0))
    _, tapes = step(cell.prepare(run.params), wide(states_tm1), wide(zs))  # (1)
    return Trace(zs, states_tm1, states, narrow(tapes))


def _recall_from_outputs(cell, reverse, run, ys):
    narrow, wide = casts(run.state_0, run.xs.dtype)
    zs = _projected(cell, run)
    prepared = cell.prepare(run.params)
    of_states = Run(
        run.params,
        cell.output(run.state_0),
        cell.output(run.reset_state),
        run.xs,
        run.masks,
    )
    rs = cell.recur(prepared, wide(previous(reverse, of_states, ys)))  # (1)

    def body(state_tm1, inputs_t, z_t):
        r_t, masks_t = inputs_t
        state_tm1 = restarted(masks_t.restart, run.reset_state, state_tm1)
        state_t, tape_t = cell.combine(prepared, state_tm1, wide(z_t), r_t)  # (2)
        trace_t = narrow((state_tm1, state_t, tape_t))
        return frozen(masks_t.valid, state_t, state_tm1), trace_t

    _, (states_tm1, states, tapes) = loop.scan(
        body, run.state_0, (rs, run.masks), zs, reverse=reverse
    )
    return Trace(zs, states_tm1, states, tapes)


def _projected(cell, run):
    return cell.project(run.params, run.xs)


def chunked(num_steps: int) -> Memory:
    """Returns `states`, whose gates come back for `num_steps` steps at a time.

    Args:
        num_steps: n, steps in a chunk.

    Raises:
        ValueError: if it is not a number of steps.
    """
    check_count("num_steps", num_steps)
    return _chunked(num_steps)


@functools.cache
def _chunked(length: int) -> Memory:
    def run(cell, reverse, run):
        return _in_chunks(length, states.run, cell, reverse, run)

    return Memory(f"chunked({length})", run, _any)


def _in_sqrt_chunks(cell: Cell, reverse: bool, run: Run) -> tuple[Array, Tree]:
    """Unrolls by chunks of √T steps, keeping the states between them."""
    length = math.isqrt(max(len(run.xs) - 1, 0)) + 1
    again = jax.checkpoint(gates.run, static_argnums=(0, 1))
    return _in_chunks(length, again, cell, reverse, run)


def _in_chunks(
    chunk: int,
    unroll: Callable[[Cell, bool, Run], tuple[Array, Tree]],
    cell: Cell,
    reverse: bool,
    run: Run,
) -> tuple[Array, Tree]:
    """Unrolls chunk after chunk, each by `unroll`, in a scan over the chunks."""
    num_steps = len(run.xs)
    if num_steps <= chunk:
        return unroll(cell, reverse, run)
    num_chunks = -(-num_steps // chunk)
    xs, masks = _filled(run, num_chunks * chunk - num_steps)
    wide = widened(run.params)

    def body(state, inputs):
        xs, masks = inputs
        params = cast(xs.dtype, wide)
        piece = run._replace(params=params, state_0=state, xs=xs, masks=masks)
        ys, state = unroll(cell, reverse, piece)
        return state, ys

    chunks = jax.tree.map(lambda a: a.reshape(-1, chunk, *a.shape[1:]), (xs, masks))
    state, ys = jax.lax.scan(body, run.state_0, chunks, reverse=reverse)
    return ys.reshape(-1, *ys.shape[2:])[:num_steps], state


def _filled(run: Run, num_more: int) -> tuple[Array, Masks]:
    """Appends steps that are not valid, so that T is a number of whole chunks."""
    xs, masks = run.xs, run.masks
    if num_more == 0:
        return xs, masks
    valid = masks.valid
    if valid is None:
        valid = jnp.ones(xs.shape[:-1], bool)
    append = functools.partial(_append, num_more)
    # Not zeros: on the last input a cell is finite.
    last = jnp.broadcast_to(xs[-1:], (num_more, *xs.shape[1:]))
    xs = jnp.concatenate([xs, jax.lax.stop_gradient(last)])
    return xs, Masks(append(valid), jax.tree.map(append, masks.restart))


def _append(num_more: int, mask: Array) -> Array:
    more = jnp.zeros((num_more, *mask.shape[1:]), bool)
    return jnp.concatenate([mask, more])


def _any(cell: Cell) -> None:
    del cell


def _can_recur(cell: Cell) -> None:
    has_parts = cell.combine is not no_combine
    expected = (
        "gates, states, chunked or sqrt, as the cell has no `recur` and `combine`"
    )
    expect(has_parts, "memory", expected, f"outputs with {cell.name}")


_gates = Kept(_keep_all, _outputs_of_all, _recall_all)
_states = Kept(_keep_state, _outputs_of_states, _recall_from_states)
_outputs = Kept(keep_output, as_kept, _recall_from_outputs)

gates = Memory("gates", functools.partial(bptt, _gates), _any)
states = Memory("states", functools.partial(bptt, _states), _any)
outputs = Memory("outputs", functools.partial(bptt, _outputs), _can_recur)
sqrt = Memory("sqrt", _in_sqrt_chunks, _any)
