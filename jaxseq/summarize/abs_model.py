"""ABS: a feed-forward language model that looks at a document at each word.

With x a document and y_c the last C words of its summary, the start standing for those
before the first:

    ỹ_c = s [E_{y_{i-C+1}} … E_{y_i}]                                              (1)
    h = tanh(U ỹ_c + b_h)                                                          (2)
    p(y_{i+1} | x, y_c) ∝ exp(V h + W enc(x, y_c) + b)                             (3)

and enc one of `jaxseq.summarize.abs_encoders`; without one, (3) is a language model of
the summaries alone. Nothing recurs: in training all windows y_c are known, so that each
line is one product for all words, (2) and (3) for those only that count
(`jaxseq.summarize.packing`). What a search keeps of a summary is y_c.

After each epoch every row of the tables that is longer than 1 is divided by its norm.

V and W lie side by side, [V W] [h, enc], as they do in NAMAS. Each line has its deltas
by hand: `jaxseq.readout`, `jaxseq.losses` and those of the encoders.

Sizes: V words, D the embedding, H hidden units, C words of context, M places.

Reference: Rush, Chopra, Weston, A neural attention model for abstractive sentence
summarization, EMNLP 2015, section 3; their program NAMAS.

Departures: the biases, as NAMAS has them. Ours: one vocabulary for documents and
summaries, the factor s (`jaxseq.summarize.abs_tables` says why), Adam for gradient
descent, and dropout of (1) and of what (3) reads.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import losses, readout
from jaxseq.checks import check_count, check_key, check_rate, describe, expect
from jaxseq.masks import valid_of
from jaxseq.summarize import dropout as dropping
from jaxseq.summarize.abs_encoders import Encoder
from jaxseq.summarize.abs_tables import capped, draw, lookup
from jaxseq.summarize.batches import Batch, Documents
from jaxseq.summarize.decoder import Decoder, Step
from jaxseq.summarize.known import known
from jaxseq.summarize.model import Model
from jaxseq.summarize.packing import Packing, pack
from jaxseq.text.vocab import BOS
from jaxseq.types import Array, DTypeLike, Key, Tree


class Params(NamedTuple):
    """The weights of eqs. (1) to (3).

    Attributes:
        embedding: `[V, D]` E.
        hidden: U `[H, C D]`, b_h `[H]`.
        output: V and W `[V, H + size of enc]`, b `[V]`.
        encoder: the weights of the encoder.
    """

    embedding: Array
    hidden: readout.Params
    output: readout.Params
    encoder: Tree


def init(
    encoder: Encoder,
    key: Key,
    num_ids: int,
    num_inputs: int,
    num_hidden: int,
    num_context: int,
    dtype: DTypeLike = "float32",
) -> Params:
    """Draws the weights; the key is consumed.

    Args:
        encoder: of `jaxseq.summarize.abs_encoders`.
        key: random key.
        num_ids: V.
        num_inputs: D.
        num_hidden: H.
        num_context: C.
        dtype: of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_key("key", key)
    for name, count in (
        ("num_ids", num_ids),
        ("num_inputs", num_inputs),
        ("num_hidden", num_hidden),
        ("num_context", num_context),
    ):
        check_count(name, count)
    keys = jax.random.split(key, 4)
    num_seen = num_hidden + encoder.size
    return Params(
        embedding=draw(keys[0], num_ids, num_inputs, dtype),
        hidden=readout.init(keys[1], num_context * num_inputs, num_hidden, dtype),
        output=readout.init(keys[2], num_seen, num_ids, dtype),
        encoder=encoder.init(keys[3], num_ids, num_context, dtype),
    )


def read(
    encoder: Encoder, params: Params, documents: Documents, num_outside: int
) -> Tree:
    """Reads documents; words outside the vocabulary are UNK.

    Args:
        encoder: what reads.
        params: the weights.
        documents: `[M, B]` ids and `[B]` lengths.
        num_outside: not read, as nothing is copied.

    Returns:
        The encoder's memory, leaves `[B, ...]`.

    Raises:
        ValueError: naming the argument.
    """
    del num_outside
    ids, lengths = map(jnp.asarray, documents)
    expect(ids.ndim == 2, "documents.ids", "shape [M, B]", describe(ids))
    mask = valid_of(len(ids), lengths)
    return encoder.read(params.encoder, known(ids, len(params.embedding)), mask)


def score(
    encoder: Encoder,
    params: Params,
    batch: Batch,
    *,
    dropout: float = 0.0,
    key: Key | None = None,
) -> Array:
    """Returns what each word of the summaries costs, given those before it.

    Args:
        encoder: of the document.
        params: the weights.
        batch: of examples.
        dropout: rate at which entries of (1), and of h and enc, are dropped.
        key: random key of the dropout, consumed; None for no dropout.

    Returns:
        `[N]` -log p(y_{i+1}), eq. (3), of the packed targets in nats; 0 where none is.

    Raises:
        ValueError: naming the argument.
    """
    check_rate("dropout", dropout)
    keys = (None, None) if key is None else jax.random.split(key)
    targets = jnp.asarray(batch.targets)
    expect(targets.ndim == 2, "batch.targets", "shape [T, B]", describe(targets))
    targets = known(targets, len(params.embedding))
    memory = read(encoder, params, batch.documents, 0)
    contexts = windows(targets, _num_context(params))
    encoded, _ = encoder.attend(params.encoder, memory, contexts)
    packing = Packing(*map(jnp.asarray, batch.packing))
    counts = packing.steps < targets.size
    seen = [
        _hidden(params, pack(packing, contexts), dropout, keys[0]),
        pack(packing, encoded),
    ]
    seen = dropping.each(keys[1], dropout, jnp.concatenate(seen, axis=-1))
    logits = readout.readout(params.output, seen)  # (3)
    return losses.cross_entropy(logits, pack(packing, targets), counts)


def windows(targets: Array, num_context: int) -> Array:
    """Returns the y_c of every word, the start for what is before the first.

    Args:
        targets: `[T, B]` int32 words.
        num_context: C.

    Returns:
        `[T, B, C]` int32, the last word last.
    """
    num_steps = len(targets)
    before = [(num_context, 0), (0, 0)]
    words = jnp.pad(targets, before, constant_values=BOS)
    return jnp.stack([words[c : c + num_steps] for c in range(num_context)], axis=-1)


def start(params: Params, memory: Tree) -> Array:
    """Returns y_c before the first word, `[B, 1, C]` int32: starts.

    Args:
        params: the weights.
        memory: of `read`, leaves `[B, ...]`.
    """
    num_documents = len(jax.tree.leaves(memory)[0])
    return jnp.full((num_documents, 1, _num_context(params)), BOS, jnp.int32)


def step(
    encoder: Encoder, params: Params, memory: Tree, state: Array, y_tm1: Array
) -> Step:
    """Says what comes after a word, eqs. (1) to (3), as `jaxseq.summarize.decoder`.

    Args:
        encoder: of the document.
        params: the weights.
        memory: of `read`, leaves `[B, ...]`.
        state: `[B, K, C]` int32, the y_c of the step before.
        y_tm1: `[B, K]` int32 words before.
    """
    y_tm1 = known(y_tm1, len(params.embedding))
    context = jnp.concatenate([state[..., 1:], y_tm1[..., None]], axis=-1)
    # The encoders have their words, and hypotheses, in front of the documents.
    found = encoder.attend(params.encoder, memory, jnp.swapaxes(context, 0, 1))
    encoded, weights = (jnp.swapaxes(a, 0, 1) for a in found)
    seen = jnp.concatenate([_hidden(params, context), encoded], axis=-1)
    logits = readout.readout(params.output, seen)  # (3)
    return Step(jax.nn.log_softmax(logits), weights, context)


def renormalize(encoder: Encoder, params: Params) -> Params:
    """Returns the weights with no row of a table longer than 1.

    Args:
        encoder: of the document.
        params: the weights.
    """
    return params._replace(
        embedding=capped(params.embedding), encoder=encoder.renormalize(params.encoder)
    )


@functools.cache
def model(
    encoder: Encoder,
    num_ids: int,
    num_inputs: int,
    num_hidden: int,
    num_context: int = 5,
) -> Model:
    """Returns the model of these sizes; see `init` for what they are."""
    sizes = {"num_ids": num_ids, "num_inputs": num_inputs, "num_hidden": num_hidden}
    sizes["num_context"] = num_context
    return Model(
        init=functools.partial(init, encoder, **sizes),
        read=functools.partial(read, encoder),
        score=functools.partial(score, encoder),
        decoder=Decoder(start, functools.partial(step, encoder)),
        renormalize=functools.partial(renormalize, encoder),
    )


def _num_context(params: Params) -> int:
    return params.hidden.V.shape[1] // params.embedding.shape[1]


def _hidden(
    params: Params, contexts: Array, dropout: float = 0.0, key: Key | None = None
) -> Array:
    """Returns h, eqs. (1) and (2), `[..., C]` to `[..., H]`."""
    ys = lookup(params.embedding, contexts)
    ys = dropping.each(key, dropout, ys.reshape(*contexts.shape[:-1], -1))  # (1)
    return jnp.tanh(readout.readout(params.hidden, ys))  # (2)
