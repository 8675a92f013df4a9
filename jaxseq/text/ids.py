"""The check that stands between ids and the device.

Under `jit` an id out of range is no error: a gather clamps it and a loss wraps it, so
that training goes on with a wrong row. Hence every id is checked on the host, once.
"""

import numpy as np
from numpy.typing import ArrayLike


MAX_NUM_IDS = 2**31 - 1


def check_ids(name: str, ids: ArrayLike, num_ids: int) -> np.ndarray:
    """The ids as an int32 array, if they all are ids.

    Args:
      name: what to call `ids` in an error.
      ids: [...] integers of any width, as an array or as nested lists.
      num_ids: number of ids V, 1 to 2^31 - 1.

    Returns:
      [...] int32, the array itself if it is one.

    Raises:
      ValueError: if an element is no integer (bool and float are none, whatever their
        value), negative or at least V; the message names the argument, the position,
        the value and V.
    """
    if isinstance(num_ids, bool) or not isinstance(num_ids, int | np.integer):
        raise ValueError(f"num_ids must be an integer, got {num_ids!r}")
    if not 1 <= num_ids <= MAX_NUM_IDS:
        raise ValueError(f"num_ids must lie in 1..{MAX_NUM_IDS}, got {num_ids}")
    array = _as_array(name, ids)
    if array.dtype == object:
        _check_types(name, array, num_ids)
    elif not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"{name} must hold integers in 0..{num_ids - 1} (V = {num_ids}), "
            f"got dtype {array.dtype}{_first(name, array)}"
        )
    if array.size and (array.min() < 0 or array.max() >= num_ids):
        wrong = ((array < 0) | (array >= num_ids)).ravel()
        position = int(np.argmax(wrong))
        raise _no_id(name, array, position, num_ids)
    return array.astype(np.int32, copy=False)


def _as_array(name: str, ids: ArrayLike) -> np.ndarray:
    if hasattr(ids, "__array__"):
        return np.asarray(ids)
    try:
        # as objects, because numpy turns [1, True] and [1, 2.0] into plain numbers
        return np.asarray(ids, dtype=object)
    except ValueError:
        raise ValueError(
            f"{name} must be an array or evenly nested lists of integers"
        ) from None


def _check_types(name: str, array: np.ndarray, num_ids: int) -> None:
    for position, value in enumerate(array.flat):
        integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not integer:
            raise _no_id(name, array, position, num_ids)


def _no_id(name: str, array: np.ndarray, position: int, num_ids: int) -> ValueError:
    value = array.flat[position]
    shown = repr(value) if array.dtype == object else str(value)
    return ValueError(
        f"{name}{_index(array.shape, position)} = {shown[:80]} is no id: "
        f"expected an integer in 0..{num_ids - 1} (V = {num_ids})"
    )


def _first(name: str, array: np.ndarray) -> str:
    if not array.size:
        return ""
    return f", {name}{_index(array.shape, 0)} = {str(array.flat[0])[:80]}"


def _index(shape: tuple[int, ...], position: int) -> str:
    indices = np.unravel_index(position, shape)
    return f"[{', '.join(str(i) for i in indices)}]" if shape else ""
