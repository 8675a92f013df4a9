"""The two matrices of word2vec: what is trained, and what is kept of it.

A word's one-hot vector x times the matrix of the input vectors is a row of it:

    xᵀ inputs = inputs[w]                                                          (1)

By (1) no product is ever formed: the row is looked up. After training the rows of
`inputs` are the word vectors; `outputs`, which holds a row for each word that can be
predicted (for each inner node of the tree, with hierarchical softmax), is let go.

Start: inputs uniform in ±1/(2D), outputs zero.

Reference: word2vec.c (Mikolov et al. 2013), InitNet.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.checks import check_count, check_dtype, check_key
from jaxseq.types import Array, DTypeLike, Key


class Params(NamedTuple):
    """The matrices.

    Attributes:
        inputs: `[V, D]`, v_w of each word.
        outputs: `[R, D]`, v'_w of each word (R = V) or of each inner node.
    """

    inputs: Array
    outputs: Array


def init(
    key: Key,
    num_words: int,
    num_columns: int,
    num_outputs: int,
    dtype: DTypeLike = jnp.float32,
) -> Params:
    """Draws the matrices at the start.

    Args:
        key: for the input vectors.
        num_words: V.
        num_columns: D, the size of a word's vector.
        num_outputs: R, as the objective says.
        dtype: of both.

    Raises:
        ValueError: naming the argument.
    """
    check_count("num_words", num_words)
    check_count("num_columns", num_columns)
    check_count("num_outputs", num_outputs)
    check_key("key", key)
    check_dtype("dtype", dtype)
    uniform = jax.random.uniform(key, (num_words, num_columns), dtype, -0.5, 0.5)
    return Params(uniform / num_columns, jnp.zeros((num_outputs, num_columns), dtype))
