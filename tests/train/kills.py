"""Trainings as programs of their own, which are killed, stopped and started again.

A program takes a folder, `--num-...` and `--save-every`; it prints a line that begins
with the number of each update, and last what it has come to.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from jaxseq.train import folders


ROOT = Path(__file__).parents[2]
TINY = Path(__file__).with_name("tiny.py")


@contextlib.contextmanager
def started(*arguments, stream=subprocess.PIPE, **more):
    """Starts Python; ends it if it has not ended."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    # What runs the tests may have been started by nohup, and it would inherit that.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=environment,
        cwd=ROOT,
        stdout=stream,
        stderr=stream,
        text=True,
        **more,
    )
    signal.signal(signal.SIGHUP, before)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def running(folder, *options, program=TINY):
    """Starts a training."""
    return started(program, folder, *options)


def finished(folder, *options, **more):
    """Runs to the end: the lines, without the last, and what that one says."""
    with running(folder, *options, **more) as process:
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
    *lines, end = out.splitlines()
    return lines, end.split()


def numbers_of(lines):
    return [int(line.split()[0]) for line in lines]


def checkpoints(folder):
    return folders.numbers(folder / "checkpoints")


def check_kills(tmp_path, num_kills, *options, program=TINY):
    """Kills a training at random instants: it ends in the bits of one that was not.

    At most one interval of updates is lost, and no litter is left. Returns how many
    kills came while a checkpoint was being written or removed.
    """
    interval = 3
    place = tmp_path / "killed" / "checkpoints"
    draw = np.random.default_rng(0)
    last, num_in_saves = 0, 0
    for _ in range(num_kills):
        often = (*options, "--save-every", interval)
        with running(tmp_path / "killed", *often, program=program) as process:
            lines = [process.stdout.readline() for _ in range(draw.integers(1, 20))]
            time.sleep(draw.uniform(0, 0.06))
            process.kill()
            # The last line may have been cut by the kill.
            lines += process.stdout.read().splitlines()[:-1]
        numbers = numbers_of(lines)
        assert numbers[0] >= last - interval + 1
        last = numbers[-1]
        unfinished = [name for name in os.listdir(place) if name.startswith(".")]
        assert len(unfinished) <= 2
        num_in_saves += bool(unfinished)
    rarely = (*options, "--save-every", 0)
    lines, end = finished(tmp_path / "killed", *rarely, program=program)
    assert numbers_of(lines)[0] >= last - interval + 1
    _, expected = finished(tmp_path / "whole", *rarely, program=program)
    assert end == expected
    assert all(name.startswith("step_") for name in os.listdir(place))
    return num_in_saves


def free_address():
    """Returns where several processes can meet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"
