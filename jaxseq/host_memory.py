"""The host's memory: how much is free, and how to keep what was taken. Linux alone.

`num_free` looks at the machine and at the process' control group: a container or a
batch job is ended where it takes more than its own limit, however much the machine has.

XLA takes the temporaries of a program anew at each call. Pieces of over 32 MB glibc
gives back to the system as soon as they are free, and at the next call every page is
faulted in and zeroed again, some 2 µs for 4 KiB: up to a third of a training step on a
CPU. `keep_freed` has the process keep them. It then stays as large as it once was.

References: proc(5), cgroups(7); mallopt(3), malloc_info(3).
"""

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8
_LARGEST = 2**31 - 1
_PROC, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


class _Names(NamedTuple):
    """What a version of control groups calls its files, and an entry of memory.stat."""

    limit: str
    used: str
    given_back: str


_VERSION_1 = _Names(
    "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
)
_VERSION_2 = _Names("memory.max", "memory.current", "inactive_file")


def num_free() -> int | None:
    """Returns how many bytes this process can still take; None where nobody says."""
    try:
        found = _entries(_PROC / "meminfo").get("MemAvailable:")
        left = [] if found is None else [1024 * found]
    except OSError:
        return None
    for folder, names in _groups():
        try:
            limit = (folder / names.limit).read_text("ascii")
            used = (folder / names.used).read_text("ascii")
            # Of files that were read and written: given back when they are asked for.
            cached = _entries(folder / "memory.stat").get(names.given_back, 0)
        except OSError:
            continue
        if limit.strip() != "max":
            left.append(max(int(limit) - int(used) + cached, 0))
    return min(left, default=None)


def _groups() -> Iterator[tuple[Path, _Names]]:
    """Finds the groups that bound this process' memory: its own and those above.

    Within a container its own one is the root, whatever path the kernel tells.
    """
    try:
        lines = (_PROC / "self" / "cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = _GROUPS, _VERSION_2
        elif "memory" in controllers.split(","):
            root, names = _GROUPS / "memory", _VERSION_1
        else:
            continue
        folder = root / path.lstrip("/")
        while True:
            yield folder, names
            if folder == root:
                break
            folder = folder.parent


def _entries(path: Path) -> dict[str, int]:
    """Reads a file of lines with a name and a number."""
    rows = (line.split() for line in path.read_text("ascii").splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}


def keep_freed() -> bool:
    """Has this process keep freed memory, for all that runs in it.

    To be called before the first computation: JAX's threads then have arenas of their
    own, and keep them.

    Returns:
        Whether freed memory is kept. It is not on another system than Linux with glibc,
        where nothing has changed, and not where threads have arenas already.
    """
    try:
        libc = ctypes.CDLL(None)
        mallopt = libc.mallopt
        num_arenas = _num_arenas(libc)
    except (OSError, TypeError, AttributeError):  # another system, or another libc
        return False
    # One arena: those of threads are made of pieces of 64 MB, given back when free.
    options = ((_M_ARENA_MAX, 1), (_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _LARGEST))
    return all([mallopt(option, value) == 1 for option, value in options]) and (
        num_arenas == 1
    )


def _num_arenas(libc: ctypes.CDLL) -> int:
    """Counts the heaps in the allocator's own description of itself, in XML."""
    text, size = ctypes.c_char_p(), ctypes.c_size_t()
    libc.open_memstream.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_char_p]
    stream = libc.open_memstream(ctypes.byref(text), ctypes.byref(size))
    stream = ctypes.c_void_p(stream)
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    described = text.value or b""
    libc.free(text)
    return described.count(b"<heap nr=")
