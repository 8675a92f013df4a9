"""Checks of what a caller passes: before anything is traced or sent to a device.

Each raises a `ValueError` of one form: the argument, what was expected, what came. They
look at shapes and dtypes, so they cost nothing in a compiled program; values (lengths)
are looked at when they are concrete, that is outside `jit`. Those of a cell, and of
what it is given, are in `jaxseq.cells.checks`.
"""

import numbers
from collections.abc import Callable

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from jaxseq.types import Array, DTypeLike, Key, Tree


# What reading a tree raises that is another one than expected.
WRONG_TREE = (AttributeError, IndexError, KeyError, TypeError)


def expect(condition: bool, argument: str, expected: str, got: object) -> None:
    """Raises the error that every check raises, unless the condition holds.

    Args:
        condition: what should be true.
        argument: the argument's name.
        expected: what it should be, in words.
        got: what came.

    Raises:
        ValueError: "argument: expected ..., got ...".
    """
    if not condition:
        raise ValueError(f"{argument}: expected {expected}, got {got}")


def check_inputs(argument: str, xs: Array) -> None:
    """Checks that inputs are floats `[T, ..., N]`, with no empty batch axis.

    Args:
        argument: its name, for the error's message.
        xs: the inputs `[T, ..., N]`.
    """
    check_floats(argument, xs)
    is_there = xs.dtype == jax.dtypes.canonicalize_dtype(xs.dtype)
    expected = "32 bits or fewer, as jax_enable_x64 is not set"
    expect(is_there, argument, expected, describe(xs))
    expect(xs.ndim >= 2, argument, "shape [T, ..., I], at least two axes", describe(xs))
    expect(0 not in xs.shape[1:], argument, "no empty axis but time's", describe(xs))


def check_floats(argument: str, array: Array) -> None:
    """Checks that something is an array of floating-point numbers.

    Args:
        argument: its name, for the error's message.
        array: of any shape `[...]`.
    """
    is_array = isinstance(array, (jax.Array, np.ndarray))
    expect(is_array, argument, "an array", type(array).__name__)
    is_float = jnp.issubdtype(array.dtype, jnp.floating)
    expect(is_float, argument, "a floating-point dtype", describe(array))


def check_tree(argument: str, tree: Tree, like: Tree, why: str = "") -> None:
    """Checks structure, shapes and dtypes of a tree against those of another.

    Args:
        argument: its name, for the error's message.
        tree: the tree.
        like: the tree whose structure, shapes and dtypes it should have.
        why: what the message goes on with.
    """
    expect(
        jax.tree.structure(tree) == jax.tree.structure(like),
        argument,
        structure(like),
        structure(tree),
    )
    expected = jax.tree.leaves(like)
    for (path, leaf), wanted in zip(
        jax.tree_util.tree_leaves_with_path(tree), expected, strict=True
    ):
        name = f"{argument}{jax.tree_util.keystr(path)}"
        check_floats(name, leaf)
        matches = leaf.shape == wanted.shape and leaf.dtype == wanted.dtype
        expect(matches, name, describe(wanted) + why, describe(leaf))


def check_lengths(
    lengths: Array, num_steps: int, batch: tuple[int, ...], argument: str = "lengths"
) -> None:
    """Checks lengths `[...]`: integers, one a sequence, in 0 … T where concrete.

    Args:
        lengths: the lengths `[...]`.
        num_steps: T.
        batch: the batch axes of what they are the lengths of.
        argument: its name.
    """
    check_integers(argument, lengths, batch)
    _check_range(argument, lengths, num_steps, f"0 to T = {num_steps}")


def check_mask(argument: str, mask: Array, shape: tuple[int, ...]) -> None:
    """Checks a boolean mask of a known shape.

    Args:
        argument: its name, for the error's message.
        mask: the mask, of shape `[...]`.
        shape: which it should have.
    """
    is_bool = getattr(mask, "dtype", None) == jnp.bool_
    expect(is_bool, argument, "an array of dtype bool", describe(mask))
    expect(jnp.shape(mask) == shape, argument, f"shape {list(shape)}", describe(mask))


def check_ids(
    argument: str, ids: Array, num_ids: int, shape: tuple[int, ...] | None = None
) -> None:
    """Checks ids: integers of a known shape, in 0 … num_ids - 1 where concrete.

    Args:
        argument: its name, for the error's message.
        ids: `[...]`.
        num_ids: how many there are.
        shape: which they should have, or None for any.
    """
    check_integers(argument, ids, shape)
    _check_range(argument, ids, num_ids - 1, f"0 to {num_ids - 1}")


def widened(ids: Array) -> Array:
    """Writes ids of 8 or 16 bits as int32, which has room for V and what is beyond.

    Args:
        ids: `[...]`.

    Returns:
        `[...]`.
    """
    return ids.astype(jnp.int32) if ids.dtype.itemsize < 4 else ids


def _check_range(argument: str, array: Array, largest: int, expected: str) -> None:
    if isinstance(array, jax.core.Tracer):
        return
    values = np.asarray(array)
    wrong = (values < 0) | (values > largest)
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0].tolist())
        expect(False, argument, expected, f"{values[place]} at {list(place)}")


def check_integers(
    argument: str, array: Array, shape: tuple[int, ...] | None = None
) -> None:
    """Checks an array of integers, of a known shape if there is one.

    Args:
        argument: its name, for the error's message.
        array: `[...]`.
        shape: which it should have, or None for any.
    """
    dtype = getattr(array, "dtype", None)
    is_integer = dtype is not None and jnp.issubdtype(dtype, jnp.integer)
    expect(is_integer, argument, "an array of an integer dtype", describe(array))
    if shape is not None:
        matches = jnp.shape(array) == shape
        expect(matches, argument, f"shape {list(shape)}", describe(array))


def check_count(argument: str, count: int, least: int = 1) -> None:
    """Checks a number of things: a Python or NumPy integer, at least `least`.

    Args:
        argument: its name, for the error's message.
        count: the number.
        least: the smallest that is allowed.
    """
    is_integer = isinstance(count, int | np.integer) and not isinstance(count, bool)
    fits = is_integer and count >= least
    expect(fits, argument, f"an integer ≥ {least}", repr(count))


def check_rate(argument: str, rate: float) -> None:
    """Checks a probability or a decay that may not reach 1; never a traced one.

    Args:
        argument: its name, for the error's message.
        rate: the number.
    """
    is_number = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
    is_rate = is_number and 0 <= rate < 1
    expect(is_rate, argument, "a number in [0, 1)", repr(rate))


def check_key(argument: str, key: Key | None) -> None:
    """Checks a random key, of the new style or the old.

    Args:
        argument: its name, for the error's message.
        key: the key.
    """
    dtype, shape = getattr(key, "dtype", None), getattr(key, "shape", None)
    is_old = dtype == jnp.uint32 and shape in ((2,), (4,))
    is_new = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)
    is_one = is_old or (is_new and shape == ())
    expect(is_one, argument, "a random key, as of jax.random.key", describe(key))


def check_draw(key: Key, num_inputs: int, num_hidden: int, dtype: DTypeLike) -> None:
    """Checks what every cell's `init` takes: a key, the two sizes, and a dtype.

    Args:
        key: the key.
        num_inputs: I.
        num_hidden: H.
        dtype: the dtype.
    """
    check_dtype("dtype", dtype)
    check_key("key", key)
    check_count("num_inputs", num_inputs)
    check_count("num_hidden", num_hidden)


def check_dtype(argument: str, dtype: DTypeLike) -> None:
    """Checks a floating-point dtype.

    Args:
        argument: its name, for the error's message.
        dtype: the dtype.
    """
    try:
        # NumPy takes None for float64.
        is_float = dtype is not None and jnp.issubdtype(dtype, jnp.floating)
    except TypeError:  # of what names no dtype at all
        is_float = False
    expect(is_float, argument, "a floating-point dtype", dtype)


def check_flag(argument: str, flag: bool) -> None:
    """Checks a Python or NumPy bool.

    Args:
        argument: its name, for the error's message.
        flag: the bool.
    """
    is_flag = isinstance(flag, bool | np.bool_)
    expect(is_flag, argument, "True or False", repr(flag))


def check_function(argument: str, function: Callable) -> None:
    """Checks that something can be called.

    Args:
        argument: its name, for the error's message.
        function: the function.
    """
    expect(callable(function), argument, "a function", type(function).__name__)


def check_instance(argument: str, value: object, kind: type) -> None:
    """Checks that something is a record or an object of a class.

    Args:
        argument: its name, for the error's message.
        value: what should be one.
        kind: the class.
    """
    fits = isinstance(value, kind)
    expect(fits, argument, f"a {kind.__name__}", type(value).__name__)


def describe(array: object) -> str:
    """Writes an array as `float32[3, 4]`, anything else as its type.

    Args:
        array: an array, or anything else.
    """
    dtype, shape = getattr(array, "dtype", None), getattr(array, "shape", None)
    if dtype is None or shape is None:
        return type(array).__name__
    return f"{dtype}[{', '.join(map(str, shape))}]"


def structure(tree: Tree) -> str:
    """Writes the structure of a tree as text, its leaves as stars.

    Args:
        tree: the tree.
    """
    starred = str(jax.tree.map(lambda _: "*", tree)).replace("'*'", "*")
    if not hasattr(tree, "_fields"):
        return starred
    return record_name(type(tree)).removesuffix(type(tree).__name__) + starred


def record_name(record: type) -> str:
    """Returns the name of a record with its module: `lstm.Params`, as many are Params.

    Args:
        record: the class.
    """
    module = record.__module__.removeprefix("jaxseq.").removeprefix("cells.")
    return f"{module}.{record.__name__}"
