"""The header of a safetensors file, checked before anything it asks for is allocated.

    8 bytes     N, little-endian                                                   (1)
    N bytes     JSON: name -> dtype, shape, data_offsets [begin, end)              (2)
    the rest    the arrays, which fill it without a gap or an overlap              (3)

A header is a stranger's word about sizes. Here every number in it is compared with the
length of the file first, so that what is allocated later is never more than the file.
Stricter than the format: N is at most 256 KiB (some 2,500 arrays; the format allows
100 MB), an array has at most 16 axes, and a name that climbs out of a folder,
were it ever used as a path, is no name.

Reference: Hugging Face, https://github.com/huggingface/safetensors, 2022, "Format".
"""

import json
import math
import re
from typing import Any, BinaryIO, NamedTuple

import ml_dtypes
import numpy as np

from jaxseq.checks import expect


MAX_HEADER = 1 << 18
MAX_AXES = 16
DTYPES = {
    "BOOL": np.dtype(bool),
    **{f"{k}{8 * n}": np.dtype(f"{k.lower()}{n}") for k in "IU" for n in (1, 2, 4, 8)},
    **{f"F{8 * n}": np.dtype(f"f{n}") for n in (2, 4, 8)},
    "BF16": np.dtype(ml_dtypes.bfloat16),
}
_NAME = re.compile(r"[^\x00-\x1f\x7f\\]{1,512}")


class Entry(NamedTuple):
    """What a header says of one array.

    Attributes:
        dtype: NumPy's.
        shape: its sizes, axis by axis.
        begin: where it begins, in bytes behind the header.
        end: where it ends, likewise; its last byte is the one before.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


class Header(NamedTuple):
    """A checked header.

    Attributes:
        entries: by the arrays' names.
        metadata: texts by name.
    """

    entries: dict[str, Entry]
    metadata: dict[str, str]


def read(stream: BinaryIO, num_bytes: int) -> Header:
    """Reads and checks the header of a file.

    Args:
        stream: at the beginning of the file; afterwards, of the arrays.
        num_bytes: the length of the file, in bytes.

    Raises:
        ValueError: in one line, saying what is wrong.
    """
    size = int.from_bytes(stream.read(8), "little")  # (1)
    fits = num_bytes >= 8 and size <= num_bytes - 8
    expect(fits, "header", f"at most the file's {num_bytes} bytes", size)
    expect(size <= MAX_HEADER, "header", f"at most {MAX_HEADER} bytes", size)
    text = stream.read(size)
    expect(text[:1] == b"{", "header", "a JSON object", repr(text[:16]))
    try:
        found = json.loads(text.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except RecursionError:
        raise ValueError(
            "header: expected names and arrays, got deep nesting"
        ) from None
    metadata = found.pop("__metadata__", {})
    is_text = isinstance(metadata, dict) and all(
        isinstance(value, str) for value in metadata.values()
    )
    expect(is_text, "__metadata__", "texts by name", _short(metadata))
    entries = {name: _entry(name, about) for name, about in found.items()}
    _check_offsets(entries, num_bytes - 8 - size)
    return Header(entries, metadata)


def check_name(name: str) -> None:
    """Checks the name of an array: printable, and as a path below where it is.

    Args:
        name: of the array.

    Raises:
        ValueError: if it is not.
    """
    expect(isinstance(name, str), "name of an array", "a text", _short(name))
    parts = name.split("/")
    is_path = not {"", ".", ".."} & set(parts) and name != "__metadata__"
    is_name = bool(_NAME.fullmatch(name)) and is_path
    expected = "1 to 512 printable characters, no \\, no .. between slashes"
    expect(is_name, "name of an array", expected, _short(name))


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    expect(len(found) == len(pairs), "header", "each name once", "one twice")
    return found


def _entry(name: str, about: Any) -> Entry:
    check_name(name)
    keys = {"dtype", "shape", "data_offsets"}
    is_entry = isinstance(about, dict) and about.keys() == keys
    expect(is_entry, name, "dtype, shape and data_offsets", _short(about))
    code, shape, offsets = about["dtype"], about["shape"], about["data_offsets"]
    known = isinstance(code, str) and code in DTYPES
    expect(known, f"{name}: dtype", f"one of {', '.join(DTYPES)}", _short(code))
    fits = _are_counts(shape) and len(shape) <= MAX_AXES
    expected = f"at most {MAX_AXES} numbers from 0 to 2^63"
    expect(fits, f"{name}: shape", expected, _short(shape))
    fits = _are_counts(offsets) and len(offsets) == 2 and offsets[0] <= offsets[1]
    expect(fits, f"{name}: data_offsets", "a begin and an end", _short(offsets))
    entry = Entry(DTYPES[code], tuple(shape), *offsets)
    num_bytes = math.prod(shape) * entry.dtype.itemsize  # Python's, never too large
    got = f"{offsets} for {code}{shape}"
    expect(
        entry.end - entry.begin == num_bytes,
        *(f"{name}: data_offsets", f"{num_bytes} bytes", got),
    )
    return entry


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value < 1 << 63 for value in values
    )


def _check_offsets(entries: dict[str, Entry], num_bytes: int) -> None:
    """Checks (3)."""
    at = 0
    in_order = sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end))
    for name, entry in in_order:
        expected = f"begin {at}, no gap and no overlap"
        expect(entry.begin == at, f"{name}: data_offsets", expected, entry.begin)
        at = entry.end
    expect(at == num_bytes, "arrays", f"{num_bytes} bytes, the rest of the file", at)


def _short(value: Any) -> str:
    """Writes any value on one short line, without writing all of it first."""
    if isinstance(value, str):
        return repr(value[:60])
    if isinstance(value, list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    is_large = isinstance(value, int) and abs(value) >= 1 << 64
    return "a large number" if is_large else repr(value)[:60]
