"""Disks that fail for real: one that is full, a folder that takes no file."""

import contextlib
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


NOBODY = 65534


@contextlib.contextmanager
def full(folder: Path, num_bytes: int = 500) -> Iterator[str]:
    """Refuses writes in the middle of files, as a full disk does.

    By a limit on the size of files, which holds for whoever the user is, wherever the
    files are; yields what the system says.
    """
    del folder
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield "File too large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def closed(folder: Path) -> Iterator[str]:
    """Takes the permission to write away; yields what the system says.

    Root may write everywhere, so that it has to be somebody else for a while.
    """
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield "Permission denied"
    finally:
        if is_root:
            os.seteuid(0)
        for path in folders:
            path.chmod(0o755)


@contextlib.contextmanager
def shared_folder() -> Iterator[Path]:
    """Makes a folder that others may read, which pytest's own are not."""
    path = Path(tempfile.mkdtemp(dir="/tmp"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def contents(folder: Path) -> dict[str, bytes]:
    """Reads every file of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}
