"""Gradients cut to a largest norm, whatever their size: no overflow on the way.

The norm of a gradient of entries 3e19 is beyond float32 as soon as they are squared,
though every entry is finite; `optax.clip_by_global_norm` then divides by infinity and
all of the update is 0. With c the largest norm,

    m   = 2^⌊log₂ max_i |g_i|⌋         within 2^±126 in float32, so that m and 1 / m
                                       are normal numbers                          (1)
    n   = sqrt(Σ_i (g_i / m)²)         4 sqrt(number of entries) at most           (2)
    g_i ← g_i                          if m n ≤ c                                  (3)
    g_i ← (g_i / m) (c / n)            else                                        (4)

which is the same in exact arithmetic. A power of two makes g_i / m exact, and in (4) a
product with 1 / m, which costs so little that XLA does it again wherever it is read: a
quotient would be written down. Whether (3) holds is asked as n ≤ c / m, since m n may
be infinite. Of a gradient that is not finite nothing can be made: it stays not finite,
and `jaxseq.train.step` does not apply it.

Reference: Pascanu, Mikolov, Bengio, On the difficulty of training recurrent neural
networks, ICML 2013, algorithm 1. Scaling first: Blue, A portable Fortran program to
find the Euclidean norm of a vector, ACM TOMS 4, 1978.
"""

import math
import numbers
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxseq.checks import check_floats, check_instance, expect
from jaxseq.types import Array, Tree, accumulator


class Norm(NamedTuple):
    """A norm in two factors, as their product may be too large for the dtype.

    Attributes:
        power: scalar, m of (1), always finite.
        relative: scalar, n of (2), not finite if an entry is not.
    """

    power: Array
    relative: Array


def global_norm(tree: Tree) -> Norm:
    """Returns the Euclidean norm of all leaves together, eqs. (1) and (2).

    Args:
        tree: floating-point leaves.

    Returns:
        The factors, in the widest dtype of the leaves, float32 at least; their product
        is not finite if a leaf is not.

    Raises:
        ValueError: naming a leaf that is no array of floats.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        check_floats(f"tree{jax.tree_util.keystr(path)}", leaf)
    leaves = [leaf for leaf in jax.tree.leaves(tree) if leaf.size]
    dtype = accumulator(jnp.result_type(*leaves)) if leaves else jnp.dtype(jnp.float32)
    largest = jnp.zeros((), dtype)
    for leaf in leaves:
        largest = jnp.maximum(largest, jnp.max(jnp.abs(leaf)).astype(dtype))
    power = _power(largest)  # (1)
    total = jnp.zeros((), dtype)
    for leaf in leaves:
        # No product with 1 / m: of a g_i that it knows XLA would make g_i² / m².
        total += jnp.sum(jnp.square(leaf.astype(dtype) / power))
    return Norm(power, jnp.sqrt(total))  # (2)


def clip_by_global_norm(max_norm: float) -> optax.GradientTransformation:
    """Returns a transformation that cuts updates to a largest norm, eqs. (3) and (4).

    Args:
        max_norm: c, above 0.

    Raises:
        ValueError: if `max_norm` is no finite number above 0.
    """
    _check_max_norm(max_norm)

    def init(params):
        del params
        return optax.EmptyState()

    def update(updates, state, params=None):
        del params
        return clip(updates, max_norm, global_norm(updates)), state

    return optax.GradientTransformation(init, update)


def clip(tree: Tree, max_norm: float, norm: Norm) -> Tree:
    """Cuts a tree whose norm is known to a largest norm, eqs. (3) and (4).

    Args:
        tree: floating-point leaves.
        max_norm: c, above 0.
        norm: of the tree, by `global_norm`.

    Raises:
        ValueError: naming the argument.
    """
    _check_max_norm(max_norm)
    check_instance("norm", norm, Norm)
    dtype = norm.power.dtype
    most = jnp.asarray(max_norm, dtype)
    is_short = norm.relative <= most / norm.power
    scale = most / jnp.maximum(norm.relative, jnp.ones_like(norm.relative))

    def cut(leaf):
        # Rounding to a narrow dtype may lengthen each entry by half a unit.
        is_narrow = leaf.dtype != dtype
        least = 1 - jnp.finfo(leaf.dtype).eps / 2 if is_narrow else 1
        # Apart, as of a leaf that it knows XLA would multiply the two scalars first.
        shorter = jax.lax.optimization_barrier(leaf.astype(dtype) * (1 / norm.power))
        shorter = shorter * (scale * jnp.asarray(least, dtype))
        shorter = shorter.astype(leaf.dtype)  # (4)
        return jnp.where(is_short, leaf, shorter)  # (3)

    return jax.tree.map(cut, tree)


def _check_max_norm(max_norm: float) -> None:
    is_number = isinstance(max_norm, numbers.Real)
    is_positive = is_number and math.isfinite(max_norm) and max_norm > 0
    expect(is_positive, "max_norm", "a finite number above 0", repr(max_norm))


def _power(largest: Array) -> Array:
    """Returns m, eq. (1): the exponent's bits, without those of the fraction."""
    info = jnp.finfo(largest.dtype)
    of_infinity, bits = (
        jax.lax.bitcast_convert_type(number, f"uint{info.bits}")
        for number in (jnp.full_like(largest, jnp.inf), largest)
    )
    power = jax.lax.bitcast_convert_type(bits & of_infinity, largest.dtype)
    # Beyond 2^±126 of float32, m or 1 / m would be flushed to 0.
    return jnp.clip(power, 2.0**info.minexp, 2.0**-info.minexp)
