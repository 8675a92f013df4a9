"""RAS, the recurrent attentive summarizer: any cell reads what it attends to.

With x_1 … x_M the words of a document, y_0 = BOS, y_1 … the summary, words outside the
vocabulary read and written as UNK:

    e(w) = √I E_w                                                                  (1)
    z_1 … z_M = the encoder's keys of e(x_1) … e(x_M)    `jaxseq.summarize.ras_encoder`
    α_t = softmax_j(z_j · h_{t-1} / √H),    c_t = Σ_j α_tj e(x_j)                  (2)
    state_t = cell(state_{t-1}, [e(y_{t-1}), c_t]),    h_t its output, state_0 = 0 (3)
    u_t = A_h h_t + A_c c_t + b_u                                                  (4)
    P(y_t) = softmax(E u_t + b)                                                    (5)

The attention of step t is that of the state before it: even at the first step. RAS-LSTM
is `model(lstm_linear.cell(), ...)`, RAS-Elman `model(elman.cell(logistic), ...)`. With
the encoder `nothing`, c_t is 0: the decoder is a language model of summaries.

(2) and (3) have their deltas by hand in `jaxseq.summarize.attentive`, the encoder in
its file, (4) and (5) in `jaxseq.readout`, for the steps that count only
(`jaxseq.summarize.packing`).

Sizes: V words, I the embedding, H hidden units, M places.

Reference: Chopra, Auli, Rush, Abstractive sentence summarization with attentive
recurrent neural networks, NAACL 2016.

Departures: the paper has a table for each of x, y and the output; here one serves all
three (Press, Wolf 2017), and W_4 = E A_h, W_5 = E A_c. A_c starts as the identity: a
word that is attended to is likely to be written from the start. The encoder has H
filters, so that (2) needs no projection. The paper has no biases, and no √H in (2):
perplexity of the held-out Debian pairs after 6 epochs is 28.5 with it; without it it
was 36.5 after 9.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import attention, losses, readout
from jaxseq.attention import dot
from jaxseq.attention.score import Score
from jaxseq.cells.cell import Cell
from jaxseq.cells.checks import check_cell
from jaxseq.checks import (
    check_count,
    check_key,
    check_rate,
    describe,
    expect,
)
from jaxseq.masks import valid_of
from jaxseq.summarize import attentive, dropout as dropping, tied
from jaxseq.summarize.batches import Batch, Documents
from jaxseq.summarize.decoder import Decoder, State, Step
from jaxseq.summarize.known import known
from jaxseq.summarize.model import Model
from jaxseq.summarize.packing import Packing, pack
from jaxseq.summarize.ras_encoder import Encoder
from jaxseq.types import Array, DTypeLike, Key, Tree


class Params(NamedTuple):
    """The weights of eqs. (1) to (5).

    Attributes:
        embedding: `[V, I]` E.
        encoder: the weights of the encoder.
        cell: of 2I inputs, H hidden units.
        mix: A = [A_c, A_h] `[I, I + H]`, b_u `[I]`.
        bias: `[V]` b.
    """

    embedding: Array
    encoder: Tree
    cell: Tree
    mix: readout.Params
    bias: Array


def init(
    cell: Cell,
    encoder: Encoder,
    num_ids: int,
    num_inputs: int,
    num_hidden: int,
    key: Key,
    dtype: DTypeLike = "float32",
) -> Params:
    """Draws the weights; the key is consumed.

    Args:
        cell: of (3).
        encoder: what the keys are.
        num_ids: V.
        num_inputs: I.
        num_hidden: H.
        key: random key.
        dtype: of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_cell("cell", cell)
    check_key("key", key)
    for name, count in (
        ("num_ids", num_ids),
        ("num_inputs", num_inputs),
        ("num_hidden", num_hidden),
    ):
        check_count(name, count)
    keys = jax.random.split(key, 4)
    of_h = readout.init(keys[3], num_hidden, num_inputs, dtype)
    of_c = jnp.eye(num_inputs, dtype=dtype)
    return Params(
        embedding=tied.init(keys[0], num_ids, num_inputs, dtype),
        encoder=encoder.init(keys[1], num_inputs, num_hidden, dtype),
        cell=cell.init(keys[2], 2 * num_inputs, num_hidden, dtype),
        mix=of_h._replace(V=jnp.concatenate([of_c, of_h.V], axis=1)),
        bias=jnp.zeros((num_ids,), dtype),
    )


def read(
    cell: Cell,
    encoder: Encoder,
    params: Params,
    documents: Documents,
    num_outside: int,
    *,
    dropout: float = 0.0,
    key: Key | None = None,
) -> attention.memory.Memory:
    """Reads documents: what can be attended to, eqs. (1) and (2).

    Args:
        cell: of the decoder.
        encoder: what the keys are.
        params: the weights.
        documents: `[M, B]` ids and `[B]` lengths.
        num_outside: not used, as the model cannot copy.
        dropout: rate at which entries of (1) are dropped, the same ones at each step.
        key: random key of the dropout, consumed; None for no dropout.

    Returns:
        Keys `[B, M, H]`, values `[B, M, I]` and mask `[B, M]`.

    Raises:
        ValueError: naming the argument.
    """
    del num_outside
    ids, lengths = map(jnp.asarray, documents)
    expect(ids.ndim == 2, "documents.ids", "shape [M, B]", describe(ids))
    xs = dropping.alike(key, dropout, tied.embed(params.embedding, ids))  # (1)
    is_word = valid_of(len(ids), lengths)
    num_hidden = cell.sizes(params.cell).num_hidden
    keys, mask = encoder.encode(params.encoder, xs, is_word, num_hidden)
    return attention.memory.remember(_score(cell, params), (), keys, xs, mask)


def score(
    cell: Cell,
    encoder: Encoder,
    params: Params,
    batch: Batch,
    *,
    dropout: float = 0.0,
    key: Key | None = None,
) -> Array:
    """Returns what each word of the summaries costs, given those before it.

    Args:
        cell: of the decoder.
        encoder: what the keys are.
        params: the weights.
        batch: of examples.
        dropout: rate at which entries of (1) and (4) are dropped, those of (1) the same
            ones at each step of a sequence.
        key: random key of the dropout, consumed; None for no dropout.

    Returns:
        `[N]` -log P(y_t), eq. (5), of the packed targets in nats; 0 where none is.

    Raises:
        ValueError: naming the argument.
    """
    check_rate("dropout", dropout)
    keys = (None,) * 3 if key is None else jax.random.split(key, 3)
    memory = read(
        cell, encoder, params, batch.documents, 0, dropout=dropout, key=keys[0]
    )
    targets = jnp.asarray(batch.targets)
    expect(targets.ndim == 2, "batch.targets", "shape [T, B]", describe(targets))
    ys = tied.embed_before(params.embedding, targets)  # (1)
    ys = dropping.alike(keys[1], dropout, ys)
    weights = attentive.Params(params.cell, ())
    compare = _score(cell, params)
    run = attentive.unroll(cell, compare, weights, None, ys, memory)  # (2), (3)
    packing = Packing(*map(jnp.asarray, batch.packing))
    seen = pack(packing, jnp.concatenate([run.contexts, run.ys], axis=-1))
    mixed = dropping.each(keys[2], dropout, readout.readout(params.mix, seen))  # (4)
    logits = tied.logits(params.embedding, params.bias, mixed)  # (5)
    ids = pack(packing, known(targets, len(params.bias)))
    return losses.cross_entropy(logits, ids, packing.steps < targets.size)  # (5)


def start(cell: Cell, params: Params, memory: attention.memory.Memory) -> State:
    """Returns the state 0 of one hypothesis for each document, leaves `[B, 1, ·]`.

    Args:
        cell: of the decoder.
        params: the weights.
        memory: of `read`.
    """
    return cell.zero_state(params.cell, (len(memory.keys), 1))


def step(
    cell: Cell,
    params: Params,
    memory: attention.memory.Memory,
    state: State,
    y_tm1: Array,
) -> Step:
    """Says what comes after a word, eqs. (1) to (5), as `jaxseq.summarize.decoder`.

    Args:
        cell: of the decoder.
        params: the weights.
        memory: of `read`.
        state: of the cell, leaves `[B, K, ·]`.
        y_tm1: `[B, K]` int32 words before.
    """
    # Attention has the hypotheses in front of the documents.
    state, y_tm1 = _swapped((state, y_tm1))
    x_t = tied.embed(params.embedding, y_tm1)  # (1)
    weights = attentive.Params(params.cell, ())
    compare = _score(cell, params)
    state, found = attentive.step(
        cell, compare, weights, memory, state, x_t
    )  # (2), (3)
    seen = jnp.concatenate([found.contexts, cell.output(state)], axis=-1)
    mixed = readout.readout(params.mix, seen)  # (4)
    logits = tied.logits(params.embedding, params.bias, mixed)  # (5)
    return Step(*_swapped((jax.nn.log_softmax(logits), found.weights, state)))  # (5)


@functools.cache
def model(
    cell: Cell, encoder: Encoder, num_ids: int, num_inputs: int, num_hidden: int
) -> Model:
    """Returns the model of this cell, encoder and sizes; see `init`."""
    sizes = (num_ids, num_inputs, num_hidden)
    return Model(
        init=functools.partial(init, cell, encoder, *sizes),
        read=functools.partial(read, cell, encoder),
        score=functools.partial(score, cell, encoder),
        decoder=Decoder(functools.partial(start, cell), functools.partial(step, cell)),
    )


def _score(cell: Cell, params: Params) -> Score:
    return dot.score(cell.sizes(params.cell).num_hidden ** -0.5)  # (2)


def _swapped(tree: Tree) -> Tree:
    return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), tree)
