"""A summarizer that writes words and copies them: attention with a pointer.

With x_1 … x_M the words of a document, in the numbering of `jaxseq.summarize.examples`,
and y_0 = BOS, y_1 … the summary:

    e(w) = √I E_w, of a word outside the vocabulary e(UNK)                         (1)
    m_j = [→h_j, ←h_j], an LSTM in each direction over e(x_1) … e(x_M)             (2)
    s_0 = (tanh(B_h [→h_M, ←h_1] + b_h), B_c [→c_M, ←c_1] + b_c)                   (3)
    s_t = LSTM(s_{t-1}, e(y_{t-1}))                                                (4)
    α_t, c_t = attention of h_t, the output of s_t, on m                           (5)
    u_t = tanh(C [c_t, h_t] + b_u)                                                 (6)
    a_t = E u_t + b                                                                (7)
    g_t = G [c_t, h_t, e(y_{t-1})] + b_g                                           (8)
    P(y_t = w) = σ(g_t) softmax(a_t)_w + (1 - σ(g_t)) Σ_{j: x_j = w} α_tj          (9)

with σ(g_t) = 1 where the document has no word to copy; and in training, with a coverage
weight λ, a word costs -log P(y_t) and, so that the model attends to no place again and
again,

    λ Σ_j min(α_tj, Σ_{t'<t} α_t'j)                                               (10)

The state (4) needs no attention, so that in training (5) to (8) are done once for all
steps after the loop, and (6) to (9) for the steps that count only. Each line has its
deltas by hand: `jaxseq.unroll`, `jaxseq.attention`, `jaxseq.readout`,
`jaxseq.summarize.packing`, `copy_loss` and `coverage`.

Sizes: V words, I the embedding, H hidden units, M places, X words of a document outside
the vocabulary.

References:
    See, Liu, Manning, Get to the point: summarization with pointer-generator networks,
    ACL 2017: (2), (3), (8) to (10). Luong, Pham, Manning, Effective approaches to
    attention-based neural machine translation, EMNLP 2015: (5) "general", (6).

Departures: See et al. attend additively, from a state that reads c_{t-1} (input
feeding), with the coverage as one more input of the score, and have an E of its own in
(7); Press, Wolf 2017 share it.
"""

import functools
import math
import numbers
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import attention, readout
from jaxseq.attention import attend, general
from jaxseq.both import Both, one_by_one
from jaxseq.cells import lstm
from jaxseq.checks import check_count, check_key, check_rate, describe, expect
from jaxseq.masks import valid_of
from jaxseq.summarize import dropout as dropping, tied
from jaxseq.summarize.batches import Batch, Documents
from jaxseq.summarize.copy_loss import copy_loss
from jaxseq.summarize.coverage import coverage_loss
from jaxseq.summarize.decoder import Decoder, Step
from jaxseq.summarize.model import Model
from jaxseq.summarize.packing import Packing, pack
from jaxseq.text.vocab import BOS
from jaxseq.types import Array, DTypeLike, Key
from jaxseq.unroll import unroll


CELL = lstm.cell()
SCORE = general.score()


class Params(NamedTuple):
    """The weights of eqs. (1) to (8).

    Attributes:
        embedding: `[V, I]` E.
        encoder: of two `lstm.Params`, I to H.
        bridge_h: B_h `[H, 2H]`, b_h.
        bridge_c: B_c `[H, 2H]`, b_c.
        decoder: of an LSTM, I to H.
        attention: `[H, 2H]`.
        mix: C `[I, 3H]`, b_u.
        bias: `[V]` b.
        switch: G `[1, 3H + I]`, b_g.
    """

    embedding: Array
    encoder: Both
    bridge_h: readout.Params
    bridge_c: readout.Params
    decoder: lstm.Params
    attention: general.Params
    mix: readout.Params
    bias: Array
    switch: readout.Params


class Memory(NamedTuple):
    """What a decoder knows of B documents.

    Attributes:
        attended: keys `[B, M, H]`, values `[B, M, 2H]`, mask `[B, M]`.
        ids: `[B, M]` int32 in the extended numbering.
        same: `[B, M, M]` bool, whether two places have the same word.
        has_words: `[B]` bool, whether there is a word to copy.
        room: `[B, X]` False, whose shape says how many words outside there may be.
        state_0: h and c, `[B, H]` each.
    """

    attended: attention.memory.Memory
    ids: Array
    same: Array
    has_words: Array
    room: Array
    state_0: lstm.State


def init(
    key: Key,
    num_ids: int,
    num_inputs: int,
    num_hidden: int,
    dtype: DTypeLike = "float32",
) -> Params:
    """Draws the weights; the key is consumed.

    Args:
        key: random key.
        num_ids: V.
        num_inputs: I.
        num_hidden: H.
        dtype: of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_key("key", key)
    for name, count in (
        ("num_ids", num_ids),
        ("num_inputs", num_inputs),
        ("num_hidden", num_hidden),
    ):
        check_count(name, count)
    keys = jax.random.split(key, 9)
    both = 2 * num_hidden
    return Params(
        embedding=tied.init(keys[0], num_ids, num_inputs, dtype),
        encoder=Both(*(lstm.init(k, num_inputs, num_hidden, dtype) for k in keys[1:3])),
        bridge_h=readout.init(keys[3], both, num_hidden, dtype),
        bridge_c=readout.init(keys[4], both, num_hidden, dtype),
        decoder=lstm.init(keys[5], num_inputs, num_hidden, dtype),
        attention=general.init(keys[6], num_hidden, both, dtype),
        mix=readout.init(keys[7], both + num_hidden, num_inputs, dtype),
        bias=jnp.zeros((num_ids,), dtype),
        switch=readout.init(keys[8], both + num_hidden + num_inputs, 1, dtype),
    )


def read(
    params: Params,
    documents: Documents,
    num_outside: int,
    *,
    dropout: float = 0.0,
    key: Key | None = None,
) -> Memory:
    """Reads documents, eqs. (1) to (3).

    Args:
        params: the weights.
        documents: `[M, B]` ids and `[B]` lengths.
        num_outside: X, the most words outside the vocabulary; static under `jit`.
        dropout: rate at which entries of (1) are dropped, the same ones at each step.
        key: random key of the dropout, consumed; None for no dropout.

    Returns:
        The memory.

    Raises:
        ValueError: naming the argument.
    """
    ids, lengths = map(jnp.asarray, documents)
    expect(ids.ndim == 2, "documents.ids", "shape [M, B]", describe(ids))
    xs = dropping.alike(key, dropout, tied.embed(params.embedding, ids))  # (1)
    encoded, states = one_by_one(
        Both(CELL, CELL), params.encoder, None, xs, lengths=lengths
    )  # (2)
    last = (jnp.concatenate(pair, axis=-1) for pair in zip(*states, strict=True))
    last_h, last_c = last
    state_0 = lstm.State(
        h=jnp.tanh(readout.readout(params.bridge_h, last_h)),
        c=readout.readout(params.bridge_c, last_c),
    )  # (3)
    mask = valid_of(len(ids), lengths)
    attended = attention.memory.remember(SCORE, params.attention, encoded, mask=mask)
    room = jnp.zeros((len(lengths), num_outside), bool)
    # PAD after the end counts for nothing: its weights are 0.
    words = ids.T
    same = words[:, :, None] == words[:, None]
    return Memory(attended, words, same, lengths > 0, room, state_0)


def score(
    params: Params,
    batch: Batch,
    *,
    dropout: float = 0.0,
    key: Key | None = None,
    coverage_weight: float = 0.0,
) -> Array:
    """Returns what each word of the summaries costs, given those before it.

    Args:
        params: the weights.
        batch: of examples.
        dropout: rate at which entries of (1) and (6) are dropped, those of (1) the same
            ones at each step of a sequence.
        key: random key of the dropout, consumed; None where nothing is learnt: no
            dropout then, and no (10).
        coverage_weight: λ of (10).

    Returns:
        `[N]` -log P(y_t), eq. (9), of the packed targets in nats, and (10); 0 where
        none is.

    Raises:
        ValueError: naming the argument.
    """
    check_rate("dropout", dropout)
    _check_weight(coverage_weight)
    keys = (None,) * 3 if key is None else jax.random.split(key, 3)
    memory = read(params, batch.documents, 0, dropout=dropout, key=keys[0])
    targets = jnp.asarray(batch.targets)
    expect(targets.ndim == 2, "batch.targets", "shape [T, B]", describe(targets))
    xs = tied.embed_before(params.embedding, targets)  # (1)
    xs = dropping.alike(keys[1], dropout, xs)
    hs, _ = unroll(CELL, params.decoder, memory.state_0, xs)  # (4)
    contexts, weights = attend.attend(SCORE, params.attention, hs, memory.attended)
    packing = Packing(*map(jnp.asarray, batch.packing))
    seen = pack(packing, jnp.concatenate([contexts, hs, xs], axis=-1))
    mixed = _mixed(params, seen[:, : -xs.shape[-1]])
    mixed = dropping.each(keys[2], dropout, mixed)
    logits = tied.logits(params.embedding, params.bias, mixed)  # (7)
    here = packing.steps % targets.shape[1]
    gates = _gates(params, seen, jnp.take(memory.has_words, here))
    ids = jnp.take(targets.reshape(-1), packing.steps, mode="fill", fill_value=BOS)
    matches = jnp.take(memory.ids, here, axis=0) == ids[:, None]
    nats = copy_loss(logits, gates, pack(packing, weights), matches, ids)  # (9)
    if key is not None and coverage_weight > 0:
        nats = nats + coverage_weight * pack(packing, coverage_loss(weights))  # (10)
    return jnp.where(packing.steps < targets.size, nats, jnp.zeros_like(nats))


def start(params: Params, memory: Memory) -> lstm.State:
    """Returns s_0 of one hypothesis for each document, `[B, 1, H]`.

    Args:
        params: the weights.
        memory: what the reader made of the documents.
    """
    del params
    return jax.tree.map(lambda leaf: leaf[:, None], memory.state_0)


def step(params: Params, memory: Memory, state: lstm.State, y_tm1: Array) -> Step:
    """Says what comes after a word, eqs. (4) to (9), as `jaxseq.summarize.decoder`.

    Args:
        params: the weights.
        memory: what the reader made of the documents.
        state: `[B, K, H]` of the writer.
        y_tm1: `[B, K]` the last words.
    """
    x_t = tied.embed(params.embedding, y_tm1)  # (1)
    z_t = CELL.project(params.decoder, x_t)
    state_t, _ = CELL.step(CELL.prepare(params.decoder), state, z_t)  # (4)
    # Attention has its steps, and hypotheses, in front of the documents.
    queries = jnp.swapaxes(state_t.h, 0, 1)
    found = attend.attend(SCORE, params.attention, queries, memory.attended)  # (5)
    context, weights = (jnp.swapaxes(a, 0, 1) for a in found)
    seen = jnp.concatenate([context, state_t.h], axis=-1)
    mixed = _mixed(params, seen)
    logits = tied.logits(params.embedding, params.bias, mixed)  # (7)
    seen = jnp.concatenate([seen, x_t], axis=-1)
    gate = _gates(params, seen, memory.has_words[:, None])[..., None]
    log_gate = jax.nn.log_sigmoid(gate)
    written = jax.nn.log_softmax(logits) + jnp.broadcast_to(log_gate, logits.shape)
    num_outside = memory.room.shape[1]
    written = jnp.pad(
        written, [(0, 0), (0, 0), (0, num_outside)], constant_values=-jnp.inf
    )
    copied = jnp.einsum("bkm,bmn->bkn", weights, memory.same.astype(weights.dtype))
    copied = jnp.log(copied) + jnp.broadcast_to(jax.nn.log_sigmoid(-gate), copied.shape)
    return Step(_joined(memory, written, copied), weights, state_t)  # (9)


def model(
    num_ids: int, num_inputs: int, num_hidden: int, coverage_weight: float = 0.0
) -> Model:
    """Returns the model of these sizes, the same one each time.

    Args:
        num_ids: V.
        num_inputs: I.
        num_hidden: H.
        coverage_weight: λ of (10). The weights are of the same structure whatever it
            is, so that a training can go on with another.

    Raises:
        ValueError: naming the argument.
    """
    _check_weight(coverage_weight)
    return _model(num_ids, num_inputs, num_hidden, float(coverage_weight))


# One object for equal arguments: programs are compiled for each object.
@functools.cache
def _model(num_ids, num_inputs, num_hidden, coverage_weight) -> Model:
    sizes = {"num_ids": num_ids, "num_inputs": num_inputs, "num_hidden": num_hidden}
    return Model(
        init=functools.partial(init, **sizes),
        read=read,
        score=functools.partial(score, coverage_weight=coverage_weight),
        decoder=Decoder(start, step),
    )


def _mixed(params: Params, seen: Array) -> Array:
    return jnp.tanh(readout.readout(params.mix, seen))  # (6)


def _gates(params: Params, seen: Array, has_words: Array) -> Array:
    """Returns g, eq. (8): of a document without words σ(g) is 1.

    Args:
        params: the weights.
        seen: `[..., 3H + I]` what (8) reads.
        has_words: `[...]` bool, or with axes of 1.
    """
    gates = readout.readout(params.switch, seen)[..., 0]  # (8)
    has_words = jnp.broadcast_to(has_words, gates.shape)
    return jnp.where(has_words, gates, jnp.full_like(gates, jnp.inf))


def _joined(memory: Memory, written: Array, copied: Array) -> Array:
    """Returns log P of every word, eq. (9), of which few words are copied.

    Args:
        memory: of the documents.
        written: `[B, K, R]` log σ(g) softmax(a)_w.
        copied: `[B, K, M]` the logarithm of the other term, for w = x_j.
    """

    def of_document(ids, written, copied):
        joined = jnp.logaddexp(written[:, ids], copied)
        return written.at[:, ids].set(joined)  # places of one word have the same sum

    return jax.vmap(of_document)(memory.ids, written, copied)


def _check_weight(weight: float) -> None:
    is_number = isinstance(weight, numbers.Real)
    is_weight = is_number and math.isfinite(weight) and weight >= 0
    expect(is_weight, "coverage_weight", "a number of 0 or more", repr(weight))
