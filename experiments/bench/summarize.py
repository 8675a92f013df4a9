"""A summarizer's training timed beside eager PyTorch, and its beam search, in one run.

    python -m experiments.bench summarize                          some minutes
    python -m experiments.bench summarize --model out/summarize/model.npz
    python -m experiments.bench summarize --architecture abs       or ras_lstm

What is timed in training: an update, loss, gradients, clipping and Adam included, with
dropout; a batch of each shape that the training of `experiments.summarize` has on two
devices, the same pairs for everybody, laid out before the clock starts. jaxseq runs it
on two devices of the CPU and, both parts in one, on one of them, which has both cores
too; PyTorch with as many threads as there are cores. Ahead of that PyTorch's loss and
every gradient must equal jaxseq's from the same weights, without dropout; who fails is
named and not timed. How the clock is read: `experiments.bench.timing`. Compilation is
apart.

What is timed in search: all test pairs' summaries, from their words to the summaries'
words, the first time, with compilation, and then again; the median of three. Of the
first ones it is seen whether they equal those of documents read one by one.

Ratios are taken within a shape only: time of PyTorch / time of jaxseq as it is trained,
ABS on one device, the others on two (on one, where there is one core); above 1 jaxseq
is faster.

File: `OUT/bench/summarize.jsonl`, a line a run of this program.
"""

import collections
import dataclasses
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from jaxseq import commands
from jaxseq.summarize import batches, training as updates
from jaxseq.summarize.examples import Example
from jaxseq.summarize.model import Model
from jaxseq.text.files import CorpusError
from jaxseq.types import Tree

from .. import (
    cli,
    devices,
    startup,
    summarize_config,
    summarize_corpus,
    summarize_models,
    summarize_training,
    summarize_use,
)
from ..summarize_config import Config as Training
from ..summarize_corpus import Corpus
from . import machine, records, summarize_report, summarize_search, timing
from .summarize_config import Config, make_training
from .summarize_peers import (
    CONTENDERS,
    Contender,
    Task,
    answer,
    errors,
    form,
)


PACKAGES = ("jax", "jaxlib", "jaxseq", "numpy", "optax", "torch")
MAX_ERROR = 1e-4


def run(config: Config) -> None:
    """Measures, prints the tables and adds a line to the file.

    Raises:
        SystemExit: after one line on stderr; code 2 for a file that cannot be used, 130
            for Ctrl-C.
    """
    startup.prepare()
    path = cli.result_file(cli.results_folder(config.out, "bench"), "summarize.jsonl")
    training = make_training(config)
    num_shards = devices.share(2, config.batch_size)
    num_devices = min(training.num_shards, num_shards)
    training = dataclasses.replace(training, num_shards=num_shards)
    about = machine.about(PACKAGES)
    about["machine"]["num_devices"] = jax.device_count()
    try:
        record = about | _measure(config, training, num_devices)
    except (CorpusError, ValueError) as error:
        commands.fail(str(error))
    except KeyboardInterrupt:
        print("stopped by the keyboard", file=sys.stderr)
        sys.exit(130)
    record["config"] = records.settings(config)
    print(summarize_report.summary(record))
    records.append(path, record)
    print(path)


def _measure(config: Config, training: Training, num_devices: int) -> dict:
    corpus = summarize_corpus.read(training)
    model = summarize_models.make(training, len(corpus.vocab.tokens))
    shapes = []
    examples = (
        summarize_corpus.encode(training, corpus.vocab, part)
        for part in (corpus.train, corpus.valid)
    )
    made = tasks(training, model, num_devices, *examples)
    for number, task in enumerate(made, 1):
        print(f"shape {number}: {task.shape}", file=sys.stderr, flush=True)
        shapes.append(measure(task, CONTENDERS, config.repetitions))
        print(summarize_report.table(shapes[-1]), flush=True)
    if config.model is None:
        params, known = _trained(training, corpus), corpus.vocab
    else:
        training, model, params, known = summarize_use.load(training, config.model)
    texts, num_single = corpus.test.documents, config.num_one_by_one
    found = summarize_search.measure(training, model, params, known, texts, num_single)
    return {"shapes": shapes, "search": found}


def tasks(
    training: Training,
    model: Model,
    num_devices: int,
    examples: Sequence[Example],
    valid: Sequence[Example],
) -> list[Task]:
    """Makes a batch of each shape of a training: the first that is full."""
    setting = summarize_config.make_setting(training)
    shapes = updates.shapes_of([*examples, *valid], setting)
    dealt = updates.deal(examples, shapes, setting)
    planned = [batches.plan(dealt, 0, 0, n) for n in range(dealt.num_batches)]
    params = model.init(jax.random.key(0))
    num_batches = collections.Counter(each.shape for each in planned)
    fullest = {
        shape: max(
            (each for each in planned if each.shape == shape),
            key=lambda each: sum(map(len, each.members)),
        )
        for shape in num_batches
    }
    return [
        Task(
            training.architecture,
            model,
            params,
            [[examples[m] for m in members] for members in fullest[shape].members],
            shape,
            num_batches[shape],
            setting,
            num_devices,
        )
        for shape in sorted(fullest)
    ]


def measure(
    task: Task, contenders: Mapping[str, Contender], num_rounds: int
) -> dict[str, Any]:
    """Builds, checks and times everybody on one batch; the record of a shape."""
    wanted = None
    entries: dict[str, dict] = {}
    calls = {}
    for name, contender in contenders.items():
        entries[name] = entry = {}
        if reason := contender.missing(task):
            entry["missing"] = reason
            continue
        try:
            trainer = contender.build(task)
            found = trainer.answer and trainer.answer()
        except Exception as error:
            # A library's failure is a result of its own, no reason to lose the rest.
            first_line = str(error).partition("\n")[0][:200]
            entry["failed"] = f"{type(error).__name__}: {first_line}"
            continue
        entry["compile_seconds"] = trainer.compile_seconds
        if found:
            # Another program to compile: not where there is nobody to compare with.
            wanted = wanted or answer(task)
            off = errors(found, wanted)
            # As in `measure`: `max` alone would pass over a NaN.
            worst = max(off, key=lambda leaf: (math.isnan(off[leaf]), off[leaf]))
            entry["error"] = off[worst]
            if not off[worst] <= MAX_ERROR:
                entry["wrong"] = f"{worst} off by {off[worst]:.1e}, over {MAX_ERROR:g}"
                continue
        calls[name] = trainer.update
    for name, times in timing.interleaved(calls, num_rounds).items():
        entries[name] |= times._asdict()
    return {
        **task.shape._asdict(),
        "num_batches": task.num_batches,
        "num_pairs": sum(map(len, task.parts)),
        "as_trained": form(task.num_devices),
        "contenders": entries,
    }


def _trained(training: Training, corpus: Corpus) -> Tree:
    with tempfile.TemporaryDirectory() as folder:
        return summarize_training.train(training, corpus, Path(folder)).params
