"""Several processes as one training: who they are, and what they agree on.

Each process has its devices and runs the same program on the same numbers; arrays lie
over the devices of all. What one process alone knows, its clock and the signals that it
hears, is agreed on between updates: else one would write a checkpoint, or end, while
the others wait for it. What all must have, the settings, how long they run and the
checkpoint that they go on from, is compared before the first: else they would train on
sums of unlike parts, or wait for one that has ended, and nothing would show it.

If one dies, or stands still for `HEARTBEAT_SECONDS`, the others end too, at the latest
within 30 s: what is left is the last checkpoint, and any number of processes goes on
from it. It is JAX's runtime that aborts them, from a thread of its own and with its
stack on stderr: there is nothing in its public interface to say it in one line by.

JAX also ends all if one has left for `LEAVING_SECONDS` and another has not: one that
failed would leave the others waiting for it. Whoever has more to do at the end than
the others is waited for, by `wait`, for as long as it lives.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxseq.checks import check_count, expect


HEARTBEAT_SECONDS = 20  # without a sign of life, and a process counts as dead
LEAVING_SECONDS = 20
_ADDRESS = re.compile(r".+:\d{1,5}")


class Different(RuntimeError):
    """Processes of one training do not have the same; the message is one line."""


def start(address: str, num_processes: int, number: int) -> None:
    """Joins the other processes; before anything else is asked of JAX.

    Args:
        address: host and port of process 0, `127.0.0.1:1234`.
        num_processes: of all.
        number: of this one, from 0.

    Raises:
        ValueError: naming the argument.
        RuntimeError: if the others do not come.
    """
    check_count("num_processes", num_processes)
    check_count("number", number, least=0)
    expected = f"less than {num_processes}, the processes"
    expect(number < num_processes, "number", expected, number)
    is_address = isinstance(address, str) and _ADDRESS.fullmatch(address) is not None
    expect(is_address, "address", "host and port, `name:1234`", repr(address))
    jax.distributed.initialize(
        address,
        num_processes,
        number,
        heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
        shutdown_timeout_seconds=LEAVING_SECONDS,
    )


def start_on_cluster() -> None:
    """Joins the other processes of a cluster that says who they are.

    Slurm, Open MPI, Kubernetes with JobSet and TPU pods do: see
    `jax.distributed.initialize`.

    Raises:
        RuntimeError: if the others do not come.
        ValueError: if nothing says who they are.
    """
    jax.distributed.initialize(
        heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
        shutdown_timeout_seconds=LEAVING_SECONDS,
    )


def agreed(*numbers: float) -> tuple[float, ...]:
    """Returns the largest that any process has of each number."""
    if jax.process_count() == 1:
        return numbers
    every = multihost_utils.process_allgather(np.asarray(numbers, np.float32))
    return tuple(np.asarray(every).max(axis=0).tolist())


def check_same(named: Mapping[str, Any]) -> None:
    """Checks that all processes have the same; each waits for the others.

    Args:
        named: by name, what this process has, fit for JSON; all have the same names.

    Raises:
        Different: in every process, naming what differs.
    """
    if jax.process_count() == 1 or not named:
        return
    texts = [json.dumps(value, sort_keys=True) for value in named.values()]
    mine = [hashlib.sha256(text.encode()).digest() for text in texts]
    array = np.frombuffer(b"".join(mine), np.uint8).reshape(len(mine), -1)
    every = np.asarray(multihost_utils.process_allgather(array))
    differs = (every != every[0]).any(axis=(0, 2))
    if names := [name for name, is_one in zip(named, differs, strict=True) if is_one]:
        raise Different(f"processes of one training differ in {', '.join(names)}")


def wait() -> None:
    """Waits until all processes are here, however long it takes; for none that died."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("jaxseq.train")
