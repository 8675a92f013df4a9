"""Recurrent language models against a smoothed bigram, on any text.

Papers: Mikolov, Karafiát, Burget, Černocký, Khudanpur, Recurrent neural network based
language model, Interspeech 2010: a mixture of simple recurrent networks has about half
the perplexity of a smoothed n-gram. Zaremba, Sutskever, Vinyals, Recurrent neural
network regularization, 2014: one LSTM without dropout 114.5, with it 78.4 (Penn
Treebank). Their texts and sizes are not ours; what must hold here is the order: every
recurrent model below the bigram with interpolated Kneser-Ney smoothing
(`experiments.bigram`), which reads the same ids.

    python -m experiments.language_model --cell lstm --out out
    python -m experiments.language_model --text book.txt

Without `--text` it is the Debian package descriptions, which come with a checkout.

Ours, held-out perplexity on 60,768 tokens of Debian package descriptions, 5,000 words,
one layer of 128, 1,200 updates of 1,024 tokens (nine tenths of one epoch):

    updates     120     360     600     840    1,200
    elman       173.6   122.3   102.1    88.9    82.1
    gru         149.7   101.2    85.4    76.7    72.5
    lstm        154.3    99.9    84.4    77.3    73.9
    bigram                                      96.4

Run time: about one and a half minutes a cell on two CPU cores. A token takes some 4.6
MFLOP, of which 6 x 128 x 5,000 = 3.8 are the softmax's: `--max-vocab` decides.

Each line starts from the zero state. With `--no-resets` the state is carried from line
to line as well, and the held-out text can then fare far worse than the training text
(Elman, learning rate 0.003, after 120 updates: 2,774 against 392; after 1,200: 95.7
against 84.6). The likely cause: the training text is one run of tens of thousands of
steps, and the model comes to rely on what such a long run leaves in the state; the
held-out text starts from zeros.

Files under `out/language_model/`: CELL.json (settings, numbers, curves, sample),
CELL.png (the learning curves against the bigram's line), CELL.jsonl (what was recorded
on the way), and checkpoints/CELL, which are gone once the results are written. A run
that was stopped or killed goes on from there when it is started again.
"""

import functools
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from jaxseq import commands, generate, language_model
from jaxseq.cells import Cell
from jaxseq.text import vocab
from jaxseq.text.files import CorpusError
from jaxseq.text.vocab import BOS, EOS, PAD, UNK
from jaxseq.train import processes, stores
from jaxseq.train.loop import Diverged

from . import (
    bigram,
    cli,
    language_corpus,
    language_report,
    progress,
    results,
    runs,
    startup,
)
from .language_config import TOKENIZERS, Config, make_cells
from .language_corpus import Corpus
from .language_cost import perplexity
from .language_training import ADVICE, TooLarge, fit, make_layout
from .progress import Report


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment.

    Args:
        args: the command line; None for this program's.
    """
    startup.prepare()
    run(commands.parse(Config, args, __doc__))


def run(config: Config) -> None:
    """Trains, prints the result and writes its files; what main does once it has read.

    Raises:
        SystemExit: after one line on stderr; code 2 for a text, a size, a checkpoint or
            devices that cannot be used, 1 for a loss that is not finite, for too little
            memory or a full disk, 130 for Ctrl-C, 143 for SIGTERM, 129 for a closed
            terminal.
    """
    runs.joined(config.address, config.num_processes, config.process)
    with runs.in_one_line(config.out, ADVICE):
        # Of the texts, what is in them is compared, once they are read.
        runs.check_same(config, own=("address", "process", "text", "valid"))
    if config.devices > (num_devices := jax.device_count()):
        more = f"XLA_FLAGS=--xla_force_host_platform_device_count={config.devices}"
        commands.fail(
            f"--devices: expected {num_devices} or less, as many as JAX has ({more} "
            f"makes more of a CPU), got {config.devices}"
        )
    try:
        make_layout(config)
    except ValueError as error:
        commands.fail(f"--devices: {str(error).partition(': ')[2]}")
    folder = cli.results_folder(config.out, "language_model")
    numbers = cli.result_file(folder, f"{config.cell}.json")
    figure = cli.result_file(folder, f"{config.cell}.png")
    cli.result_file(folder, f"{config.cell}.jsonl")
    started = time.monotonic()
    with runs.in_one_line(config.out, ADVICE):
        try:
            with progress.show(config.cell) as report:
                said = runs.of_the_first(report) or progress.silent
                result = train(config, said, folder)
        except (CorpusError, TooLarge) as error:
            commands.fail(str(error))
        if runs.of_the_first(result) is not None:
            result["seconds"] = round(time.monotonic() - started, 1)
            print(language_report.summary(result))
            files = [results.write_json(numbers, result)]
            files += language_report.draw(figure, result)
            # They are there to go on from, and there is nothing left to do.
            stores.discard(folder / "checkpoints" / config.cell)
            print(f"\n{result['seconds']:.0f} s; " + ", ".join(map(str, files)))
        # If the others left, the first one would soon be ended while it writes.
        processes.wait()


def train(
    config: Config, report: Report = progress.silent, folder: Path | None = None
) -> dict:
    """Trains a model and measures it: a pure function of the config and its files.

    Only a time limit (`minutes`) makes the result depend on the machine.

    Args:
        config: the settings.
        report: told how far the training is.
        folder: of checkpoints and records, to go on from; None for neither.

    Returns:
        Numbers, curves as pairs (updates, perplexity), and a sample; fit for JSON.

    Raises:
        CorpusError: in one line, if a text cannot be used.
        TooLarge: in one line, if the memory that is free cannot hold the model.
        Diverged: if the loss stops being finite, or the logits of what it writes.
        jaxseq.train: what its `loop.train` raises besides.
    """
    corpus = read(config)
    num_ids = len(corpus.vocab.tokens)
    counts = bigram.fit(corpus.train, num_ids)
    cells = make_cells(config)
    fitted = fit(config, cells, num_ids, corpus.train, corpus.valid, report, folder)
    by_clock = fitted.num_updates < config.num_updates
    return {
        "config": results.settings(config),
        "corpus": {
            "name": corpus.name,
            "num_train": len(corpus.train) - 1,
            "num_valid": len(corpus.valid) - 1,
            "num_ids": num_ids,
            "unknown_rate": float(np.mean(corpus.valid[1:] == UNK)),
        },
        "num_weights": sum(leaf.size for leaf in jax.tree.leaves(fitted.params)),
        "num_updates": fitted.num_updates,
        "num_tokens": fitted.num_tokens,
        "stopped_by": "clock" if by_clock else "schedule",
        "train": [(number, perplexity(nats)) for number, nats in fitted.train],
        "valid": fitted.valid,
        "valid_perplexity": fitted.valid[-1][1],
        "bigram_perplexity": bigram.perplexity(counts, corpus.valid),
        "sample": sample(config, cells, fitted.params, corpus.vocab),
    }


def read(config: Config) -> Corpus:
    """Reads the text that the config names.

    Raises:
        CorpusError: in one line, if it cannot be used or is too short.
    """
    tokenizer = TOKENIZERS[config.tokens]
    if config.text is None:
        corpus = language_corpus.from_debian(tokenizer, config.max_vocab)
    else:
        corpus = language_corpus.from_files(
            config.text, config.valid, tokenizer, config.max_vocab
        )
    needed = config.batch_size * config.num_steps
    num_train = len(corpus.train) - 1
    if num_train < needed:
        raise CorpusError(
            f"{corpus.name}: {num_train} tokens to train on, but one update "
            f"takes {config.batch_size} x {config.num_steps} = {needed}; give a longer "
            "text or a smaller --batch-size or --num-steps"
        )
    return corpus


def sample(
    config: Config,
    cells: tuple[Cell, ...],
    params: language_model.Params,
    known: vocab.Vocab,
) -> list[str]:
    """Returns lines that the model wrote, without a word that it does not know.

    Raises:
        Diverged: if it writes none, as its logits are not finite.
    """
    draw_text = functools.partial(
        generate.generate,
        cells=cells,
        num_steps=config.num_sampled,
        temperature=config.temperature,
        restart_id=EOS if config.resets else None,
    )
    allowed = ~np.isin(np.arange(len(known.tokens)), (PAD, UNK, BOS))
    ids = np.asarray(
        jax.jit(draw_text)(
            jax.random.key(config.seed),
            params=params,
            first_id=np.int32(EOS),
            allowed=allowed,
        )
    )
    # The products of finite weights may overflow, even where the held-out cost did not.
    if generate.NO_ID in ids:
        raise Diverged(
            "the model's logits are not finite, so it writes nothing; try a smaller "
            "learning rate"
        )
    ends = np.flatnonzero(ids == EOS)
    lines = [vocab.decode(known, line[line != EOS]) for line in np.split(ids, ends)]
    return [TOKENIZERS[config.tokens].join(line) for line in lines if line]


if __name__ == "__main__":
    main()
