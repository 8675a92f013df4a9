"""The host's memory, kept by the process from call to call: Linux with glibc.

XLA takes the temporaries of a program anew at each call. Pieces of over 32 MB glibc
gives back to the system as soon as they are free, and at the next call every page is
faulted in and zeroed again, some 2 µs for 4 KiB: up to a third of a training step on a
CPU. `keep_freed` has the process keep them. It then stays as large as it once was.

Reference: mallopt(3).
"""

import ctypes


_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8
_LARGEST = 2**31 - 1


def keep_freed() -> bool:
    """Has this process keep freed memory, for all that runs in it.

    To be called before the first computation: threads that have an arena keep it.

    Returns:
        Whether the system's allocator took every option. It takes none on another
        system than Linux with glibc, and then nothing has changed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # another system, or another libc
        return False
    # One arena: those of threads are made of pieces of 64 MB, given back when free.
    options = ((_M_ARENA_MAX, 1), (_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _LARGEST))
    return all([mallopt(option, value) == 1 for option, value in options])
