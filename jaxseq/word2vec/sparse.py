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

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp

from jaxseq.types import Array


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


def descend(
    table: Array,
    gradient: Sequence[Rows],
    learning_rate: Array,
    cap: Array | float,
    places: Array,
) -> tuple[Array, Array]:
    """Takes a capped step of gradient descent, (1).

    Args:
        table: `[R, D]`, changed in place where the caller lets it go.
        gradient: lists of rows of 0 to R - 1, which make one sum.
        learning_rate: scalar, α.
        cap: scalar, η.
        places: `[R]` int32, to write in; what it holds does not matter.

    Returns:
        The new table `[R, D]`, and `places`, to be passed on.
    """
    # One list and one addition: with two of them XLA would copy the whole table.
    ids, rows, terms = map(jnp.concatenate, zip(*gradient, strict=True))
    # All entries of a row add up at the place of one of them, whichever: so counting
    # takes no array of R zeros, and none has to be cleared.
    every = jnp.arange(ids.shape[0], dtype=places.dtype)
    places = places.at[ids].set(every, mode="promise_in_bounds")
    place = rows_of(places, ids)
    n = jnp.zeros_like(terms).at[place].add(terms, mode="promise_in_bounds")
    step = jnp.minimum(learning_rate, cap / jnp.maximum(rows_of(n, place), 1e-30))
    table = table.at[ids].add(-step[:, None] * rows, mode="promise_in_bounds")  # (1)
    return table, places


def rows_of(table: Array, ids: Array) -> Array:
    """Looks rows up: `[...]` ids of the table, which are not checked, to `[..., D]`.

    Args:
        table: `[V, D]`.
        ids: `[...]`.
    """
    return table.at[ids].get(mode="promise_in_bounds")


def as_rows(ids: Array, rows: Array, terms: Array) -> Rows:
    """Flattens `[...]` ids, `[..., D]` rows and `[...]` terms.

    Args:
        ids: `[...]`.
        rows: `[..., D]`.
        terms: `[...]` how many terms each row is the sum of.
    """
    return Rows(ids.reshape(-1), rows.reshape(-1, rows.shape[-1]), terms.reshape(-1))
