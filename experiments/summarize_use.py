"""Has a model that was trained before summarize texts."""

import dataclasses
import sys
from pathlib import Path
from typing import NamedTuple

import jax

from jaxseq.summarize import model_file
from jaxseq.summarize.decoder import Params
from jaxseq.summarize.model import Model
from jaxseq.summarize.summarizer import Summary
from jaxseq.text import vocab
from jaxseq.text.vocab import Vocab

from . import (
    cli,
    summarize_config,
    summarize_corpus,
    summarize_models,
    summarize_report,
)
from .summarize_config import TOKENIZERS, Config


def use(config: Config, path: Path) -> None:
    """Has a model summarize what the config gives, and prints a line for each text."""
    given = config
    config, _, params, known = load(config, path)
    _refuse_others(given, config)
    texts = summarize_corpus.texts_of(config.text, config.file)
    tokenizer = TOKENIZERS[config.tokens]
    documents = [tokenizer.split(text) for text in texts]
    summaries = summarize_models.write(config, params, known, documents)
    for number, summary in enumerate(summaries, start=1):
        _say(number, summary)
        print(summarize_report.line(tokenizer.join(summary.words)))


class Loaded(NamedTuple):
    """A model that was trained before."""

    config: Config  # with its settings
    model: Model
    params: Params
    vocab: Vocab


def load(config: Config, path: Path) -> Loaded:
    """Reads a model, and the vocabulary beside it.

    Args:
        config: its settings are replaced by the model's.
        path: the model's file.

    Raises:
        ValueError: in one line, if they cannot be read or do not fit each other.
    """
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder; a model is a file, as model.npz")
    found = model_file.settings_of(path)
    known = vocab.load(path.with_suffix(".vocab.json"))
    names = summarize_config.model_settings(config)
    try:
        config = dataclasses.replace(config, **{name: found[name] for name in names})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{str(path)!r} is no model of this program") from error
    about = model_file.about(known, summarize_config.model_settings(config))
    model = summarize_models.make(config, len(known.tokens))
    params = model_file.load(path, model.init(jax.random.key(0)), about)
    return Loaded(config, model, params, known)


def _refuse_others(given: Config, loaded: Config) -> None:
    """Refuses settings that the model has other ones of, if they are not the defaults.

    Raises:
        ValueError: "--option: expected ..., got ...".
    """
    for name, of_model in summarize_config.model_settings(loaded).items():
        value = getattr(given, name)
        is_plain = value in (of_model, getattr(Config, name))
        cli.expect(is_plain, name, f"the model's {of_model}", value)


def _say(number: int, summary: Summary) -> None:
    """Says on stderr what is odd about a text."""
    if summary.num_read == 0:
        print(f"text {number}: no word in it, so none in its summary", file=sys.stderr)
    if summary.num_left:
        total = summary.num_read + summary.num_left
        print(
            f"text {number}: the first {summary.num_read} of {total:,} words are read",
            file=sys.stderr,
        )
