"""A summarizer's training timed beside eager PyTorch, and its beam search, in one run.

    python -m experiments.bench summarize                          some minutes
    python -m experiments.bench summarize --model out/summarize/model.npz

What is timed in training: an update, loss, gradients, clipping and Adam included, with
dropout; a batch of each shape that the training of `experiments.summarize` has, the
same pairs for everybody, laid out before the clock starts. jaxseq runs it on one device
of the CPU and on two, as it is trained; PyTorch with as many threads as there are
cores. Ahead of that PyTorch's loss and every gradient must equal jaxseq's from the same
weights, without dropout; who fails is named and not timed. How the clock is read:
`experiments.bench.timing`. Compilation is apart.

What is timed in search: all test pairs' summaries, from their words to the summaries'
words, the first time, with compilation, and then again; the median of three. Of the
first ones it is seen whether they equal those of documents read one by one.

Ratios are taken within a shape only: time of PyTorch / time of jaxseq on two devices
(on one, where there is one core); above 1 jaxseq is faster.

File: `OUT/bench/summarize.jsonl`, a line a run of this program.
"""

import dataclasses
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxseq import commands, host_memory
from jaxseq.summarize import batches, summarizer
from jaxseq.summarize.model import Model
from jaxseq.text.files import CorpusError
from jaxseq.text.vocab import Vocab
from jaxseq.types import Tree

from .. import (
    cli,
    results,
    summarize as program,
    summarize_config,
    summarize_corpus,
    summarize_models,
    summarize_training,
    summarize_use,
)
from ..summarize_config import ArchitectureName, Config as Training
from ..summarize_corpus import Corpus
from . import machine, records, summarize_report, timing
from .summarize_peers import (
    CONTENDERS,
    Contender,
    Task,
    answer,
    errors,
)


PACKAGES = ("jax", "jaxlib", "jaxseq", "numpy", "optax", "torch")
MAX_ERROR = 1e-4
NUM_SEARCHES = 3
SEARCHED_AT_A_TIME = 32  # documents, on a device


@dataclasses.dataclass(frozen=True)
class Config:
    """Time a summarizer's training beside eager PyTorch, and its beam search."""

    architecture: ArchitectureName = "copy"
    """Which summarizer."""

    model: Path | None = None
    """Weights that write, of `experiments.summarize`; none: after an epoch."""

    batch_size: int = 128
    """Pairs of an update."""

    num_inputs: int = 96
    """I, size of the embedding."""

    num_hidden: int = 128
    """H, hidden units."""

    dropout: float = 0.2
    """Rate, in training."""

    beam_size: int = 5
    """Summaries of a document that are looked at side by side."""

    repetitions: int = 20
    """Rounds; in each one everybody runs an update."""

    num_one_by_one: int = 100
    """Documents that are read one by one too."""

    pairs: tuple[Path, ...] = ()
    """As `experiments.summarize` takes them; none: the shipped ones."""

    out: Path = Path("out")
    """Folder of the results: they go to OUT/bench/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        enough = self.repetitions >= 20
        cli.expect(enough, "repetitions", "20 or more", self.repetitions)
        num = self.num_one_by_one
        cli.expect(num >= 1, "num_one_by_one", "1 or more", num)
        # What both have in common is checked where it is used.
        make_training(self)


def make_training(config: Config) -> Training:
    """Returns the settings, as `experiments.summarize` takes them."""
    common = {field.name for field in dataclasses.fields(Training)}
    given = dataclasses.asdict(config)
    given = {name: given[name] for name in given.keys() & common - {"model", "out"}}
    return Training(**given, num_epochs=1)


def run(config: Config) -> None:
    """Measures, prints the tables and adds a line to the file.

    Raises:
        SystemExit: after one line on stderr; code 2 for a file that cannot be used, 130
            for Ctrl-C.
    """
    host_memory.keep_freed()
    path = cli.results_folder(config.out, "bench") / "summarize.jsonl"
    num_shards = program.devices(2)
    training = dataclasses.replace(make_training(config), num_shards=num_shards)
    share = machine.idle_share()
    about = {
        "machine": machine.describe(PACKAGES) | {"num_devices": jax.device_count()},
        "commit": machine.commit(),
        "idle_share": share,
        "busy": share < machine.IDLE_SHARE,
    }
    busy = " (BUSY: no timing holds)" if about["busy"] else ""
    print(f"{about['machine']['cpu']}, idle {share:.0%}{busy}", flush=True)
    try:
        record = about | _measure(config, training)
    except (CorpusError, ValueError) as error:
        commands.fail(str(error))
    except KeyboardInterrupt:
        print("stopped by the keyboard", file=sys.stderr)
        sys.exit(130)
    record["config"] = results.settings(config)
    records.append(path, record)
    print(summarize_report.summary(record))
    print(path)


def _measure(config: Config, training: Training) -> dict:
    corpus = summarize_corpus.read(training)
    model = summarize_models.make(training, len(corpus.vocab.tokens))
    shapes = []
    for number, task in enumerate(tasks(training, corpus, model), 1):
        print(f"shape {number}: {task.shape}", file=sys.stderr, flush=True)
        shapes.append(measure(task, CONTENDERS, config.repetitions))
        print(summarize_report.table(shapes[-1]), flush=True)
    if config.model is None:
        params, known = _trained(training, corpus), corpus.vocab
    else:
        training, model, params, known = summarize_use.load(training, config.model)
    found = search(config, training, model, params, known, corpus.test.documents)
    return {"shapes": shapes, "search": found}


def tasks(training: Training, corpus: Corpus, model: Model) -> list[Task]:
    """Makes a batch of each shape of a training: the first that is full."""
    setting = summarize_config.make_setting(training)
    examples, valid = (
        summarize_corpus.encode(training, corpus.vocab, part)
        for part in (corpus.train, corpus.valid)
    )
    size = setting.batch_size // setting.num_shards
    shapes = batches.shapes_of([*examples, *valid], size)
    planned = batches.plan(
        examples, size, shapes, seed=0, epoch=0, num_shards=setting.num_shards
    )
    params = model.init(jax.random.key(0))
    fullest = {
        shape: max(
            (each for each in planned if each.shape == shape),
            key=lambda each: sum(map(len, each.members)),
        )
        for shape in dict.fromkeys(each.shape for each in planned)
    }
    return [
        Task(
            training.architecture,
            model,
            params,
            [[examples[m] for m in members] for members in fullest[shape].members],
            shape,
            setting,
        )
        for shape in sorted(fullest)
    ]


def measure(
    task: Task, contenders: Mapping[str, Contender], num_rounds: int
) -> dict[str, Any]:
    """Builds, checks and times everybody on one batch; the record of a shape."""
    wanted = answer(task)
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
            off = errors(found, wanted)
            worst = max(off, key=lambda leaf: off[leaf])
            entry["error"] = off[worst]
            if not off[worst] <= MAX_ERROR:
                entry["wrong"] = f"{worst} off by {off[worst]:.1e}, over {MAX_ERROR:g}"
                continue
        calls[name] = trainer.update
    for name, times in timing.interleaved(calls, num_rounds).items():
        entries[name] |= times._asdict()
    return {
        **task.shape._asdict(),
        "num_pairs": sum(map(len, task.parts)),
        "contenders": entries,
    }


def _trained(training: Training, corpus: Corpus) -> Tree:
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "checkpoint.npz"
        return summarize_training.train(training, corpus, saved).params


def search(
    config: Config,
    training: Training,
    model: Model,
    params: Tree,
    known: Vocab,
    texts: Sequence[Sequence[str]],
) -> dict[str, Any]:
    """Times the beam search, and compares it with documents read one by one."""
    options = summarize_config.make_options(training)

    def write(
        texts: Sequence[Sequence[str]], batch_size: int, num_shards: int
    ) -> list[list[str]]:
        made = summarizer.summarize(
            model,
            params,
            known,
            texts,
            options,
            max_words=training.max_words,
            batch_size=batch_size,
            num_shards=num_shards,
        )
        return [summary.words for summary in made]

    seconds, together = [], []
    for _ in range(1 + NUM_SEARCHES):
        timing.at_rest()
        started = time.perf_counter()
        together = write(texts, SEARCHED_AT_A_TIME, training.num_shards)
        seconds.append(time.perf_counter() - started)
    some = texts[: config.num_one_by_one]
    one_by_one = write(some, 1, 1)
    pairs = zip(together[: len(some)], one_by_one, strict=True)
    return {
        "num_summaries": len(together),
        "first_seconds": seconds[0],
        "seconds": float(np.median(seconds[1:])),
        "beam_size": training.beam_size,
        "num_one_by_one": len(some),
        "num_different": sum(a != b for a, b in pairs),
    }
