"""The gradient check of a cell: its `delta` and `collect`, unrolled over time."""

import jax
import jax.flatten_util
import jax.numpy as jnp

from jaxseq.cells.cell import Cell
from jaxseq.cells.checks import check_cell as check_is_cell
from jaxseq.checks import check_count, expect
from jaxseq.gradcheck.check import check, in_float64
from jaxseq.gradcheck.report import Report
from jaxseq.types import Tree
from jaxseq.unroll import unroll, unroll_plain


def check_cell(
    cell: Cell,
    *,
    params: Tree = None,
    state_0: Tree = None,
    num_inputs: int = 3,
    num_hidden: int = 4,
    num_steps: int = 6,
    batch: tuple[int, ...] = (2,),
    num_entries: int = 50,
    seed: int = 0,
) -> Report:
    """Checks a cell's `delta` and `collect`, unrolled over time.

    The outputs are those of all steps and the final state; the parameters are the
    cell's, the initial state, and the inputs.

    Args:
        cell: the cell.
        params: at which to check; default random, from `cell.init`, every entry moved.
        state_0: at which to check; default random, from `cell.zero_state`.
        num_inputs: I.
        num_hidden: H.
        num_steps: T.
        batch: batch axes.
        num_entries: as in `check`.
        seed: of everything random.

    Returns:
        A report with a row for each array of the parameters, the state and the inputs.

    Raises:
        ValueError: naming the argument.
    """
    check_is_cell("cell", cell)
    # With no unit or no step there is nothing to check: anything would pass.
    check_count("num_inputs", num_inputs)
    check_count("num_hidden", num_hidden)
    check_count("num_steps", num_steps)
    is_shape = isinstance(batch, tuple | list)
    expect(is_shape, "batch", "a tuple of sizes", repr(batch))
    for axis, size in enumerate(batch):
        check_count(f"batch[{axis}]", size)
    with jax.enable_x64(True):
        key_init, key_move, key_xs = jax.random.split(jax.random.key(seed), 3)
        if params is None:
            made = cell.init(key_init, num_inputs, num_hidden, jnp.float64)
            params = _moved(key_move, made)
        if state_0 is None:
            zero = cell.zero_state(in_float64("params", params), batch)
            state_0 = _moved(jax.random.fold_in(key_move, 1), zero)
        shape = (num_steps, *batch, num_inputs)
        xs = jax.random.normal(key_xs, shape, jnp.float64)
    return check(
        lambda params, state_0, xs: tuple(unroll(cell, params, state_0, xs)),
        (params, state_0, xs),
        plain=lambda params, state_0, xs: tuple(
            unroll_plain(cell, params, state_0, xs)
        ),
        names=("params", "state_0", "xs"),
        name=cell.name,
        is_truncated=cell.is_truncated,
        num_entries=num_entries,
        seed=seed,
    )


def _moved(key, tree):
    """Moves every entry, so that zeros in the initial values hide nothing."""
    flat, unflatten = jax.flatten_util.ravel_pytree(tree)
    return unflatten(flat + 0.5 * jax.random.normal(key, flat.shape, flat.dtype))
