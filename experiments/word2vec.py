"""Word vectors by word2vec, from the shipped corpus or a text of one's own.

Papers: Mikolov, Chen, Corrado, Dean, Efficient estimation of word representations in
vector space, 2013 (1301.3781); Mikolov, Sutskever, Chen, Corrado, Dean, Distributed
representations of words and phrases and their compositionality, 2013 (1310.4546).

    python -m experiments.word2vec --out out
    python -m experiments.word2vec --corpus news.txt.gz --model cbow --words king paris
    python -m experiments.word2vec --download text8 --analogies questions-words.txt
    python -m experiments.word2vec --corpus zh.txt --tokens chinese

Expected: words of one use or one topic lie together, in under two minutes. Ours, on the
shipped corpus (1.4 million words, 12,469 of them with a vector), in 10 s on two cores:
"shell" next to bash, bourne, zsh; "class" to accessor, classes, factory. Speed and
scores beside gensim's are the benchmark's: `python -m experiments.bench word2vec`.

A corpus file has one sentence a line. Files under `OUT/word2vec/`: vectors.bin (the
binary format of word2vec.c, which gensim reads), vectors.vocab (the words' counts),
result.json (settings, speed, scores, neighbours), map.svg (the words shown and their
neighbours on a plane), checkpoint.npz (once a minute and at the end of an epoch;
`--resume` goes on from it to the same bits). `python -m experiments.neighbours` looks
at vectors that are there already.
"""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from jaxseq import commands, host_memory
from jaxseq.text.files import CorpusError
from jaxseq.word2vec import checkpoint, training, vector_files, vectors
from jaxseq.word2vec.corpus import Corpus
from jaxseq.word2vec.vocab import Vocab

from . import cli, progress, results, word2vec_corpus, word2vec_report, word_map
from .progress import Report
from .word2vec_config import (
    Config,
    keep_probability,
    make_objective,
    make_setting,
    make_state,
)


SECONDS_BETWEEN_CHECKPOINTS = 60.0
# What decides the result: of another one, no run goes on.
_NOT_TRAINED = ("words", "pairs", "analogies", "resume", "folder", "out")


@dataclasses.dataclass
class Trained:
    """What a training has come to."""

    rows: np.ndarray
    seconds: float
    num_trained: int
    losses: list[float]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment.

    Args:
        args: the command line; None for this program's.
    """
    host_memory.keep_freed()
    run(commands.parse(Config, args, __doc__))


def run(config: Config) -> None:
    """Trains, prints what is near what, and writes the files.

    Raises:
        SystemExit: after one line on stderr; code 2 for a text or an option that
            cannot be used, 1 for a loss that is not finite or a full disk, 130 for
            Ctrl-C.
    """
    folder = cli.results_folder(config.out, "word2vec")
    files = [
        cli.result_file(folder, name)
        for name in ("vectors.bin", "vectors.vocab", "result.json", "map.svg")
    ]
    started = time.monotonic()
    try:
        for option, path in (("pairs", config.pairs), ("analogies", config.analogies)):
            is_file = path is None or path.is_file()
            cli.expect(is_file, option, "a file", path)
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
            trained = train(config, known, corpus, folder / "checkpoint.npz", report)
        found = vectors.make(known.words, trained.rows, known.counts)
        # Before anything that a wrong file of pairs could stop.
        vector_files.save_word2vec_format(found, files[0], files[1], binary=True)
        near = word2vec_report.neighbours(found, shown)
        places = word2vec_report.on_plane(found, near)
        scored = word2vec_report.scores(found, config.pairs, config.analogies)
        result = {
            "config": results.settings(config),
            "corpus": {
                "name": name,
                "num_words": corpus.num_words,
                "num_kept": corpus.num_kept,
                "num_vectors": len(known.words),
                "seconds": round(seconds_read, 1),
            },
            "seconds": round(trained.seconds, 1),
            "num_trained": trained.num_trained,
            "losses": trained.losses,
            "scores": scored,
            "neighbours": near,
            "map": [each._asdict() for each in places],
        }
        results.write_json(files[2], result)
        drawing = word_map.file(places, f"Map of {', '.join(near)}, their neighbours")
        results.replace(files[3], lambda part: part.write_text(drawing, "utf-8"))
    except (CorpusError, ModuleNotFoundError, ValueError) as error:
        commands.fail(str(error))
    except (FloatingPointError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        saved = folder / "checkpoint.npz"
        hint = f"; --resume goes on from {saved}" if saved.exists() else ""
        print(f"stopped by the keyboard{hint}", file=sys.stderr)
        sys.exit(130)
    print(f"\n{word2vec_report.table(near)}\n")
    for kind, values in scored.items():
        print(kind, *(f"{key} {value:.3f}" for key, value in values.items()), sep="  ")
    total = time.monotonic() - started
    print(f"{total:.0f} s; " + ", ".join(map(str, files)))


def train(
    config: Config,
    known: Vocab,
    corpus: Corpus,
    saved: Path,
    report: Report = progress.silent,
) -> Trained:
    """Trains from the beginning, or from the checkpoint if the config says so.

    Args:
        config: the settings.
        known: the vocabulary.
        corpus: its ids.
        saved: the checkpoint's file.
        report: told how far the training is.

    Raises:
        ValueError: in one line, if the checkpoint is none of this training.
        FloatingPointError: if the loss stops being finite, saying where.
    """
    setting = make_setting(config, corpus.num_kept)
    objective, negatives = make_objective(config, known)
    settings = {
        key: value
        for key, value in results.settings(config).items()
        if key not in _NOT_TRAINED
    }
    settings |= setting._asdict() | {"num_words": corpus.num_words}
    trained = checkpoint.about(known, corpus, settings)
    if config.resume:
        state = checkpoint.load(saved, trained)
    else:
        state = make_state(config, known, objective)
    keep = keep_probability(config, known)
    speed = _Speed()
    losses: list[list[float]] = [[] for _ in range(config.num_epochs)]
    num_total = config.num_epochs * corpus.num_kept
    last_saved = time.monotonic()
    epoch = state.epoch
    for now in training.train(objective, negatives, corpus, keep, state, setting):
        state = now.state
        if np.isfinite(now.loss):
            losses[min(epoch, config.num_epochs - 1)].append(now.loss)
        loss = f"loss {now.loss:.3f}  " if np.isfinite(now.loss) else ""
        rate = speed.now(state.num_trained)
        note = loss + (f"{rate:,.0f} effective words/s" if rate else "")
        report(now.fraction, int(now.fraction * num_total), note)
        is_late = time.monotonic() - last_saved > SECONDS_BETWEEN_CHECKPOINTS
        if is_late or state.epoch != epoch:
            checkpoint.save(saved, state, trained)
            last_saved = time.monotonic()
        epoch = state.epoch
    rows = np.asarray(jax.block_until_ready(state.params.inputs))
    means = [float(np.mean(each)) for each in losses if each]
    return Trained(rows, speed.seconds(), state.num_trained, means)


class _Speed:
    """Words a second since the first call: compiling is no progress."""

    def __init__(self):
        self._start: tuple[float, int] | None = None

    def now(self, num_trained: int) -> float:
        if self._start is None:
            self._start = time.monotonic(), num_trained
        seconds = self.seconds()
        return (num_trained - self._start[1]) / seconds if seconds > 0 else 0.0

    def seconds(self) -> float:
        return time.monotonic() - self._start[0] if self._start else 0.0


if __name__ == "__main__":
    main()
