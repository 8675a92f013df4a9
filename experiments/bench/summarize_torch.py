"""What the summarizers in eager PyTorch share: batches as tensors, and the update.

As one would write it there: documents and summaries are padded to the batch's own
longest, the longest documents first; the output layer is for the words that count
alone; the optimizer's form is the fused one. A model is its loss:
`experiments.bench.summarize_torch_copy`, `summarize_torch_abs`, `summarize_torch_ras`.
"""

import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxseq.summarize import batches
from jaxseq.summarize.examples import Example
from jaxseq.summarize.training import Setting
from jaxseq.text.vocab import BOS, PAD, UNK
from jaxseq.types import Tree

from . import machine


class Eager(NamedTuple):
    """What PyTorch does with a batch."""

    update: Callable[[], float]  # an update; returns the loss before it
    answer: Callable[[], tuple[float, Tree]]  # loss and gradients without dropout


class Batch(NamedTuple):
    """Examples side by side, in numbers of the extended vocabulary."""

    ids: np.ndarray  # [M, B] x_j
    lengths: np.ndarray  # [B] of the documents, falling
    is_word: np.ndarray  # [B, M]
    targets: np.ndarray  # [T, B] y_t
    before: np.ndarray  # [T, B] y_{t-1}
    counts: np.ndarray  # [T, B] whether y_t counts


def load() -> Any:
    """Returns PyTorch, with as many threads as there are cores."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(machine.num_cores())
    return torch


def side_by_side(examples: Sequence[Example]) -> Batch:
    """Puts examples side by side.

    Args:
        examples: all of the batch; no document is empty.
    """
    ordered = sorted(examples, key=lambda e: len(e.document.ids), reverse=True)
    num_words = max(len(e.document.ids) for e in ordered)
    num_steps = max(len(e.targets) for e in ordered)
    ids, lengths = batches.documents([e.document for e in ordered], num_words)
    targets = np.full((num_steps, len(ordered)), PAD)
    for column, example in enumerate(ordered):
        targets[: len(example.targets), column] = example.targets
    num_targets = np.array([len(e.targets) for e in ordered])
    return Batch(
        ids=ids,
        lengths=lengths,
        is_word=np.arange(num_words) < lengths[:, None],
        targets=targets,
        before=np.concatenate([np.full_like(targets[:1], BOS), targets[:-1]]),
        counts=np.arange(num_steps)[:, None] < num_targets,
    )


def inside(torch: Any, ids: np.ndarray, num_ids: int) -> Any:
    """Returns ids as a tensor, those outside the vocabulary as UNK.

    Args:
        torch: of `load`.
        ids: integers of any shape.
        num_ids: V.
    """
    return torch.from_numpy(np.where(ids < num_ids, ids, UNK).astype(np.int64))


def tensor(torch: Any, array: Any) -> Any:
    """Returns a float32 tensor of its own.

    Args:
        torch: of `load`.
        array: numbers.
    """
    return torch.from_numpy(np.array(array, np.float32))


def weights(torch: Any, params: Tree) -> Tree:
    """Returns jaxseq's weights as PyTorch's, in the same tree.

    Args:
        torch: of `load`.
        params: the weights.
    """
    return jax.tree.map(lambda a: torch.nn.Parameter(tensor(torch, a)), params)


def gradients(trained: Tree) -> Tree:
    """Returns the gradients of such a tree.

    Args:
        trained: of `weights`, after a backward pass.
    """
    return jax.tree.map(lambda weight: weight.grad.numpy().copy(), trained)


def drop_alike(torch: Any, rate: float, xs: Any) -> Any:
    """Drops the same entries of `[T, B, I]` at each step.

    Args:
        torch: of `load`.
        rate: of what is dropped.
        xs: the sequence.
    """
    if not rate:
        return xs
    return xs * torch.nn.functional.dropout(torch.ones_like(xs[:1]), rate)


def ready(
    torch: Any,
    trained: Iterable[Any],
    loss: Callable[[float], Any],
    gradients: Callable[[], Tree],
    setting: Setting,
) -> Eager:
    """Returns who trains by a loss.

    Args:
        torch: of `load`.
        trained: the parameters.
        loss: of the batch, with a rate of dropout.
        gradients: of the parameters, in jaxseq's tree.
        setting: rate, clipping and dropout; it keeps its rate.
    """
    trained = list(trained)
    optimizer = torch.optim.Adam(trained, lr=setting.learning_rate, fused=True)

    def update() -> float:
        optimizer.zero_grad()
        nats = loss(setting.dropout)
        nats.backward()
        torch.nn.utils.clip_grad_norm_(trained, setting.clip_norm)
        optimizer.step()
        return nats.item()

    def answer() -> tuple[float, Tree]:
        optimizer.zero_grad()
        nats = loss(0.0)
        nats.backward()
        found = nats.item(), gradients()
        optimizer.zero_grad()
        return found

    return Eager(update, answer)
