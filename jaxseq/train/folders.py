"""Folders that appear and vanish in one step, whatever happens in between.

    step_0000000300         a checkpoint
    .part-0000000300        one that is being written
    .gone-0000000300        one that is being removed
    damaged_0000000300      one that a run has gone back from, until it saves the next

Only the first counts. `.part` and `.gone` are left by a run that was killed, and the
next one removes them.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path


_NAME = re.compile(r"step_(\d{10,})")
_OS_ERROR = re.compile(r"\[os_error_code='(\d+)'\]")  # of TensorStore
_UNFINISHED = (".part-", ".gone-")
_DAMAGED = "damaged_"


def place(folder: Path, number: int) -> Path:
    """Returns where the checkpoint after so many updates is.

    Args:
        folder: of all checkpoints.
        number: of updates.
    """
    return folder / f"step_{number:010d}"


def numbers(folder: Path) -> list[int]:
    """Returns the updates after which there are checkpoints, rising.

    Args:
        folder: of all checkpoints; need not be there.
    """
    if not folder.is_dir():
        return []
    matches = (_NAME.fullmatch(name) for name in os.listdir(folder))
    return sorted(int(match[1]) for match in matches if match)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Gives a new folder to write in, which at the end takes its place.

    An older one in this place is then removed.

    Args:
        path: the place.

    Yields:
        The new folder.

    Raises:
        OSError: in one line that names the place, whatever way the disk has to fail;
            nothing has changed then.
    """
    part = part_of(path)
    try:
        part.mkdir()
        yield part
        _flush(part)
        if path.exists():
            remove(path)
        os.rename(part, path)
        _flush_folder(path.parent)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, Exception):
            reason = getattr(error, "strerror", None) or _reason(error)
            message = f"cannot write the checkpoint {str(path)!r}: {reason}"
            raise OSError(message) from error
        raise


def part_of(path: Path) -> Path:
    """Returns where a checkpoint is written before it takes its place.

    Args:
        path: the place.
    """
    return _hidden(path, ".part-")


def remove(path: Path) -> None:
    """Removes a folder: at once it has no longer its name, then it is gone.

    Args:
        path: the folder.
    """
    gone = _hidden(path, ".gone-")
    shutil.rmtree(gone, ignore_errors=True)
    os.rename(path, gone)
    shutil.rmtree(gone, ignore_errors=True)


def put_aside(path: Path) -> None:
    """Gives a damaged checkpoint another name, under which it does not count.

    Args:
        path: its place.
    """
    aside = path.with_name(_DAMAGED + path.name.removeprefix("step_"))
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(path, aside)


def remove_put_aside(folder: Path) -> None:
    """Removes what `put_aside` has left.

    Args:
        folder: of all checkpoints.
    """
    _remove_named(folder, (_DAMAGED,))


def remove_unfinished(folder: Path) -> None:
    """Removes what a killed run was writing or removing.

    Args:
        folder: of all checkpoints.
    """
    _remove_named(folder, _UNFINISHED)


def _remove_named(folder: Path, prefixes: tuple[str, ...]) -> None:
    for name in os.listdir(folder):
        if name.startswith(prefixes):
            shutil.rmtree(folder / name, ignore_errors=True)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Shuts other programs out of a folder; the system unlocks it if this one dies.

    Where the system has no such locks, nothing is locked.

    Args:
        folder: to lock until the block ends.

    Yields:
        Nothing, when it is locked.

    Raises:
        OSError: if another program has it locked.
    """
    try:
        import fcntl  # of Unix alone
    except ModuleNotFoundError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The one who had it locked before may have removed it meanwhile.
            is_there = os.path.samestat(os.fstat(handle), os.stat(folder))
        except OSError:
            is_there = False
        if not is_there:
            raise OSError(f"another run is using {str(folder)!r}")
        yield
    finally:
        os.close(handle)


def first_line(error: BaseException) -> str:
    """Returns the first line of what an error says, or what kind it is.

    Args:
        error: any.
    """
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _reason(error: Exception) -> str:
    # A library below has errors of its own, that end in what the system said.
    number = _OS_ERROR.search(str(error))
    return os.strerror(int(number[1])) if number else first_line(error)


def _hidden(path: Path, prefix: str) -> Path:
    return path.with_name(prefix + path.name.removeprefix("step_"))


def _flush(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(root, name), "rb") as stream:
                os.fsync(stream.fileno())
        _flush_folder(Path(root))


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
