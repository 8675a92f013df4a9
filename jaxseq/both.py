"""Both directions of a layer: one after the other, or side by side in one scan.

    ys = [unroll(cell, xs), unroll(cell', xs, reverse)]                            (1)

`one_by_one` runs two scans of T steps. `in_one_scan` runs one, of one cell over two
sequences with weights of their own: xs, and xs from its end. Each step is one product
of stacked matrices; where it costs the same for two as for one (a GPU that is not
full), that is half the time. Masks are turned round with the sequence: nothing is
gathered.

Reference: Schuster, Paliwal, Bidirectional recurrent neural networks, 1997.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.bptt import Run
from jaxseq.cells.cell import Cell
from jaxseq.cells.checks import check_cell
from jaxseq.checks import check_function, expect
from jaxseq.memory import Memory, check_memory, gates
from jaxseq.precision import state_dtype
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array, Tree
from jaxseq.unroll import Unrolled, run_of, unroll as unroll_by_deltas


class Both(NamedTuple):
    """A pair, one for each direction: of cells, of parameters, or of states.

    Attributes:
        forward: reads from the first step.
        backward: reads from the last step.
    """

    forward: Tree
    backward: Tree


# Where the two directions are in a `Run`: behind time, where there is time.
_AXES = (0, 0, 0, 1, 1)


def one_by_one(
    cells: Both,
    params: Both,
    state_0: Both | None,
    xs: Array,
    *,
    lengths: Array | None = None,
    resets: Array | None = None,
    reset_state: Both | None = None,
    unroll: Callable[..., Unrolled] = unroll_by_deltas,
) -> Unrolled:
    """Reads a sequence in both directions, eq. (1), in a scan each.

    Args:
        cells: the cells; static under `jit`.
        params: their parameters.
        state_0: the states before the first step in either order of reading; None for
            zeros, of both or of one.
        xs: `[T, ..., I]` the inputs.
        lengths: as in `jaxseq.unroll.unroll`.
        resets: as in `jaxseq.unroll.unroll`.
        reset_state: as in `jaxseq.unroll.unroll`, of each direction.
        unroll: what runs each of them, such as `unroll_plain` of `jaxseq.unroll`.

    Returns:
        `[T, ..., 2O]` the outputs side by side, and `Both` final states.

    Raises:
        ValueError: naming the argument.
    """
    check_function("unroll", unroll)
    forward, backward = (
        unroll(
            *(cell, p, s_0, xs),
            lengths=lengths,
            resets=resets,
            reset_state=reset,
            reverse=reverse,
        )
        for cell, p, s_0, reset, reverse in _each(cells, params, state_0, reset_state)
    )
    ys = jnp.concatenate([forward.ys, backward.ys], axis=-1)
    return Unrolled(ys, Both(forward.state, backward.state))


def in_one_scan(
    cells: Both,
    params: Both,
    state_0: Both | None,
    xs: Array,
    *,
    lengths: Array | None = None,
    resets: Array | None = None,
    reset_state: Both | None = None,
    memory: Memory = gates,
) -> Unrolled:
    """Reads a sequence in both directions, eq. (1), in one scan for the two.

    Args:
        cells: one cell, twice; static under `jit`.
        params: as in `one_by_one`, of the same shapes.
        state_0: as in `one_by_one`.
        xs: as in `one_by_one`.
        lengths: as in `one_by_one`.
        resets: as in `one_by_one`.
        reset_state: as in `one_by_one`.
        memory: as in `jaxseq.unroll.unroll`.

    Returns:
        As `one_by_one`.

    Raises:
        ValueError: naming the argument.
    """
    each = _each(cells, params, state_0, reset_state)
    same = cells.forward is cells.backward
    names = f"{cells.forward.name} and {cells.backward.name}"
    expect(same, "cells", "one cell for both directions in one scan", names)
    check_memory("memory", memory, cells.forward)
    forward, backward = (
        run_of(cell, p, s_0, xs, lengths, resets, reset, reverse)
        for cell, p, s_0, reset, reverse in each
    )
    shapes = [jax.tree.map(jnp.shape, p) for p in params]
    expected = f"the shapes of params.forward, {shapes[0]}"
    expect(shapes[0] == shapes[1], "params.backward", expected, shapes[1])
    dtypes = [state_dtype(run.state_0, xs.dtype) for run in (forward, backward)]
    expected = f"one dtype for both directions in one scan, {dtypes[0]}"
    expect(dtypes[0] == dtypes[1], "state_0.backward", expected, dtypes[1])
    run = reverse_only(
        "jaxseq.both.in_one_scan",
        "jaxseq.both.one_by_one with unroll=jaxseq.unroll.unroll_plain",
        _side_by_side(forward, _turned(backward)),
    )
    one = functools.partial(memory.run, cells.forward, False)
    ys, state = jax.vmap(one, (Run._make(_AXES),), (1, 0))(run)
    ys = jnp.concatenate([ys[:, 0], ys[::-1, 1]], axis=-1)
    pair = zip(*jax.tree.leaves(state), strict=True)
    return Unrolled(ys, Both(*map(jax.tree.structure(state).unflatten, pair)))


def _each(
    cells: Both, params: Both, state_0: Both | None, reset_state: Both | None
) -> list[tuple[Cell, Tree, Tree | None, Tree | None, bool]]:
    """Checks that there is one of each for each direction, and takes them apart.

    Returns:
        Forward and backward: cell, params, state_0, reset_state, and whether it reads
        in reverse.
    """
    none = Both(None, None)
    state_0 = none if state_0 is None else state_0
    reset_state = none if reset_state is None else reset_state
    pairs = {"cells": cells, "params": params}
    pairs |= {"state_0": state_0, "reset_state": reset_state}
    for argument, pair in pairs.items():
        is_pair = isinstance(pair, Both)
        expect(is_pair, argument, "Both, one a direction", type(pair).__name__)
    for direction, cell in zip(Both._fields, cells, strict=True):
        check_cell(f"cells.{direction}", cell)
    return list(zip(*pairs.values(), (False, True), strict=True))


def _turned(run: Run) -> Run:
    """Turns a pass round in time."""
    xs, masks = jax.tree.map(lambda a: a[::-1], (run.xs, run.masks))
    return run._replace(xs=xs, masks=masks)


def _side_by_side(forward: Run, backward: Run) -> Run:
    """Stacks two passes of the same shapes."""
    return Run._make(map(_stacked, _AXES, forward, backward))


def _stacked(axis: int, tree: Tree, other: Tree) -> Tree:
    return jax.tree.map(lambda a, b: jnp.stack([a, b], axis), tree, other)
