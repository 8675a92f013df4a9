"""Results in a file: written whole, read again, resumed by the right ones only."""

import errno
import os
import time

import jax
import pytest

from experiments.bench import machine, records
from experiments.bench.problem import Point
from tests.experiments.bench.results_of import record


POINT = Point("gru", 8, 64, 32, "float32")
LIMITS = records.Limits(num_rounds=20, max_seconds=2.0, max_error=None)
ABOUT = {key: record({})[key] for key in ("machine", "commit")}


def test_write_and_read_give_the_same(tmp_path):
    path = tmp_path / "rnn.jsonl"
    assert records.read(path) == []
    results = [record({"jaxseq": 4.0}), record({"jaxseq": 2.0, "torch": 3.0}, POINT)]
    records.write(path, results)
    assert records.read(path) == results
    assert records.point_of(results[1]) == POINT
    assert [p.name for p in tmp_path.iterdir()] == ["rnn.jsonl"]
    assert len(path.read_text().splitlines()) == 2


def test_write_leaves_the_file_when_it_fails(tmp_path):
    path = tmp_path / "rnn.jsonl"
    records.write(path, [record({"jaxseq": 4.0})])
    before = path.read_text()
    with pytest.raises(TypeError):
        records.write(path, [record({"jaxseq": 4.0}, other=object())])
    assert path.read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == ["rnn.jsonl"]


def test_append_adds_a_line_or_ends_in_one(tmp_path, capsys):
    path = tmp_path / "runs.jsonl"
    for number in range(2):
        records.append(path, {"number": number})
    assert path.read_text() == '{"number": 0}\n{"number": 1}\n'
    before = b"\xff\n"
    path.write_bytes(before)
    with pytest.raises(SystemExit, match="2"):
        records.append(path, {"number": 2})
    assert path.read_bytes() == before
    message = capsys.readouterr().err
    assert message.startswith(f"error: cannot add to {path}: ")
    assert message.count("\n") == 1


def test_append_to_a_full_disk_ends_in_one_line(tmp_path, capsys, monkeypatch):
    def full(path, write):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(records.results, "replace", full)
    with pytest.raises(SystemExit, match="2"):
        records.append(tmp_path / "runs.jsonl", {})
    assert "No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "[1]\n", '{"a": 1}\n', '{"point": {"b": 1}}\n'])
def test_read_refuses_what_holds_no_results(tmp_path, text):
    path = tmp_path / "rnn.jsonl"
    path.write_text(text)
    with pytest.raises(records.RecordsError, match="not a file of results") as error:
        records.read(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_still_holds_for_the_same_machine_commit_and_peers():
    result = record({"jaxseq": 4.0, "torch": {"missing": "not installed"}}, POINT)
    assert records.still_holds(result, ABOUT, ["jaxseq", "torch"], LIMITS)
    assert records.still_holds(result, ABOUT, ["torch"], LIMITS)
    assert not records.still_holds(result, ABOUT, ["jaxseq", "torch", "keras"], LIMITS)
    busy = result | {"busy": True}
    assert not records.still_holds(busy, ABOUT, ["jaxseq", "torch"], LIMITS)


@pytest.mark.parametrize(
    ("limits", "holds"),
    [
        ({}, True),
        ({"num_rounds": 10}, True),
        ({"num_rounds": 21}, False),
        ({"max_error": 1e-6}, True),
        ({"max_error": 1e-8}, False),  # jaxseq would be wrong
        ({"max_error": 1e-2}, False),  # torch would not
        ({"max_seconds": 1e-3}, True),
    ],
)
def test_still_holds_for_limits_that_measure_alike(limits, holds):
    wrong = {"form": "gru", "error": 1e-3, "wrong": "ys off by 1.0e-03, over 0.0001"}
    result = record({"jaxseq": 4.0, "torch": wrong}, POINT)
    found = records.still_holds(result, ABOUT, ["torch"], LIMITS._replace(**limits))
    assert found is holds


def test_still_holds_for_what_is_still_too_long():
    left_out = record({}, POINT, left_out="too long", seconds=3.0)
    peers = ["jaxseq", "torch"]
    assert records.still_holds(left_out, ABOUT, peers, LIMITS)
    longer = LIMITS._replace(max_seconds=4.0)
    assert not records.still_holds(left_out, ABOUT, peers, longer)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("commit", {"commit": "def"}),
        ("commit", {"is_changed": True}),
        ("machine", {"num_cores": 4}),
        ("machine", {"versions": {"jax": "0.12"}}),
        ("machine", {"XLA_FLAGS": "--xla_x"}),
    ],
)
def test_still_holds_not_for_another_machine_or_commit(key, change):
    about = ABOUT | {key: ABOUT[key] | change}
    result = record({"jaxseq": 4.0}, POINT)
    assert not records.still_holds(result, about, ["jaxseq"], LIMITS)


def test_machine_describes_what_decides_the_speed(monkeypatch):
    jax.devices()  # started before: XLA does not know the flag that follows
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("XLA_FLAGS", "--a=b")
    about = machine.describe(["jax", "no-such-package", "jax"])
    assert list(about["versions"]) == ["jax"]
    assert about["num_cores"] >= 1
    assert about["OMP"] == {"OMP_NUM_THREADS": "1"}
    assert about["XLA_FLAGS"] == "--a=b"
    assert about["cpu"]


def test_commit_is_none_outside_of_git(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    assert machine.commit() == {"commit": None, "is_changed": None}


def test_seconds_of_others_leave_this_process_out():
    before = machine.seconds_of_others()
    if before is None:
        pytest.skip("the system does not say")
    wall, used = time.perf_counter(), time.process_time()
    while time.process_time() < used + 0.2:
        pass
    wall = time.perf_counter() - wall
    # Others may use the remaining cores, and a tick of each is booked late.
    limit = wall * machine.num_cores() - 0.2 + 0.02 * machine.num_cores()
    assert -0.05 <= machine.seconds_of_others() - before <= limit


def test_idle_share_is_a_share():
    assert 0 < machine.idle_share(0.02) <= 1.05
