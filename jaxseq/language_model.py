"""A recurrent language model: which word comes next, given all that came before.

    x_t = drop(E w_t)                              row w_t of the embedding        (1)
    h_t = the stack of cells, over x_1 … x_t       `jaxseq.network`                (2)
    a_t = V drop(h_t) + b                          `jaxseq.readout`                (3)
    P(w_{t+1} | w_1 … w_t) = softmax(a_t)                                          (4)
    L_t = -log P(w_{t+1} | w_1 … w_t)              `jaxseq.losses`, nats           (5)

Perplexity is the exponential of the mean of L_t. A text too long for one pass is read
in chunks: the states that one chunk ends in are those that the next one starts from,
and no error goes back over the cut (truncated BPTT).

Sizes: V words, I inputs (the embedding), H hidden units, L layers.

References:
    Mikolov, Karafiát, Burget, Černocký, Khudanpur, Recurrent neural network based
    language model, Interspeech 2010.
    Zaremba, Sutskever, Vinyals, Recurrent neural network regularization, 2014: where
    dropout goes in (1) and (3).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import embedding, losses as step_losses, network, readout
from jaxseq.cells.cell import Cell
from jaxseq.checks import check_cell, check_key, check_mask, check_rate, expect
from jaxseq.types import Array, Key, Tree
from jaxseq.unroll import Unrolled, unroll as unroll_by_deltas


class Params(NamedTuple):
    """The weights of eqs. (1) to (3)."""

    embedding: Array  # E, [V, I]
    layers: tuple[Tree, ...]  # L parameters of cells
    readout: readout.Params  # V [V, H], b [V]


class Predicted(NamedTuple):
    """What the model says after each step, and the states it ends in."""

    logits: Array  # [T, ..., V] a_t
    states: tuple[Tree, ...]  # L states, leaves [..., ·]


class Scored(NamedTuple):
    """What each step cost, and the states the model ends in."""

    nats: Array  # [T, ...] L_t
    states: tuple[Tree, ...]  # L states, leaves [..., ·]


def init(
    key: Key,
    cells: Sequence[Cell],
    num_ids: int,
    num_inputs: int,
    num_hidden: int,
    dtype=jnp.float32,
) -> Params:
    """Draws the weights, the embedding with unit variance; the key is consumed.

    Args:
        key: random key.
        cells: L cells, from the input up.
        num_ids: V.
        num_inputs: I, the size of the embedding.
        num_hidden: H of every cell.
        dtype: of the weights.

    Raises:
        ValueError: naming the argument.
    """
    for number, cell in enumerate(cells):
        check_cell(f"cells[{number}]", cell)  # no `Both`: it would see what comes next
    key_embedding, key_layers, key_readout = jax.random.split(key, 3)
    layers = network.init(key_layers, cells, num_inputs, num_hidden, dtype)
    one_step = jax.ShapeDtypeStruct((1, num_inputs), dtype)
    ys = jax.eval_shape(
        lambda p, xs: network.stack(cells, p, None, xs).ys, layers, one_step
    )
    return Params(
        # Unit variance, which the cells' U, ±1/√I, is made for: with the 0.1 of
        # `embedding.init` a gated cell hardly moves for the first hundreds of updates.
        embedding=jax.random.normal(key_embedding, (num_ids, num_inputs), dtype),
        layers=layers,
        readout=readout.init(key_readout, ys.shape[-1], num_ids, dtype),
    )


def zero_states(
    cells: Sequence[Cell], params: Params, batch_shape: tuple[int, ...]
) -> tuple[Tree, ...]:
    """Returns the L states at the beginning of a text, no two sharing a buffer."""
    return tuple(
        cell.zero_state(p, batch_shape)
        for cell, p in zip(cells, params.layers, strict=True)
    )


def predict(
    cells: Sequence[Cell],
    params: Params,
    states: Sequence[Tree] | None,
    ids: Array,
    *,
    resets: Array | None = None,
    dropout: float = 0.0,
    key: Key | None = None,
    unroll: Callable[..., Unrolled] = unroll_by_deltas,
) -> Predicted:
    """Reads words and says, after each, what comes next: eqs. (1) to (3).

    Args:
        cells: L cells; static under `jit`.
        params: the weights.
        states: L states to start from; None for zeros.
        ids: `[T, ...]` integers, the words w_t.
        resets: `[T, ...]` bool, where a new text begins: this step starts from zeros.
        dropout: rate in [0, 1), on each layer's inputs and on the readout's.
        key: random key of the dropout, consumed; needed if `dropout` is not 0.
        unroll: `unroll` or `unroll_plain` of `jaxseq.unroll`.

    Raises:
        ValueError: naming the argument.
    """
    check_rate("dropout", dropout)
    if dropout > 0:
        check_key("key", key)
    if resets is not None:
        check_mask("resets", resets, jnp.shape(ids))
    keys = (None, None, None) if key is None else jax.random.split(key, 3)
    key_in, key_between, key_out = keys
    xs = _drop(key_in, dropout, embedding.lookup(params.embedding, ids))  # (1)
    # A text starts from zeros, not from the states that came with the chunk.
    zeros = None if resets is None else zero_states(cells, params, ids.shape[1:])
    stacked = network.stack(
        cells,
        params.layers,
        states,
        xs,
        resets=resets,
        reset_states=zeros,
        dropout=dropout,
        key=key_between,
        unroll=unroll,
    )  # (2)
    hs = _drop(key_out, dropout, stacked.ys)
    return Predicted(readout.readout(params.readout, hs), stacked.states)  # (3)


def score(
    cells: Sequence[Cell],
    params: Params,
    states: Sequence[Tree] | None,
    ids: Array,
    targets: Array,
    **options,
) -> Scored:
    """Returns what each word costs, given those before it: eqs. (1) to (5).

    Args:
        cells: as in `predict`.
        params: as in `predict`.
        states: as in `predict`.
        ids: `[T, ...]` integers, the words w_t.
        targets: `[T, ...]` integers, the words w_{t+1}. Where there is none, any id:
            give this step the weight 0 in the sum.
        **options: as in `predict`.

    Raises:
        ValueError: naming the argument.
    """
    logits, states = predict(cells, params, states, ids, **options)
    return Scored(step_losses.cross_entropy(logits, targets), states)  # (4), (5)


def generate(
    key: Key,
    cells: Sequence[Cell],
    params: Params,
    first_id: Array,
    num_steps: int,
    *,
    allowed: Array,
    temperature: float = 1.0,
    restart_id: int | None = None,
) -> Array:
    """Draws a text from the model, word by word.

    Args:
        key: random key, consumed.
        cells: L cells; static under `jit`.
        params: the weights.
        first_id: integer scalar, what the model reads first, from zero states.
        num_steps: T, how many words to draw; static under `jit`.
        allowed: `[V]` bool, which words may be drawn, one at least.
        temperature: above 0; a_t is divided by it: below 1 the likely words become
            likelier.
        restart_id: the id that is read from zero states wherever it comes, for a model
            that was trained with `resets` there; None for none.

    Returns:
        `[T]` ids, without the first.

    Raises:
        ValueError: naming the argument.
    """
    check_mask("allowed", allowed, params.embedding.shape[:1])
    expect(temperature > 0, "temperature", "a number above 0", temperature)

    def body(carry, key_t):
        states, id_t = carry
        ids = id_t[None]
        resets = None if restart_id is None else ids == restart_id
        logits, states = predict(cells, params, states, ids, resets=resets)
        weights = jnp.where(allowed, logits[0] / temperature, -jnp.inf)
        id_t = jax.random.categorical(key_t, weights).astype(id_t.dtype)
        return (states, id_t), id_t

    start = (zero_states(cells, params, ()), jnp.asarray(first_id))
    return jax.lax.scan(body, start, jax.random.split(key, num_steps))[1]


def _drop(key: Key | None, rate: float, xs: Array) -> Array:
    return xs if key is None or rate == 0 else network.drop(key, rate, xs)
