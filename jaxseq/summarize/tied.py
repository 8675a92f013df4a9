"""One table for words that go in and words that come out.

    e(w) = √I E_w, of a word outside the vocabulary e(UNK)                         (1)
    a = E u + b                                                                    (2)

Reference: Press, Wolf, Using the output embedding to improve language models, 2017.
"""

import jax
import jax.numpy as jnp

from jaxseq import embedding, readout
from jaxseq.summarize.known import known
from jaxseq.text.vocab import BOS
from jaxseq.types import Array, DTypeLike, Key


def init(key: Key, num_ids: int, num_inputs: int, dtype: DTypeLike) -> Array:
    """Draws the table E, `[V, I]`, so that (1) has unit variance.

    Args:
        key: random key, consumed.
        num_ids: V.
        num_inputs: I.
        dtype: of the table.
    """
    table = jax.random.normal(key, (num_ids, num_inputs), dtype)
    return table * float(num_inputs**-0.5)


def embed(table: Array, ids: Array) -> Array:
    """Returns e(w), eq. (1), `[..., I]`.

    Args:
        table: `[V, I]` E.
        ids: `[...]` integers in the numbering of `jaxseq.summarize.examples`.
    """
    num_ids, size = table.shape
    return embedding.lookup(table, known(ids, num_ids)) * float(size**0.5)  # (1)


def embed_before(table: Array, targets: Array) -> Array:
    """Returns e(w) of the words before the targets, BOS at first: `[T, B, I]`.

    Args:
        table: `[V, I]` E.
        targets: `[T, B]` integers.
    """
    first = jnp.full_like(targets[:1], BOS)
    return embed(table, jnp.concatenate([first, targets[:-1]]))


def logits(table: Array, bias: Array, mixed: Array) -> Array:
    """Returns a, eq. (2), `[..., V]`.

    Args:
        table: `[V, I]` E.
        bias: `[V]` b.
        mixed: `[..., I]` u.
    """
    return readout.readout(readout.Params(V=table, b=bias), mixed)  # (2)
