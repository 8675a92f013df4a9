"""A folder of checkpoints of one training: who uses it, and which of them stay.

One program at a time has it, by a lock; in a training of several processes the first
one has it for all, and it alone makes and removes folders. What stays are the newest
and the best. Reading and writing one is `jaxseq.train.checkpoint`'s, and the names on
the disk are `jaxseq.train.folders`'.
"""

import contextlib
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxseq.checks import check_count, check_instance, expect
from jaxseq.train import about, folders, head, processes


class Keep(NamedTuple):
    """Which checkpoints to keep.

    Attributes:
        last: the newest so many, 1 at least; more than one to have something to go back
            to.
        best: also the so many with the lowest scores.
    """

    last: int = 2
    best: int = 1


_KEEP = Keep()


class Store(NamedTuple):
    """A folder of checkpoints of one training, from `opened`.

    Attributes:
        folder: has a folder for each checkpoint.
        settings: all that decides the result, fit for JSON.
        keep: which checkpoints stay.
    """

    folder: Path
    settings: dict[str, Any]
    keep: Keep


@contextlib.contextmanager
def opened(
    folder: str | os.PathLike[str], settings: Mapping[str, Any], keep: Keep = _KEEP
) -> Iterator[Store]:
    """Opens a folder of checkpoints for one training, and shuts out every other one.

    What a killed run has left unfinished is removed.

    Args:
        folder: made if it is not there.
        settings: all that decides the result, fit for JSON.
        keep: which to keep.

    Raises:
        ValueError: naming the argument.
        OSError: if the folder cannot be made or used, or another run uses it.
        Different: if processes of one training have other settings.
    """
    is_path = isinstance(folder, str | os.PathLike)
    expect(is_path, "folder", "a path", type(folder).__name__)
    check_instance("keep", keep, Keep)
    check_count("keep.last", keep.last)
    check_count("keep.best", keep.best, least=0)
    path = Path(folder).absolute()
    store = Store(path, about.plain("settings", settings), keep)
    with contextlib.ExitStack() as stack:
        if jax.process_index() == 0:
            path.mkdir(parents=True, exist_ok=True)
            stack.enter_context(folders.locked(path))
            folders.remove_unfinished(path)
        # Nobody reads before the first process is ready.
        processes.check_same(store.settings)
        yield store


def clear(store: Store) -> None:
    """Removes every checkpoint, to start afresh.

    Args:
        store: where.

    Raises:
        ValueError: if it is no store.
    """
    check_instance("store", store, Store)
    if jax.process_index() == 0:
        for number in folders.numbers(store.folder):
            folders.remove(folders.place(store.folder, number))
        folders.remove_put_aside(store.folder)
    processes.wait()


def put_aside(store: Store, number: int) -> None:
    """Takes the damaged checkpoints that `latest` has passed over out of the count.

    Else they would be among those that are kept, and what a training has gone back to
    would be removed. They are there until the next one is written.

    Args:
        store: where.
        number: of the one that `latest` returned.

    Raises:
        ValueError: naming the argument.
    """
    check_instance("store", store, Store)
    check_count("number", number, least=0)
    if jax.process_index() == 0:
        for other in folders.numbers(store.folder):
            if other > number:
                folders.put_aside(folders.place(store.folder, other))


def discard(folder: str | os.PathLike[str]) -> None:
    """Removes a folder of checkpoints that nobody goes on from any more.

    It stays if another run has begun to use it. If this one is killed on the way, the
    newest is still whole, or all are gone.

    Args:
        folder: of the checkpoints; need not be there.
    """
    path = Path(folder).absolute()
    with contextlib.suppress(OSError), folders.locked(path):
        for number in folders.numbers(path):
            folders.remove(folders.place(path, number))
        shutil.rmtree(path)


def scores(store: Store) -> dict[int, float]:
    """Returns the scores of the checkpoints that have one, by their updates.

    One that cannot be read for the moment has -inf: it may be the best, and is not to
    be removed for that.

    Args:
        store: where.
    """
    found = {}
    for number in folders.numbers(store.folder):
        try:
            read = head.unchecked(folders.place(store.folder, number))
        except OSError as error:
            if error.errno not in head.DAMAGE:
                found[number] = -math.inf
        except ValueError:
            continue
        else:
            if read.get("number") == number and read.get("score") is not None:
                found[number] = read["score"]
    return found


def remove_others(store: Store, number: int) -> None:
    """Keeps what `store.keep` says, and never a newer one than that just written.

    Args:
        store: where.
        number: of that one.
    """
    # What is newer than the newest is of a future that was gone back from.
    past = [n for n in folders.numbers(store.folder) if n <= number]
    found = scores(store)
    ranked = sorted((n for n in past if n in found), key=found.__getitem__)
    kept = {*past[-store.keep.last :], *ranked[: store.keep.best]}
    for other in folders.numbers(store.folder):
        if other not in kept:
            folders.remove(folders.place(store.folder, other))
    folders.remove_put_aside(store.folder)
