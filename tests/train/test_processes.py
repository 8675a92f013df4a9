"""What several processes compare before they train as one."""

import jax
import numpy as np
import pytest
from jax.experimental import multihost_utils

from jaxseq.train import processes, sharding


def of_two(monkeypatch, other):
    """Has this process be one of two; what the other one gathers is of `other`."""
    gathered = []

    def gather(array):
        gathered.append(array)
        return np.stack([gathered[0], array])

    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(multihost_utils, "process_allgather", gather)
    processes.check_same(other)


def test_what_differs_is_named(monkeypatch):
    of_two(monkeypatch, {"seed": 0, "cell": "gru", "sizes": [1, 2]})
    processes.check_same({"seed": 0, "cell": "gru", "sizes": [1, 2]})
    with pytest.raises(processes.Different, match="differ in seed, sizes$"):
        processes.check_same({"seed": 1, "cell": "gru", "sizes": [1, None]})


def test_one_process_waits_for_nobody():
    processes.check_same({"seed": object()})
    processes.wait()


def test_a_process_without_a_device_is_refused(monkeypatch):
    assert sharding.mesh(1).size == 1
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(ValueError, match="num_devices: expected at least one of each"):
        sharding.mesh(1)
