"""The inputs of a cell in two parts, of which one is known before the loop.

`project` is affine in the inputs. With x = [u, v] it is a sum, and so can be done where
each part is known:

    project(x) = project_u(u) + P v                                                (1)

project_u is that of a cell with the weights of the first inputs, and has any biases; P
is `project` with the weights of the others, less what it gives for 0. Which weights
belong to an input is seen from `init`: their shapes grow with the number of inputs.
"""

import functools

import jax
import jax.numpy as jnp

from jaxseq.cells.cell import Cell
from jaxseq.checks import expect
from jaxseq.types import Array, Tree


_NO_AXIS = -1


def split(cell: Cell, params: Tree, num_first: int) -> tuple[Tree, Tree]:
    """Splits weights into those of the first inputs and those of the others.

    Args:
        cell: the cell; has `init` and `sizes`.
        params: of I inputs.
        num_first: how many are the first, fewer than I.

    Returns:
        Two sets of parameters of the cell, of so many inputs and of the others; what
        belongs to no input is in both.
    """
    sizes = cell.sizes(params)
    axes = _input_axes(cell, *sizes)

    def part(first, last):
        def cut(leaf, axis):
            if axis == _NO_AXIS:
                return leaf
            return jax.lax.slice_in_dim(leaf, first, last, axis=axis)

        return jax.tree.map(cut, params, axes)

    return part(0, num_first), part(num_first, sizes.num_inputs)


def matrix(cell: Cell, params: Tree) -> Tree:
    """Returns the transpose of P, eq. (1).

    Args:
        cell: the cell.
        params: of the others alone, I of them.

    Returns:
        Of each leaf of a projected input `[..., G]`, a matrix `[I, G]`.
    """
    dtype = jax.tree.leaves(params)[0].dtype
    units = jnp.eye(cell.sizes(params).num_inputs, dtype=dtype)
    project = functools.partial(cell.project, params)
    return jax.jvp(project, (jnp.zeros_like(units),), (units,))[1]


def check_sums(argument: str, cell: Cell, params: Tree, num_first: int) -> None:
    """Checks that a cell's projections of two parts can be added.

    Those of `jaxseq.cells.derived.from_step` cannot: it projects nothing.

    Args:
        argument: how the caller's argument is called, for the error.
        cell: the cell.
        params: of all inputs.
        num_first: how many inputs are the first part, as in `split`.
    """
    whole, *parts = (
        jax.tree.leaves(jax.eval_shape(cell.project, some, _inputs(cell, some)))
        for some in (params, *split(cell, params, num_first))
    )
    is_sum = all(part == whole for part in parts)
    expect(is_sum, argument, "one whose project sums over its inputs", cell.name)


def _inputs(cell: Cell, params: Tree) -> Array:
    dtype = jax.tree.leaves(params)[0].dtype
    return jnp.zeros((1, cell.sizes(params).num_inputs), dtype)


# Tracing `init` costs milliseconds, which calls outside `jit` would pay each time.
@functools.lru_cache(maxsize=128)
def _input_axes(cell: Cell, num_inputs: int, num_hidden: int) -> Tree:
    """Finds the axis of each weight that grows with the number of inputs."""

    def shapes(num_inputs):
        return jax.eval_shape(
            lambda: cell.init(jax.random.key(0), num_inputs, num_hidden)
        )

    def axis(leaf, more):
        grown = [a != b for a, b in zip(leaf.shape, more.shape, strict=True)]
        return grown.index(True) if any(grown) else _NO_AXIS

    return jax.tree.map(axis, shapes(num_inputs), shapes(num_inputs + 1))
