"""Outputs of a function beside those of its plain form: a rule for another function.

The gradient of f + 5 is that of f: a check of gradients alone would let it pass. A
function with a rule has two values, what it returns when called and what its forward
rule returns when differentiated, and both count.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import describe, expect
from jaxseq.gradcheck.report import DIFFERS, Row
from jaxseq.types import Tree


# Relative to the largest number of an output, as for gradients in `check`.
RTOL_OUTPUTS = 1e-10


def check_alike(function: Callable, plain: Callable, args: Sequence[Tree]) -> Tree:
    """Checks that two functions give trees of the same structure and shapes.

    Args:
        function: the function with a rule.
        plain: the function without one.
        args: the arguments of both.

    Returns:
        The shapes and dtypes.

    Raises:
        ValueError: naming the output.
    """
    ours, theirs = jax.eval_shape(function, *args), jax.eval_shape(plain, *args)
    structures = jax.tree.structure(ours), jax.tree.structure(theirs)
    expected = f"outputs as those of plain, {structures[1]}"
    expect(structures[0] == structures[1], "function", expected, structures[0])
    named = jax.tree_util.tree_leaves_with_path(ours)
    for (path, leaf), like in zip(named, jax.tree.leaves(theirs), strict=True):
        argument = f"output{jax.tree_util.keystr(path)}"
        is_float = jnp.issubdtype(leaf.dtype, jnp.floating)
        expect(is_float, argument, "floating-point numbers", describe(leaf))
        fits = leaf.shape == like.shape and leaf.dtype == like.dtype
        expect(fits, argument, f"{describe(like)}, as of plain", describe(leaf))
    return theirs


def output_rows(called: Tree, under_rule: Tree, plain: Tree) -> tuple[Row, ...]:
    """Makes a row for each output that differs from the plain one.

    Args:
        called: what the function returns.
        under_rule: what it returns while it is differentiated.
        plain: what the plain form returns.
    """
    named = jax.tree_util.tree_leaves_with_path(plain)
    rows = []
    for (path, theirs), *ours in zip(
        named, jax.tree.leaves(called), jax.tree.leaves(under_rule), strict=True
    ):
        for found in ours:
            row = _row(f"output{jax.tree_util.keystr(path)}", found, theirs)
            if row is not None:
                rows.append(row)
                break
    return tuple(rows)


def _row(name, ours, theirs) -> Row | None:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = max(finite.max(initial=0.0), 1e-300)
    with np.errstate(invalid="ignore"):
        distance = np.abs(ours - theirs)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    distance = np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))
    if np.all(distance <= RTOL_OUTPUTS * scale):
        return None
    worst = np.unravel_index(np.argmax(distance), distance.shape)
    return Row(
        parameter=name,
        entry=tuple(int(i) for i in worst),
        by_hand=float(ours[worst]),
        by_autodiff=float(theirs[worst]),
        by_differences=float(theirs[worst]),
        absolute=float(distance[worst]),
        relative=float(distance[worst] / scale),
        verdict=DIFFERS,
    )
