"""A summarizer's training at the papers' scale, on ids with Gigaword's lengths.

    python -m experiments.bench gigaword                                        ABS
    python -m experiments.bench gigaword --architecture ras_lstm --num-hidden 512

Annotated Gigaword is not free, and its 3.8 million pairs take days on a CPU. How fast a
machine would train on them does not hang on the words: so ids are drawn by Zipf's law,
p ∝ 1 / rank, and lengths by Gamma's of shape 4, with the means of the published test
set (1,951 pairs), in the bounds of the papers' own filter, which two pairs reach. V is
that of the headlines, for documents as well. Here enc has D columns, in the paper H: of
the output layer's 800 there are D + H = 600.

What is timed is an update as in `experiments.bench.summarize`, of the shapes that a
training on these pairs has. The forward pass' products are counted in the program,
those of both passes as three times that, and held against the machine's own square
product in float32; what is computed for padding counts, as it is in the program.

File: `OUT/bench/gigaword.jsonl`, a line a run of this program.

References:
    Rush, Chopra, Weston 2015 (D15-1044), Chopra, Auli, Rush 2016 (N16-1012): the
    models. V, D, H and the size of a batch are ours, in the order of theirs.
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from jaxseq import commands
from jaxseq.summarize.examples import Document, Example
from jaxseq.text.vocab import EOS

from .. import cli, startup, summarize_models
from ..summarize_config import ArchitectureName, Config as Training
from . import gemm, machine, products, records, report, summarize_report
from .summarize import measure, tasks
from .summarize_peers import CONTENDERS, Task, batch_of_all


NUM_GIGAWORD = 3_800_000  # pairs
NUM_SPECIAL = 4  # ids that are no words
PACKAGES = ("jax", "jaxlib", "jaxseq", "numpy", "optax")
_WHO = "jaxseq, 1 device"


class Lengths(NamedTuple):
    """How long texts are, in words: least + Gamma, of this mean, cut at most."""

    least: int
    mean: float
    most: int


DOCUMENTS = Lengths(11, 32.0, 99)
SUMMARIES = Lengths(4, 9.3, 49)


@dataclasses.dataclass(frozen=True)
class Config:
    """Time a summarizer's training at the papers' scale, on ids that are drawn."""

    architecture: ArchitectureName = "abs"
    """Which summarizer."""

    num_ids: int = 69_000
    """V."""

    num_inputs: int = 200
    """D, size of the embedding."""

    num_hidden: int = 400
    """H, hidden units."""

    batch_size: int = 64
    """Pairs of an update."""

    num_pairs: int = 20_000
    """Pairs that are drawn: they decide the shapes."""

    repetitions: int = 20
    """Rounds; in each one an update is run, or some short ones."""

    seed: int = 0
    """Of all that is drawn."""

    out: Path = Path("out")
    """Folder of the results: they go to OUT/bench/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        enough = self.repetitions >= 20
        cli.expect(enough, "repetitions", "20 or more", self.repetitions)
        for name, least in (("num_ids", NUM_SPECIAL + 1), ("num_pairs", 1)):
            number = getattr(self, name)
            cli.expect(number >= least, name, f"{least} or more", number)
        cli.expect(self.seed >= 0, "seed", "0 or more", self.seed)
        # What both have in common is checked where it is used.
        make_training(self)


def make_training(config: Config) -> Training:
    """Returns the settings, as `experiments.summarize` takes them."""
    return Training(
        architecture=config.architecture,
        num_inputs=config.num_inputs,
        num_hidden=config.num_hidden,
        batch_size=config.batch_size,
        max_words=DOCUMENTS.most,
        max_targets=SUMMARIES.most + 1,
        num_shards=1,
        dropout=0.0,  # the papers have none
        seed=config.seed,
    )


def draw(config: Config) -> list[Example]:
    """Draws pairs; the first is of the longest texts, the last of the shortest."""
    rng = np.random.default_rng(config.seed)
    shares = np.cumsum(1 / np.arange(1, config.num_ids - NUM_SPECIAL + 1))
    num_words, num_targets = (
        _lengths(rng, each, config.num_pairs) for each in (DOCUMENTS, SUMMARIES)
    )

    def words(number: int) -> np.ndarray:
        ranks = np.searchsorted(shares, rng.random(number) * shares[-1], side="right")
        return ranks.astype(np.int32) + np.int32(NUM_SPECIAL)

    end = np.array([EOS], np.int32)
    return [
        Example(Document(words(read), ()), np.concatenate([words(written), end]))
        for read, written in zip(num_words, num_targets, strict=True)
    ]


def _lengths(rng: np.random.Generator, lengths: Lengths, number: int) -> np.ndarray:
    shape = 4
    beyond = rng.gamma(shape, (lengths.mean - lengths.least) / shape, number)
    drawn = np.minimum(lengths.least + np.rint(beyond).astype(int), lengths.most)
    drawn[-1], drawn[0] = lengths.least, lengths.most
    return drawn


def run(config: Config) -> None:
    """Measures, prints the tables and adds a line to the file.

    Raises:
        SystemExit: after one line on stderr; code 2 for a file that cannot be used, 130
            for Ctrl-C.
    """
    startup.prepare()
    path = cli.result_file(cli.results_folder(config.out, "bench"), "gigaword.jsonl")
    record = machine.about(PACKAGES) | {"config": records.settings(config)}
    try:
        record |= _measure(config)
    except KeyboardInterrupt:
        print("stopped by the keyboard", file=sys.stderr)
        sys.exit(130)
    except jax.errors.JaxRuntimeError as error:
        commands.fail(str(error).partition("\n")[0])
    print(summary(record))
    records.append(path, record)
    print(path)


def _measure(config: Config) -> dict:
    training = make_training(config)
    model = summarize_models.make(training, config.num_ids)
    drawn = draw(config)
    shapes = []
    for number, task in enumerate(tasks(training, model, 1, drawn, ()), 1):
        print(f"shape {number}: {task.shape}", file=sys.stderr, flush=True)
        shape = measure(task, {_WHO: CONTENDERS[_WHO]}, config.repetitions)
        shapes.append(shape | {"num_flops": _num_flops(task)})
        print(summarize_report.table(shapes[-1]), flush=True)
    return {"shapes": shapes, "gemm": gemm.rates("float32", with_torch=False)}


def _num_flops(task: Task) -> int:
    """Counts the products of both passes as textbooks do, as `forms.num_flops`."""
    return 3 * products.num_flops(task.model.score, task.params, batch_of_all(task))


def summary(record: dict) -> str:
    """Writes how fast an epoch of the drawn pairs is, and what Gigaword would take."""
    shapes: Sequence[dict] = record["shapes"]
    timed = [shape["contenders"][_WHO] for shape in shapes]
    if any("median" not in entry for entry in timed):
        return "\nnot every shape could be timed"
    seconds = sum(
        shape["num_batches"] * entry["median"]
        for shape, entry in zip(shapes, timed, strict=True)
    )
    num_flops = sum(shape["num_batches"] * shape["num_flops"] for shape in shapes)
    config = record["config"]
    a_second = config["num_pairs"] / seconds
    rate, most = num_flops / seconds / 1e9, record["gemm"]["jax"]
    rows = report.new_table("an epoch")
    rows.add_column("", justify="right", no_wrap=True)
    minutes = NUM_GIGAWORD / a_second / 60
    rows.add_row("pairs a second, of all shapes", f"{a_second:,.0f}")
    rows.add_row(f"of {NUM_GIGAWORD:,} pairs, minutes", f"{minutes:,.0f}")
    rows.add_row("products, GFLOP/s", f"{rate:,.0f}")
    rows.add_row("of the machine's own product", f"{rate / most:.0%}")
    busy = ", on a busy machine: not to be trusted" if record["busy"] else ""
    return f"\n{config['architecture']}, V {config['num_ids']:,}{busy}\n" + (
        report.text_of(rows)
    )
