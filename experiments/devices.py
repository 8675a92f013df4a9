"""How many devices a program works on: a CPU is as many as are asked for in time."""

import os

import jax


def num_cores() -> int:
    """Counts the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share(wanted: int, num_rows: int | None = None) -> int:
    """Has a CPU be as many devices as are wanted and it has cores for.

    Args:
        wanted: devices.
        num_rows: that they share at a time, each as many; None: each has its own.

    Returns:
        How many of the wanted ones there are, or fewer, so that each has as many rows.
    """
    try:
        jax.config.update("jax_num_cpu_devices", min(wanted, num_cores()))
    except RuntimeError:  # too late: it has been used, and is what it is
        pass
    most = min(wanted, jax.device_count())
    if num_rows is None:
        return most
    return max(num for num in range(1, most + 1) if num_rows % num == 0)
