"""The copying summarizer in eager PyTorch: jaxseq's weights, the same loss.

As one would write it there: `nn.LSTM` over packed documents, `nn.LSTM` over all steps
of the summaries, attention by two batched products, `F.cross_entropy` for log q.

Numbers in parentheses: equations of `jaxseq.summarize.copy_model`.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxseq import readout
from jaxseq.attention import general
from jaxseq.both import Both
from jaxseq.cells import lstm
from jaxseq.summarize.copy_model import Params
from jaxseq.summarize.examples import Example
from jaxseq.summarize.training import Setting

from . import summarize_torch
from .summarize_torch import Batch, Eager, tensor


_AFFINE = ("bridge_h", "bridge_c", "mix", "switch")
# A layer, and its names of U, W and b.
_CELLS = (
    ("encoder", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0"),
    ("encoder", "weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse"),
    ("decoder", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0"),
)
_TINY = float(np.finfo(np.float32).tiny)


class _Inputs(NamedTuple):
    """A batch as tensors, of V ids and the words outside."""

    words: Any  # [M, B] in the vocabulary
    lengths: Any  # [B] falling
    mask: Any  # [B, 1, M] whether there is a word
    before: Any  # [T, B] y_{t-1} in the vocabulary
    counts: Any  # [T, B] whether y_t counts
    targets: Any  # [N] y_t that count, UNK for those outside
    is_inside: Any  # [N] 1 or 0
    matches: Any  # [N, M] 1 where x_j = y_t, else 0


def build(params: Params, examples: Sequence[Example], setting: Setting) -> Eager:
    """Puts weights and a batch into PyTorch.

    Args:
        params: jaxseq's weights.
        examples: all of the batch; no document is empty.
        setting: rate, clipping and dropout; it keeps its rate.
    """
    torch = summarize_torch.load()
    functional = torch.nn.functional
    net = _net(torch, params)
    batch = summarize_torch.side_by_side(examples)
    inputs = _inputs(torch, batch, len(params.embedding))
    trained = [p for p in net.parameters() if p.requires_grad]
    scale = float(params.embedding.shape[1] ** 0.5)

    def embed(ids: Any) -> Any:
        return functional.embedding(ids, net.embedding) * scale  # (1)

    def drop(rate: float, xs: Any) -> Any:
        return summarize_torch.drop_alike(torch, rate, xs)

    def loss(rate: float) -> Any:
        xs = torch.nn.utils.rnn.pack_padded_sequence(
            drop(rate, embed(inputs.words)), inputs.lengths
        )
        packed, (h, c) = net.encoder(xs)  # (2)
        encoded, _ = torch.nn.utils.rnn.pad_packed_sequence(packed)
        state = (
            torch.tanh(net.bridge_h(torch.cat([h[0], h[1]], -1)))[None],
            net.bridge_c(torch.cat([c[0], c[1]], -1))[None],
        )  # (3)
        ys = drop(rate, embed(inputs.before))
        hs, _ = net.decoder(ys, state)  # (4)
        values = encoded.transpose(0, 1)
        scores = hs.transpose(0, 1) @ net.attention(values).transpose(1, 2)
        weights = scores.masked_fill(~inputs.mask, -torch.inf).softmax(-1)
        contexts = (weights @ values).transpose(0, 1)  # (5)
        seen = torch.cat([contexts, hs, ys], -1)[inputs.counts]
        mixed = torch.tanh(net.mix(seen[:, : -ys.shape[-1]]))  # (6)
        mixed = functional.dropout(mixed, rate)
        logits = functional.linear(mixed, net.embedding, net.bias)  # (7)
        gates = torch.sigmoid(net.switch(seen)[:, 0])  # (8)
        nats = functional.cross_entropy(logits, inputs.targets, reduction="none")
        written = torch.exp(-nats) * inputs.is_inside
        copied = (weights.transpose(0, 1)[inputs.counts] * inputs.matches).sum(-1)
        found = gates * written + (1 - gates) * copied  # (9)
        return -found.clamp_min(_TINY).log().mean()

    return summarize_torch.ready(
        torch, trained, loss, functools.partial(_gradients, net), setting
    )


def _inputs(torch: Any, batch: Batch, num_ids: int) -> _Inputs:
    columns = np.nonzero(batch.counts)[1]
    chosen = batch.targets[batch.counts]
    matches = (batch.ids.T[columns] == chosen[:, None]) & batch.is_word[columns]
    return _Inputs(
        words=summarize_torch.inside(torch, batch.ids, num_ids),
        lengths=torch.from_numpy(batch.lengths.astype(np.int64)),
        mask=torch.from_numpy(batch.is_word[:, None]),
        before=summarize_torch.inside(torch, batch.before, num_ids),
        counts=torch.from_numpy(batch.counts),
        targets=summarize_torch.inside(torch, chosen, num_ids),
        is_inside=torch.from_numpy((chosen < num_ids).astype(np.float32)),
        matches=torch.from_numpy(matches.astype(np.float32)),
    )


def _net(torch: Any, params: Params) -> Any:
    """Makes the layers, with weights of their own."""
    nn, net = torch.nn, torch.nn.Module()
    num_inputs, num_hidden = params.embedding.shape[1], params.decoder.W.shape[1]
    both = 2 * num_hidden
    net.embedding = nn.Parameter(tensor(torch, params.embedding))
    net.encoder = nn.LSTM(num_inputs, num_hidden, bidirectional=True)
    net.bridge_h = nn.Linear(both, num_hidden)
    net.bridge_c = nn.Linear(both, num_hidden)
    net.decoder = nn.LSTM(num_inputs, num_hidden)
    net.attention = nn.Linear(both, num_hidden, bias=False)
    net.mix = nn.Linear(both + num_hidden, num_inputs)
    net.bias = nn.Parameter(tensor(torch, params.bias))
    net.switch = nn.Linear(both + num_hidden + num_inputs, 1)
    with torch.no_grad():
        net.attention.weight.copy_(tensor(torch, params.attention.W))
        for name in _AFFINE:
            layer, (weight, bias) = getattr(net, name), getattr(params, name)
            layer.weight.copy_(tensor(torch, weight))
            layer.bias.copy_(tensor(torch, bias))
        cells = [*params.encoder, params.decoder]
        for names, cell in zip(_CELLS, cells, strict=True):
            layer = getattr(net, names[0])
            for name, array in zip(names[1:], cell, strict=True):
                getattr(layer, name).copy_(tensor(torch, _reordered(array)))
            # It has two biases that are added: one is enough.
            inner = getattr(layer, names[3].replace("bias_ih", "bias_hh"))
            inner.zero_().requires_grad_(False)
    return net


def _gradients(net: Any) -> Params:
    """Returns the gradients as jaxseq has them."""
    cells = [
        lstm.Params(*(_reordered(_grad(getattr(net, name), each)) for each in names))
        for name, *names in _CELLS
    ]
    affine = {
        name: readout.Params(
            *(_grad(getattr(net, name), n) for n in ("weight", "bias"))
        )
        for name in _AFFINE
    }
    return Params(
        embedding=_grad(net, "embedding"),
        encoder=Both(*cells[:2]),
        decoder=cells[2],
        attention=general.Params(_grad(net.attention, "weight")),
        bias=_grad(net, "bias"),
        **affine,
    )


def _grad(layer: Any, name: str) -> Any:
    return getattr(layer, name).grad.numpy().copy()


def _reordered(array: Any) -> Any:
    """Swaps the blocks of gates f, i, o, c̃ and PyTorch's i, f, c̃, o: either way."""
    blocks = np.split(np.asarray(array), 4)
    return np.concatenate([blocks[1], blocks[0], blocks[3], blocks[2]])
