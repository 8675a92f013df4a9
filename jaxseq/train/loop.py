"""The training loop: updates one after the other, and all that keeps a run alive.

`train` is a generator. It yields after each update; what is printed then is the
caller's. Update n reads batch n, which `batch_at` makes from the number alone, and
draws from

    key_n = fold_in(key(seed), n)                                                  (1)

so that a state and its number are all that a run needs to go on to the same bits. On
the way it measures held-out costs, stops when they no longer fall, writes records and
checkpoints, hears signals, and refuses to train on what is not finite.

    with stores.opened(folder, settings) as store, signals.heard() as stop:
        training, notes = loop.resumed(store, state.begin(params, optimizer))
        for now in loop.train(update, batch_at, training, setting, store=store,
                              stop=stop):
            print(now.mean)
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax

from jaxseq.checks import check_function, check_instance
from jaxseq.train import checkpoint, metrics, processes, records, sharding, stores
from jaxseq.train.checkpoint import OtherTraining
from jaxseq.train.metrics import Log
from jaxseq.train.programs import Programs
from jaxseq.train.records import OnHost
from jaxseq.train.saved import Diverged, Saved
from jaxseq.train.setting import (
    Setting,
    check_same_setting,
    check_setting,
    fraction,
    is_due,
    is_over,
)
from jaxseq.train.sharding import ONE_DEVICE, Layout
from jaxseq.train.signals import Stop, Stopped
from jaxseq.train.state import Position, State, Training
from jaxseq.train.step import Update
from jaxseq.train.stores import Store
from jaxseq.types import Tree


class Progress(NamedTuple):
    """After an update.

    Attributes:
        training: where it is; its arrays are gone once the next update is asked for.
        fraction: of N, or of the seconds, that is done.
        mean: of the batch's cost over its targets; NaN where it was skipped.
        norm: of the gradient.
        is_applied: whether the update was, or was skipped.
        held_out: the cost that was measured now; None if none was.
    """

    training: Training
    fraction: float
    mean: float
    norm: float
    is_applied: bool
    held_out: float | None


def resumed(store: Store, training: Training) -> tuple[Training, tuple[str, ...]]:
    """Returns where the newest checkpoint that is whole is, or where a training begins.

    Args:
        store: the checkpoints.
        training: the beginning; its arrays say where those that are read belong.

    Returns:
        The training, and a line for each damaged checkpoint that was passed over.

    Raises:
        ValueError: naming the argument.
        Damaged: if there are checkpoints, but none is whole.
        OtherTraining: if they are of another training.
        Different: if processes of one training see other checkpoints.
        OSError: in one line, if one cannot be read, which may be whole.
    """
    check_instance("store", store, Store)
    check_instance("training", training, Training)
    found = checkpoint.latest(store, training.state)
    number = None if found is None else found.number
    processes.check_same({"the checkpoint that is there": number})
    if found is None:
        return training, ()
    try:
        position = Position.read(found.host)
    except (KeyError, TypeError):
        raise OtherTraining(
            f"the checkpoint after update {found.number} is not of this loop: it has "
            f"{', '.join(sorted(found.host)) or 'nothing'} beside its arrays"
        ) from None
    stores.put_aside(store, found.number)
    return Training(found.tree, position), found.notes


def train(
    update: Update,
    batch_at: Callable[[int], Tree],
    training: Training,
    setting: Setting,
    *,
    held_out: Callable[[Tree], float] | None = None,
    layout: Layout = ONE_DEVICE,
    store: Store | None = None,
    log: Log | None = None,
    stop: Stop | None = None,
) -> Iterator[Progress]:
    """Trains from where a training is to the end.

    Args:
        update: of `jaxseq.train.step`, with the same layout.
        batch_at: the batch of an update, by its number from 0: arrays on the host.
        training: where to begin; its arrays are given away.
        setting: how.
        held_out: the cost of weights on what is not trained on, a mean, lower is
            better.
        layout: where the state lies, and where batches go.
        store: where to write checkpoints; None for nowhere.
        log: where to write records; None for nowhere.
        stop: tells whether a signal came.

    Yields:
        Where it is, after each update.

    Raises:
        ValueError: naming the argument.
        Diverged: if `max_skipped` updates in a row, or a held-out cost, are not finite.
        TooLarge: if an update does not fit into the memory.
        TooManyShapes: if batches have more shapes than `max_shapes`.
        Stopped: if a signal came; the checkpoint is written.
        OSError: in one line, if a checkpoint or record cannot be written.
        Different: if processes of one training have other settings.
    """
    check_function("update", update)
    check_function("batch_at", batch_at)
    check_instance("training", training, Training)
    check_setting(setting)
    sharding.check_layout("layout", layout)
    if held_out is not None:
        check_function("held_out", held_out)
    if store is not None:
        check_instance("store", store, Store)
    if log is not None:
        check_instance("log", log, Log)
    if stop is not None:
        check_instance("stop", stop, Stop)
    check_same_setting(setting)
    state, position = training
    if log is not None:
        log.restart(position.records)
    stop = Stop() if stop is None else stop
    saved = Saved(store, position)
    programs = Programs(
        functools.partial(_keyed, update), state, setting.max_shapes, setting.advice
    )
    clock = metrics.Clock(position.seconds)
    batch, signum = None, 0
    while not is_over(setting, position):
        if batch is None:
            batch = sharding.place_batch(layout, batch_at(position.number))
        numbers = sharding.place_scalars(layout, setting.seed, position.number)
        program = programs.find(state, batch, *numbers)
        clock.start()
        try:
            # An update says by itself whether it is finite, in words of its own.
            with jax.transfer_guard("disallow"), jax.debug_nans(False):
                state, report = program.call(state, batch, *numbers)
            # While the devices are busy: the next batch.
            batch = None
            if position.number + 1 < setting.num_updates:
                batch = sharding.place_batch(layout, batch_at(position.number + 1))
            report = records.on_host(report)
        except jax.errors.JaxRuntimeError as error:
            raise programs.explained(error) from error
        clock.stop(report.num_targets, program.num_flops)
        seconds, signum = processes.agreed(clock.total, stop.signum or 0)
        position = _counted(position, report, seconds)
        _check_finite(setting, position, report, saved)
        measured = None
        if held_out is not None and is_due(setting, position, setting.evaluate_every):
            measured = _measured(held_out, state, position, saved)
            position = _judged(position, measured)
        position = records.added(setting, position, report, measured, clock, log)
        is_best = measured is not None and position.num_worse == 0
        if saved.is_late(setting, position) or is_best:
            saved.write(state, position, measured)
        yield Progress(
            Training(state, position),
            fraction(setting, position),
            report.mean,
            report.norm,
            report.is_applied,
            measured,
        )
        if signum:
            saved.write(state, position, None)
            raise Stopped(int(signum), saved.number)
    saved.write(state, position, None)
    # It may have come since the last update: while a held-out cost was measured.
    (signum,) = processes.agreed(stop.signum or 0)
    if signum:
        raise Stopped(int(signum), saved.number)


def _keyed(update: Update, state: State, batch: Tree, seed, number):
    return update(state, batch, jax.random.fold_in(jax.random.key(seed), number))  # (1)


def _counted(position: Position, report: OnHost, seconds: float) -> Position:
    position = position._replace(
        number=position.number + 1,
        num_counted=position.num_counted + report.num_targets,
        seconds=seconds,
    )
    if not report.is_applied:
        return position
    return position._replace(
        total=position.total + report.total,
        num_targets=position.num_targets + report.num_targets,
    )


def _check_finite(setting: Setting, position: Position, report: OnHost, saved) -> None:
    if report.num_skipped >= setting.max_skipped:
        first = position.number - report.num_skipped + 1
        raise Diverged(
            f"cost, gradient or state are not finite from update {first} on, "
            f"{report.num_skipped} in a row{saved.hint()}; try a smaller learning rate"
        )


def _measured(held_out, state: State, position: Position, saved) -> float:
    cost = float(held_out(state.params))
    if not math.isfinite(cost):
        raise Diverged(
            f"the held-out cost is {cost} after update {position.number}"
            f"{saved.hint()}; try a smaller learning rate"
        )
    return cost


def _judged(position: Position, cost: float) -> Position:
    if position.best is not None and cost >= position.best:
        return position._replace(num_worse=position.num_worse + 1)
    return position._replace(best=cost, best_number=position.number, num_worse=0)
