"""The loop: resumed bit for bit, and ended for good reasons only."""

import functools
import itertools
import json
import signal
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.train import (
    checkpoint,
    folders,
    loop,
    metrics,
    records,
    sharding,
    signals,
    stores,
)
from jaxseq.train.checkpoint import OtherTraining
from jaxseq.train.loop import Diverged
from jaxseq.train.programs import Programs, TooLarge, TooManyShapes
from jaxseq.train.saved import Saved
from jaxseq.train.signals import Stopped
from tests.train import outcome, tiny


pytestmark = pytest.mark.usefixtures("as_users_run_it")


def run(folder, setting=tiny.SETTING, **options):
    folder.mkdir(exist_ok=True)
    *progress, end = tiny.train(folder, setting, **options)
    return end, progress


def stopped(folder, number, **options):
    """Trains until a signal comes after so many updates."""
    stop = signals.Stop()
    folder.mkdir(exist_ok=True)
    setting = tiny.SETTING._replace(save_every=0)
    progress = tiny.train(folder, setting, stop=stop, **options)
    for _ in range(number - 1):
        next(progress)
    stop.hear(signal.SIGTERM, None)
    assert next(progress).training.position.number == number
    with pytest.raises(Stopped) as end:
        next(progress)
    assert (end.value.code, end.value.name) == (143, "SIGTERM")
    assert end.value.number == number
    return end.value


def curve(end):
    """What was recorded, without how long it took."""
    kept = ("number", "mean", "count", "norm", "held_out")
    return [{k: r[k] for k in kept if k in r} for r in end.position.records]


@pytest.mark.parametrize(
    ("num_parts", "num_stops"),
    [(1, 2), (4, 1), *(pytest.param(n, 20, marks=pytest.mark.slow) for n in (1, 4))],
)
def test_stopped_anywhere_it_goes_on_to_the_same_bits(tmp_path, num_parts, num_stops):
    expected, _ = run(tmp_path / "whole", num_parts=num_parts)
    draw = np.random.default_rng(num_parts)
    for trial in range(num_stops):
        folder = tmp_path / str(trial)
        number = int(draw.integers(2, 60))
        stopped(folder, number, num_parts=num_parts)
        assert folders.numbers(folder / "checkpoints")[-1] == number
        found, progress = run(folder, num_parts=num_parts)
        assert len(progress) == 60 - number
        assert outcome.digest(found) == outcome.digest(expected)
        assert curve(found) == curve(expected)
        assert (folder / "log.jsonl").read_text("utf-8") == "".join(
            json.dumps(record) + "\n" for record in found.position.records
        )


def test_it_learns_and_says_so(tmp_path):
    end, progress = run(tmp_path)
    assert [p.training.position.number for p in progress] == list(range(1, 61))
    measured = {i: p.held_out for i, p in enumerate(progress, 1) if p.held_out}
    assert list(measured) == [20, 40, 60]
    assert measured[60] < 0.8 * measured[20]
    best = min(measured, key=measured.get)
    assert (end.position.best, end.position.best_number) == (measured[best], best)
    assert end.position.num_counted == 60 * tiny.NUM_ROWS
    assert [round(60 * p.fraction) for p in progress] == list(range(1, 61))
    records = [r for r in end.position.records if "mean" in r]
    assert [r["number"] for r in records] == [*range(7, 60, 7), 60]
    assert records[1]["mean"] == pytest.approx(
        np.mean([p.mean for p in progress[7:14]]), rel=1e-6
    )
    assert min(r["counts_per_second"] for r in records) > 0
    assert min(r["flops_per_second"] for r in records) > 0
    assert min(r["bytes"] for r in records) > 10**6
    # The best is kept beside the two last ones.
    assert folders.numbers(tmp_path / "checkpoints") == sorted({best, 55, 60})


def test_the_key_of_an_update_is_its_number(tmp_path):
    keys = []

    def update(state, batch, key):
        jax.debug.callback(
            lambda data: keys.append(data.tolist()), jax.random.key_data(key)
        )
        return real(state, batch, key)

    real = loop_update()
    training = tiny.begin(tiny.adam())
    setting = tiny.SETTING._replace(num_updates=3, seed=9)
    list(loop.train(update, tiny.batch_at, training, setting))
    jax.effects_barrier()
    expected = [jax.random.fold_in(jax.random.key(9), n) for n in range(3)]
    assert keys == [jax.random.key_data(key).tolist() for key in expected]


def loop_update(cost=tiny.cost):
    from jaxseq.train import step

    return step.make(cost, tiny.adam())


def spoiled_at(*numbers):
    def batch_at(number):
        batch = tiny.batch_at(number)
        if number in numbers:
            batch["xs"] = np.full_like(batch["xs"], np.nan)
        return batch

    return batch_at


def test_some_updates_that_are_not_finite_are_skipped():
    training = tiny.begin(tiny.adam())
    setting = tiny.SETTING._replace(max_skipped=2)
    *_, now = loop.train(
        loop_update(), spoiled_at(3, 5, 20), training, setting, held_out=tiny.held_out
    )
    assert int(now.training.state.skips.total) == 3
    assert np.isfinite(now.held_out)
    assert now.training.position.num_counted == 60 * tiny.NUM_ROWS


def test_a_cost_that_is_not_finite_is_skipped_though_its_gradient_is():
    def cost(params, carry, batch, key):
        found = tiny.cost(params, carry, batch, key)
        infinite = jnp.where(jnp.isnan(batch["flag"][0, 0]), jnp.inf, 0.0)
        return found._replace(total=found.total + infinite.astype(found.total.dtype))

    def batch_at(number):
        spoil = np.full((tiny.NUM_ROWS, 1), np.nan if number == 3 else 0, np.float32)
        return tiny.batch_at(number) | {"flag": spoil}

    setting = tiny.SETTING._replace(num_updates=5)
    training = tiny.begin(tiny.adam())
    found = [
        now.is_applied
        for now in loop.train(loop_update(cost), batch_at, training, setting)
    ]
    assert found == [True, True, True, False, True]


def test_the_clock_asks_for_a_checkpoint_again_and_again(monkeypatch):
    monkeypatch.setattr(checkpoint, "save", lambda *_: None)
    store = stores.Store(Path(), {}, stores.Keep())
    state, position = tiny.begin(tiny.adam())
    # A run that goes on counts from where it begins.
    position = position._replace(number=50, seconds=100.0)
    saved = Saved(store, position)
    setting = tiny.SETTING._replace(save_every=0, save_seconds=3.0)
    late = []
    for passed in range(1, 10):
        position = position._replace(number=50 + passed, seconds=100.0 + passed)
        if saved.is_late(setting, position):
            late.append(passed)
            saved.write(state, position, None)
    assert late == [3, 6, 9]


def test_the_time_of_a_run_is_also_that_between_updates(monkeypatch):
    times = iter([0.0, 5.0, 7.0, 20.0, 21.0])
    monkeypatch.setattr(metrics.time, "monotonic", lambda: next(times))
    clock = metrics.Clock(10.0)
    for _ in range(2):
        clock.start()
        clock.stop(3.0, 0.0)
    assert clock.total == 10.0 + 21.0
    # Speed is of the updates alone.
    assert clock.speed()["counts_per_second"] == 6 / 3


def test_many_in_a_row_end_it_naming_the_last_good_checkpoint(tmp_path):
    training = tiny.begin(tiny.adam())
    setting = tiny.SETTING._replace(max_skipped=3)
    with stores.opened(tmp_path, {}) as store:
        progress = loop.train(
            loop_update(), spoiled_at(12, 13, 14), training, setting, store=store
        )
        numbers = []
        with pytest.raises(Diverged) as end:
            numbers.extend(now.training.position.number for now in progress)
    assert numbers == list(range(1, 15))
    assert str(end.value) == (
        "cost, gradient or state are not finite from update 13 on, 3 in a row "
        "(the last good checkpoint is that after update 10); try a smaller "
        "learning rate"
    )
    assert folders.numbers(tmp_path) == [5, 10]


def test_the_first_one_ends_it_where_nans_are_sought():
    training = tiny.begin(tiny.adam())
    setting = tiny.SETTING._replace(max_skipped=1)
    with jax.debug_nans(True):
        progress = loop.train(loop_update(), spoiled_at(3), training, setting)
        with pytest.raises(Diverged, match="from update 4 on, 1 in a row"):
            list(progress)


def test_a_held_out_cost_that_is_not_finite_ends_it():
    training = tiny.begin(tiny.adam())
    progress = loop.train(
        loop_update(),
        tiny.batch_at,
        training,
        tiny.SETTING,
        held_out=lambda params: float("nan"),
    )
    with pytest.raises(Diverged, match="held-out cost is nan after update 20; try"):
        list(progress)


def test_it_stops_early_and_keeps_the_best(tmp_path):
    costs = iter([3.0, 1.0, 2.0, 1.5, 0.1])
    setting = tiny.SETTING._replace(evaluate_every=4, save_every=4, patience=2)
    end, progress = run(tmp_path, setting, held_out=lambda params: next(costs))
    assert len(progress) == 16
    assert (end.position.best, end.position.best_number) == (1.0, 8)
    assert folders.numbers(tmp_path / "checkpoints") == [8, 12, 16]
    with stores.opened(tmp_path / "checkpoints", {"num_parts": 1}) as store:
        assert checkpoint.best(store, end.state).number == 8
    # It is over: there is nothing to go on with.
    assert run(tmp_path, setting)[1] == []


def test_it_stops_by_the_clock():
    training = tiny.begin(tiny.adam())
    setting = tiny.SETTING._replace(seconds=1e-9)
    (now,) = loop.train(
        loop_update(), tiny.batch_at, training, setting, held_out=tiny.held_out
    )
    assert now.fraction == 1
    assert now.held_out is not None


def test_damaged_checkpoints_are_passed_over_with_a_note(tmp_path, capsys):
    stopped(tmp_path, 23)
    expected, _ = run(tmp_path)
    newest = folders.place(tmp_path / "checkpoints", 60) / "checkpoint.json"
    newest.write_bytes(b"")
    found, progress = run(tmp_path)
    assert len(progress) == 5
    assert outcome.digest(found) == outcome.digest(expected)
    error = capsys.readouterr().err
    assert error.startswith("warning: ")
    assert error.count("\n") == 1
    assert folders.numbers(tmp_path / "checkpoints")[-2:] == [55, 60]


def test_what_was_gone_back_to_outlives_the_next_save(tmp_path):
    run(tmp_path)
    newest = folders.place(tmp_path / "checkpoints", 60) / "checkpoint.json"
    newest.write_bytes(b"")
    longer = tiny.SETTING._replace(num_updates=63, save_every=63, evaluate_every=99)
    run(tmp_path, longer)
    # 63 comes after the damaged one: it is 55 that there is to go back to.
    assert folders.numbers(tmp_path / "checkpoints")[-2:] == [55, 63]


def test_a_checkpoint_of_another_loop_is_refused(tmp_path):
    training = tiny.begin(tiny.adam())
    with stores.opened(tmp_path, {}) as store:
        for host in ({}, {"records": []} | {"epoch": 3}):
            checkpoint.save(store, 5, training.state, host)
            with pytest.raises(OtherTraining, match="after update 5 is not of this"):
                loop.resumed(store, training)


def test_a_shape_too_many_is_refused():
    training = tiny.begin(tiny.adam())

    def batch_at(number):
        return jax.tree.map(lambda a: a[: 8 - number % 3], tiny.batch_at(number))

    def cost(params, carry, batch, key):
        short = carry[: len(batch["xs"])]
        return tiny.cost(params, short, batch, key)._replace(carry=carry)

    few = tiny.SETTING._replace(max_shapes=2)
    progress = loop.train(loop_update(cost), batch_at, training, few)
    with pytest.raises(TooManyShapes, match="more than 2 shapes, the last .*6, 6"):
        list(progress)
    enough = tiny.SETTING._replace(max_shapes=3, num_updates=7)
    training = tiny.begin(tiny.adam())
    assert len(list(loop.train(loop_update(cost), batch_at, training, enough))) == 7


def test_what_does_not_fit_is_refused_before_it_runs(monkeypatch):
    from jaxseq.train import programs

    monkeypatch.setattr(programs, "num_free", lambda: 10)
    training = tiny.begin(tiny.adam())
    setting = tiny.SETTING._replace(advice="try less")
    progress = loop.train(loop_update(), tiny.batch_at, training, setting)
    with pytest.raises(
        TooLarge, match=r"^an update needs 0.0 GB .*, .* free: try less$"
    ):
        next(progress)


def test_memory_that_runs_out_names_what_to_lower(monkeypatch):
    def out_of_memory(*args):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    find = Programs.find
    monkeypatch.setattr(
        Programs,
        "find",
        lambda *args: find(*args)._replace(call=out_of_memory),
    )
    training = tiny.begin(tiny.adam())
    progress = loop.train(loop_update(), tiny.batch_at, training, tiny.SETTING)
    with pytest.raises(TooLarge, match="^not enough memory for an update: a smaller"):
        next(progress)


def test_nothing_goes_to_the_host_inside_an_update():
    programs = Programs(
        functools.partial(loop._keyed, loop_update()),
        tiny.begin(tiny.adam()).state,
        1,
        "",
    )
    batch = sharding.place_batch(sharding.ONE_DEVICE, tiny.batch_at(0))
    numbers = sharding.place_scalars(sharding.ONE_DEVICE, 0, 0)
    text = programs.find(tiny.begin(tiny.adam()).state, batch, *numbers).call.as_text()
    for transfer in ("custom-call", "infeed", "outfeed", "send(", "recv("):
        assert transfer not in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_updates": 0}, "setting.num_updates: expected an integer ≥ 1, got 0"),
        ({"seed": -1}, "setting.seed: expected an integer ≥ 0, got -1"),
        ({"max_skipped": 0}, "setting.max_skipped: expected an integer ≥ 1, got 0"),
        ({"seconds": 0.0}, "setting.seconds: expected a number above 0, got 0.0"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    training = tiny.begin(tiny.adam())
    setting = tiny.SETTING._replace(**change)
    with pytest.raises(ValueError, match=f"^{message}"):
        next(loop.train(loop_update(), tiny.batch_at, training, setting))


def test_a_log_is_whole_or_as_it_was(tmp_path):
    log = metrics.Log(tmp_path / "log.jsonl")
    log.restart([{"number": 1}])
    log.add({"number": 2})
    with pytest.raises(ValueError, match="not JSON compliant"):
        log.restart([{"number": float("nan")}])
    assert (tmp_path / "log.jsonl").read_text("utf-8").splitlines() == [
        '{"number": 1}',
        '{"number": 2}',
    ]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_log_that_cannot_be_begun_is_named_as_it_was_given(tmp_path):
    path = tmp_path / "log.jsonl"
    path.mkdir()
    with pytest.raises(IsADirectoryError) as error:
        metrics.Log(path).restart([])
    assert error.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_signal_during_the_last_held_out_cost_is_heard(tmp_path):
    stop = signals.Stop()

    def held_out(params):
        stop.hear(signal.SIGTERM, None)
        return 1.0

    setting = tiny.SETTING._replace(num_updates=3)
    progress = tiny.train(tmp_path, setting, held_out=held_out, stop=stop)
    for _ in range(3):
        next(progress)
    with pytest.raises(Stopped) as end:
        next(progress)
    assert (end.value.code, end.value.number) == (143, 3)
    assert folders.numbers(tmp_path / "checkpoints") == [3]


@pytest.fixture
def hangup():
    """Handles SIGHUP as a program does that is not started by nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield signal.SIGHUP
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangup")
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_heard_and_handlers_put_back(signum):
    before = [signal.getsignal(each) for each in signals.SIGNALS]
    with signals.heard() as stop:
        assert stop.signum is None
        signal.raise_signal(signum)
        assert stop.signum == signum
    assert [signal.getsignal(each) for each in signals.SIGNALS] == before


def test_a_program_of_nohup_goes_on_when_its_terminal_is_closed(hangup):
    signal.signal(hangup, signal.SIG_IGN)
    with signals.heard() as stop:
        signal.raise_signal(hangup)
        assert stop.signum is None
        signal.raise_signal(signal.SIGTERM)
        assert stop.signum == signal.SIGTERM
    assert signal.getsignal(hangup) is signal.SIG_IGN


@pytest.mark.parametrize("first", ["SIGHUP", "SIGTERM"])
def test_a_hangup_is_never_the_second_signal(hangup, first, monkeypatch):
    ends = []
    monkeypatch.setattr(signals.os, "_exit", ends.append)
    with signals.heard() as stop:
        signal.raise_signal(signal.Signals[first])
        signal.raise_signal(hangup)
        assert (stop.signum, ends) == (signal.Signals[first], [])
        signal.raise_signal(signal.SIGINT)
        assert ends == [130]


def test_no_handler_outside_the_main_thread():
    import threading

    found = []

    def listen():
        with signals.heard() as stop:
            found.append((stop.signum, signal.getsignal(signal.SIGTERM)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert found == [(None, before)]


@pytest.mark.slow
def test_memory_does_not_grow():
    """10^5 updates: at most 1 % more memory after the first tenth."""
    import resource

    training = tiny.begin(tiny.adam())
    setting = tiny.SETTING._replace(
        num_updates=10**5, record_every=10, evaluate_every=10**4
    )
    progress = loop.train(
        loop_update(), tiny.batch_at, training, setting, held_out=tiny.held_out
    )
    sizes = []
    for now in itertools.islice(progress, None):
        if now.training.position.number % 10**4 == 0:
            sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert sizes[-1] <= 1.01 * sizes[0]
    assert len(now.training.position.records) <= records.MOST
    assert jnp.isfinite(now.mean)
