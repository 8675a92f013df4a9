"""Perplexity of the summarizers that do not copy, at equal epochs: who knows more.

Papers: Rush, Chopra, Weston, EMNLP 2015, and Chopra, Auli, Rush, NAACL 2016. What must
hold, as there: it falls from a feed-forward language model, that sees no document, to
ABS with a bag of words, to ABS with attention, and to RAS-LSTM. The convolution of ABS
is between the bag of words and attention in the paper.

    python -m experiments.summarize_perplexity --seeds 0 1 2

Ours, seeds 0, 1, 2: 79.8, 79.1, 79.9; 36.4, 36.3, 36.2; 34.4, 34.6, 34.0; 28.5, 27.9,
27.9. The convolution is at 38.5 (seed 0), by 2 not between 36.4 and 34.4. ABS learns
pairs by heart: in the last epoch those that it is trained on are at 9.4, dropout
included, of RAS-LSTM at 21.8.

All read the same pairs in the same order, with the same sizes, rate and dropout; what
is reported is the lowest perplexity of the held-out pairs after an epoch, which is that
of the weights that a training keeps. The test pairs are not looked at.

Files under `OUT/summarize_perplexity/`: ARCHITECTURE_SEED.json, a training, and
result.json, the table. A training whose file is there, of the same settings and of
pairs of the same content, is not repeated: the program goes on where it was stopped,
within a training from its last checkpoint, and several of it, with other
`--architectures` or `--seeds`, can share the work.
"""

import dataclasses
import hashlib
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxseq import commands
from jaxseq.text.files import CorpusError

from . import (
    cli,
    devices,
    progress,
    results,
    runs,
    startup,
    summarize_config,
    summarize_corpus,
    summarize_training,
)
from .bench import machine
from .summarize_config import ArchitectureName, Config as Training
from .summarize_corpus import Corpus


FALLS: tuple[ArchitectureName, ...] = (
    "feed_forward_lm",
    "abs_bag_of_words",
    "abs",
    "ras_lstm",
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Train the summarizers that do not copy, and compare their perplexity."""

    architectures: tuple[ArchitectureName, ...] = (*FALLS, "abs_convolution")
    """Which ones."""

    seeds: tuple[int, ...] = (0, 1, 2)
    """A training of each is one for each seed."""

    num_epochs: int = 6
    """How often the pairs are read."""

    learning_rate: float = 0.002
    """The largest, of all alike."""

    dropout: float = 0.2
    """Rate, of all alike."""

    batch_size: int = 128
    """Pairs of an update."""

    max_vocab: int = 5000
    """V: different tokens at most."""

    num_inputs: int = 96
    """Size of the embedding."""

    num_hidden: int = 128
    """Hidden units."""

    num_shards: int = 2
    """Parts of a batch, each on a core of its own."""

    pairs: tuple[Path, ...] = ()
    """As `experiments.summarize` takes them; none: the shipped ones."""

    resume: runs.Resume = "auto"
    """Go on from the checkpoint of a training that was stopped, or start it afresh."""

    out: Path = Path("out")
    """Folder of the results: they go to OUT/summarize_perplexity/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        num = self.num_shards
        cli.expect(num >= 1, "num_shards", "1 or more", num)
        for name in ("architectures", "seeds"):
            cli.expect(bool(getattr(self, name)), name, "one or more", "none")
        for architecture in self.architectures:
            for seed in self.seeds:
                make_training(self, architecture, seed)


def make_training(
    config: Config, architecture: ArchitectureName, seed: int
) -> Training:
    """Returns a training's settings, as `experiments.summarize` takes them."""
    common = {field.name for field in dataclasses.fields(Training)}
    given = dataclasses.asdict(config)
    given = {name: given[name] for name in given.keys() & common}
    return Training(**given, architecture=architecture, seed=seed)


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment.

    Args:
        args: the command line; None for this program's.

    Raises:
        SystemExit: after one line on stderr; code 2 for pairs that cannot be used, 1
            for a cost that is not finite, 130 for Ctrl-C.
    """
    startup.prepare()
    config = commands.parse(Config, args, __doc__)
    num_shards = devices.share(config.num_shards, config.batch_size)
    config = dataclasses.replace(config, num_shards=num_shards)
    with runs.in_one_line(config.out, summarize_training.ADVICE):
        try:
            run(config)
        except (CorpusError, ValueError) as error:
            commands.fail(str(error))


def run(config: Config) -> dict:
    """Trains what has not been trained, prints the table and writes it; returns it."""
    folder = cli.results_folder(config.out, "summarize_perplexity")
    path = cli.result_file(folder, "result.json")
    # What is read, and how, is the same for all.
    any_training = make_training(config, config.architectures[0], config.seeds[0])
    corpus = summarize_corpus.read(any_training)
    content = _content(any_training, corpus)
    found: dict[str, list[dict]] = {name: [] for name in config.architectures}
    for seed in config.seeds:
        for name in config.architectures:
            training = make_training(config, name, seed)
            found[name].append(_trained(training, corpus, content, folder))
    result = {
        "config": results.settings(config),
        "corpus": corpus.name,
        **machine.of_training(),
        "trainings": found,
        "num_in_order": num_in_order(found),
    }
    results.write_json(path, result)
    print(table(config.seeds, found))
    print(path)
    return result


def _content(training: Training, corpus: Corpus) -> dict[str, str]:
    examples, valid = (
        summarize_corpus.encode(training, corpus.vocab, part)
        for part in (corpus.train, corpus.valid)
    )
    return summarize_training.content(corpus.vocab, examples, valid)


def _trained(
    training: Training, corpus: Corpus, content: Mapping[str, str], folder: Path
) -> dict:
    """Returns a training's record: that of its file, or of a new one."""
    path = folder / f"{training.architecture}_{training.seed}.json"
    about = {**summarize_config.trained_settings(training), **content}
    # Of other settings, no training goes on from here.
    said = json.dumps(about, sort_keys=True).encode()
    own = folder / f"{path.stem}_{hashlib.sha256(said).hexdigest()[:16]}"
    if path.exists():
        record = json.loads(path.read_text("utf-8"))
        if record["about"] == about:
            shutil.rmtree(own, ignore_errors=True)
            return record
    title = f"{training.architecture}, seed {training.seed}"
    own.mkdir(exist_ok=True)
    with progress.show(title) as report:
        trained = summarize_training.train(training, corpus, own, report)
    num_last = -(-len(trained.nats) // len(trained.valid_nats))
    last = trained.nats[-num_last:]
    record = {
        "about": about,
        "seconds": round(trained.seconds, 1),
        # With dropout, over the last epoch.
        "train_perplexity": math.exp(sum(last) / len(last)),
        "valid_perplexity": [math.exp(nats) for nats in trained.valid_nats],
    }
    results.write_json(path, record)
    shutil.rmtree(own)
    return record


def num_in_order(found: Mapping[str, Sequence[dict]]) -> int | None:
    """Counts the seeds for which the perplexities fall as they must.

    Args:
        found: a record for each seed, of each model.

    Returns:
        The number; None where one of the models was not trained.
    """
    if not all(name in found for name in FALLS):
        return None
    of_seeds = zip(*([_kept(r) for r in found[name]] for name in FALLS), strict=True)
    return sum(list(each) == sorted(set(each), reverse=True) for each in of_seeds)


def table(seeds: Sequence[int], found: Mapping[str, Sequence[dict]]) -> str:
    """Writes the perplexities of held-out pairs, and whether they fall.

    Args:
        seeds: of the trainings.
        found: a record for each seed, of each model.
    """
    heads = [*(f"seed {seed}" for seed in seeds), "training", "s"]
    lines = [" " * 18 + "".join(f"{head:>10}" for head in heads)]
    for name, records in found.items():
        cells = [*map(_kept, records)]
        cells += [
            sum(r[key] for r in records) / len(records)
            for key in ("train_perplexity", "seconds")
        ]
        lines.append(f"{name:<18}" + "".join(f"{cell:10.1f}" for cell in cells))
    num = num_in_order(found)
    if num is not None:
        order = " > ".join(FALLS)
        lines.append(f"{order}: for {num} of {len(seeds)} seeds")
    return "\n".join(lines)


def _kept(record: dict) -> float:
    return min(record["valid_perplexity"])


if __name__ == "__main__":
    main()
