"""Results in a file: one line of JSON a point, so that a long run can be resumed.

The file is rewritten beside its place and moved there after each point: it is whole at
any time. Times are in seconds, sizes in bytes.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from .. import results
from .problem import Point


Record = dict  # of one point, as `experiments.bench.measure` makes it


class RecordsError(Exception):
    """A file that does not hold results, in one line."""


def read(path: Path) -> list[Record]:
    """Reads the results so far; none if there is no file.

    Raises:
        RecordsError: in one line, if the file holds something else.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
        records = [json.loads(line) for line in lines if line.strip()]
        for record in records:
            point_of(record)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RecordsError(f"{path}: not a file of results ({error})") from error
    return records


def write(path: Path, records: Sequence[Record]) -> None:
    """Writes all results, or leaves the file as it was."""
    text = "".join(json.dumps(record, sort_keys=True) + "\n" for record in records)
    results.replace(path, lambda part: part.write_text(text, "utf-8"))


def append(path: Path, record: dict) -> None:
    """Adds a line to a file of runs, or leaves the file as it was."""
    lines = path.read_text("utf-8") if path.exists() else ""
    text = lines + json.dumps(record, sort_keys=True) + "\n"
    results.replace(path, lambda part: part.write_text(text, "utf-8"))


def point_of(record: Record) -> Point:
    """Returns the point that was measured."""
    return Point(**record["point"])


def still_holds(record: Record, about: dict, peers: Sequence[str]) -> bool:
    """Says whether a result need not be measured again.

    Args:
        record: the result.
        about: machine and commit of this run.
        peers: the names of those that this run compares.

    Returns:
        Whether machine, versions and commit are the same, the code is as committed, and
        nobody is left out.
    """
    if about["commit"]["is_changed"]:
        return False
    same = all(record.get(key) == value for key, value in about.items())
    return same and (set(peers) <= set(record["contenders"]) or "left_out" in record)
