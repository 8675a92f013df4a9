"""Recurrent layers timed: jaxseq beside every library that is installed, in one run.

    python -m experiments.bench rnn                            6 points, a few minutes
    python -m experiments.bench rnn --grid full --resume       180 points, hours

What is timed: one layer, I = H, zero initial state; forward alone, and forward with the
gradients of all weights and of the inputs for a given cotangent of the outputs. Each
library in its fastest documented configuration, everything in its own layout before the
clock starts, each call waited for. The process keeps freed memory, for everybody alike:
`jaxseq.host_memory`. Ahead of that its outputs and every gradient must equal those of
`unroll_plain` in float64 from the same weights; who fails is named and not timed. How
the clock is read: `experiments.bench.timing`.

What is counted: 2 B T G H (I + H) operations forward (G gates), three times that with
the backward pass; per cent of the machine's own matrix product (`jnp.dot`, 2048³ on a
CPU, the same dtype, beside the layers); memory as XLA plans it, temporaries and outputs
together, arguments apart; compilation apart, cold.

Ratios are taken within a point only: time of the other / time of jaxseq in the same
form, above 1 jaxseq is faster. Haiku's GRU resets before the product and its VanillaRNN
is relu: they are held against jaxseq's own cells of these forms. The machine should be
idle, PyTorch's threads suffer from any other load: points measured on a busy one are
marked.

Files under `OUT/bench/`: rnn.jsonl (a line a point, with machine, versions and commit),
rnn_time.png and rnn_percent.png. An older rnn.jsonl that is not resumed is kept as
rnn.old.jsonl. Results that are part of the project are in `experiments/bench/results/`.
"""

import itertools
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp

from jaxseq import commands, host_memory

from .. import cli
from . import machine, on_jax, plots, records, report
from .measure import measure
from .peers import BASE
from .records import Record, RecordsError
from .rnn_config import Config, chosen_peers, points


_OLD = "rnn.old.jsonl"


def run(config: Config) -> None:
    """Measures the points that are missing, prints all, and writes the files.

    Raises:
        SystemExit: after one line on stderr; code 2 for a file that cannot be used, 130
            for Ctrl-C.
    """
    folder = cli.results_folder(config.out, "bench")
    path = cli.result_file(folder, "rnn.jsonl")
    for name in (_OLD, *plots.NAMES):
        cli.result_file(folder, name)
    started = time.monotonic()
    try:
        # Ahead of all that JAX does: its threads keep the arenas that they have.
        keeps_freed_memory = host_memory.keep_freed()
        _set_up(config)
        done = _start(path, config.resume)
        results = _run(config, path, done, keeps_freed_memory)
    except RecordsError as error:
        commands.fail(str(error))
    except KeyboardInterrupt:
        print(f"stopped by the keyboard; --resume goes on with {path}", file=sys.stderr)
        sys.exit(130)
    print(report.summary(results))
    files = [path, *plots.draw(path.parent, results)]
    seconds = time.monotonic() - started
    print(f"\n{seconds:.0f} s; " + ", ".join(map(str, files)))


def _set_up(config: Config) -> None:
    """Sets JAX up, and refuses options that XLA does not know before anything else."""
    jax.config.update("jax_enable_compilation_cache", False)
    if config.cpu_devices > 1:
        jax.config.update("jax_num_cpu_devices", config.cpu_devices)
    try:
        on_jax.compiled(jnp.negative, _options(config), jnp.zeros(1))
    except jax.errors.JaxRuntimeError as error:
        first_line = str(error).partition("\n")[0]
        commands.fail(f"--options: {first_line}")


def _options(config: Config) -> dict[str, str]:
    return dict(option.split("=", 1) for option in config.options)


def _start(path: Path, resume: bool) -> list[Record]:
    """Returns what is there to go on with; else puts it aside."""
    if resume:
        return records.read(path)
    if path.exists():
        os.replace(path, path.with_name(_OLD))
    return []


def _run(
    config: Config, path: Path, done: Sequence[Record], keeps_freed_memory: bool
) -> list[Record]:
    """Measures point by point; the file is whole after each."""
    options = _options(config)
    peers = chosen_peers(config)
    packages = itertools.chain(*(peer.packages for peer in peers), BASE.packages)
    described = machine.describe(packages) | {
        "num_devices": jax.device_count(),
        "keeps_freed_memory": keeps_freed_memory,
        "compiler_options": options,
    }
    about = {"machine": described, "commit": machine.commit()}
    print(report.heading(about, machine.idle_share()))
    names = [peer.name for peer in peers]
    limits = records.Limits(config.repetitions, config.max_seconds, config.max_error)
    kept = {
        records.point_of(record): record
        for record in done
        if records.still_holds(record, about, names, limits)
    }
    # Other points of the file stay in it: it may hold more than this run asks for.
    results = {records.point_of(record): record for record in done}
    wanted = points(config)
    for number, point in enumerate(wanted, 1):
        where = f"{number} of {len(wanted)}: {report.name(point)}"
        if point in kept:
            print(f"{where}, kept", file=sys.stderr)
            continue
        print(where, file=sys.stderr, flush=True)
        record = measure(
            point,
            BASE,
            peers,
            *limits,
            options,
        )
        results[point] = record | about
        records.write(path, list(results.values()))
        print(report.table(results[point]), flush=True)
    return [results[point] for point in wanted]
