"""Ids for models that cannot copy: words outside the vocabulary are UNK."""

import jax.numpy as jnp

from jaxseq.text.vocab import UNK
from jaxseq.types import Array


def known(ids: Array, num_ids: int) -> Array:
    """Returns the ids with UNK where they are outside the vocabulary.

    Args:
        ids: integers in the numbering of `jaxseq.summarize.examples`, of any shape.
        num_ids: V.

    Returns:
        Of the same shape, all below V.
    """
    return jnp.where(ids < num_ids, ids, jnp.full_like(ids, UNK))
