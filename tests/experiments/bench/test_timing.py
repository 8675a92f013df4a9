"""Timing side by side, by a clock that only moves when somebody works."""

import gc

import pytest

from experiments.bench import gemm, timing
from experiments.bench.timing import Times, interleaved, order


class Clock:
    """Programs that take so many seconds, and the clock that sees it."""

    def __init__(self, **seconds):
        self.now = 0.0
        self.seconds = seconds
        self.ran = []

    def __call__(self):
        return self.now

    def calls(self):
        return {name: lambda name=name: self.run(name) for name in self.seconds}

    def run(self, name):
        self.ran.append(name)
        cost = self.seconds[name]
        self.now += next(cost) if hasattr(cost, "__next__") else cost


def nothing():
    pass


def test_interleaved_gives_the_seconds_of_one_call():
    clock = Clock(fast=0.001, slow=0.5)
    times = interleaved(clock.calls(), 20, clock, nothing)
    assert times["fast"].median == pytest.approx(0.001)
    assert times["slow"].median == pytest.approx(0.5)
    assert (times["fast"].num_calls, times["slow"].num_calls) == (20, 1)
    assert times["fast"].num_rounds == 20


def test_interleaved_leaves_out_the_first_call_of_a_short_block():
    clock = Clock(fast=0.004)
    interleaved(clock.calls(), 3, clock, nothing)
    # Two calls and three more to find the block's size, then one and five a round.
    assert len(clock.ran) == 2 + 3 + 3 * (1 + 5)


def test_interleaved_calls_a_long_program_once_a_round():
    clock = Clock(slow=0.3)
    interleaved(clock.calls(), 4, clock, nothing)
    assert len(clock.ran) == 2 + 4


def test_interleaved_takes_median_and_quartiles_over_rounds():
    seconds = iter([1.0, 1.0, 1.0, 5.0, 2.0, 4.0, 3.0])  # two of them find the block
    clock = Clock(slow=seconds)
    times = interleaved(clock.calls(), 5, clock, nothing)["slow"]
    assert (times.lower, times.median, times.upper) == (2.0, 3.0, 4.0)


def test_interleaved_settles_before_each_block():
    clock, rested = Clock(a=0.2, b=0.2), []
    interleaved(clock.calls(), 3, clock, lambda: rested.append(len(clock.ran)))
    assert rested == [4, 5, 6, 7, 8, 9]


def test_interleaved_stops_the_garbage_collector_in_blocks_only():
    states = []
    times = interleaved({"a": lambda: states.append(gc.isenabled())}, 2, Clock(), None)
    assert times["a"].num_rounds == 2
    assert not any(states[-10:])
    assert gc.isenabled()


def test_order_turns_and_reverses():
    orders = [order(("a", "b", "c"), number) for number in range(6)]
    assert all(sorted(o) == ["a", "b", "c"] for o in orders)
    assert {o[0] for o in orders} == {"a", "b", "c"}
    before_b = {o[o.index("b") - 1] for o in orders if o[0] != "b"}
    assert before_b == {"a", "c"}


def test_at_rest_waits_for_the_process(monkeypatch):
    uses = iter([0.0, 0.01, 0.01, 0.012, 0.012, 0.0125])
    naps = []
    monkeypatch.setattr(timing.time, "process_time", lambda: next(uses))
    monkeypatch.setattr(timing.time, "sleep", naps.append)
    walls = iter([0.0, 0.01] * 3)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(walls))
    timing.at_rest()
    assert len(naps) == 3


def test_rates_of_a_product_count_multiplications_and_additions(monkeypatch):
    half_a_second = Times(0.4, 0.5, 0.6, num_rounds=5, num_calls=1)
    monkeypatch.setattr(
        timing, "interleaved", lambda calls, _: dict.fromkeys(calls, half_a_second)
    )
    rates = gemm.rates("float32", with_torch=False, size=100)
    # 2 * 100^3 operations in half a second.
    assert rates == {"size": 100, "jax": pytest.approx(4e-3)}
