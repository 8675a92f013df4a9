"""A recurrent language model: which word comes next, given all that came before.

    x_t = drop(Eᵀ w_t)                             row w_t of the embedding        (1)
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
from jaxseq.cells.checks import check_cell, zero_state
from jaxseq.checks import (
    check_count,
    check_floats,
    check_ids,
    check_integers,
    check_key,
    check_mask,
    check_rate,
    describe,
    expect,
)
from jaxseq.precision import cast, state_dtype
from jaxseq.types import Array, DTypeLike, Key, Tree
from jaxseq.unroll import Unrolled, unroll as unroll_by_deltas


class Params(NamedTuple):
    """The weights of eqs. (1) to (3).

    Attributes:
        embedding: `[V, I]` E.
        layers: L parameters of cells.
        readout: V `[V, H]`, b `[V]`.
    """

    embedding: Array
    layers: tuple[Tree, ...]
    readout: readout.Params


class Predicted(NamedTuple):
    """What the model says after each step, and the states it ends in.

    Attributes:
        logits: `[T, ..., V]` a_t.
        states: L states, leaves `[..., ·]`.
    """

    logits: Array
    states: tuple[Tree, ...]


class Scored(NamedTuple):
    """What each step cost, and the states the model ends in.

    Attributes:
        nats: `[T, ...]` L_t, in nats.
        states: L states, leaves `[..., ·]`.
    """

    nats: Array
    states: tuple[Tree, ...]


def init(
    key: Key,
    cells: Sequence[Cell],
    num_ids: int,
    num_inputs: int,
    num_hidden: int,
    dtype: DTypeLike = jnp.float32,
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
    _check_cells(cells)
    check_key("key", key)
    check_count("num_ids", num_ids)
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
    """Returns the L states at the beginning of a text, no two sharing a buffer.

    Args:
        cells: the L layers, from the words on.
        params: the weights.
        batch_shape: sizes of the batch axes.

    Raises:
        ValueError: naming the argument.
    """
    check_model(cells, params)
    return tuple(
        zero_state(cell, p, batch_shape)
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
        dropout: rate in [0, 1), on each layer's inputs and on the readout's; static
            under `jit`.
        key: random key of the dropout, consumed; needed if `dropout` is not 0.
        unroll: `unroll` or `unroll_plain` of `jaxseq.unroll`.

    Raises:
        ValueError: naming the argument.
    """
    check_model(cells, params)
    check_integers("ids", ids)
    expect(jnp.ndim(ids) >= 1, "ids", "shape [T, ...]", describe(ids))
    check_rate("dropout", dropout)
    if dropout > 0:
        check_key("key", key)
    if resets is not None:
        check_mask("resets", resets, jnp.shape(ids))
    keys = (None, None, None) if key is None else jax.random.split(key, 3)
    key_in, key_between, key_out = keys
    xs = _drop(key_in, dropout, embedding.lookup(params.embedding, ids))  # (1)
    # A text starts from zeros, not from the states that came with the chunk.
    zeros = None
    if resets is not None:
        zeros = zero_states(cells, params, ids.shape[1:])
        if isinstance(states, list | tuple):
            dtypes = [state_dtype(state, xs.dtype) for state in states]
            zeros = tuple(map(cast, dtypes, zeros))
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
    check_ids("targets", targets, logits.shape[-1], logits.shape[:-1])
    return Scored(step_losses.cross_entropy(logits, targets), states)  # (4), (5)


def check_model(cells: Sequence[Cell], params: Params) -> None:
    """Checks that the weights are a language model's, of these cells.

    Args:
        cells: L cells.
        params: the weights.

    Raises:
        ValueError: naming the argument.
    """
    _check_cells(cells)
    is_params = isinstance(params, Params)
    expect(is_params, "params", "language_model.Params", type(params).__name__)
    table = params.embedding
    check_floats("params.embedding", table)
    expect(table.ndim == 2, "params.embedding", "shape [V, I]", describe(table))
    is_sequence = isinstance(params.layers, list | tuple)
    fits = is_sequence and len(params.layers) == len(cells)
    got = len(params.layers) if is_sequence else type(params.layers).__name__
    expect(fits, "params.layers", f"one entry a cell, {len(cells)}", got)


def _drop(key: Key | None, rate: float, xs: Array) -> Array:
    return xs if key is None or rate == 0 else network.drop(key, rate, xs)


def _check_cells(cells: Sequence[Cell]) -> None:
    # Not the length alone: a `Cell` is a tuple too.
    is_sequence = isinstance(cells, list | tuple) and not isinstance(cells, Cell)
    expect(is_sequence, "cells", "a list of cells", type(cells).__name__)
    expect(len(cells) > 0, "cells", "at least one cell", "none")
    for number, cell in enumerate(cells):
        check_cell(f"cells[{number}]", cell)  # no `Both`: it would see what comes next
