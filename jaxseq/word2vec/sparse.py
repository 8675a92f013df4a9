"""Gradients of a few rows of a large matrix, and the descent along them.

A block of text meets some thousand rows of a matrix with a million. Its gradient is
kept as a list of rows, in which a row may come up many times, and is added in place: a
dense gradient would cost more than all the rest.

Word by word, word2vec would see a frequent row change between two of its pairs; a block
adds up all the pairs' gradients at the old value. Where n terms of the loss pull at one
row, the sum can overshoot, and then diverges. Hence the step is capped: with n_r the
(weighted) number of terms that row r is in,

    w_r ← w_r - min(α, η / n_r) Σ_i g_i,    i over the list's entries of row r       (1)

A row with n_r ≤ η / α terms moves as in word2vec. A logistic term's curvature in w_r is
at most ¼|u|² with u the other vector: a sum of n_r is stable below a step of
8 / (n_r |u|²), and η stands for 8 / |u|².
"""

from typing import NamedTuple

import jax.numpy as jnp

from jaxseq.types import Array


# XLA adds rows of several numbers in place at once; single ones it adds one by one.
_LANES = 8


class Rows(NamedTuple):
    """A gradient as a list of rows.

    Attributes:
        ids: `[N]` int32, which row; may repeat.
        rows: `[N, D]`, what to add up.
        terms: `[N]`, in how many terms of the loss, by weight.
    """

    ids: Array
    rows: Array
    terms: Array


def counters(num_rows: int, dtype) -> Array:
    """Returns the zeros that `descend` counts in, `[num_rows, 8]`, to be passed on."""
    return jnp.zeros((num_rows, _LANES), dtype)


def descend(
    table: Array,
    gradient: Rows,
    learning_rate: Array,
    cap: Array | float,
    counts: Array,
) -> tuple[Array, Array]:
    """Takes a capped step of gradient descent, (1).

    Args:
        table: `[R, D]`, changed in place where the caller lets it go.
        gradient: rows of 0 to R - 1.
        learning_rate: α.
        cap: η.
        counts: `[R, 8]` zeros, from `counters`.

    Returns:
        The new table, and the counters, zero again.
    """
    ids, rows, terms = gradient
    lanes = jnp.broadcast_to(terms[:, None], (terms.shape[0], _LANES))
    counts = counts.at[ids].add(lanes, mode="promise_in_bounds")
    n = counts.at[ids].get(mode="promise_in_bounds")[:, 0]
    counts = counts.at[ids].set(0, mode="promise_in_bounds")
    step = jnp.minimum(learning_rate, cap / jnp.maximum(n, 1e-30))
    table = table.at[ids].add(-step[:, None] * rows, mode="promise_in_bounds")  # (1)
    return table, counts


def dense(gradient: Rows, num_rows: int) -> Array:
    """Adds the list up to a matrix `[num_rows, D]`."""
    zeros = jnp.zeros((num_rows, gradient.rows.shape[1]), gradient.rows.dtype)
    return zeros.at[gradient.ids].add(gradient.rows)


def rows_of(table: Array, ids: Array) -> Array:
    """Looks rows up: `[...]` ids of the table, which are not checked, to `[..., D]`."""
    return table.at[ids].get(mode="promise_in_bounds")


def as_rows(ids: Array, rows: Array, terms: Array) -> Rows:
    """Flattens `[...]` ids, `[..., D]` rows and `[...]` terms."""
    return Rows(ids.reshape(-1), rows.reshape(-1, rows.shape[-1]), terms.reshape(-1))


def join(*gradients: Rows) -> Rows:
    """Puts lists of rows of one table one after the other."""
    ids, rows, terms = zip(*gradients, strict=True)
    return Rows(jnp.concatenate(ids), jnp.concatenate(rows), jnp.concatenate(terms))
