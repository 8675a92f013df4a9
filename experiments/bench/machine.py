"""What a result was measured on: device, cores, versions, commit; and is it idle?"""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import jax

from ..devices import num_cores


ROOT = Path(__file__).parents[2]
CODE = ("jaxseq", "experiments/bench", ":!experiments/bench/results")
IDLE_SHARE = 0.9
OTHERS_SHARE = 0.05


def about(packages: Iterable[str]) -> dict:
    """Says what a run's results are of: machine, commit, and whether it is idle.

    Prints who measures, and a warning where nothing can be timed.

    Args:
        packages: as in `describe`.
    """
    share = idle_share()
    described, busy = describe(packages), share < IDLE_SHARE
    warning = " (BUSY: no timing holds)" if busy else ""
    print(f"{described['cpu']}, idle {share:.0%}{warning}", flush=True)
    return {
        "machine": described,
        "commit": commit(),
        "idle_share": share,
        "busy": busy,
    }


def describe(packages: Iterable[str]) -> dict:
    """Describes the machine and the software that decides how fast it is.

    Args:
        packages: whose versions matter, as the registry calls them.

    Returns:
        Fit for JSON; equal on equal machines with equal software.
    """
    device = jax.devices()[0]
    return {
        "device": device.device_kind,
        "platform": device.platform,
        "cpu": _cpu(),
        "num_cores": num_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": _versions(packages),
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", ""),
        "OMP": {k: v for k, v in sorted(os.environ.items()) if k.startswith("OMP_")},
    }


def of_training() -> dict:
    """Says what a training of the experiments is of: machine and commit."""
    return {
        "machine": describe(("jax", "jaxlib", "optax")),
        "commit": commit(("jaxseq", ":(glob)experiments/*.py")),
    }


def commit(code: Sequence[str] = CODE) -> dict:
    """Returns the git commit, and whether the code differs from it.

    Both are None outside of a git checkout.

    Args:
        code: what counts as code, as git's pathspecs from the root.
    """
    try:
        name = _git("rev-parse", "HEAD")
        changes = _git("status", "--porcelain", "--", *code)
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "is_changed": None}
    return {"commit": name, "is_changed": bool(changes)}


def idle_share(seconds: float = 0.1) -> float:
    """Measures the share of all cores that this process gets when it asks for them.

    One thread a core hashes for a while: 1.0 is an idle machine. Load averages would
    not do: they hold the benchmark's own last minutes.
    """
    shares: list[float] = []
    data = bytes(1 << 20)

    def hash_for_a_while():
        start, used = time.perf_counter(), time.thread_time()
        while time.perf_counter() - start < seconds:
            hashlib.sha256(data)  # lets the other threads run meanwhile
        used = time.thread_time() - used
        shares.append(used / (time.perf_counter() - start))

    threads = [threading.Thread(target=hash_for_a_while) for _ in range(num_cores())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(shares) / len(shares)


def seconds_of_others() -> float | None:
    """Returns how long this process' cores have worked for others, since they started.

    What a hypervisor takes away counts. None where the system does not say.
    """
    try:
        lines = Path("/proc/stat").read_text("utf-8").splitlines()
        cores = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    except (OSError, AttributeError):
        return None
    ticks = 0
    for line in lines:
        name, *counts = line.split()
        if name in cores:
            user, nice, system, _, _, irq, softirq, steal, *_ = map(int, counts)
            ticks += user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK") - time.process_time()


def _git(*args: str) -> str:
    command = ["git", "-C", str(ROOT), *args]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def _versions(packages: Iterable[str]) -> dict[str, str]:
    versions = {}
    for package in sorted(set(packages)):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
