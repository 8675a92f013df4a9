"""A summarizer, one that copies unless another is named: trained, measured and used.

Paper: See, Liu, Manning, Get to the point: summarization with pointer-generator
networks, ACL 2017, with --coverage-weight; attention as Luong, Pham, Manning 2015.
Their text (CNN/Daily Mail) is not ours; what must hold here: far above the best lead,
the first words of the document, which no model without copying passes on so few pairs.

    python -m experiments.summarize --out out
    python -m experiments.summarize --pairs train.article.txt.gz train.title.txt.gz
    python -m experiments.summarize --model out/summarize/model.npz "A text to shorten."

With `--heatmaps FILE` the attention of such a summary is a page too. A model is
searched as it was after its training, unless an option says otherwise.

Ours, on the 1,543 test pairs (36,014 to train on, 5,000 words, 8 epochs, seed 0;
stemmed F1): ROUGE-1/2/L 47.7, 25.7, 43.5, with --num-members 2 48.6, 26.6, 44.4; the
best lead, of 13 words: 37.7, 18.0, 32.8. Training took 382 s and 801 s on two cores,
compilation included.

`--architecture` has the models that came before: `abs` (Rush, Chopra, Weston, EMNLP
2015; `abs_bag_of_words` and `abs_convolution` are its other encoders, `feed_forward_lm`
has none) and `abs_plus`, whose search is drawn to the document by features that are
tuned on held-out pairs, and which is measured beside `abs`, the same weights without
them: ROUGE-L 27.9 after 6 epochs, seed 0, with the features 32.3 (unigram 0.47, bigram
3.0, trigram 3.7, reordering -0.26).

    python -m experiments.summarize --architecture abs_plus --num-epochs 6

These of ABS were searched with --beam-size 5 --sharpness None --no-repeat 1. RAS of
Chopra, Auli, Rush, NAACL 2016 is `ras_lstm`, `ras_elman`, and, to compare,
`ras_lstm_without_attention`: ROUGE-L 34.1, 32.8 (3 epochs, learning rate 0.005) and,
without attention, 7.2. `experiments.summarize_perplexity` compares their perplexities.

    python -m experiments.summarize --architecture ras_lstm --num-epochs 9 --dropout .25

On git's commit messages, first paragraph to subject (36,508 pairs, the settings as they
are, 1,565 test pairs), the one that copies has ROUGE-L 33.6, the best lead 23.7.

Files under `OUT/summarize/`: model.npz and model.vocab.json (to be used with --model),
result.json (settings, costs, ROUGE, examples), summaries.txt (of the test pairs, one a
line), heatmaps.html and heatmap_NN.json, .png, .svg (the attention of example NN, after
Rush, Chopra, Weston 2015, figure 1; those of a run before are removed), training.jsonl
(what was recorded on the way), and checkpoints, which are gone once the results are
written. A run that was stopped or killed goes on from there when it is started again,
on a CPU to the same bits.
"""

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterator, Sequence

from jaxseq import commands
from jaxseq.summarize import model_file
from jaxseq.summarize.decoder import Params
from jaxseq.summarize.summarizer import Summary
from jaxseq.text import vocab

from . import (
    cli,
    devices,
    heatmap,
    heatmap_page,
    pages,
    progress,
    results,
    runs,
    startup,
    summarize_config,
    summarize_corpus,
    summarize_models,
    summarize_report,
    summarize_training,
    summarize_tuning,
    summarize_use,
)
from .bench import machine
from .summarize_config import Config
from .summarize_corpus import Corpus
from .summarize_report import Scoring
from .summarize_training import ADVICE


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment.

    Args:
        args: the command line; None for this program's.
    """
    startup.prepare()
    config = commands.parse(Config, args, __doc__)
    if config.model is not None:
        with _failing_in_one_line(config):
            default = summarize_use.defaults(config.model)
        config = commands.parse(Config, args, __doc__, default)
    num_shards = devices.share(
        config.num_shards, config.batch_size // config.accumulate
    )
    run(dataclasses.replace(config, num_shards=num_shards))


def run(config: Config) -> None:
    """Trains and measures, or has a model summarize; prints and writes the results.

    Raises:
        SystemExit: after one line on stderr; code 2 for pairs, a text, a model or a
            checkpoint that cannot be used, 1 for a cost that is not finite, for too
            little memory or a full disk, 130 for Ctrl-C, 143 for SIGTERM, 129 for a
            closed terminal.
    """
    with _failing_in_one_line(config):
        if config.model is not None:
            summarize_use.use(config, config.model)
        else:
            learn(config)


@contextlib.contextmanager
def _failing_in_one_line(config: Config) -> Iterator[None]:
    try:
        with runs.in_one_line(config.out, ADVICE):
            yield
    except ValueError as error:
        commands.fail(str(error))


def learn(config: Config) -> None:
    """Trains a model, measures it on the test pairs, and writes the files."""
    folder = cli.results_folder(config.out, "summarize")
    names = (
        *("model.npz", "model.vocab.json", "result.json", "summaries.txt"),
        "heatmaps.html",
    )
    files = [cli.result_file(folder, name) for name in names]
    cli.result_file(folder, "training.jsonl")
    started = time.monotonic()
    corpus = summarize_corpus.read(config)
    print(
        f"{corpus.name}: {len(corpus.train.pairs):,} pairs to train on, "
        f"{len(corpus.valid.pairs):,} held out, {len(corpus.test.pairs):,} to measure "
        f"on; {corpus.num_left_out:,} without words on both sides left out "
        f"({time.monotonic() - started:.1f} s)",
        flush=True,
    )
    num_cut = summarize_corpus.num_cut(config, corpus.train)
    print(
        f"to train on, {num_cut.documents:,} documents are read to {config.max_words} "
        f"words, {num_cut.summaries:,} summaries learnt to {config.max_targets}, "
        "without their end"
    )
    with progress.show("summarize") as report:
        trained = summarize_training.train(config, corpus, folder, report)
    scoring = summarize_report.scoring(config, corpus)
    params, tuning, beside = trained.params, None, {}
    radius = summarize_config.attended_radius(config)
    attended_beside = {}
    if config.architecture == "abs_plus":
        summaries, beside["abs"] = write(config, params, corpus, scoring)
        found = summarize_report.attended(corpus.test, summaries, radius)
        attended_beside["abs"] = found
        params, tuning = summarize_tuning.tune(config, params, corpus, scoring)
        print(f"tuned on held-out pairs: {tuning}")
    settings = summarize_config.model_settings(config)
    about = model_file.about(corpus.vocab, settings)
    search = summarize_config.search_settings(config)
    # The larger file first: where the disk is full an older model keeps its vocabulary.
    model_file.save(files[0], params, about, search)
    vocab.save(corpus.vocab, files[1])
    written_at = time.monotonic()
    summaries, written = write(config, params, corpus, scoring)
    seconds_written = time.monotonic() - written_at
    most = config.max_length
    num_lead = summarize_report.best_lead(corpus.valid, most, scoring)
    measured = summarize_report.measure(
        corpus.test, config.architecture, written, num_lead, scoring, beside
    )
    attended = summarize_report.attended(corpus.test, summaries, radius)
    repeated = summarize_report.repeated(summaries)
    places = summarize_report.places_shown(len(summaries), config.num_shown)
    shown = summarize_report.shown(corpus.test, written, places)
    result = {
        "config": results.settings(config),
        **machine.of_training(),
        "corpus": {
            "name": corpus.name,
            "num_train": len(corpus.train.pairs),
            "num_valid": len(corpus.valid.pairs),
            "num_test": len(corpus.test.pairs),
            "num_left_out": corpus.num_left_out,
            "num_cut": num_cut._asdict(),
            "num_ids": len(corpus.vocab.tokens),
        },
        "seconds": round(trained.seconds, 1),
        "num_updates": trained.num_updates,
        "num_targets": trained.num_targets,
        "seconds_written": round(seconds_written, 1),
        "nats": trained.nats,
        "valid_perplexity": [round(math.exp(n), 3) for n in trained.valid_nats],
        "tuning": tuning,
        "rouge": measured,
        "attention": attended,
        "attention_beside": attended_beside,
        "repeated": repeated,
        "examples": shown,
    }
    results.write_json(files[2], result)
    text = "".join(f"{summarize_report.line(each)}\n" for each in written)
    results.replace(files[3], lambda part: part.write_text(text, "utf-8"))
    maps = summarize_report.alignments(corpus.test, summaries, places, scoring)
    texts = " ".join(each["document"] for each in shown)
    language = pages.language_of(texts)
    heatmap_page.write(files[4], f"Summaries of {corpus.name}", maps, language)
    for number, alignment in maps.items():
        files += heatmap.write(folder, number, alignment)
    heatmap.remove_others(folder, files)
    # They are there to go on from, and there is nothing left to do.
    summarize_training.discard(folder)
    print(f"\n{summarize_report.examples_table(shown)}\n")
    print(summarize_report.table(measured))
    for name, found in (attended_beside | {config.architecture: attended}).items():
        print(summarize_report.attention_line(name, found), end="")
    print(
        f"of {repeated['num_words']:,} written words {repeated['share']:.4f} stood in "
        "their summary already"
    )
    print(
        f"\ntrained in {trained.seconds:.0f} s, {len(written):,} summaries in "
        f"{seconds_written:.1f} s, {time.monotonic() - started:.0f} s in all; "
        + ", ".join(map(str, files[:5]))
        + f" and {len(files) - 5} files of heatmaps"
    )


def write(
    config: Config, params: Params, corpus: Corpus, scoring: Scoring
) -> tuple[list[Summary], list[str]]:
    """Summarizes the test pairs: summaries, and their texts."""
    documents = corpus.test.documents
    summaries = list(summarize_models.write(config, params, corpus.vocab, documents))
    return summaries, [scoring.join(summary.words) for summary in summaries]


if __name__ == "__main__":
    main()
