"""ABS with attention in eager PyTorch: jaxseq's weights, the same loss.

As one would write it there: all windows of the summaries at once, attention by two
batched products for all of them, the smoothing by a pooling, a sum over neighbours.

Numbers in parentheses: equations of `jaxseq.summarize.abs_model`, and with an e those
of `jaxseq.summarize.abs_encoders`.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxseq.summarize import abs_tables
from jaxseq.summarize.abs_model import Params
from jaxseq.summarize.examples import Example
from jaxseq.summarize.training import Setting
from jaxseq.text.vocab import BOS

from ..summarize_config import Config as Training
from . import summarize_torch
from .summarize_torch import Eager


def build(params: Params, examples: Sequence[Example], setting: Setting) -> Eager:
    """Puts weights and a batch into PyTorch.

    Args:
        params: jaxseq's weights, of the encoder with attention, which reads as many
            neighbours as is the rule.
        examples: all of the batch; no document is empty.
        setting: rate, clipping and dropout; it keeps its rate.
    """
    torch = summarize_torch.load()
    functional = torch.nn.functional
    num_ids, size = params.embedding.shape
    scale = abs_tables.scale(size)
    num_context = params.hidden.V.shape[1] // size
    net = summarize_torch.weights(torch, params)
    batch = summarize_torch.side_by_side(examples)
    words = summarize_torch.inside(torch, batch.ids.T, num_ids)  # [B, M]
    mask = torch.from_numpy(batch.is_word[:, :, None])
    windows = summarize_torch.inside(
        torch, _windows(batch.targets, num_context), num_ids
    )
    counts = torch.from_numpy(batch.counts.T)
    targets = summarize_torch.inside(torch, batch.targets.T[batch.counts.T], num_ids)
    width = 2 * Training.radius + 1

    def affine(layer: Any, xs: Any) -> Any:
        return functional.linear(xs, layer.V, layer.b)

    def embed(table: Any, ids: Any) -> Any:
        return functional.embedding(ids, table) * scale

    def loss(rate: float) -> Any:
        xs = embed(net.encoder.table, words) * mask
        near = functional.avg_pool1d(xs.mT, width, 1, width // 2).mT
        values = near * (width / max(Training.radius, 1))  # (8e)
        queries = affine(
            net.encoder.projection, embed(net.encoder.context, windows).flatten(-2)
        )  # (6e)
        scores = (queries @ xs.mT / size**0.5).masked_fill(~mask.mT, -torch.inf)
        encoded = (scores.softmax(-1) @ values)[counts]  # (7e), (9e)
        ys = embed(net.embedding, windows[counts]).flatten(-2)
        ys = functional.dropout(ys, rate)  # (1)
        seen = torch.cat([torch.tanh(affine(net.hidden, ys)), encoded], -1)  # (2)
        logits = affine(net.output, functional.dropout(seen, rate))  # (3)
        return functional.cross_entropy(logits, targets)

    gradients = functools.partial(summarize_torch.gradients, net)
    return summarize_torch.ready(torch, jax.tree.leaves(net), loss, gradients, setting)


def _windows(targets: np.ndarray, num_context: int) -> np.ndarray:
    """Returns the C words before each of `[T, B]`: `[B, T, C]`."""
    first = np.full((num_context, targets.shape[1]), BOS)
    words = np.concatenate([first, targets[:-1]])
    seen = np.lib.stride_tricks.sliding_window_view(words, num_context, axis=0)
    return seen.transpose(1, 0, 2)
