"""How a summarizer is trained: numbers, and what follows of them for a batch."""

import math
from typing import NamedTuple

from jaxseq.checks import check_count, check_rate, expect
from jaxseq.train import sharding
from jaxseq.train.sharding import Layout


class Setting(NamedTuple):
    """How to train.

    Attributes:
        batch_size: B of all devices together.
        num_epochs: how often the examples are read.
        learning_rate: the largest, η_0 of `training`.
        warmup: share of the updates over which it rises.
        clip_norm: a gradient that is longer is cut to this length.
        dropout: rate, as in the model's `score`.
        num_shards: D, devices.
        accumulate: A, parts of a device's batch.
        seed: of the order of the examples.
    """

    batch_size: int = 128
    num_epochs: int = 8
    learning_rate: float = 2e-3
    warmup: float = 0.05
    clip_norm: float = 2.0
    dropout: float = 0.2
    num_shards: int = 1
    accumulate: int = 1
    seed: int = 0


def check_setting(setting: Setting) -> None:
    """Checks every number.

    Args:
        setting: how to train.

    Raises:
        ValueError: naming the field.
    """
    for name in ("batch_size", "num_epochs", "num_shards", "accumulate"):
        check_count(f"setting.{name}", getattr(setting, name))
    check_count("setting.seed", setting.seed, least=0)
    for name in ("warmup", "dropout"):
        check_rate(f"setting.{name}", getattr(setting, name))
    for name in ("learning_rate", "clip_norm"):
        value = getattr(setting, name)
        is_positive = math.isfinite(value) and value > 0
        expect(is_positive, f"setting.{name}", "a number above 0", value)
    num_parts = setting.num_shards * setting.accumulate
    expected = f"a multiple of num_shards x accumulate, {num_parts}"
    divides = setting.batch_size % num_parts == 0
    expect(divides, "setting.batch_size", expected, setting.batch_size)


def layout_of(setting: Setting) -> Layout:
    """Returns where the parts of a batch lie.

    Args:
        setting: how to train.

    Raises:
        ValueError: naming the field.
    """
    check_setting(setting)
    return sharding.over(setting.num_shards)


def part_size(setting: Setting) -> int:
    """Returns how many examples a part of a batch has.

    Args:
        setting: how to train.
    """
    return setting.batch_size // (setting.num_shards * setting.accumulate)
