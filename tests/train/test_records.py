"""What is recorded: numbers whatever an update did, and never too much of it."""

import itertools
import json
import math
import signal

import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.train import loop, metrics, records, signals, step
from jaxseq.train.signals import Stopped
from tests.train import tiny


pytestmark = pytest.mark.usefixtures("as_users_run_it")
OFTEN = tiny.SETTING._replace(record_every=1, evaluate_every=2, save_every=0)


def lines(folder):
    text = (folder / "log.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def curve(found):
    """Records without how long they took."""
    kept = ("number", "mean", "count", "norm", "held_out")
    return [{k: r[k] for k in kept if k in r} for r in found]


def numbers(found, kind):
    return [record["number"] for record in found if kind in record]


def test_few_records_are_all_kept(monkeypatch):
    monkeypatch.setattr(records, "MOST", 3)
    found = tuple({"number": n, "mean": 0.0} for n in range(3))
    assert records.thinned(found) is found


def test_of_many_records_the_newest_of_each_kind_and_gap_is_kept(monkeypatch):
    monkeypatch.setattr(records, "MOST", 10)
    found = []
    for n in range(8):
        found.append({"number": n, "mean": 0.0})
        found += [{"number": n, "held_out": 1.0}] if n % 3 == 0 else []
    kept = records.thinned(tuple(found))
    assert numbers(kept, "mean") == [3, 7]
    assert numbers(kept, "held_out") == [3, 6]
    assert kept == tuple(record for record in found if record in kept)


@pytest.mark.parametrize("num_updates", [2_500, 30_000, 100_000])
def test_a_long_curve_is_kept_from_its_beginning_on(num_updates):
    found = ()
    for n in range(10, num_updates + 1, 10):
        found += ({"number": n, "mean": 0.0},)
        found += ({"number": n, "held_out": 0.0},) if n % 50 == 0 else ()
        found = records.thinned(found)
    assert len(found) <= records.MOST
    kept = np.array(numbers(found, "mean"))
    assert kept[-1] == num_updates
    # No part has less than the rest but the end, that is not yet thinned out.
    assert np.diff([0, *kept]).max() <= max(10, 16 * num_updates / records.MOST)
    assert len(kept) >= min(num_updates / 10, records.MOST / 8)


def test_a_run_that_goes_on_keeps_the_same_records_and_the_whole_log(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(records, "MOST", 12)

    def train(name, **more):
        (tmp_path / name).mkdir(exist_ok=True)
        return tiny.train(tmp_path / name, OFTEN, held_out=lambda params: 1.0, **more)

    *_, expected = train("whole")
    assert len(expected.position.records) <= 12
    stop = signals.Stop()
    progress = train("stopped", stop=stop)
    list(itertools.islice(progress, 42))
    stop.hear(signal.SIGTERM, None)
    with pytest.raises(Stopped):
        list(progress)
    before = lines(tmp_path / "stopped")
    # Written after the checkpoint, by a run that was killed.
    with open(tmp_path / "stopped" / "log.jsonl", "a", encoding="utf-8") as log:
        log.write('{"number": 44, "mean": 9.0}\n{"number": 4')
    *_, found = train("stopped")
    assert curve(found.position.records) == curve(expected.position.records)
    after = lines(tmp_path / "stopped")
    assert after[: len(before)] == before
    assert curve(after) == curve(lines(tmp_path / "whole"))
    assert numbers(after, "mean") == list(range(1, 61))
    assert numbers(after, "held_out") == list(range(2, 61, 2))


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        (None, [2, 4, 6]),
        ([], [2, 4, 6]),
        ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6]),
        ([1, 2, 3], [1, 2, 4, 6]),  # the disk has lost its end
        ([1, 2, 3, 5, 6, 7], [1, 2, 4, 6]),
        ([1, 3, 5], [2, 4, 6]),  # of something else
    ],
)
def test_a_log_begins_again_with_what_it_had_between_the_records(
    tmp_path, old, expected
):
    log = metrics.Log(tmp_path / "log.jsonl")
    if old is not None:
        text = "".join(f'{{"number": {n}}}\n' for n in old)
        (tmp_path / "log.jsonl").write_text(text, "utf-8")
    log.restart({"number": n} for n in (2, 4, 6))
    assert numbers(lines(tmp_path), "number") == expected
    log.restart(())
    assert lines(tmp_path) == []


@pytest.mark.parametrize("count", [math.nan, math.inf, -math.inf, -1.0])
def test_a_count_that_is_none_leaves_what_was_counted_a_number(tmp_path, count):
    def cost(params, carry, batch, key):
        found = tiny.cost(params, carry, batch, key)
        is_bad = (batch["number"] == 2).all()
        return found._replace(num_targets=jnp.where(is_bad, count, found.num_targets))

    def batch_at(number):
        return tiny.batch_at(number) | {"number": jnp.full(tiny.NUM_ROWS, number)}

    setting = OFTEN._replace(num_updates=4)
    update = step.make(cost, tiny.adam())
    log = metrics.Log(tmp_path / "log.jsonl")
    training = tiny.begin(tiny.adam())
    progress = list(loop.train(update, batch_at, training, setting, log=log))
    assert [now.is_applied for now in progress] == [True, True, False, True]
    assert [math.isnan(now.mean) for now in progress] == [False, False, True, False]
    assert progress[-1].training.position.num_counted == 3 * tiny.NUM_ROWS
    assert numbers(lines(tmp_path), "mean") == [1, 2, 3, 4]
