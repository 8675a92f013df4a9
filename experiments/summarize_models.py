"""The summarizers that the program can train, by the names of its command line."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from jaxseq.cells import activations, elman, lstm_linear
from jaxseq.cells.cell import Cell
from jaxseq.summarize import (
    abs_encoders,
    abs_model,
    abs_plus,
    copy_model,
    ensemble,
    ras_encoder,
    ras_model,
    summarizer,
)
from jaxseq.summarize.abs_encoders import Encoder
from jaxseq.summarize.beam import Rescore
from jaxseq.summarize.decoder import Params
from jaxseq.summarize.model import Model
from jaxseq.summarize.summarizer import Summary
from jaxseq.text.vocab import Vocab

from . import summarize_config
from .summarize_config import ArchitectureName, Config


class Phase(NamedTuple):
    """Some epochs of a training with one aim."""

    model: Model  # its `score` is the aim; the weights fit all phases' models
    end: int  # number of the first epoch that is no more of it


class Architecture(NamedTuple):
    """A summarizer, and how it is searched."""

    make: Callable[[Config, int], Model]  # of the settings and V
    rescore: Rescore | None = None


def _copy(config: Config, num_ids: int) -> Model:
    return copy_model.model(num_ids, config.num_inputs, config.num_hidden)


def _abs(encoder: Encoder, config: Config, num_ids: int) -> Model:
    sizes = (num_ids, config.num_inputs, config.num_hidden, config.num_context)
    return abs_model.model(encoder, *sizes)


def _attentive(config: Config, num_ids: int) -> Model:
    encoder = abs_encoders.attentive(config.num_inputs, config.radius)
    return _abs(encoder, config, num_ids)


def _plus(config: Config, num_ids: int) -> Model:
    return abs_plus.model(_attentive(config, num_ids))


def _bag_of_words(config: Config, num_ids: int) -> Model:
    return _abs(abs_encoders.bag_of_words(config.num_inputs), config, num_ids)


def _convolution(config: Config, num_ids: int) -> Model:
    sizes = (config.num_inputs, config.num_layers, config.radius)
    return _abs(abs_encoders.convolution(*sizes), config, num_ids)


def _feed_forward_lm(config: Config, num_ids: int) -> Model:
    return _abs(abs_encoders.none(), config, num_ids)


def _ras(cell: Cell, config: Config, num_ids: int) -> Model:
    encoder = ras_encoder.convolution(config.max_words)
    sizes = (num_ids, config.num_inputs, config.num_hidden)
    return ras_model.model(cell, encoder, *sizes)


def _ras_lstm(config: Config, num_ids: int) -> Model:
    return _ras(lstm_linear.cell(), config, num_ids)


def _ras_elman(config: Config, num_ids: int) -> Model:
    return _ras(elman.cell(activations.logistic), config, num_ids)


def _ras_lstm_without_attention(config: Config, num_ids: int) -> Model:
    sizes = (num_ids, config.num_inputs, config.num_hidden)
    return ras_model.model(lstm_linear.cell(), ras_encoder.nothing(), *sizes)


ARCHITECTURES: dict[ArchitectureName, Architecture] = {
    "copy": Architecture(_copy),
    "abs": Architecture(_attentive),
    "abs_plus": Architecture(_plus, abs_plus.rescore),
    "abs_bag_of_words": Architecture(_bag_of_words),
    "abs_convolution": Architecture(_convolution),
    "feed_forward_lm": Architecture(_feed_forward_lm),
    "ras_lstm": Architecture(_ras_lstm),
    "ras_elman": Architecture(_ras_elman),
    "ras_lstm_without_attention": Architecture(_ras_lstm_without_attention),
}


def make(config: Config, num_ids: int) -> Model:
    """Returns the model that the config names.

    Args:
        config: the settings.
        num_ids: V.
    """
    return _together(config, ARCHITECTURES[config.architecture].make(config, num_ids))


def _together(config: Config, member: Model) -> Model:
    return (
        member
        if config.num_members == 1
        else ensemble.model(member, config.num_members)
    )


def phases(config: Config, num_ids: int) -> list[Phase]:
    """Returns what the config trains: coverage, if any, in the last epochs alone.

    Args:
        config: the settings.
        num_ids: V.
    """
    plain, end = make(config, num_ids), config.num_epochs
    if not config.coverage_weight:
        return [Phase(plain, end)]
    covering = copy_model.model(
        num_ids,
        config.num_inputs,
        config.num_hidden,
        coverage_weight=config.coverage_weight,
    )
    before = end - max(1, round(config.coverage_share * end))
    last = Phase(_together(config, covering), end)
    return [Phase(plain, before), last] if before else [last]


def write(
    config: Config, params: Params, known: Vocab, documents: Sequence[Sequence[str]]
) -> Iterator[Summary]:
    """Summarizes documents as the config says, in their order.

    Args:
        config: the settings.
        params: of the model that the config names.
        known: its vocabulary.
        documents: the words of each.

    Yields:
        A summary of each.
    """
    return summarizer.summarize(
        make(config, len(known.tokens)),
        params,
        known,
        documents,
        summarize_config.make_options(config),
        max_words=config.max_words,
        num_shards=max(1, min(config.num_shards, len(documents))),
        rescore=ARCHITECTURES[config.architecture].rescore,
        choose=summarize_config.make_choice(config),
    )
