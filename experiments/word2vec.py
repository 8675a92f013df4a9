"""Word vectors by word2vec, of a text of one's own or of the Debian texts.

Papers: Mikolov, Chen, Corrado, Dean, Efficient estimation of word representations in
vector space, 2013 (1301.3781); Mikolov, Sutskever, Chen, Corrado, Dean, Distributed
representations of words and phrases and their compositionality, 2013 (1310.4546).

    python -m experiments.word2vec --out out
    python -m experiments.word2vec --corpus news.txt.gz --model cbow --words king paris
    python -m experiments.word2vec --download text8 --analogies questions-words.txt
    python -m experiments.word2vec --corpus zh.txt --tokens chinese

Expected: words of one use or one topic lie together, in under two minutes. Ours, on the
Debian package descriptions, which come with a checkout (1.4 million words, 12,469 of
them with a vector), in 16 s on two cores: "shell" next to bash, zsh, bourne; "class" to
classes, factory, subclasses. Speed and scores beside gensim's are the benchmark's:
`python -m experiments.bench word2vec`.

A corpus file has one sentence a line. Files under `OUT/word2vec/`: vectors.bin (the
binary format of word2vec.c, which gensim reads), vectors.vocab (the words' counts),
result.json (settings, speed, memory, scores, neighbours), map.svg (the words shown and
their neighbours on a plane), train.jsonl (what was recorded on the way), and
checkpoints, which are gone once the results are written. A run that was stopped or
killed goes on from there, to the same bits, when it is started again. `python -m
experiments.neighbours` looks at vectors that are there already.
"""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from jaxseq import commands
from jaxseq.train import digests, loop, metrics, signals, stores
from jaxseq.train.state import Position
from jaxseq.word2vec import training, vector_files, vectors
from jaxseq.word2vec.corpus import END, Corpus
from jaxseq.word2vec.setting import Setting
from jaxseq.word2vec.vocab import Vocab

from . import (
    cli,
    devices,
    progress,
    results,
    runs,
    startup,
    word2vec_corpus,
    word2vec_report,
    word_map,
)
from .progress import Report
from .word2vec_config import (
    Config,
    keep_probability,
    make_objective,
    make_params,
    make_setting,
)


# What a run may change when it goes on; of the texts, what is in them counts.
_NOT_TRAINED = (
    *runs.NOT_TRAINED,
    *("corpus", "download", "tokens", "words", "pairs", "analogies", "folder"),
)


class Trained(NamedTuple):
    """What a training has come to."""

    rows: np.ndarray  # [V, D]
    seconds: float  # in all runs together
    num_trained: int  # words that were centres
    losses: list[tuple[float, float]]  # (epochs read, mean nats since the last)
    setting: Setting


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment.

    Args:
        args: the command line; None for this program's.
    """
    startup.prepare()
    config = commands.parse(Config, args, __doc__)
    run(dataclasses.replace(config, num_shards=devices.share(config.num_shards)))


def run(config: Config) -> None:
    """Trains, prints what is near what, and writes the files.

    Raises:
        SystemExit: after one line on stderr; code 2 for a text, an option or a
            checkpoint that cannot be used, 1 for a loss that is not finite, for too
            little memory or a full disk, 130 for Ctrl-C, 143 for SIGTERM, 129 for a
            closed terminal.
    """
    folder = cli.results_folder(config.out, "word2vec")
    files = [
        cli.result_file(folder, name)
        for name in ("vectors.bin", "vectors.vocab", "result.json", "map.svg")
    ]
    cli.result_file(folder, "train.jsonl")
    started = time.monotonic()
    try:
        with runs.in_one_line(config.out, training.ADVICE):
            result, near = _run(config, folder, files)
    except (ModuleNotFoundError, ValueError) as error:
        commands.fail(str(error))
    # They are there to go on from, and there is nothing left to do.
    stores.discard(folder / "checkpoints")
    print(f"\n{word2vec_report.table(near)}\n")
    for kind, values in result["scores"].items():
        print(kind, *(f"{key} {value:.3f}" for key, value in values.items()), sep="  ")
    total = time.monotonic() - started
    print(f"{total:.0f} s; " + ", ".join(map(str, files)))


def _run(config: Config, folder: Path, files: Sequence[Path]) -> tuple[dict, dict]:
    """Trains and writes the files; returns the result and the neighbours."""
    started = time.monotonic()
    for option, path in (("pairs", config.pairs), ("analogies", config.analogies)):
        cli.expect(path is None or path.is_file(), option, "a file", path)
    name, known, corpus = word2vec_corpus.read(config)
    seconds_read = time.monotonic() - started
    print(
        f"{name}: {corpus.num_words:,} words, {corpus.num_kept:,} of them among "
        f"the {len(known.words):,} that get a vector "
        f"({seconds_read:.1f} s)",
        flush=True,
    )
    shown = word2vec_report.shown_words(known.words, config.words)
    with progress.show("word2vec") as report:
        trained = train(config, known, corpus, folder, report)
    found = vectors.make(known.words, trained.rows, known.counts)
    # Before anything that a wrong file of pairs could stop.
    vector_files.save_word2vec_format(found, files[0], files[1], binary=True)
    near = word2vec_report.neighbours(found, shown)
    places = word2vec_report.on_plane(found, near)
    result = {
        "config": results.settings(config),
        "setting": trained.setting._asdict(),
        "corpus": {
            "name": name,
            "num_words": corpus.num_words,
            "num_kept": corpus.num_kept,
            "num_vectors": len(known.words),
            "seconds": round(seconds_read, 1),
        },
        "seconds": round(trained.seconds, 1),
        "num_trained": trained.num_trained,
        "peak_bytes": metrics.num_bytes(),
        "losses": trained.losses,
        "scores": word2vec_report.scores(found, config.pairs, config.analogies),
        "neighbours": near,
        "map": [each._asdict() for each in places],
    }
    results.write_json(files[2], result)
    drawing = word_map.file(places, f"Map of {', '.join(near)}, their neighbours")
    results.replace(files[3], lambda part: part.write_text(drawing, "utf-8"))
    return result, near


def train(
    config: Config,
    known: Vocab,
    corpus: Corpus,
    folder: Path,
    report: Report = progress.silent,
) -> Trained:
    """Trains, from the checkpoint of a run that was stopped if there is one.

    Args:
        config: the settings.
        known: the vocabulary.
        corpus: its ids.
        folder: of checkpoints and records.
        report: told how far the training is.

    Raises:
        ValueError: in one line, if the corpus cannot be trained on.
        jaxseq.train: what `loop.resumed` and `loop.train` raise.
    """
    setting = make_setting(config, len(corpus.ids))
    if config.overfit is not None:
        corpus = _beginning(corpus, config.overfit * setting.span_size)
    objective, negatives = make_objective(config, known)
    keep = keep_probability(config, known)
    params = make_params(config, known, objective)
    plan = training.plan(objective, negatives, corpus, keep, params, setting)
    settings = _settings(config, known, corpus, setting)
    with (
        jax.debug_nans(config.debug),
        runs.opened(folder / "checkpoints", settings, config.resume) as store,
        signals.heard() as stop,
    ):
        begun = training.begin(params, plan.layout)
        del params  # its arrays are given away, or others have their place
        at = runs.resumed(store, begun)
        log = metrics.Log(folder / "train.jsonl")
        options = {"layout": plan.layout, "store": store, "log": log, "stop": stop}
        first = None  # compiling is no training
        for now in loop.train(plan.update, plan.batch_at, at, plan.setting, **options):
            at = now.training
            first = first or at.position
            num_read = int(now.fraction * config.num_epochs * corpus.num_kept)
            note = f"loss {now.mean:.3f}{_speed(first, at.position)}"
            report(now.fraction, num_read, note)
    if at.position.num_counted == 0:
        raise ValueError(f"--sample: {config.sample} thins out every word")
    num_spans = plan.setting.num_updates / config.num_epochs
    return Trained(
        np.asarray(at.state.params.inputs),
        at.position.seconds,
        int(at.position.num_counted),
        [(each["number"] / num_spans, each["mean"]) for each in at.position.records],
        setting,
    )


def _speed(first: Position, now: Position) -> str:
    """Says how many words a second were centres; those read are more (--sample)."""
    seconds = now.seconds - first.seconds
    if seconds <= 0:
        return ""
    num_trained = now.num_counted - first.num_counted
    return f"  {num_trained / seconds:,.0f} effective words/s"


def _beginning(corpus: Corpus, size: int) -> Corpus:
    """Returns the first ids of a corpus."""
    ids = corpus.ids[:size]
    return corpus._replace(ids=ids, num_sentences=int(np.count_nonzero(ids == END)))


def _settings(config: Config, known: Vocab, corpus: Corpus, setting: Setting) -> dict:
    """Returns all that decides the result: a checkpoint of others is refused."""
    settings = results.settings(config)
    decide = {name: s for name, s in settings.items() if name not in _NOT_TRAINED}
    text = {"text": digests.of_array(corpus.ids)}
    counts = {"counts": digests.of_array(known.counts)}
    return decide | setting._asdict() | text | counts


if __name__ == "__main__":
    main()
