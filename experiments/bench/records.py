"""Results in a file: one line of JSON a point, so that a long run can be resumed.

The file is rewritten beside its place and moved there after each point: it is whole at
any time. Times are in seconds, sizes in bytes.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jaxseq import commands

from .. import results
from .problem import Point, tolerance


Record = dict  # of one point, as `experiments.bench.measure` makes it


class RecordsError(Exception):
    """A file that does not hold results, or cannot be written, in one line."""


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
    """Writes all results, or leaves the file as it was.

    Raises:
        RecordsError: in one line, if the file cannot be written.
    """
    text = "".join(json.dumps(record, sort_keys=True) + "\n" for record in records)
    try:
        results.replace(path, lambda part: part.write_text(text, "utf-8"))
    except OSError as error:
        raise RecordsError(f"cannot write {path}: {error.strerror}") from error


def settings(config) -> dict:
    """Returns what a run was told, fit for JSON.

    Of a file its name alone, and not where results go.
    """
    told = results.settings(config)
    del told["out"]
    files = {name: getattr(config, name) for name in told}
    return told | {n: file.name for n, file in files.items() if isinstance(file, Path)}


def append(path: Path, record: dict) -> None:
    """Adds a line to a file of runs, or leaves the file as it was.

    Raises:
        SystemExit: code 2 after one line on stderr, if the file cannot be written.
    """
    line = json.dumps(record, sort_keys=True) + "\n"
    try:
        lines = path.read_text("utf-8") if path.exists() else ""
        results.replace(path, lambda part: part.write_text(lines + line, "utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        commands.fail(f"cannot add to {path}: {error}")


def point_of(record: Record) -> Point:
    """Returns the point that was measured."""
    return Point(**record["point"])


class Limits(NamedTuple):
    """What a run asks of a result, beside who takes part.

    Attributes:
        num_rounds: how often each block is repeated, at least.
        max_seconds: over which a point is left out.
        max_error: over which a contender is not timed; None for that of the dtype.
    """

    num_rounds: int
    max_seconds: float
    max_error: float | None


def still_holds(
    record: Record, about: dict, peers: Sequence[str], limits: Limits
) -> bool:
    """Says whether a result need not be measured again.

    Args:
        record: the result.
        about: machine and commit of this run.
        peers: the names of those that this run compares.
        limits: those of this run.

    Returns:
        Whether machine, versions and commit are the same, the code is as committed,
        the machine was idle, nobody is left out, and this run would time the same ones,
        no more often.
    """
    if about["commit"]["is_changed"] or record.get("busy"):
        return False
    if any(record.get(key) != value for key, value in about.items()):
        return False
    if "left_out" in record:
        return record.get("seconds", 0.0) > limits.max_seconds
    entries = record["contenders"]
    max_error = limits.max_error or tolerance(record["point"]["dtype"])
    return set(peers) <= set(entries) and all(
        _is_as_asked(entry, limits.num_rounds, max_error) for entry in entries.values()
    )


def _is_as_asked(entry: dict, num_rounds: int, max_error: float) -> bool:
    if "error" not in entry:  # missing or failed
        return True
    is_timed = "backward" in entry
    often = not is_timed or entry["backward"]["num_rounds"] >= num_rounds
    return often and is_timed == (entry["error"] <= max_error)
