"""RAS-LSTM in eager PyTorch: jaxseq's weights, the same loss.

As one would write it there: the keys by `F.conv1d`, the inputs' part of the gates for
all steps at once, then a loop in Python over the steps, whose products are batched.
`nn.LSTMCell` is not RAS's: it has a tanh after its cells.

Numbers in parentheses: equations of `jaxseq.summarize.ras_model`, and with an e those
of `jaxseq.summarize.ras_encoder`, with an l those of `jaxseq.cells.lstm_linear`.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax

from jaxseq.summarize.examples import Example
from jaxseq.summarize.ras_model import Params
from jaxseq.summarize.training import Setting

from . import summarize_torch
from .summarize_torch import Eager


def build(params: Params, examples: Sequence[Example], setting: Setting) -> Eager:
    """Puts weights and a batch into PyTorch.

    Args:
        params: jaxseq's weights.
        examples: all of the batch; no document is empty.
        setting: rate, clipping and dropout; it keeps its rate.
    """
    torch = summarize_torch.load()
    functional = torch.nn.functional
    num_ids, num_inputs = params.embedding.shape
    num_hidden = params.cell.W.shape[1]
    net = summarize_torch.weights(torch, params)
    batch = summarize_torch.side_by_side(examples)
    num_words, num_documents = batch.ids.shape
    words = summarize_torch.inside(torch, batch.ids, num_ids)
    is_word = torch.from_numpy(batch.is_word[:, :, None])  # [B, M, 1]
    before = summarize_torch.inside(torch, batch.before, num_ids)
    counts = torch.from_numpy(batch.counts)
    targets = summarize_torch.inside(torch, batch.targets[batch.counts], num_ids)
    width = params.encoder.B.shape[1] // num_inputs

    def embed(rate: float, ids: Any) -> Any:
        xs = functional.embedding(ids, net.embedding) * num_inputs**0.5  # (1)
        return summarize_torch.drop_alike(torch, rate, xs)

    def loss(rate: float) -> Any:
        values = embed(rate, words).transpose(0, 1)  # [B, M, I]
        summed = (values + net.encoder.positions[:num_words]) * is_word  # (1e)
        filters = net.encoder.B.unflatten(1, (width, num_inputs)).mT
        keys = functional.conv1d(summed.mT, filters, padding=width // 2).mT  # (3e)
        of_y, of_c = net.cell.U.split(num_inputs, dim=1)
        projected = functional.linear(embed(rate, before), of_y, net.cell.b)
        recurrent = torch.cat([of_c, net.cell.W], 1)
        h = c = torch.zeros(num_documents, num_hidden)
        seen = []
        for z_t in projected:
            scores = keys @ h[:, :, None] / num_hidden**0.5
            scores = scores.masked_fill(~is_word, -torch.inf)
            context = (scores.softmax(1).mT @ values)[:, 0]  # (2)
            z_t = z_t + functional.linear(torch.cat([context, h], 1), recurrent)
            *gates, candidate = z_t.chunk(4, 1)
            f, i, o = map(torch.sigmoid, gates)
            c = f * c + i * torch.tanh(candidate)  # (3), (5l)
            h = o * c  # (6l)
            seen.append(torch.cat([context, h], 1))
        mixed = functional.linear(torch.stack(seen)[counts], net.mix.V, net.mix.b)
        mixed = functional.dropout(mixed, rate)  # (4)
        logits = functional.linear(mixed, net.embedding, net.bias)
        return functional.cross_entropy(logits, targets)  # (5)

    gradients = functools.partial(summarize_torch.gradients, net)
    return summarize_torch.ready(torch, jax.tree.leaves(net), loss, gradients, setting)
