"""Runs that are killed, stopped, starved and moved, as programs of their own."""

import contextlib
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests.train.kills import (
    check_kills,
    checkpoints,
    finished,
    free_address,
    numbers_of,
    running,
)


WORD_TABLES = Path(__file__).with_name("word_tables.py")


@pytest.mark.parametrize("num_kills", [1, pytest.param(100, marks=pytest.mark.slow)])
def test_killed_at_any_instant_it_ends_in_the_same_bits(tmp_path, num_kills):
    num_in_saves = check_kills(tmp_path, num_kills, "--num-updates", 40 * num_kills)
    assert num_in_saves >= num_kills // 10


@pytest.mark.parametrize(
    ("signum", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
    ],
)
def test_a_signal_leaves_a_checkpoint(tmp_path, signum, code):
    options = ("--save-every", 0, "--sleep", 0.01)
    with running(tmp_path, *options) as process:
        for _ in range(7):
            process.stdout.readline()
        started = time.monotonic()
        process.send_signal(signum)
        out, error = process.communicate(timeout=60)
        assert time.monotonic() - started < 5
        assert (process.returncode, error) == (code, "")
    assert checkpoints(tmp_path) == [numbers_of(out.splitlines())[-1]]


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(tmp_path):
    with running(tmp_path, "--save-every", 0, "--sleep", 60) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=5)
        assert process.returncode == 143
    assert checkpoints(tmp_path) == []


@pytest.mark.slow
def test_a_full_disk_ends_it_in_one_line(tmp_path):
    _, end = finished(tmp_path, "--num-updates", 20)
    assert end[:2] == ["end", "20"]
    options = ("--num-updates", 40, "--largest-file", 1500)
    with running(tmp_path, *options) as process:
        _, error = process.communicate(timeout=60)
        assert process.returncode == 1
    (line,) = error.splitlines()
    assert line.startswith("error: cannot write the checkpoint")
    assert line.endswith("': File too large")
    assert checkpoints(tmp_path) == [15, 20]
    assert all(n.startswith("step_") for n in os.listdir(tmp_path / "checkpoints"))
    lines, _ = finished(tmp_path, "--num-updates", 30)
    assert numbers_of(lines) == list(range(21, 31))


def means_of(lines):
    return np.array([float(line.split()[1]) for line in lines])


QUIET = ("--noise", 0, "--num-updates", 40)


@pytest.mark.slow
def test_it_goes_on_with_other_devices(tmp_path):
    expected, end = finished(tmp_path / "one", *QUIET)
    for number in (2, 8):
        found, _ = finished(tmp_path / str(number), *QUIET, "--devices", number)
        np.testing.assert_allclose(means_of(found), means_of(expected), atol=1e-6)
    found = []
    for devices, until in ((1, 10), (4, 25), (1, 40)):
        options = ("--noise", 0, "--num-updates", until, "--devices", devices)
        lines, moved = finished(tmp_path / "moved", *options)
        found += lines
    assert numbers_of(found) == list(range(1, 41))
    np.testing.assert_allclose(means_of(found), means_of(expected), atol=1e-6)
    assert float(moved[-1]) == pytest.approx(float(end[-1]), abs=1e-5)


@contextlib.contextmanager
def together(folder, number, *options, **more):
    """Runs so many processes of one training."""
    shared = ("--processes", number, "--address", free_address())
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                running(folder, *options, *shared, "--process", process, **more)
            )
            for process in range(number)
        ]


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 4])
def test_processes_train_as_one(tmp_path, number):
    expected, end = finished(tmp_path / "one", *QUIET)
    with together(tmp_path / "many", number, *QUIET) as processes:
        outs = [process.communicate(timeout=240) for process in processes]
        assert [p.returncode for p in processes] == [0] * number, outs
    for out, _ in outs:
        lines = [line for line in out.splitlines() if line[0].isdigit()]
        np.testing.assert_allclose(means_of(lines), means_of(expected), atol=1e-6)
    # What many have written, one goes on from.
    lines, _ = finished(tmp_path / "many", "--noise", 0, "--num-updates", 45)
    assert numbers_of(lines) == list(range(41, 46))


@pytest.mark.slow
@pytest.mark.parametrize("differs", ["num_parts", "the checkpoint that is there"])
def test_processes_that_do_not_have_the_same_end_at_once(tmp_path, differs):
    is_setting = differs == "num_parts"
    if not is_setting:
        finished(tmp_path / "0", *QUIET)
    meet = ("--address", free_address(), "--processes", 2, *QUIET)
    others = ("0", "--num-parts", 2) if is_setting else ("1",)
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(running(tmp_path / name, *more, *meet, "--process", n))
            for n, (name, *more) in enumerate((("0",), others))
        ]
        errors = [process.communicate(timeout=60)[1] for process in processes]
    for error in errors:
        assert f"Different: processes of one training differ in {differs}" in error


@pytest.mark.slow
def test_word_tables_in_parts_over_processes_train_as_one(tmp_path):
    words = {"program": WORD_TABLES}
    options = ("--num-updates", 12)
    expected, end = finished(tmp_path / "one", *options, **words)
    assert end == ["end", *["40"] * 4]
    with together(tmp_path / "two", 2, *options, **words) as processes:
        outs = [process.communicate(timeout=240) for process in processes]
        assert [p.returncode for p in processes] == [0, 0], outs
    for out, _ in outs:
        *lines, end = [line for line in out.splitlines() if line[0] in "e0123456789"]
        assert end.split() == ["end", *["20"] * 4]
        np.testing.assert_allclose(means_of(lines), means_of(expected), atol=1e-6)
    # What two have in parts, one goes on from as a whole.
    longer = ("--num-updates", 16)
    found, end = finished(tmp_path / "two", *longer, **words)
    expected, _ = finished(tmp_path / "one", *longer, **words)
    assert numbers_of(found) == [13, 14, 15, 16]
    np.testing.assert_allclose(means_of(found), means_of(expected), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_a_signal_to_one_process_stops_all_at_one_update(tmp_path, number):
    options = ("--noise", 0, "--save-every", 0, "--num-updates", 10**6)
    with together(tmp_path / "many", 2, *options, "--sleep", 0.01) as processes:
        for _ in range(7):
            processes[number].stdout.readline()
        processes[number].send_signal(signal.SIGTERM)
        for process in processes:
            process.communicate(timeout=30)
        assert [process.returncode for process in processes] == [143, 143]
    (last,) = checkpoints(tmp_path / "many")
    lines, _ = finished(tmp_path / "many", "--noise", 0, "--num-updates", last + 2)
    assert numbers_of(lines) == [last + 1, last + 2]


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_a_process_may_stand_still_for_some_seconds(tmp_path, number):
    options = ("--noise", 0, "--num-updates", 10**6, "--sleep", 0.02)
    with together(tmp_path / "many", 2, *options) as processes:
        for _ in range(12):
            processes[number].stdout.readline()
        processes[number].send_signal(signal.SIGSTOP)
        time.sleep(14)
        processes[number].send_signal(signal.SIGCONT)
        for _ in range(12):
            processes[number].stdout.readline()
        processes[0].send_signal(signal.SIGTERM)
        for process in processes:
            process.communicate(timeout=30)
        assert [process.returncode for process in processes] == [143, 143]


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_if_one_process_dies_the_others_end(tmp_path, number):
    options = ("--noise", 0, "--num-updates", 10**6, "--sleep", 0.02)
    with together(tmp_path / "many", 2, *options) as processes:
        other = processes[1 - number]
        for _ in range(12):
            other.stdout.readline()
        processes[number].kill()
        started = time.monotonic()
        other.communicate(timeout=60)
        assert time.monotonic() - started < 30
        assert other.returncode != 0
    last = checkpoints(tmp_path / "many")[-1]
    lines, _ = finished(tmp_path / "many", "--noise", 0, "--num-updates", last + 3)
    assert numbers_of(lines) == [last + 1, last + 2, last + 3]
