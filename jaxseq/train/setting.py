"""How long a training goes on, and when it measures, records and saves."""

import math
from typing import NamedTuple

from jaxseq.checks import check_count, check_instance, expect
from jaxseq.train import processes
from jaxseq.train.state import Position


class Setting(NamedTuple):
    """How long to train, and when to do what.

    Attributes:
        num_updates: N.
        seed: of (1).
        evaluate_every: updates between two held-out costs; also after the last one.
        record_every: updates between two records.
        save_every: updates between two checkpoints; 0 for none but by the clock.
        save_seconds: seconds between two checkpoints.
        seconds: stop after so many, in all runs together.
        patience: held-out costs without a new best that end the training.
        max_skipped: updates in a row that may be not finite.
        max_shapes: of batches, each of which is compiled.
        advice: how to need less memory, for the message if there is too little.
    """

    num_updates: int
    seed: int = 0
    evaluate_every: int = 100
    record_every: int = 10
    save_every: int = 0
    save_seconds: float = 300.0
    seconds: float = math.inf
    patience: int = 2**31
    max_skipped: int = 10
    max_shapes: int = 8
    advice: str = "a smaller batch, or shorter sequences"


def check_setting(setting: Setting) -> None:
    """Checks every number.

    Args:
        setting: the numbers.

    Raises:
        ValueError: naming the field.
    """
    check_instance("setting", setting, Setting)
    least_one = ("num_updates", "evaluate_every", "record_every", "patience")
    for name in (*least_one, "max_skipped", "max_shapes"):
        check_count(f"setting.{name}", getattr(setting, name))
    for name in ("seed", "save_every"):
        check_count(f"setting.{name}", getattr(setting, name), least=0)
    expect(setting.seed < 2**32, "setting.seed", "less than 2³²", setting.seed)
    for name in ("save_seconds", "seconds"):
        value = getattr(setting, name)
        is_positive = isinstance(value, int | float) and value > 0
        expect(is_positive, f"setting.{name}", "a number above 0", repr(value))


def check_same_setting(setting: Setting) -> None:
    """Checks that all processes of a training have the same numbers.

    Args:
        setting: of this one.

    Raises:
        Different: naming the field.
    """
    processes.check_same(
        {f"setting.{name}": str(value) for name, value in setting._asdict().items()}
    )


def fraction(setting: Setting, position: Position) -> float:
    """Returns how much is done, of the updates or of the seconds, 1 at most.

    Args:
        setting: how long to train.
        position: where the training is.
    """
    done = position.number / setting.num_updates
    return min(max(done, position.seconds / setting.seconds), 1.0)


def is_due(setting: Setting, position: Position, every: int) -> bool:
    """Returns whether it is time for what is done every so many updates.

    Args:
        setting: how long to train: at the end all is due.
        position: where the training is.
        every: how many updates.
    """
    return position.number % every == 0 or fraction(setting, position) >= 1


def is_over(setting: Setting, position: Position) -> bool:
    """Returns whether all is done, or nothing is gained any more.

    Args:
        setting: how long to train.
        position: where the training is.
    """
    return fraction(setting, position) >= 1 or position.num_worse >= setting.patience
