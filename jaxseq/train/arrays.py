"""Arrays in a folder, by Orbax: from the host, and to it.

All processes come together to write, though the first one alone has something to do.
"""

import contextlib
import errno
import functools
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np

from jaxseq.train import leaves, processes


_BESIDE = 2**16  # bytes


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes arrays; those without an entry are left out, as Orbax knows none.

    Args:
        path: a folder that is not there yet.
        arrays: by name, of any shape.

    Raises:
        OSError: if the disk has no room for them; nothing is written then.
        Exception: of Orbax's, where the disk fails on the way.
    """
    from orbax.checkpoint import v1 as ocp  # half a second: not for those who only read

    # Asked before, where the system can tell: not hours of writing in vain. What is
    # written beside the numbers is less than the room kept for it.
    num_bytes = sum(array.nbytes for array in arrays.values())
    is_full = False
    if jax.process_index() == 0:
        is_full = shutil.disk_usage(path.parent).free < num_bytes + _BESIDE
    # Of all, or the others wait for the first one until they are ended.
    if processes.agreed(is_full)[0]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    with _context(ocp), _quiet():
        ocp.save(str(path), {k: a for k, a in arrays.items() if a.size})


def read(path: Path, wanted: dict[str, leaves.Kind]) -> dict[str, np.ndarray]:
    """Reads arrays of known kinds.

    Args:
        path: the folder.
        wanted: what they are, by name.

    Returns:
        The arrays by name, each of the shape wanted.
    """
    from orbax.checkpoint import v1 as ocp

    empty = {name: leaves.empty(kind) for name, kind in wanted.items()}
    context = _context(ocp)
    if jax.process_count() > 1:
        # Each reads for itself, and waits for nobody.
        number = jax.process_index()
        context.multiprocessing.primary_host = number
        context.multiprocessing.active_processes = {number}
        context.multiprocessing.barrier_sync_key_prefix = f"process_{number}"
    with context:
        stored = ocp.load(str(path), {k: a for k, a in empty.items() if a.size})
    return empty | stored


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # A failure is raised, once. Orbax's threads and tasks log it too, a traceback an
    # array, and some of them late: after a failure these stay quiet.
    loggers = [logging.getLogger(name) for name in ("absl", "asyncio")]
    hook = sys.unraisablehook
    for logger in loggers:
        logger.addFilter(_is_not_of_orbax)
    sys.unraisablehook = functools.partial(_unless_late, hook)
    yield
    sys.unraisablehook = hook
    for logger in loggers:
        logger.removeFilter(_is_not_of_orbax)


def _is_not_of_orbax(record: logging.LogRecord) -> bool:
    is_error = record.levelno >= logging.ERROR
    return not (is_error and "orbax" in record.pathname + record.getMessage())


def _unless_late(hook, unraisable) -> None:
    # Of a write whose end there is nobody to tell any more.
    if str(unraisable.exc_value) != "Event loop is closed":
        hook(unraisable)


def _context(ocp):
    context = ocp.Context()
    # Else it waits for minutes for a folder that could not be made.
    context.asynchronous.create_directories_asynchronously = False
    return context
