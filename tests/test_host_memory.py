"""Memory that stays with the process: page faults counted in a process of its own."""

import ctypes
import subprocess
import sys

import pytest

from jaxseq import host_memory


# A program with 64 MB of temporaries, 16,384 pages a call. Of 30 calls the median: the
# heap still grows now and then, where other threads' small pieces leave no room.
SCRIPT = """
import resource, statistics, sys
from jaxseq import host_memory
if "keep" in sys.argv:
    assert host_memory.keep_freed()
import jax, jax.numpy as jnp
run = jax.jit(lambda v: jnp.tanh(jnp.outer(v, v)) @ v)
v = jnp.ones(4096, jnp.float32)
counts = []
for _ in range(30):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    run(v).block_until_ready()
    counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(round(statistics.median(counts)))
"""


def num_faults(*args):
    command = [sys.executable, "-c", SCRIPT, *args]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
def test_kept_memory_is_not_faulted_in_again():
    assert num_faults("keep") < num_faults() / 10


def test_keep_freed_says_where_it_cannot(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert host_memory.keep_freed() is False
