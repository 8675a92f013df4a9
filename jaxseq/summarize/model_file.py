"""A trained summarizer in a file: no pickle, whole or not there at all.

A file holds the weights, and what they are of: the vocabulary, as a hash, and every
setting that the model needs to be used, as a text. One that differs in any of these is
refused, naming what differs. How the model is searched can stand beside them; it does
not decide what the model is.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.summarize import archive
from jaxseq.text.vocab import Vocab
from jaxseq.types import Tree
from jaxseq.word2vec.streams import FilePath


_FORMAT = "jaxseq-summarize-1"
_SEARCH = "search"


def about(vocab: Vocab, settings: Mapping[str, Any]) -> str:
    """Describes what is trained, for `save` and `load`.

    Args:
        vocab: its words go in as a hash.
        settings: fit for JSON; all that the model needs.
    """
    return json.dumps({"vocabulary": hash_of(vocab), **settings}, sort_keys=True)


def hash_of(vocab: Vocab) -> str:
    """Returns a hash of all words of a vocabulary, in their order.

    Args:
        vocab: the vocabulary.
    """
    words = "\n".join(vocab.tokens).encode("utf-8", "surrogatepass")
    return hashlib.sha256(words).hexdigest()


def save(
    path: FilePath,
    tree: Tree,
    described: str,
    search: Mapping[str, Any] | None = None,
) -> None:
    """Writes the arrays of a tree: the whole file or, on any failure, none.

    Args:
        path: where to; an old file is replaced in one step.
        tree: what to write.
        described: what it is of, from `about`.
        search: how the model is searched, fit for JSON; None for no word of it.

    Raises:
        OSError: if the file cannot be written; an old one is then unharmed.
        FloatingPointError: if an array is not finite; likewise.
    """
    leaves = {f"leaf{i}": np.asarray(a) for i, a in enumerate(jax.tree.leaves(tree))}
    if search is not None:
        both = {**json.loads(described), _SEARCH: dict(search)}
        described = json.dumps(both, sort_keys=True)
    archive.write(path, _FORMAT, described, leaves)


def settings_of(path: FilePath) -> dict[str, Any]:
    """Returns what a file says it is of: the settings, and the vocabulary's hash.

    Raises:
        ValueError: as `load`.
    """
    of, _ = _read(path)
    of.pop(_SEARCH, None)
    return of


def search_of(path: FilePath) -> dict[str, Any]:
    """Returns how a file says that its model is searched; nothing if it does not.

    Raises:
        ValueError: as `load`.
    """
    return _read(path)[0].get(_SEARCH, {})


def load(path: FilePath, like: Tree, described: str) -> Tree:
    """Reads a tree that `save` wrote.

    Args:
        path: the file.
        like: a tree of the same structure, shapes and dtypes.
        described: what is expected, from `about`.

    Raises:
        ValueError: in one line, if the file cannot be read, is none of these, or is of
            something else, naming what differs.
    """
    name = repr(os.fspath(path))
    of, found = _read(path)
    of.pop(_SEARCH, None)
    archive.check_same(path, of, described, "something else")
    leaves, structure = jax.tree.flatten(like)
    read = []
    for number, leaf in enumerate(leaves):
        array, wanted = found.get(f"leaf{number}"), np.asarray(leaf)
        fits = array is not None and array.shape == wanted.shape
        if array is None or not fits or array.dtype != wanted.dtype:
            raise ValueError(f"{name}: its array {number} is not what was expected")
        read.append(jnp.asarray(array))
    return structure.unflatten(read)


def _read(path: FilePath) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    return archive.read(path, _FORMAT, "file of a summarizer", lambda arrays: arrays)
