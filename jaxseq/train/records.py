"""What a training records on the way: for the log, and for whoever draws the curve.

The log keeps all records. A checkpoint holds them too, so that a run that goes on can
draw the whole curve; but that needs no more than some thousand points, while a long
training has millions of updates. When there are more than `MOST`, one of each kind
stays for every gap of so many updates, from the first update to the last. The gap is a
power of 2, so that records left before are left again, and depends on the records
alone: a run that goes on leaves the same.
"""

import math
from typing import NamedTuple

import jax

from jaxseq.train.metrics import Clock, Log, Record, num_bytes
from jaxseq.train.setting import Setting, is_due
from jaxseq.train.state import Position
from jaxseq.train.step import Report


MOST = 2000


class OnHost(NamedTuple):
    """A `Report` on the host.

    Attributes:
        total: Σ L.
        num_targets: Σ n; 0 where that is no count, and the update was skipped.
        norm: of g before it is cut.
        is_applied: whether the update was, or was skipped.
        num_skipped: in a row, this one included.
    """

    total: float
    num_targets: float
    norm: float
    is_applied: bool
    num_skipped: int

    @property
    def mean(self) -> float:
        """The cost over its targets; NaN where the update was skipped."""
        return _mean(self.total, self.num_targets) if self.is_applied else math.nan


def on_host(report: Report) -> OnHost:
    """Waits for a report to be there.

    Args:
        report: of an update; scalars.

    Returns:
        The same in Python's numbers.
    """
    found = OnHost(*(each.item() for each in jax.device_get(report)))
    # What was counted before stays a number.
    is_count = math.isfinite(found.num_targets) and found.num_targets >= 0
    return found if is_count else found._replace(num_targets=0.0)


def added(
    setting: Setting,
    position: Position,
    report: OnHost,
    measured: float | None,
    clock: Clock,
    log: Log | None,
) -> Position:
    """Adds the records that are due, to the position and to the log.

    Args:
        setting: how often they are.
        position: after the update.
        report: of the update.
        measured: the held-out cost; None if none was measured now.
        clock: of the run.
        log: where to write them; None for nowhere.

    Returns:
        The position; what it sums up begins again after each record.

    Raises:
        OSError: if a record cannot be written.
    """
    new: list[Record] = []
    if is_due(setting, position, setting.record_every):
        new.append(
            {
                "number": position.number,
                "mean": _finite_or_none(_mean(position.total, position.num_targets)),
                "count": position.num_targets,
                "norm": _finite_or_none(report.norm),
                "num_skipped": report.num_skipped,
                "seconds": round(position.seconds, 3),
                **clock.speed(),
                "bytes": num_bytes(),
            }
        )
        position = position._replace(total=0.0, num_targets=0.0)
    if measured is not None:
        new.append({"number": position.number, "held_out": measured})
    if log is not None:
        for record in new:
            log.add(record)
    return position._replace(records=thinned((*position.records, *new)))


def thinned(records: tuple[Record, ...]) -> tuple[Record, ...]:
    """Leaves the newest record of each kind and gap, if there are more than `MOST`.

    Args:
        records: in their order.

    Returns:
        What is left, in its order: half of `MOST` or little more.
    """
    if len(records) <= MOST:
        return records
    gap = 1
    while 4 * records[-1]["number"] > MOST * gap:  # of two kinds
        gap *= 2
    kept: dict[tuple[bool, int], Record] = {}
    for record in records:
        place = "held_out" in record, record["number"] // gap
        kept.pop(place, None)  # so that the order stays
        kept[place] = record
    return tuple(kept.values())


def _mean(total: float, count: float) -> float:
    return total / count if count else 0.0


def _finite_or_none(number: float) -> float | None:
    return number if math.isfinite(number) else None
