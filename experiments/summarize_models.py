"""The summarizers that the program can train, by the names of its command line."""

from collections.abc import Callable

from experiments.summarize_config import ArchitectureName, Config
from jaxseq.summarize import copy_model
from jaxseq.summarize.model import Model
from jaxseq.summarize.phases import Phase


def _copy(config: Config, num_ids: int) -> Model:
    return copy_model.model(num_ids, config.num_inputs, config.num_hidden)


MAKERS: dict[ArchitectureName, Callable[[Config, int], Model]] = {"copy": _copy}


def make(config: Config, num_ids: int) -> Model:
    """Returns the model that the config names.

    Args:
        config: the settings.
        num_ids: V.
    """
    return MAKERS[config.architecture](config, num_ids)


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
    last = Phase(covering, end)
    return [Phase(plain, before), last] if before else [last]
