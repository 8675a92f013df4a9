"""What a training says on the way: lines of JSON, with how fast and how large it is.

    {"number": 40, "mean": 4.81, "count": 10240.0, "norm": 0.72, "num_skipped": 0,
     "seconds": 3.1, "counts_per_second": 33100.0, "flops_per_second": 1.5e11,
     "bytes": 412000000}
    {"number": 40, "held_out": 4.92}

The file says what the training that it is of has done, no more: a run that goes on from
a checkpoint begins it again with the lines that were there when that was written. The
checkpoint holds them too, but of a long training not every one.
"""

import itertools
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax


Record = dict[str, Any]


class Log:
    """A file of records, one a line; each is there as soon as it is written."""

    def __init__(self, path: str | os.PathLike[str]):
        """Takes the path; nothing is written yet."""
        self._path = Path(path)

    def restart(self, records: Iterable[Record]) -> None:
        """Begins the file again, with these records, in one step.

        Lines between those of these records stay where they are; what comes after the
        last one does not, nor does a file that has not the first.

        Args:
            records: fit for JSON.

        Raises:
            OSError: naming it, if it cannot be read or written; an old one is then
                unharmed.
        """
        lines = [_line(record) for record in records]
        old = self._lines()
        num_there = len(list(itertools.takewhile(set(old).__contains__, lines)))
        if num_there:
            lines[:num_there] = old[: old.index(lines[num_there - 1]) + 1]
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
        try:
            part.write_bytes(b"".join(lines))
            os.replace(part, self._path)
        except OSError as error:  # it would name the part, which nobody knows
            raise OSError(error.errno, error.strerror, str(self._path)) from error
        finally:
            part.unlink(missing_ok=True)

    def add(self, record: Record) -> None:
        """Adds a record.

        Args:
            record: fit for JSON.

        Raises:
            OSError: if it cannot be written.
        """
        with open(self._path, "ab") as stream:
            stream.write(_line(record))

    def _lines(self) -> list[bytes]:
        if not self._path.exists():
            return []
        return self._path.read_bytes().splitlines(keepends=True)


class Clock:
    """Time spent in updates, and how much was done in it since the last record."""

    def __init__(self, total: float):
        """Takes the seconds that earlier runs have spent."""
        self.total = total
        self._started = self._last = time.monotonic()
        self._seconds = self._count = self._num_flops = 0.0

    def start(self) -> None:
        """Begins an update."""
        self._started = time.monotonic()

    def stop(self, count: float, num_flops: float) -> None:
        """Ends it.

        Args:
            count: targets of the update.
            num_flops: its floating-point operations.
        """
        now = time.monotonic()
        self._seconds += now - self._started
        self.total, self._last = self.total + now - self._last, now
        self._count += count
        self._num_flops += num_flops

    def speed(self) -> Record:
        """Returns targets and floating-point operations a second since last asked."""
        seconds = max(self._seconds, 1e-9)
        speed = {
            "counts_per_second": round(self._count / seconds, 1),
            "flops_per_second": round(self._num_flops / seconds, 1),
        }
        self._seconds = self._count = self._num_flops = 0.0
        return speed


def num_bytes() -> int:
    """Returns the most bytes used, of a device or this process; 0 if unknown."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "peak_bytes_in_use" in stats:
        return stats["peak_bytes_in_use"]
    try:
        import resource  # of Unix alone
    except ModuleNotFoundError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _line(record: Record) -> bytes:
    return json.dumps(record, allow_nan=False).encode() + b"\n"
