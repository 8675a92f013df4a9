"""Who trains a summarizer on one batch: jaxseq on one device and on two, PyTorch.

What jaxseq runs is the update of `jaxseq.summarize.training`, whatever the model. What
PyTorch runs is written for each model by itself: another one is one more entry of
`EAGER`.
"""

import functools
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.summarize import batches, training
from jaxseq.summarize.batches import Planned, Shape
from jaxseq.summarize.examples import Example
from jaxseq.summarize.model import Model
from jaxseq.summarize.setting import Setting, layout_of
from jaxseq.train import sharding, state
from jaxseq.train.programs import Programs
from jaxseq.types import Tree

from ..summarize_config import ArchitectureName
from . import (
    summarize_torch,
    summarize_torch_abs,
    summarize_torch_copy,
    summarize_torch_ras,
)
from .contender import missing_package


class Task(NamedTuple):
    """A batch to train on."""

    architecture: ArchitectureName
    model: Model
    params: Tree  # float32
    parts: Sequence[Sequence[Example]]  # one a device; no document of them empty
    shape: Shape  # that holds each part
    num_batches: int  # of an epoch, that have this shape
    setting: Setting  # batch_size of all devices
    num_devices: int  # that training has by default


class Trainer(NamedTuple):
    """Who is ready to train."""

    update: Callable[[], float]  # an update; returns the loss before it
    compile_seconds: float | None = None  # of the first update; None: nothing is
    answer: Callable[[], tuple[float, Tree]] | None = None  # without dropout


class Contender(NamedTuple):
    """Who can train."""

    missing: Callable[[Task], str | None]  # why it cannot here, or None
    build: Callable[[Task], Trainer]


def form(num_devices: int) -> str:
    """Names jaxseq's form of so many devices."""
    return f"jaxseq, {num_devices} device{'s' * (num_devices > 1)}"


def answer(task: Task) -> tuple[float, Tree]:
    """Returns jaxseq's loss and gradients without dropout, by the one-device batch."""
    batch = batch_of_all(task)
    count = sum(len(example.targets) for part in task.parts for example in part)

    def loss(params):
        return jnp.sum(task.model.score(params, batch)) / count

    nats, gradients = jax.jit(jax.value_and_grad(loss))(task.params)
    return float(nats), gradients


def batch_of_all(task: Task) -> batches.Batch:
    """Returns the pairs of all devices as a batch of one."""
    return jax.tree.map(lambda leaf: leaf[0], _batch(task, 1))


def errors(found: Tree, wanted: Tree) -> dict[str, float]:
    """Returns how far leaves are off, by the largest number of each."""
    return {
        jax.tree_util.keystr(path): float(
            np.max(np.abs(np.asarray(leaf) - np.asarray(like)))
            / max(np.max(np.abs(np.asarray(like))), np.finfo(np.float32).tiny)
        )
        for (path, leaf), like in zip(
            jax.tree_util.tree_leaves_with_path(found),
            jax.tree.leaves(wanted),
            strict=True,
        )
    }


def _batch(task: Task, num_shards: int) -> batches.Batch:
    """Builds the batch for as many devices as it has parts, or all of it for one."""
    examples = [example for part in task.parts for example in part]
    ends = itertools.accumulate(map(len, task.parts), initial=0)
    members = [list(range(*pair)) for pair in itertools.pairwise(ends)]
    shape = task.shape
    if num_shards == 1:
        shape = shape._replace(num_packed=len(members) * shape.num_packed)
        members = [sum(members, [])]
    size = task.setting.batch_size // num_shards
    return batches.build(examples, size, Planned(shape, members))


def _jaxseq(num_shards: int, task: Task) -> Trainer:
    setting = task.setting._replace(num_shards=num_shards)
    layout = layout_of(setting)
    optimizer = training.make_optimizer(setting.clip_norm, setting.learning_rate)
    # Donated to each update: a copy, as others begin with the same ones.
    begun = state.begin(jax.tree.map(jnp.copy, task.params), optimizer).state
    now = {"state": sharding.place(layout, optimizer, begun)}
    is_last = np.zeros(num_shards, bool)
    batch = training.Batch(_batch(task, num_shards), is_last)
    given = sharding.place_batch(layout, batch), jax.random.key(0)
    update = training.make_update(task.model, optimizer, setting)
    programs = Programs(update, now["state"], max_shapes=1, advice="")

    def call() -> float:
        program = programs.find(now["state"], *given)
        now["state"], report = program.call(now["state"], *given)
        return float(report.total) / float(report.num_targets)

    started = time.perf_counter()
    call()
    return Trainer(call, time.perf_counter() - started)


def _too_few_devices(num_shards: int, task: Task) -> str | None:
    del task
    there = jax.device_count()
    return f"JAX has {there} devices" if there < num_shards else None


EAGER: Mapping[ArchitectureName, Callable[..., summarize_torch.Eager]] = {
    "copy": summarize_torch_copy.build,
    "abs": summarize_torch_abs.build,
    "ras_lstm": summarize_torch_ras.build,
}


def _no_torch(task: Task) -> str | None:
    if task.architecture not in EAGER:
        return f"nobody has written {task.architecture} in PyTorch"
    return missing_package("torch", "torch")


def _torch(task: Task) -> Trainer:
    build = EAGER[task.architecture]
    examples = [example for part in task.parts for example in part]
    eager = build(task.params, examples, task.setting)
    return Trainer(eager.update, None, eager.answer)


CONTENDERS: Mapping[str, Contender] = {
    **{
        form(num): Contender(
            functools.partial(_too_few_devices, num), functools.partial(_jaxseq, num)
        )
        for num in (1, 2)
    },
    "torch": Contender(_no_torch, _torch),
}
