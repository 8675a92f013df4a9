"""Trainings of a program: what they go on from, and the one line in which they end.

    with runs.in_one_line(config.out, advice):
        with runs.opened(folder, settings, config.resume) as store:
            training = runs.resumed(store, training)

A program that was stopped or killed goes on when the same command is given again.
"""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import jax

from jaxseq import commands
from jaxseq.train import loop, processes, stores
from jaxseq.train.checkpoint import Damaged, OtherTraining
from jaxseq.train.loop import Diverged
from jaxseq.train.signals import Stopped
from jaxseq.train.state import Training
from jaxseq.train.stores import Store

from . import cli, results


T = TypeVar("T")
Resume = Literal["auto", "none"]

NOT_TRAINED = ("resume", "debug", "out")
"""Fields of a config that decide nothing of the result."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What every command line that trains takes."""

    resume: Resume = "auto"
    """Go on from the checkpoint of a run that was stopped, or start afresh."""
    smoke: bool = False
    """A few updates only, to see whether all works."""
    overfit: int | None = None
    """Read the first so many batches again and again: a sound model learns them."""
    debug: bool = False
    """Stop at the first number that is not finite."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        is_some = self.overfit is None or self.overfit >= 1
        cli.expect(is_some, "overfit", "1 or more", self.overfit)

    @property
    def max_skipped(self) -> int:
        """Updates in a row that may be not finite."""
        return 1 if self.debug else 10


def joined(address: str | None, num_processes: int, process: int) -> None:
    """Joins the other processes of a training, if there are any.

    Args:
        address: where they meet; "auto" if the cluster says it, None for one process.
        num_processes: of all.
        process: number of this one.

    Raises:
        SystemExit: code 2 after one line on stderr, if they do not find each other.
    """
    if address is None:
        return
    try:
        if address == "auto":
            processes.start_on_cluster()
        else:
            processes.start(address, num_processes, process)
    except (RuntimeError, ValueError) as error:
        commands.fail(f"--address {address}: {str(error).splitlines()[0]}")


def check_same(config: Options, own: Collection[str]) -> None:
    """Checks that the processes of a training were given the same options.

    How long they run and where they write decides nothing of the result; but one that
    ends before the others, or looks elsewhere for a checkpoint, leaves them waiting.

    Args:
        config: of this process, with a folder `out`.
        own: fields that each process may have its own of.

    Raises:
        Different: naming the options.
    """
    given = results.settings(config)
    given["out"] = os.path.abspath(given["out"])
    processes.check_same(
        {cli.option(name): given[name] for name in given if name not in own}
    )


def of_the_first(what: T) -> T | None:
    """Returns what only the first of several processes has; None in the others.

    Args:
        what: writes files, or speaks to the user.
    """
    return what if jax.process_index() == 0 else None


@contextlib.contextmanager
def opened(
    folder: Path, settings: Mapping[str, Any], resume: Resume
) -> Iterator[Store]:
    """Opens a folder of checkpoints; an old run's are removed if none is wanted.

    Args:
        folder: of the checkpoints.
        settings: all that decides the result, fit for JSON.
        resume: whether to go on from an old run.

    Yields:
        The store.

    Raises:
        OSError: in one line, if the folder cannot be used, or another run uses it.
        Different: if processes of one training have other settings.
    """
    with stores.opened(folder, settings) as store:
        if resume == "none":
            stores.clear(store)
        yield store


def resumed(store: Store, training: Training) -> Training:
    """Returns where the newest checkpoint that is whole is, and says so on stderr.

    Args:
        store: the checkpoints.
        training: where it begins, if there is none.

    Raises:
        Damaged: if there are checkpoints, but none is whole.
        OtherTraining: if they are of another training.
    """
    begun = training.position.number
    training, notes = loop.resumed(store, training)
    for note in notes:
        print(f"warning: {note}", file=sys.stderr)
    if (number := training.position.number) > begun:
        print(f"going on after update {number}", file=sys.stderr)
    return training


@contextlib.contextmanager
def in_one_line(out: Path, advice: str) -> Iterator[None]:
    """Ends the program as a training can end: after one line on stderr.

    Args:
        out: folder of the results.
        advice: how to need less memory.

    Raises:
        SystemExit: code 2 for a checkpoint that cannot be used or processes that do
            not have the same, 1 for numbers that are not finite, for too little memory
            or a full disk, 130 for Ctrl-C, 143 for SIGTERM, 129 for a closed terminal.
    """
    no_memory = f"not enough memory; {advice}"
    try:
        yield
    except (Damaged, OtherTraining) as error:
        commands.fail(f"{error}; --resume none starts afresh")
    except processes.Different as error:
        commands.fail(
            f"{error}; give all the same command, and a folder that they share"
        )
    except (Diverged, FloatingPointError) as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        # A full disk is met while writing, where the system does not say which file.
        reason = error.strerror and f"{error.filename or out}: {error.strerror}"
        sys.exit(f"error: {reason or error}")
    except MemoryError as error:
        sys.exit(f"error: {str(error) or no_memory}")
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        sys.exit(f"error: {no_memory}")
    except Stopped as stop:
        after = f"the same command goes on after update {stop.number}"
        print(f"stopped by {stop.name}; {after}", file=sys.stderr)
        raise
    except KeyboardInterrupt:
        print("stopped by the keyboard", file=sys.stderr)
        sys.exit(130)
