"""CBOW's input: the mean of the words around a centre, and its delta.

With M the contexts of a centre, and m how many they are,

    h = 1/m Σ_{c ∈ M} v_c                                                           (1)
    ∂E/∂v_c = b(m) ∂E/∂h, b(m) = 1/m; 1 in word2vec.c       for each c ∈ M          (2)

Over a block both are products of a chunk's band with its words. A centre without
contexts has h = 0 and is not predicted.

Sizes: as in `jaxseq.word2vec.windows`.

Reference: Mikolov, Chen, Corrado, Dean 2013 (1301.3781), section 3.1.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxseq.types import Array
from jaxseq.word2vec.objective import Backward, exact, transposed
from jaxseq.word2vec.sparse import Rows, as_rows, rows_of
from jaxseq.word2vec.windows import Chunks


class Averages(NamedTuple):
    """The inputs of a block.

    Attributes:
        h: `[C, B, D]`, (1).
        counts: `[C, B, 1]`, 1 where there is a context, else 0.
        shares: `[C, B, E]`, 1/m of each context.
        sizes: `[C, B, 1]` m.
    """

    h: Array
    counts: Array
    shares: Array
    sizes: Array

    @property
    def targets(self) -> Array:
        """Returns which centre is predicted from which h, `[C, B, B]`: its own or none.

        The diagonal is 1 where there is a context; all else is 0.
        """
        return self.counts * np.eye(self.h.shape[1], dtype=self.h.dtype)[None]

    @property
    def num_predictions(self) -> Array:
        """Number of the centres of the first chunk that are predicted, `[]` int32."""
        return self.counts[0].sum().astype(jnp.int32)


def average(inputs: Array, words: Chunks) -> Averages:
    """Averages the contexts of each centre, eq. (1).

    Args:
        inputs: `[V, D]`.
        words: the chunks of a block.

    Returns:
        The inputs h, and what `delta` needs.
    """
    mask = words.is_pair.astype(inputs.dtype)
    sizes = mask.sum(2, keepdims=True)
    shares = mask * exact(sizes)
    h = jnp.einsum("cbe,ced->cbd", shares, rows_of(inputs, words.contexts))  # (1)
    return Averages(h, (sizes > 0).astype(mask.dtype), shares, sizes)


def delta(
    averages: Averages, words: Chunks, d_h: Array, terms: Array, backward: Backward
) -> Rows:
    """Hands ∂E/∂h on to the contexts, eq. (2).

    Args:
        averages: what `average` returned.
        words: the chunks of the block.
        d_h: `[C, B, D]`.
        terms: `[C, B]`, of how many terms of E each h is part.
        backward: b, `whole` or `exact` of `jaxseq.word2vec.objective`.

    Returns:
        ∂E/∂inputs.
    """
    mask = words.is_pair.astype(d_h.dtype)
    shares = transposed(mask * backward(averages.sizes))
    d_contexts = jnp.einsum("ceb,cbd->ced", shares, d_h)  # (2)
    of_contexts = jnp.sum(averages.shares * terms[:, :, None], 1)
    return as_rows(words.contexts, d_contexts, of_contexts)
