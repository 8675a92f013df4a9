"""Checkpoints in a folder: each whole and checked, or not there at all.

    FOLDER/step_0000000300/     one checkpoint
        arrays/                 the leaves, by Orbax
        checkpoint.json         the rest: place, settings, software, digests

A checkpoint is written beside its place, flushed to the disk, and moved there in one
step; a program that is killed at any instant leaves the older ones and at most one
part, which the next run removes. `checkpoint.json` begins with the digest of its own
content and holds one of every leaf and of every file. Files are compared before
anything reads them, so that damaged bytes reach no parser; leaves once they are read.

Two kinds of failure are told apart. `Damaged`: what was written is not what is there;
`latest` goes back to the one before, and `stores.put_aside` takes what was passed over
out of the count. `OtherTraining`: it is whole, but of something else; nothing is better
than to say so. What cannot be read for the moment is neither: that is an `OSError`.

Arrays are saved from the host, whole: a run may go on with other devices or processes.
Process 0 writes for all. Nothing in the files is code.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxseq.checks import check_count, check_instance, expect
from jaxseq.train import (
    about,
    arrays as stored,
    digests,
    folders,
    head,
    leaves,
    processes,
    stores,
)
from jaxseq.train.head import FORMAT, Damaged
from jaxseq.train.stores import Store
from jaxseq.types import Tree


_ARRAYS = "arrays"


class OtherTraining(ValueError):
    """A checkpoint is of another training or program; the message is one line."""


class Loaded(NamedTuple):
    """A checkpoint that was read.

    Attributes:
        number: updates that it comes after.
        tree: the arrays.
        host: what else `save` was given.
        notes: a line for each damaged checkpoint that it was preferred to.
    """

    number: int
    tree: Tree
    host: dict[str, Any]
    notes: tuple[str, ...]


def save(
    store: Store,
    number: int,
    tree: Tree,
    host: Mapping[str, Any],
    score: float | None = None,
) -> Path:
    """Writes a checkpoint, then removes those that are not to be kept.

    Args:
        store: where.
        number: updates done.
        tree: arrays of numbers.
        host: what else is needed to go on, fit for JSON.
        score: how good it is, lower is better; None if nobody knows.

    Returns:
        The checkpoint's folder.

    Raises:
        ValueError: naming the argument.
        FloatingPointError: if an array is not finite: older ones stay as they are.
        OSError: in one line, if it cannot be written; likewise.
    """
    check_instance("store", store, Store)
    check_count("number", number, least=0)
    is_number = isinstance(score, int | float) and math.isfinite(score)
    is_score = score is None or is_number
    expect(is_score, "score", "a finite number or None", score)
    host = about.plain("host", host)
    kinds = leaves.kinds(tree)
    arrays = leaves.on_host(tree)
    is_any = any(array.size for array in arrays.values())
    expect(is_any, "tree", "an array with entries", "none")
    place = folders.place(store.folder, number)
    if (bad := leaves.first_not_finite(arrays)) is not None:
        raise FloatingPointError(f"not saved at update {number}: {bad} is not finite")
    if jax.process_index() != 0:
        try:
            stored.write(folders.part_of(place) / _ARRAYS, arrays)
        except OSError as error:
            message = f"cannot write the checkpoint {str(place)!r}: {error.strerror}"
            raise OSError(message) from error
        processes.wait()
        return place
    of_leaves = {
        name: {**kind._asdict(), "sha256": digests.of_array(arrays[name])}
        for name, kind in kinds.items()
    }
    entries = {
        "format": FORMAT,
        "number": number,
        "score": None if score is None else float(score),
        "host": host,
        "settings": store.settings,
        "software": about.software(),
        "leaves": of_leaves,
    }
    with folders.writing(place) as part:
        stored.write(part / _ARRAYS, arrays)
        head.write(part, entries)
    stores.remove_others(store, number)
    # Whoever ended after it would soon have the first one ended while it writes.
    processes.wait()
    return place


def latest(store: Store, like: Tree) -> Loaded | None:
    """Reads the newest checkpoint that is whole.

    Args:
        store: where.
        like: a tree of the same structure, shapes and dtypes; its leaves say on which
            devices those that are read belong.

    Returns:
        None if there is no checkpoint.

    Raises:
        ValueError: if `store` is none.
        Damaged: if there are some, but none is whole.
        OtherTraining: if the newest that is whole is of another training.
        OSError: in one line, if one cannot be read, which may be whole.
    """
    check_instance("store", store, Store)
    notes: list[str] = []
    for number in reversed(folders.numbers(store.folder)):
        try:
            return load(store, number, like)._replace(notes=tuple(notes))
        except Damaged as error:
            notes.append(str(error))
    if notes:
        raise Damaged(f"no checkpoint in {str(store.folder)!r} is whole: {notes[0]}")
    return None


def best(store: Store, like: Tree) -> Loaded | None:
    """Reads the checkpoint with the lowest score; None if none has one.

    Args:
        store: where.
        like: as of `latest`.

    Raises:
        ValueError: if `store` is none.
        Damaged: if it is not whole.
        OtherTraining: if it is of another training.
        OSError: as of `latest`.
    """
    check_instance("store", store, Store)
    scores = stores.scores(store)
    return load(store, min(scores, key=scores.__getitem__), like) if scores else None


def load(store: Store, number: int, like: Tree) -> Loaded:
    """Reads the checkpoint after so many updates.

    Args:
        store: where.
        number: updates that it comes after.
        like: as of `latest`.

    Raises:
        ValueError: naming the argument.
        Damaged: if it is not whole.
        OtherTraining: if it is of another training, or of another version.
        OSError: as of `latest`.
    """
    check_instance("store", store, Store)
    check_count("number", number, least=0)
    place = folders.place(store.folder, number)
    name = repr(str(place))
    entries = head.read(place)
    if entries["format"] != FORMAT:
        raise OtherTraining(
            f"{name} is of another version: it has format {entries['format']}, "
            f"not {FORMAT}"
        )
    if entries["number"] != number:
        raise Damaged(f"{name} is damaged: it is that after update {entries['number']}")
    if names := about.differences(entries["settings"], store.settings):
        raise OtherTraining(f"{name} is of another training: {', '.join(names)} differ")
    wanted = leaves.kinds(like)
    found = {path: leaves.Kind.read(leaf) for path, leaf in entries["leaves"].items()}
    if wrong := _unlike(found, wanted):
        raise OtherTraining(f"{name} has other arrays: {'; '.join(wrong)}")
    try:
        arrays = stored.read(place / _ARRAYS, wanted)
    except Exception as error:  # of whatever kind a library has
        # The bytes are those that were written: an older one would do no better.
        message = f"cannot read the checkpoint {name}: {folders.first_line(error)}"
        raise OSError(message) from error
    for path, leaf in entries["leaves"].items():
        if digests.of_array(arrays[path]) != leaf["sha256"]:
            raise Damaged(f"{name} is damaged: {path} has another digest")
    return Loaded(number, leaves.on_devices(arrays, like), entries["host"], ())


def _unlike(found: dict, wanted: dict) -> list[str]:
    """Says of every leaf that is not what is wanted what it is."""
    wrong = []
    for path in sorted(found.keys() | wanted.keys()):
        here, there = wanted.get(path, "none"), found.get(path, "none")
        if here != there:
            wrong.append(f"{path}: expected {here}, got {there}")
    return wrong
