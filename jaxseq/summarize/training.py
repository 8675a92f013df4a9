"""What training a summarizer is made of: its batches, and an update.

`jaxseq.train.loop` does the rest: it goes from update to update, stops early, writes
checkpoints. With p the share of the schedule that is done and w the share over which it
warms up, the learning rate is

    η = η_0 min(p / w, ½ (1 + cos π (p - w) / (1 - w)))                            (1)

Each batch lies on D devices in A parts each, which are computed one after the other.
Two devices of one core each train faster than one of two, as XLA runs a recurrent
step's products on one core.

    dealt = training.deal(examples, shapes, setting)
    num_updates = setting.num_epochs * dealt.num_batches
    rates = functools.partial(training.rate, setting, num_updates)
    optimizer = training.make_optimizer(setting.clip_norm, rates)
    for now in loop.train(
        training.make_update(model, optimizer, setting),
        functools.partial(training.batch_at, examples, dealt, setting),
        ...

`experiments.summarize_training` has the whole of it.

References:
    Kingma, Ba, Adam, ICLR 2015. Loshchilov, Hutter, SGDR, ICLR 2017: the cosine of (1).
"""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike

from jaxseq.summarize import batches, cost
from jaxseq.summarize.batches import Dealt, Shape
from jaxseq.summarize.decoder import Params
from jaxseq.summarize.examples import Example
from jaxseq.summarize.model import Model
from jaxseq.summarize.setting import Setting, check_setting, layout_of, part_size
from jaxseq.train import order, step
from jaxseq.train.clip import clip_by_global_norm
from jaxseq.train.state import State
from jaxseq.types import Array, Key, Tree


class Batch(NamedTuple):
    """What an update reads, in A D parts.

    Attributes:
        examples: leaves `[A D, ...]`.
        is_last: `[A D]` bool, whether the epoch ends here.
    """

    examples: batches.Batch
    is_last: np.ndarray


def shapes_of(examples: Sequence[Example], setting: Setting) -> tuple[Shape, ...]:
    """Chooses the shapes of the batches' parts.

    Args:
        examples: all that will be read, held-out ones too.
        setting: how to train.

    Raises:
        ValueError: naming the argument.
    """
    check_setting(setting)
    return batches.shapes_of(examples, part_size(setting))


def deal(
    examples: Sequence[Example], shapes: Sequence[Shape], setting: Setting
) -> Dealt:
    """Returns the examples dealt to batches.

    Args:
        examples: to learn from.
        shapes: of the batches' parts.
        setting: how to train.

    Raises:
        ValueError: naming the argument.
    """
    check_setting(setting)
    num_parts = setting.num_shards * setting.accumulate
    return batches.deal(examples, setting.batch_size, shapes, num_parts)


def batch_at(
    examples: Sequence[Example], dealt: Dealt, setting: Setting, number: int
) -> Batch:
    """Returns what an update reads, whatever was read before it.

    Args:
        examples: those that were dealt.
        dealt: to batches.
        setting: how to train.
        number: of the update, from 0.
    """
    epoch, index = order.place(number, dealt.num_batches)
    planned = batches.plan(dealt, setting.seed, epoch, index)
    made = batches.build(examples, part_size(setting), planned)
    is_last = np.full(dealt.num_parts, index == dealt.num_batches - 1)
    return Batch(made, is_last)


def rate(setting: Setting, num_updates: int, number: ArrayLike) -> Array:
    """Returns the learning rate of an update, eq. (1).

    Args:
        setting: how to train.
        num_updates: of the whole schedule.
        number: of the update, from 0.

    Returns:
        A scalar, `[]`.
    """
    fraction = (jnp.asarray(number, jnp.float32) + 1) / num_updates  # p
    warmup = setting.warmup
    rising = fraction / warmup if warmup else jnp.ones_like(fraction)
    past = jnp.maximum((fraction - warmup) / (1 - warmup), 0.0)
    falling = (1 + jnp.cos(math.pi * past)) / 2
    return setting.learning_rate * jnp.minimum(rising, falling)  # (1)


def make_optimizer(
    clip_norm: float, rates: float | optax.Schedule
) -> optax.GradientTransformation:
    """Returns Adam with clipping.

    Args:
        clip_norm: a gradient that is longer is cut to this length.
        rates: the learning rate, or that of an update's number.
    """
    return optax.chain(
        clip_by_global_norm(clip_norm),
        optax.scale_by_adam(),
        optax.scale_by_learning_rate(rates),
    )


def moved_to(optimizer_state: Tree, number: int) -> Tree:
    """Returns the optimizer's state with its learning rate that of another update.

    Args:
        optimizer_state: of `make_optimizer`, with a schedule.
        number: of the update.
    """
    *before, schedule = optimizer_state
    count = jax.device_put(np.int32(number), schedule.count.sharding)
    return (*before, schedule._replace(count=count))


def make_update(
    model: Model, optimizer: optax.GradientTransformation, setting: Setting
) -> step.Update:
    """Returns an update of a model's weights, of `Batch`es.

    Args:
        model: what is trained.
        optimizer: what makes steps of gradients.
        setting: how.

    Raises:
        ValueError: naming the argument.
    """
    applied = step.make(
        functools.partial(_cost, model, setting.dropout),
        optimizer,
        num_parts=setting.accumulate,
        layout=layout_of(setting),
    )

    def update(state: State, batch: Batch, key: Key) -> tuple[State, step.Report]:
        state, report = applied(state, batch, key)
        # A step that was skipped leaves the weights as they are.
        params = jax.lax.cond(
            jnp.any(batch.is_last) & report.is_applied,
            model.renormalize,
            lambda params: params,
            state.params,
        )
        return state._replace(params=params), report

    return update


def _cost(
    model: Model, dropout: float, params: Params, carry: Tree, batch: Batch, key: Key
) -> step.Cost:
    """Returns what the targets of a part cost."""
    total, count = cost.sums(model, params, batch.examples, dropout=dropout, key=key)
    return step.Cost(total, count, carry)
