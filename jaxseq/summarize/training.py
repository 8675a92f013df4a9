"""Training a summarizer: Adam on batches of few shapes, early stopping.

`train` is a generator: it yields where training is after each update, and what the
held-out examples cost after each epoch; what is done with that is the caller's. A
`State` is all that a run needs to go on, on a CPU to the same bits.

With p the share of the schedule that is done and w the share over which it warms up,
the learning rate is

    η = η_0 min(p / w, ½ (1 + cos π (p - w) / (1 - w)))                            (1)

Each batch is of D parts, one a device (`jax.shard_map`). Two devices of one core each
train faster than one of two, as XLA runs a recurrent step's products on one core.

References:
    Kingma, Ba, Adam, ICLR 2015. Loshchilov, Hutter, SGDR, ICLR 2017: the cosine of (1).
"""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, PartitionSpec

from jaxseq.checks import check_count, check_rate, expect
from jaxseq.summarize import batches
from jaxseq.summarize.batches import Batch, Planned, Shape
from jaxseq.summarize.decoder import Params
from jaxseq.summarize.examples import Example
from jaxseq.summarize.model import Model
from jaxseq.types import Array, Key, Tree


_SHARDS = "shards"


class Setting(NamedTuple):
    """How to train.

    Attributes:
        batch_size: B of all devices together.
        num_epochs: how often the examples are read.
        learning_rate: η_0 of (1).
        warmup: w of (1).
        clip_norm: a gradient that is longer is cut to this length.
        dropout: rate, as in the model's `score`.
        patience: epochs without a new best that end the training.
        num_shards: D, devices.
        seed: of all that is drawn.
    """

    batch_size: int = 128
    num_epochs: int = 8
    learning_rate: float = 2e-3
    warmup: float = 0.05
    clip_norm: float = 2.0
    dropout: float = 0.2
    patience: int = 2
    num_shards: int = 1
    seed: int = 0


class State(NamedTuple):
    """Where training is: enough to go on.

    Attributes:
        params: the weights.
        optimizer_state: Adam's moments.
        best: the weights with the lowest held-out cost so far.
        best_nats: that cost, a target; infinite before the first epoch's end.
        num_worse: epochs since then.
        epoch: number of the current epoch, from 0.
        batch: number of the next batch in it.
    """

    params: Params
    optimizer_state: Tree
    best: Params
    best_nats: float
    num_worse: int
    epoch: int
    batch: int


class Progress(NamedTuple):
    """After an update.

    Attributes:
        state: the new state; its arrays, but for the best, are gone once the next
            update is asked for.
        fraction: p of (1).
        nats: mean over the batch of what a target costs.
        num_examples: in the batch.
        valid_nats: the held-out mean, at the end of an epoch; else None.
    """

    state: State
    fraction: float
    nats: float
    num_examples: int
    valid_nats: float | None


def init(params: Params, setting: Setting) -> State:
    """Returns the beginning of a training, with the first weights.

    Args:
        params: the first weights.
        setting: how to train.
    """
    moments = _optimizer(setting.clip_norm).init(params)
    return State(params, moments, jax.tree.map(jnp.copy, params), math.inf, 0, 0, 0)


def train(
    model: Model,
    examples: Sequence[Example],
    valid: Sequence[Example],
    shapes: Sequence[Shape],
    state: State,
    setting: Setting,
    *,
    end: int | None = None,
) -> Iterator[Progress]:
    """Trains from a state to the end of the schedule, or until nothing is gained.

    Args:
        model: what is trained.
        examples: to learn from.
        valid: held out: their cost says which weights are the best.
        shapes: of the batches of both.
        state: where to begin; its weights and moments are given away.
        setting: how.
        end: number of the epoch before which to stop; None for the schedule's end.

    Yields:
        Where it is, after each update.

    Raises:
        ValueError: naming the argument.
        FloatingPointError: if the cost stops being finite, saying where.
    """
    _check(examples, valid, setting)
    step, cost = programs(model, setting.num_shards, setting.clip_norm, setting.dropout)
    key = jax.random.key(setting.seed)
    size = setting.batch_size // setting.num_shards
    valid_plan = _plan(valid, shapes, setting, 0)
    end = setting.num_epochs if end is None else end
    while state.epoch < end and state.num_worse < setting.patience:
        epoch = _plan(examples, shapes, setting, state.epoch)
        for number in range(state.batch, len(epoch)):
            batch = batches.build(examples, size, epoch[number])
            place = f"batch {number} of epoch {state.epoch}"
            done = (state.epoch + (number + 1) / len(epoch)) / setting.num_epochs
            params, moments, nats = step(
                state.params,
                state.optimizer_state,
                batch,
                np.float32(rate(setting, done)),
                jax.random.fold_in(jax.random.fold_in(key, state.epoch), number),
            )
            valid_nats = None
            state = state._replace(
                params=params, optimizer_state=moments, batch=number + 1
            )
            nats = _finite(float(nats), place)
            if state.batch == len(epoch):
                state = state._replace(params=model.renormalize(params))
                held_out = (batches.build(valid, size, each) for each in valid_plan)
                valid_nats = _finite(mean_cost(cost, state.params, held_out), place)
                state = _judged(state, valid_nats)
            num_examples = int(np.sum(batch.documents.lengths > 0))
            yield Progress(state, done, nats, num_examples, valid_nats)


def rate(setting: Setting, fraction: float) -> float:
    """Returns the learning rate, eq. (1), where a fraction of the schedule is done.

    Args:
        setting: how to train.
        fraction: from 0 to 1.
    """
    rising = fraction / setting.warmup if setting.warmup else 1.0
    past = (fraction - setting.warmup) / (1 - setting.warmup)
    falling = (1 + math.cos(math.pi * max(past, 0.0))) / 2
    return setting.learning_rate * min(rising, falling)  # (1)


def mean_cost(
    cost: Callable[[Params, Batch], tuple[Array, Array]],
    params: Params,
    held_out: Iterable[Batch],
) -> float:
    """Returns the mean of -log P(target) over batches, in nats.

    Args:
        cost: `(params, batch) -> (sum, count)`, in nats and words.
        params: the weights.
        held_out: the batches.
    """
    sums = [cost(params, batch) for batch in held_out]
    return sum(float(s) for s, _ in sums) / sum(float(n) for _, n in sums)


def _plan(examples, shapes, setting: Setting, epoch: int) -> list[Planned]:
    size = setting.batch_size // setting.num_shards
    parts = {"num_shards": setting.num_shards, "seed": setting.seed}
    return batches.plan(examples, size, shapes, epoch=epoch, **parts)


def _judged(state: State, nats: float) -> State:
    """Ends an epoch: keeps the weights if they are the best so far."""
    state = state._replace(epoch=state.epoch + 1, batch=0)
    if nats >= state.best_nats:
        return state._replace(num_worse=state.num_worse + 1)
    best = jax.tree.map(jnp.copy, state.params)  # the weights are given away
    return state._replace(best=best, best_nats=nats, num_worse=0)


def _optimizer(clip_norm: float) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(clip_norm), optax.scale_by_adam())


# Compiled once for all trainings that differ in none of these.
@functools.cache
def programs(
    model: Model, num_shards: int, clip_norm: float, dropout: float
) -> tuple[Callable, Callable]:
    """Returns what `train` runs, compiled once for each shape of a batch.

    Args:
        model: what is trained.
        num_shards: D.
        clip_norm: a gradient that is longer is cut to this length.
        dropout: rate.

    Returns:
        `(params, moments, batch, rate, key) -> params, moments, nats`, an update, whose
        weights and moments are given away; and `(params, batch) -> sum, count`, the
        cost of a batch's targets in nats and their number.
    """
    mesh = Mesh(jax.devices()[:num_shards], (_SHARDS,))
    update = functools.partial(_update, model, mesh, clip_norm, dropout)
    cost = functools.partial(_sums, model, mesh)
    return jax.jit(update, donate_argnums=(0, 1)), jax.jit(cost)


def _update(
    model: Model,
    mesh: Mesh,
    clip_norm,
    dropout,
    params,
    moments,
    batch: Batch,
    rate,
    key,
):
    """Takes one step of Adam; returns weights, moments and the batch's mean cost."""

    def loss(params):
        total, count = _sums(model, mesh, params, batch, dropout, key)
        return total / count

    nats, d_params = jax.value_and_grad(loss)(params)
    steps, moments = _optimizer(clip_norm).update(d_params, moments, params)
    params = jax.tree.map(lambda p, s: p - rate * s, params, steps)
    return params, moments, nats


def _sums(
    model: Model,
    mesh: Mesh,
    params: Params,
    batch: Batch,
    dropout: float = 0.0,
    key: Key | None = None,
) -> tuple[Array, Array]:
    """Returns the cost of all targets of a batch in nats, and their number."""
    num_shards = mesh.shape[_SHARDS]
    keys = None if key is None else jax.random.split(key, num_shards)

    def of_part(params, batch, keys):
        part, key = jax.tree.map(lambda a: a[0], (batch, keys))
        nats = model.score(params, part, dropout=dropout, key=key)
        count = jnp.sum(part.packing.steps < part.targets.size)
        sums = jnp.sum(nats), count.astype(nats.dtype)
        return jax.lax.psum(sums, _SHARDS)

    each = PartitionSpec(_SHARDS)
    specs = (PartitionSpec(), each, each)
    sharded = jax.shard_map(
        of_part, mesh=mesh, in_specs=specs, out_specs=PartitionSpec()
    )
    return sharded(params, batch, keys)


def _finite(nats: float, place: str) -> float:
    if not math.isfinite(nats):
        raise FloatingPointError(
            f"the cost is {nats} at {place}: a smaller learning rate may help"
        )
    return nats


def _check(examples, valid, setting: Setting) -> None:
    expect(len(examples) > 0, "examples", "one at least", "none")
    expect(len(valid) > 0, "valid", "one at least", "none")
    for name in ("batch_size", "num_epochs", "patience", "num_shards"):
        check_count(f"setting.{name}", getattr(setting, name))
    for name in ("warmup", "dropout"):
        check_rate(f"setting.{name}", getattr(setting, name))
    for name in ("learning_rate", "clip_norm"):
        value = getattr(setting, name)
        is_positive = math.isfinite(value) and value > 0
        expect(is_positive, f"setting.{name}", "a number above 0", value)
    rest = setting.batch_size % setting.num_shards
    expected = f"a multiple of num_shards, {setting.num_shards}"
    expect(rest == 0, "setting.batch_size", expected, setting.batch_size)
    most = jax.device_count()
    expected = f"at most {most}, the number of devices"
    expect(
        setting.num_shards <= most, "setting.num_shards", expected, setting.num_shards
    )
