"""A tree's leaves by name, on the host: what a checkpoint writes, and reads back."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

from jaxseq.types import Tree


class Kind(NamedTuple):
    """What must agree for a leaf to take another one's place.

    Attributes:
        dtype: its name.
        shape: its sizes, axis by axis.
    """

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        """Writes it as `float32[3, 4]`."""
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> "Kind":
        """Reads it from JSON, where a shape is a list.

        Args:
            entry: has "dtype" and "shape"; the rest is not read.
        """
        return cls(entry["dtype"], tuple(entry["shape"]))


def kinds(tree: Tree) -> dict[str, Kind]:
    """Returns dtype and shape of every leaf by its path, `.params['W']`.

    Args:
        tree: arrays of numbers.

    Raises:
        ValueError: if a leaf is no array of numbers.
    """
    found = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        name = jax.tree_util.keystr(path)
        dtype, shape = getattr(leaf, "dtype", None), getattr(leaf, "shape", None)
        # Random keys, texts and objects have a dtype too.
        is_numbers = dtype is not None and any(
            jnp.issubdtype(dtype, kind) for kind in (jnp.number, jnp.bool_)
        )
        if shape is None or not is_numbers:
            got = dtype or type(leaf).__name__
            raise ValueError(f"{name}: expected an array of numbers, got {got}")
        found[name] = Kind(str(np.dtype(dtype)), tuple(shape))
    return found


def on_host(tree: Tree) -> dict[str, np.ndarray]:
    """Returns every leaf by its path, whole, also if devices or processes share it.

    Args:
        tree: arrays of numbers.

    Returns:
        The leaves by path, each of the shape that `kinds` tells.
    """
    return {
        jax.tree_util.keystr(path): _whole(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def on_devices(arrays: dict[str, np.ndarray], like: Tree) -> Tree:
    """Returns arrays as a tree, each where the leaf of `like` with its path is.

    Args:
        arrays: by path, each of the shape of the leaf of `like`.
        like: a tree of arrays.
    """

    def place(path, leaf):
        array = arrays[jax.tree_util.keystr(path)]
        sharding = getattr(leaf, "sharding", None)
        if sharding is None:
            return array
        # A callback is asked only for what this process' devices hold.
        return jax.make_array_from_callback(array.shape, sharding, array.__getitem__)

    return jax.tree_util.tree_map_with_path(place, like)


def first_not_finite(arrays: dict[str, np.ndarray]) -> str | None:
    """Returns the path of a leaf with a number that is not finite, if there is one.

    Args:
        arrays: by path, of any shape.
    """
    for name, array in arrays.items():
        if jnp.issubdtype(array.dtype, jnp.inexact) and not np.isfinite(array).all():
            return name
    return None


def empty(kind: Kind) -> np.ndarray:
    """Returns an array of a kind, with whatever is in the memory.

    Args:
        kind: its dtype and shape.

    Returns:
        An array of this shape.
    """
    return np.empty(kind.shape, jnp.dtype(kind.dtype))


def _whole(leaf) -> np.ndarray:
    if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
        if not leaf.is_fully_replicated:
            return np.asarray(multihost_utils.process_allgather(leaf, tiled=True))
    return np.asarray(leaf)
