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


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
@pytest.mark.parametrize("first", ["", "jax.numpy.zeros(1)"])
def test_keep_freed_says_whether_it_comes_too_late(first):
    script = f"import jax; {first}\nfrom jaxseq import host_memory\n"
    command = [sys.executable, "-c", script + "print(host_memory.keep_freed())"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{not first}\n"


def test_keep_freed_says_where_it_cannot(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert host_memory.keep_freed() is False


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Pretends a machine with 9 GiB available, with files as the kernel has them."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "ascii")

    monkeypatch.setattr(host_memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(host_memory, "_GROUPS", tmp_path / "groups")
    write("proc/meminfo", f"MemTotal: 99 kB\nMemAvailable:   {9 * 2**20} kB\nX: 1\n")
    return write


def test_what_is_free_is_what_the_machine_has(machine):
    assert host_memory.num_free() == 9 * 2**30


@pytest.mark.parametrize("place", ["", "job", "job/step"])
def test_what_is_free_is_no_more_than_the_group_leaves(machine, place):
    machine("proc/self/cgroup", "0::/job/step\n")
    machine("groups/job/step/memory.max", "max\n")
    machine("groups/job/step/memory.current", "1\n")
    machine("groups/job/step/memory.stat", "anon 1\n")
    machine(f"groups/{place}/memory.max", "1000\n")
    machine(f"groups/{place}/memory.current", "700\n")
    machine(f"groups/{place}/memory.stat", "anon 600\ninactive_file 100\n")
    assert host_memory.num_free() == 400
    machine(f"groups/{place}/memory.current", "1200\n")
    assert host_memory.num_free() == 0


def test_groups_of_the_first_version_count_too(machine):
    machine("proc/self/cgroup", "3:cpu:/a\n2:freezer,memory:/a\n0::/\n")
    machine("groups/memory/a/memory.limit_in_bytes", "500\n")
    machine("groups/memory/a/memory.usage_in_bytes", "300\n")
    machine("groups/memory/a/memory.stat", "inactive_file 7\ntotal_inactive_file 50\n")
    assert host_memory.num_free() == 250


def test_nobody_may_say_what_is_free(machine, tmp_path):
    (tmp_path / "proc" / "meminfo").unlink()
    assert host_memory.num_free() is None


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux alone")
def test_some_memory_is_free_here():
    assert 2**20 < host_memory.num_free() < 2**50
