"""Arrays in a folder, by Orbax: each process by itself, from the host and to it."""

from pathlib import Path

import jax
import numpy as np

from jaxseq.train import leaves


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes arrays; those without an entry are left out, as Orbax knows none."""
    from orbax.checkpoint import v1 as ocp  # half a second: not for those who only read

    with _alone(ocp):
        ocp.save(str(path), {k: a for k, a in arrays.items() if a.size})


def read(path: Path, wanted: dict[str, leaves.Kind]) -> dict[str, np.ndarray]:
    """Reads arrays of known kinds."""
    from orbax.checkpoint import v1 as ocp

    empty = {name: leaves.empty(kind) for name, kind in wanted.items()}
    with _alone(ocp):
        stored = ocp.load(str(path), {k: a for k, a in empty.items() if a.size})
    return empty | stored


def _alone(ocp):
    """Has Orbax wait for no other process: each reads by itself, the first writes."""
    context = ocp.Context()
    # Else it waits for minutes for a folder that could not be made.
    context.asynchronous.create_directories_asynchronously = False
    context.multiprocessing.primary_host = jax.process_index()
    context.multiprocessing.active_processes = {jax.process_index()}
    context.multiprocessing.barrier_sync_key_prefix = f"process_{jax.process_index()}"
    return context
