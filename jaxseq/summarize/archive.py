"""Arrays in a file with what they are of: no pickle, and whole or not there at all.

What they are of is a text of JSON: the settings, and hashes of what was trained on.
"""

import json
import os
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from jaxseq.word2vec.streams import FilePath, reading, writing


Made = TypeVar("Made")
# RuntimeError: a damaged header may name another compression, or a password.
# MemoryError: or a shape that no machine holds.
_DAMAGED = (
    *(EOFError, KeyError, MemoryError, RuntimeError, TypeError, ValueError),
    zipfile.BadZipFile,
)


def write(
    path: FilePath, file_format: str, about: str, arrays: Mapping[str, np.ndarray]
) -> None:
    """Writes the whole file or, on any failure, none.

    Args:
        path: where to; an old file is replaced in one step.
        file_format: names the kind of file, and its version.
        about: what the arrays are of, JSON.
        arrays: of any shape, by name.

    Raises:
        OSError: if the file cannot be written; an old one is then unharmed.
        FloatingPointError: if an array, not a single number, is not finite; likewise.
    """
    for name, array in arrays.items():
        if array.ndim and not np.isfinite(array).all():
            raise FloatingPointError(
                f"{name} are not all finite: not saved, an older file stays as it is"
            )
    with writing(path) as (stream,):
        heading = {"format": np.array(file_format), "about": np.array(about)}
        entries: dict[str, Any] = {**heading, **arrays}
        np.savez(stream, **entries)


def read(
    path: FilePath,
    file_format: str,
    kind: str,
    pick: Callable[[dict[str, np.ndarray]], Made],
) -> tuple[dict[str, Any], Made]:
    """Reads a file that `write` wrote.

    Args:
        path: the file.
        file_format: that it must have.
        kind: what to call such a file in an error.
        pick: makes of the arrays what is wanted; what it fails by counts as damage.

    Returns:
        What the arrays are of, and what was made of them.

    Raises:
        ValueError: in one line, if the file cannot be read or is none of these.
    """
    with reading(path) as stream:
        try:
            with np.load(stream, allow_pickle=False) as arrays:
                found = {key: arrays[key] for key in arrays.files}
            if str(found["format"]) != file_format:
                raise ValueError(f"format {str(found['format'])[:40]!r}")
            return json.loads(str(found["about"])), pick(found)
        except _DAMAGED as error:
            reason = str(error).splitlines()[0][:80] if str(error) else "cut short"
            raise ValueError(f"no {kind} ({reason})") from None


def check_same(path: FilePath, found: dict[str, Any], about: str, other: str) -> None:
    """Checks what a file is of.

    Args:
        path: the file.
        found: what it is of, from `read`.
        about: what it should be of.
        other: what to call anything else.

    Raises:
        ValueError: in one line, naming what differs.
    """
    wanted = json.loads(about)
    keys = sorted(k for k in found | wanted if found.get(k) != wanted.get(k))
    if keys:
        differ = f"{', '.join(keys)} differ"
        raise ValueError(f"{os.fspath(path)!r} is of {other}: {differ}")
