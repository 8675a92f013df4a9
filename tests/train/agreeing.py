"""Two processes in one: what the first says, the second is compared with."""

import jax
import numpy as np
from jax.experimental import multihost_utils


def of_two(monkeypatch):
    """Has this process be one of two, from the second time that it compares on.

    The first time it is the other one: what it has then, the other has ever after.
    """
    gathered = []

    def gather(array):
        gathered.append(array)
        return np.stack([gathered[0], array])

    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(multihost_utils, "process_allgather", gather)
