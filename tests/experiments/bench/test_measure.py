"""One point measured: who is timed, who is not and why, against whom."""

import numpy as np
import pytest

from experiments.bench import forms, measure, problem as problems
from experiments.bench.contender import Contender, Peer, Program, installed
from experiments.bench.peers import BASE, cudnn, flax_linen, jaxseq
from experiments.bench.problem import Point
from jaxseq.unroll import unroll


POINT = Point("elman", batch=2, hidden=4, steps=3, dtype="float32")


def measured(base, peers, point=POINT, **options):
    options = {"num_rounds": 2, "max_seconds": 100.0} | options
    return measure.measure(point, base, peers, **options)


@pytest.fixture
def solved(idle, monkeypatch):
    """An answer that takes no time to find."""
    monkeypatch.setattr(problems, "solve", lambda problem: {"ys": np.ones(1)})


def quick(name, error=0.0, **changes):
    """Makes a peer that does nothing, with an answer that is off by so much."""

    def build(problem):
        nothing = Program(lambda: None)
        return Contender(nothing, nothing, lambda: {"ys": np.full(1, 1 + error)})

    return Peer(name, (), BASE.forms, installed, build)._replace(**changes)


def test_measure_times_what_really_runs(idle):
    record = measured(BASE, [BASE, flax_linen.PEER])
    entries = record["contenders"]
    assert list(entries) == ["jaxseq", "flax-linen"]
    for entry in entries.values():
        assert entry["error"] <= 1e-6
        assert entry["against"] == "jaxseq"
        for which in ("forward", "backward"):
            times = entry[which]
            assert 0 < times["lower"] <= times["median"] <= times["upper"]
            assert times["compile_seconds"] > 0
            assert times["temp"] > 0
            assert times["output"] >= 3 * 2 * 4 * 4
    assert record["num_flops"]["backward"] == 3 * record["num_flops"]["forward"]
    assert record["busy"] is False


def test_measure_catches_a_flipped_sign(idle):
    def flipped(cell, params, state_0, xs):
        return unroll(cell, params._replace(b=-params.b), state_0, xs)

    wrong = measured(quick("jaxseq"), [jaxseq.peer("wrong", flipped)])
    assert "off by" in wrong["contenders"]["wrong"]["wrong"]
    assert "backward" not in wrong["contenders"]["wrong"]


def test_a_wrong_gradient_alone_is_caught():
    problem = problems.make(POINT, forms.ELMAN)
    expected = problems.solve(problem)
    found = expected | {"d_U": -expected["d_U"]}
    errors = problems.errors(problem, found, expected)
    assert errors.pop("d_U") == pytest.approx(2.0)
    assert max(errors.values()) == 0


@pytest.mark.parametrize("name", ["ys", "d_xs", "d_U"])
def test_measure_catches_a_nan_wherever_it_is(idle, monkeypatch, name):
    right = dict.fromkeys(("ys", "d_xs", "d_U"), np.ones(1))
    monkeypatch.setattr(problems, "solve", lambda problem: right)

    def peer(called, found):
        nothing = Program(lambda: None)
        build = Contender(nothing, nothing, lambda: found)
        return quick(called, build=lambda problem: build)

    wrong = peer("wrong", right | {name: np.full(1, np.nan)})
    entries = measured(peer("jaxseq", right), [wrong])["contenders"]
    assert entries["wrong"]["wrong"] == f"{name} off by nan, over 0.0001"
    assert "backward" not in entries["wrong"]


def test_measure_times_only_who_is_right_and_there(solved):
    def fails(problem):
        raise TypeError("carry\nand more")

    peers = [
        quick("right", 0.9e-4),
        quick("wrong", 1.1e-4),
        quick("fails", build=fails),
        quick("missing", missing=lambda point: "not installed"),
        quick("other", forms={"gru": forms.GRU_AFTER}),
    ]
    entries = measured(quick("jaxseq"), peers)["contenders"]
    timed = [name for name, entry in entries.items() if "backward" in entry]
    assert timed == ["jaxseq", "right"]
    assert entries["wrong"]["wrong"] == "ys off by 1.1e-04, over 0.0001"
    assert entries["fails"]["failed"] == "TypeError: carry"
    assert entries["missing"]["missing"] == "not installed"
    assert entries["other"]["missing"] == "no such cell"
    entries = measured(quick("jaxseq"), peers, max_error=1.0)["contenders"]
    assert "backward" in entries["wrong"]


def test_measure_says_why_cudnn_is_missing(solved):
    entries = measured(quick("jaxseq"), [cudnn.PEER])["contenders"]
    assert entries["cudnn"]["missing"] == "no such cell"
    point = POINT._replace(cell="lstm", dtype="bfloat16")
    entries = measured(quick("jaxseq"), [cudnn.PEER], point)["contenders"]
    assert entries["cudnn"]["missing"] in (
        "needs a GPU with cuDNN",
        "computes in float32 alone",
    )


def test_measure_leaves_long_points_out(solved):
    record = measured(quick("jaxseq"), [quick("other")], max_seconds=1e-12)
    assert record["contenders"] == {}
    assert "more than 1e-12" in record["left_out"]
    assert record["seconds"] > 1e-12


def test_measure_takes_ratios_within_a_form(solved):
    before = quick("before", forms={"gru": forms.GRU_BEFORE})
    lacking = quick("lacking", forms={"gru": forms.GRU_AFTER_NO_B_M})
    absent = before._replace(name="absent", missing=lambda point: "not installed")
    gru = POINT._replace(cell="gru")
    entries = measured(quick("jaxseq"), [before, lacking], gru)["contenders"]
    assert list(entries) == ["jaxseq", "jaxseq, gru.reset_before", "before", "lacking"]
    assert entries["before"]["against"] == "jaxseq, gru.reset_before"
    assert entries["jaxseq, gru.reset_before"]["form"] == "gru.reset_before"
    # The same cell without a bias is no other cell.
    assert entries["lacking"]["against"] == "jaxseq"
    assert list(measured(quick("jaxseq"), [absent], gru)["contenders"]) == [
        "jaxseq",
        "absent",
    ]


def test_measure_says_busy_by_the_smaller_share(solved, monkeypatch):
    shares = iter([0.97, 0.6])
    monkeypatch.setattr(measure.machine, "idle_share", lambda: next(shares))
    record = measured(quick("jaxseq"), [])
    assert record["busy"] is True
    assert record["idle_shares"] == [0.97, 0.6]


def test_measure_says_busy_by_what_others_used_meanwhile(solved, monkeypatch):
    seconds = iter([3.0, 3.0 + 1e6])
    monkeypatch.setattr(measure.machine, "seconds_of_others", lambda: next(seconds))
    record = measured(quick("jaxseq"), [])
    assert record["busy"] is True
    assert record["others_share"] > 1
    monkeypatch.setattr(measure.machine, "seconds_of_others", lambda: None)
    record = measured(quick("jaxseq"), [])
    assert (record["busy"], record["others_share"]) == (False, 0)


def test_gemm_gives_a_rate():
    rates = measure.gemm.rates("float32", with_torch=False, size=32)
    assert rates["size"] == 32
    assert rates["jax"] > 0
