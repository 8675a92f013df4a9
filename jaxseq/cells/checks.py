"""Checks of cells, and of the parameters, states and inputs that they are given.

They raise the errors of `jaxseq.checks`, which the cells use and which knows no cell.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.cells.cell import Cell, Sizes, no_init, no_sizes, no_zero_state
from jaxseq.checks import (
    WRONG_TREE,
    check_floats,
    check_function,
    check_inputs,
    check_lengths,
    check_mask,
    check_tree,
    describe,
    expect,
    structure,
)
from jaxseq.precision import cast, casts, state_dtype
from jaxseq.types import Array, Tree, accumulator


def check_unroll(
    cell: Cell,
    params: Tree,
    state_0: Tree | None,
    xs: Array,
    lengths: Array | None,
    resets: Array | None,
    reset_state: Tree | None = None,
) -> tuple[Tree, Tree]:
    """Checks the arguments of `jaxseq.unroll`.

    Args:
        cell: the cell.
        params: its parameters.
        state_0: as in `jaxseq.unroll.unroll`.
        xs: `[T, ..., I]` the inputs.
        lengths: `[...]` integers, or None.
        resets: `[T, ...]` bool, or None.
        reset_state: as in `jaxseq.unroll.unroll`.

    Returns:
        The initial state, `state_0` or zeros if it is None, and the state that resets
        restore, `reset_state` or the initial state if it is None.

    Raises:
        ValueError: naming the argument.
    """
    check_cell("cell", cell)
    check_inputs("xs", xs)
    num_steps, *batch = xs.shape[:-1]
    check_params(cell, params, xs)
    why = ", as state_0" + (", zeros," if state_0 is None else "") + " is"
    state_0 = check_state("state_0", cell, params, state_0, xs)
    if reset_state is None:
        reset_state = state_0
    else:
        check_tree("reset_state", reset_state, state_0, why)
    if lengths is not None:
        check_lengths(lengths, num_steps, tuple(batch))
    if resets is not None:
        check_mask("resets", resets, xs.shape[:-1])
    return state_0, reset_state


def check_cell(argument: str, cell: Cell) -> None:
    """Checks that a cell is one, and not the function that makes it.

    Args:
        argument: its name, for the error's message.
        cell: the cell.
    """
    hint = " (it must be called: elman.cell())" if callable(cell) else ""
    expect(
        isinstance(cell, Cell),
        argument,
        "a jaxseq.cells.Cell",
        f"{type(cell).__name__}{hint}",
    )
    for name, field in cell._asdict().items():
        if name not in ("name", "is_truncated"):
            check_function(f"{argument}.{name}", field)


def check_params(cell: Cell, params: Tree, xs: Array) -> None:
    """Checks parameters against what `cell.init` makes, and inputs against them.

    Args:
        cell: the cell.
        params: its parameters.
        xs: `[T, ..., I]` the inputs.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        argument = f"params{jax.tree_util.keystr(path)}"
        check_floats(argument, leaf)
        expect(
            leaf.dtype == xs.dtype, argument, f"the dtype of xs, {xs.dtype}", leaf.dtype
        )
    if cell.sizes is no_sizes or cell.init is no_init:
        return
    sizes = check_drawn("params", cell, params, xs.dtype)
    expect(
        xs.shape[-1] == sizes.num_inputs,
        "xs",
        f"shape [T, ..., I] with I = {sizes.num_inputs}, as params have it",
        describe(xs),
    )


def check_drawn(argument: str, cell: Cell, params: Tree, dtype: np.dtype) -> Sizes:
    """Checks that parameters are such as `cell.init` draws.

    Args:
        argument: its name, for the error's message.
        cell: the cell; has `init` and `sizes`.
        params: its parameters.
        dtype: of theirs.

    Returns:
        The sizes that they have.
    """
    try:
        sizes = cell.sizes(params)
        like = _like_drawn(cell, sizes, dtype)
    except WRONG_TREE as error:
        raise _no_params(argument, cell, params) from error
    check_tree(argument, params, like)
    return sizes


# Tracing `init` costs milliseconds, which calls outside `jit` would pay each time.
@functools.lru_cache(maxsize=128)
def _like_drawn(cell: Cell, sizes: Sizes, dtype: np.dtype) -> Tree:
    return jax.eval_shape(lambda: cell.init(jax.random.key(0), *sizes, dtype))


def check_state(
    argument: str, cell: Cell, params: Tree, state: Tree | None, xs: Array
) -> Tree:
    """Checks a state against the batch axes of the inputs, or makes it, of zeros.

    Args:
        argument: its name, for the error's message.
        cell: the cell.
        params: its parameters.
        state: leaves `[..., ·]`, or None for zeros.
        xs: `[T, ..., I]` the inputs.

    Returns:
        The state.
    """
    zero, batch = None, xs.shape[1:-1]
    if state is None or cell.zero_state is not no_zero_state:
        zero = zero_state(cell, params, batch)
    state = zero if state is None else state
    _check_state_dtype(argument, state, xs.dtype)
    if zero is None:
        like = _stepped(argument, cell, params, state, xs)
    else:
        like = cast(state_dtype(state, xs.dtype), zero)
    check_tree(argument, state, like)
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        name = f"{argument}{jax.tree_util.keystr(path)}"
        fits = leaf.shape[: len(batch)] == batch
        expected = f"the batch axes of xs, {list(batch)}, in front"
        expect(fits, name, expected, describe(leaf))
    return state


def zero_state(cell: Cell, params: Tree, batch_shape: tuple[int, ...]) -> Tree:
    """Makes the cell's state of zeros from parameters that may be wrong.

    Args:
        cell: the cell.
        params: its parameters.
        batch_shape: sizes of the batch axes.

    Raises:
        ValueError: naming params; or state_0, if the cell cannot make one.
    """
    try:
        return cell.zero_state(params, batch_shape)
    except WRONG_TREE as error:
        raise _no_params("params", cell, params) from error


def _no_params(argument: str, cell: Cell, params: Tree) -> ValueError:
    return ValueError(
        f"{argument}: expected the parameters of {cell.name}, got {structure(params)}"
    )


def _check_state_dtype(argument: str, state: Tree, inputs: np.dtype) -> None:
    """Checks that all of a state has the inputs' dtype, or all of it float32."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    for path, leaf in leaves:
        check_floats(f"{argument}{jax.tree_util.keystr(path)}", leaf)
    allowed = dict.fromkeys([str(inputs), str(accumulator(inputs))])
    came = dict.fromkeys(str(leaf.dtype) for _, leaf in leaves)
    is_one = len(came) <= 1 and came.keys() <= allowed.keys()
    expected = f"{' or '.join(allowed)} in every leaf"
    expect(is_one, argument, expected, " and ".join(came))


def _stepped(argument: str, cell: Cell, params: Tree, state: Tree, xs: Array) -> Tree:
    """Finds the shapes of the state that one step leads to."""
    _, wide = casts(state, xs.dtype)

    def one_step(params, state, xs):
        one = jnp.sum(xs, axis=0, keepdims=True)  # a step, if there is none as well
        z = jax.tree.map(lambda z: z[0], cell.project(params, one))
        return cell.step(cell.prepare(params), state, wide(z))[0]

    try:
        return jax.eval_shape(one_step, params, state, xs)
    except (*WRONG_TREE, ValueError) as error:
        came = str(jax.tree.map(describe, (state, params, xs))).replace("'", "")
        raise ValueError(
            f"{argument}, params or xs: expected what {cell.name} can step with, "
            f"got {came}; the step says: {error!r}"
        ) from error
