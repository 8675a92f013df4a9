"""Mesh axes over which arrays vary, inside `jax.shard_map`.

There, a function with a hand-written rule must return gradients that vary over the
same axes as its arguments. Weights are the same on every device, the gradients from
each device's share of the batch are not: their sum over the devices is wanted. `alike`
marks all arguments as varying, before the rule; the transpose of this mark is that sum,
one all-reduce for each array, after the loop over time.
"""

import jax

from jaxseq.types import Tree


def alike(*trees: Tree) -> tuple[Tree, ...]:
    """Makes all arrays vary over every mesh axis that any of them varies over.

    Outside `jax.shard_map` nothing varies, and the trees come back as they are.

    Args:
        *trees: trees of arrays.

    Returns:
        The trees, with the same values.
    """
    axes = frozenset().union(*(_axes(leaf) for leaf in jax.tree.leaves(trees)))
    return jax.tree.map(lambda leaf: _vary(leaf, axes - _axes(leaf)), trees)


def _axes(leaf):
    return jax.typeof(leaf).manual_axis_type.varying


def _vary(leaf, missing):
    if not missing:
        return leaf
    return jax.lax.pcast(leaf, tuple(sorted(missing)), to="varying")
