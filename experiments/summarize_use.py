"""Has a model that was trained before summarize texts."""

import dataclasses
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax

from jaxseq.summarize import model_file
from jaxseq.summarize.decoder import Params
from jaxseq.summarize.model import Model
from jaxseq.summarize.summarizer import Summary
from jaxseq.text import vocab
from jaxseq.text.vocab import Vocab

from . import (
    cli,
    heatmap_page,
    pages,
    summarize_config,
    summarize_corpus,
    summarize_models,
    summarize_report,
)
from .heatmap import Alignment
from .summarize_config import Config


def defaults(path: Path) -> Config:
    """Returns what a command line leaves out where a model is used: as its file says.

    Args:
        path: the model's file.

    Raises:
        OSError: if it cannot be read.
        ValueError: in one line, if it is none.
    """
    found = _settings_of(path)
    try:
        own = {name: found[name] for name in summarize_config.model_settings(Config())}
        # Searched on all cores, whatever it was trained on.
        num_shards = Config().num_shards
        return Config(**own, **model_file.search_of(path), num_shards=num_shards)
    except (KeyError, TypeError, ValueError) as error:
        raise _no_model(path) from error


def use(config: Config, path: Path) -> None:
    """Has a model summarize what the config gives, and prints a line for each text.

    Where the config names a page for them, the heatmaps of all are written too.
    """
    given = config
    config, _, params, known = load(config, path)
    _refuse_others(given, config)
    if config.heatmaps is not None:
        cli.result_file(config.heatmaps.parent, config.heatmaps.name)
    texts = summarize_corpus.texts_of(config.text, config.file)
    tokenizer = summarize_config.tokenizer(config)
    documents = [tokenizer.split(text) for text in texts]
    summaries = summarize_models.write(config, params, known, documents)
    maps: dict[int, Alignment] = {}
    both = zip(documents, summaries, strict=True)
    for number, (document, summary) in enumerate(both, start=1):
        _say(number, summary)
        print(summarize_report.line(tokenizer.join(summary.words)))
        if config.heatmaps is not None and summary.weights.any():
            maps[number] = summarize_report.alignment(document, summary, tokenizer.join)
    if config.heatmaps is not None:
        language = pages.language_of(" ".join(texts))
        heatmap_page.write(config.heatmaps, "Summaries", maps, language)


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
    found = _settings_of(path)
    known = vocab.load(path.with_suffix(".vocab.json"))
    names = summarize_config.model_settings(config)
    try:
        config = dataclasses.replace(config, **{name: found[name] for name in names})
    except (KeyError, TypeError, ValueError) as error:
        raise _no_model(path) from error
    about = model_file.about(known, summarize_config.model_settings(config))
    model = summarize_models.make(config, len(known.tokens))
    params = model_file.load(path, model.init(jax.random.key(0)), about)
    return Loaded(config, model, params, known)


def _settings_of(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder; a model is a file, as model.npz")
    return model_file.settings_of(path)


def _no_model(path: Path) -> ValueError:
    return ValueError(f"{str(path)!r} is no model of this program")


def _refuse_others(given: Config, loaded: Config) -> None:
    """Refuses settings that the model has other ones of.

    Raises:
        ValueError: "--option: expected ..., got ...".
    """
    for name, of_model in summarize_config.model_settings(loaded).items():
        value = getattr(given, name)
        cli.expect(value == of_model, name, f"the model's {of_model}", value)


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
