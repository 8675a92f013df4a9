"""Bytes from and to files, compressed by suffix; what is written is whole or not there.

`jaxseq.text.files` reads text; this is for files whose words may be cut, or that hold
binary numbers.
"""

import bz2
import contextlib
import errno
import gzip
import lzma
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from jaxseq.checks import expect
from jaxseq.text.files import COMPRESSED


FilePath: TypeAlias = str | os.PathLike[str]

_WRITERS = {
    # No name and no time in the header: the same vectors give the same bytes.
    ".gz": lambda raw: gzip.GzipFile("", "wb", 6, raw, 0),
    ".bz2": lambda raw: bz2.BZ2File(raw, "wb"),
    ".xz": lambda raw: lzma.LZMAFile(raw, "wb"),
}


@contextlib.contextmanager
def reading(path: FilePath) -> Iterator[BinaryIO]:
    """Opens a file, uncompressed on the way if it ends in `.gz`, `.bz2` or `.xz`.

    Args:
        path: the file.

    Raises:
        ValueError: in one line that names the file, if it is not there, is no regular
            file and no link to one, or if its compressed data are damaged or cut short;
            and in place of any ValueError that is raised while it is open.
    """
    name = repr(os.fspath(path))
    try:
        check_regular(path)
        with COMPRESSED.get(_suffix(path), open)(path, "rb") as stream:
            yield cast(BinaryIO, stream)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise _damaged(name, error) from None
    except OSError as error:
        if error.errno is None:  # of gzip and bz2, if it is the data
            raise _damaged(name, error) from None
        raise ValueError(f"{name}: {error.strerror}") from None


@contextlib.contextmanager
def writing(*paths: FilePath) -> Iterator[list[BinaryIO]]:
    """Opens files to write, compressed by suffix: each whole at the end, or untouched.

    They are written beside the old ones and put in their place when all are done, one
    after the other: if the system refuses the second then, the first is the new one.

    Raises:
        ValueError: if two paths are one file.
        OSError: if a file cannot be written.
    """
    targets = [Path(path) for path in paths]
    is_one_each = len({os.path.abspath(path) for path in targets}) == len(targets)
    expect(is_one_each, "paths", "different files", ", ".join(map(str, targets)))
    for path in targets:
        if path.is_dir():  # before any of the others is replaced
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    parts = [path.with_name(f".{path.name}.{os.getpid()}.part") for path in targets]
    try:
        with contextlib.ExitStack() as stack:
            streams = []
            for path, part in zip(targets, parts, strict=True):
                raw = stack.enter_context(open(part, "wb"))
                stack.callback(_sync, raw)  # called once the compressor has ended
                compress = _WRITERS.get(_suffix(path), contextlib.nullcontext)
                streams.append(stack.enter_context(compress(raw)))
            yield streams
        for path, part in zip(targets, parts, strict=True):
            os.replace(part, path)
    except BaseException:
        for part in parts:
            part.unlink(missing_ok=True)
        raise


def check_regular(path: FilePath) -> None:
    """Checks that a path is a file: a pipe may keep waiting, a device has no end.

    Args:
        path: of the file, or a link to it.

    Raises:
        ValueError: saying what it is.
        OSError: if nothing is there.
    """
    mode = os.stat(path).st_mode
    got = "a directory" if stat.S_ISDIR(mode) else "something else"
    expect(stat.S_ISREG(mode), "path", "a regular file", got)


def _suffix(path: FilePath) -> str:
    return os.path.splitext(os.fspath(path))[1].lower()


def _sync(raw: BinaryIO) -> None:
    raw.flush()
    os.fsync(raw.fileno())


def _damaged(name: str, error: Exception) -> ValueError:
    reason = str(error).replace("\n", " ") or type(error).__name__
    return ValueError(f"{name}: damaged or cut short compressed data ({reason})")
