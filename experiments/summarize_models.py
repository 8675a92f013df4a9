"""The summarizers that the program can train, by the names of its command line."""

from collections.abc import Callable

from experiments.summarize_config import ArchitectureName, Config
from jaxseq.cells import activations, elman, lstm_linear
from jaxseq.cells.cell import Cell
from jaxseq.summarize import copy_model, ras_encoder, ras_model
from jaxseq.summarize.model import Model


def _copy(config: Config, num_ids: int) -> Model:
    return copy_model.model(num_ids, config.num_inputs, config.num_hidden)


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


MAKERS: dict[ArchitectureName, Callable[[Config, int], Model]] = {
    "copy": _copy,
    "ras_lstm": _ras_lstm,
    "ras_elman": _ras_elman,
    "ras_lstm_without_attention": _ras_lstm_without_attention,
}


def make(config: Config, num_ids: int) -> Model:
    """Returns the model that the config names.

    Args:
        config: the settings.
        num_ids: V.
    """
    return MAKERS[config.architecture](config, num_ids)
