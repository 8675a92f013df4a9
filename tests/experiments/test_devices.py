"""A CPU that is two devices, in a process in which nothing has used it."""

import subprocess
import sys

import jax
import pytest

from experiments import devices


SCRIPT = "import jax; from experiments import devices; {} print({}, jax.device_count())"


def printed(before, asked):
    command = [sys.executable, "-c", SCRIPT.format(before, asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(devices.num_cores() < 2, reason="needs two cores")
@pytest.mark.skipif(jax.default_backend() != "cpu", reason="is about CPUs")
def test_a_cpu_is_as_many_devices_as_are_asked_for_in_time():
    assert printed("", "devices.share(2)") == ["2", "2"]
    assert printed("jax.devices();", "devices.share(2)") == ["1", "1"]


def test_no_more_devices_than_cores_and_rows_for_all(monkeypatch):
    monkeypatch.setattr(jax, "device_count", lambda: 4)
    assert devices.share(8) == 4
    assert [devices.share(8, rows) for rows in (8, 9, 7)] == [4, 3, 1]
    assert devices.share(1) == 1
