"""Model files for exchange, by safetensors: arrays by name, and no code in them.

    save("lstm.safetensors", params, {"trained on": "pairs.jsonl"})
    params = load("lstm.safetensors", like=params)

    state_dict = read("pytorch_model.safetensors").arrays
    layers, params = torch.read(state_dict, "encoder.")

A leaf of a tree is named by its path, joined by slashes: "0/forward/U". The same arrays
and metadata give the same bytes. A file is whole, or it is not there; one that lies
about its contents is refused before it is read (`jaxseq.interop.safetensors_header`).

Everything that NumPy and JAX have goes in and out, bfloat16 too, which
`safetensors.numpy` alone does not read.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy

from jaxseq.checks import describe, expect
from jaxseq.interop import safetensors_header as header
from jaxseq.types import Tree
from jaxseq.word2vec.streams import FilePath, check_regular, writing


class Contents(NamedTuple):
    """What is in a file.

    Attributes:
        arrays: by name, of any shape `[...]`.
        metadata: texts by name.
    """

    arrays: dict[str, np.ndarray]
    metadata: dict[str, str]


def write(
    path: FilePath,
    arrays: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Writes arrays by name; an old file is replaced in one step.

    Args:
        path: where to.
        arrays: of NumPy or JAX.
        metadata: texts by name.

    Raises:
        ValueError: naming the array that cannot be written, before a file is touched.
        OSError: if the file cannot be written; an old one is then unharmed.
    """
    is_mapping = isinstance(arrays, Mapping)
    expect(is_mapping, "arrays", "arrays by name", type(arrays).__name__)
    metadata = dict(metadata or {})
    are_texts = all(isinstance(text, str) for pair in metadata.items() for text in pair)
    expect(are_texts, "metadata", "texts by name", metadata)
    known = header.DTYPES.values()
    contiguous = {}
    for name, value in arrays.items():
        header.check_name(name)
        array = np.asarray(value)
        expect(array.dtype in known, name, "a dtype of safetensors", describe(array))
        contiguous[name] = np.ascontiguousarray(array).reshape(array.shape)
    raw = _with_metadata(safetensors.numpy.save(contiguous), metadata)
    with writing(path) as (stream,):
        stream.write(raw)


def read(path: FilePath) -> Contents:
    """Reads arrays by name, whoever wrote them.

    Args:
        path: the file.

    Raises:
        ValueError: in one line that names the file: if it is not there, is no regular
            file and no link to one, or is damaged.
    """
    name = os.fspath(path)
    try:
        raw, found = _checked(path)
        arrays = {}
        for key, about in safetensors.deserialize(raw):
            entry = found.entries[key]
            flat = np.frombuffer(about["data"], entry.dtype)
            arrays[key] = flat.reshape(entry.shape)
    except OSError as error:
        raise ValueError(f"{name!r}: {error.strerror}") from None
    except (ValueError, safetensors.SafetensorError) as error:
        reason = str(error).splitlines()[0][:300]
        raise ValueError(f"{name!r}: no safetensors file ({reason})") from None
    return Contents(arrays, found.metadata)


def save(path: FilePath, tree: Tree, metadata: Mapping[str, str] | None = None) -> None:
    """Writes the leaves of a tree under the names of their paths.

    Args:
        path: where to; an old file is replaced in one step.
        tree: arrays of NumPy or JAX.
        metadata: texts by name.

    Raises:
        ValueError: if a leaf has no name, or two have one.
        OSError: if the file cannot be written; an old one is then unharmed.
    """
    write(path, _named(tree), metadata)


def load(path: FilePath, like: Tree) -> Tree:
    """Reads a tree that `save` wrote.

    Args:
        path: the file.
        like: a tree of the same structure, shapes and dtypes: arrays, or what
            `jax.eval_shape` gives.

    Returns:
        The tree, of JAX's arrays.

    Raises:
        ValueError: in one line that names the file: if it cannot be read, or with all
            names, shapes and dtypes that differ.
    """
    arrays = read(path).arrays
    wanted = _named(like)
    wrong = [f"{name} extra" for name in arrays if name not in wanted]
    for name, leaf in wanted.items():
        array = arrays.get(name)
        if array is None:
            wrong.append(f"{name} missing")
        elif array.shape != leaf.shape or array.dtype != leaf.dtype:
            wrong.append(f"{name} {describe(array)} in place of {describe(leaf)}")
    named = repr(os.fspath(path))
    expect(not wrong, named, "the arrays of like", "; ".join(wrong))
    narrowed = [
        name for name, leaf in wanted.items() if leaf.dtype != _canonical(leaf.dtype)
    ]
    expected = "32 bits or fewer, as jax_enable_x64 is not set"
    expect(not narrowed, named, expected, ", ".join(narrowed))
    leaves = [jnp.array(arrays[name]) for name in wanted]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _named(tree: Tree) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        has_array = hasattr(leaf, "shape") and hasattr(leaf, "dtype")
        expect(has_array, name or "tree", "an array", type(leaf).__name__)
        expected = "a tree whose leaves have names of their own"
        expect(bool(name) and name not in named, "tree", expected, repr(name))
        named[name] = leaf
    return named


def _checked(path: FilePath) -> tuple[bytes, header.Header]:
    """Reads a file whose header is right: the header first, then the whole."""
    check_regular(path)
    with open(path, "rb") as stream:
        num_bytes = os.fstat(stream.fileno()).st_size
        found = header.read(stream, num_bytes)
        stream.seek(0)
        return stream.read(num_bytes), found


def _with_metadata(raw: bytes, metadata: dict[str, str]) -> bytes:
    """Puts metadata into a file's bytes, sorted: the library's order is random."""
    size = int.from_bytes(raw[:8], "little")
    entries = json.loads(raw[8 : 8 + size])
    if metadata:
        entries = {"__metadata__": dict(sorted(metadata.items())), **entries}
    text = json.dumps(entries, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)  # the arrays stay aligned
    expected = f"at most {header.MAX_HEADER} bytes of names and metadata"
    expect(len(text) <= header.MAX_HEADER, "header", expected, len(text))
    return len(text).to_bytes(8, "little") + text + raw[8 + size :]


def _canonical(dtype: Any) -> np.dtype:
    return np.dtype(jax.dtypes.canonicalize_dtype(dtype))
