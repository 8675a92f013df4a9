"""Full softmax: the definition that the other two output layers stand in for.

    z_w = v'_w · h                                                                  (1)
    p_w = exp z_w / Σ_i exp z_i                                                     (2)
    E = -log p_o                                                                    (3)

By hand, with y_w = [w is the target o]:

    ∂E/∂z_w = p_w - y_w                                                             (4)
    ∂E/∂v'_w = ∂E/∂z_w h          ∂E/∂h = Σ_w ∂E/∂z_w v'_w                          (5)

Each prediction costs V products of length D and moves all rows of the output matrix:
right for the vocabulary of characters or of a small text, and as the truth in tests.
In the block form the softmax of a centre is formed once for all of its contexts. There
every row is in every term of E, but hardly: the curvature in v'_w is p_w (1 - p_w)
|h|². For the cap, in logistic terms of ¼ |h|² (`jaxseq.word2vec.sparse`), a block
counts as

    n_w = 4 Σ (p_w + y_w)          n_h = 4                                          (6)

with what p_w moves towards beside what it is, and as many in each h, in which the
curvature is the variance of the v'_w by p.

Reference: Mikolov, Sutskever, Chen, Corrado, Dean 2013 (1310.4546), eq. (2).
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count
from jaxseq.types import Array
from jaxseq.word2vec.averages import average, delta as averages_delta
from jaxseq.word2vec.objective import (
    Backward,
    Gradient,
    Objective,
    Tally,
    by_gradient,
    whole,
)
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sparse import Rows, as_rows, rows_of
from jaxseq.word2vec.windows import Block, chunks


def loss(outputs: Array, h: Array, target: Array, negatives: Array) -> Array:
    """The plain E of one prediction, (3): a scalar, in nats.

    Args:
        outputs: `[V, D]`.
        h: `[D]` what predicts.
        target: scalar, the id of the word that came.
        negatives: `[0]` none.
    """
    del negatives
    z = outputs @ h  # (1)
    return jax.nn.logsumexp(z) - z[target]  # (2), (3)


def delta(
    outputs: Array, h: Array, target: Array, negatives: Array
) -> tuple[Array, Array]:
    """The plain gradient of one prediction, (4) and (5): `[V, D]` and `[D]`.

    Args:
        outputs: `[V, D]`.
        h: `[D]` what predicts.
        target: scalar, the id of the word that came.
        negatives: `[0]` none.
    """
    del negatives
    d_z = jax.nn.softmax(outputs @ h).at[target].add(-1)  # (4)
    return d_z @ outputs, jnp.outer(d_z, h)  # (5)


def skip_gram(num_words: int) -> Objective:
    """Skip-gram by blocks.

    Args:
        num_words: V.

    Raises:
        ValueError: if it is below 1.
    """
    check_count("num_words", num_words)

    def gradient(params: Params, block: Block) -> tuple[Gradient, Tally]:
        words = chunks(block)
        mask = words.is_pair.astype(params.inputs.dtype)
        targets = jnp.broadcast_to(words.contexts[:, None, :], mask.shape)
        h = rows_of(params.inputs, words.centres)
        d_h, outputs, tally = _output_layer(params.outputs, h, targets, mask)
        inputs = as_rows(words.centres, d_h, 4 * mask.sum(2))  # (6)
        return Gradient((inputs,), (outputs,)), tally

    return by_gradient(gradient, num_words, draws_negatives=False)


def cbow(num_words: int, backward: Backward = whole) -> Objective:
    """CBOW by blocks.

    Args:
        num_words: V.
        backward: what each word of a window gets of ∂E/∂h.

    Raises:
        ValueError: if the number is below 1.
    """
    check_count("num_words", num_words)

    def gradient(params: Params, block: Block) -> tuple[Gradient, Tally]:
        words = chunks(block)
        averages = average(params.inputs, words)
        targets = words.centres[:, :, None]
        d_h, outputs, tally = _output_layer(
            params.outputs, averages.h, targets, averages.counts
        )
        terms = jnp.full(d_h.shape[:2], 4, d_h.dtype)  # (6)
        inputs = averages_delta(averages, words, d_h, terms, backward)
        return Gradient((inputs,), (outputs,)), tally

    return by_gradient(gradient, num_words, draws_negatives=False)


def _output_layer(
    outputs: Array, h: Array, targets: Array, counts: Array
) -> tuple[Array, Rows, Tally]:
    """Predicts several targets from one h.

    Args:
        outputs: `[V, D]`.
        h: `[C, B, D]`.
        targets: `[C, B, N]` int32.
        counts: `[C, B, N]`, 1 for a target, 0 for a filler.

    Returns:
        ∂E/∂h `[C, B, D]`, ∂E/∂outputs, and the first chunk's loss.
    """
    num_words = outputs.shape[0]
    z = jnp.einsum("cbd,wd->cbw", h, outputs)  # (1)
    c, b, _ = np.ogrid[: z.shape[0], : z.shape[1], :1]
    p = counts.sum(2, keepdims=True) * jax.nn.softmax(z)  # (2)
    d_z = p.at[c, b, targets].add(-counts)  # (4)
    d_h = jnp.einsum("cbw,wd->cbd", d_z, outputs)  # (5)
    d_outputs = jnp.einsum("cbw,cbd->wd", d_z, h)  # (5)
    first = jax.nn.logsumexp(z[0], axis=1, keepdims=True)
    first = first - jnp.take_along_axis(z[0], targets[0], 1)
    tally = Tally((counts[0] * first).sum(), counts[0].sum().astype(jnp.int32))  # (3)
    terms = 4 * p.sum((0, 1)).at[targets].add(counts)  # (6)
    ids = jnp.arange(num_words, dtype=jnp.int32)
    return d_h, Rows(ids, d_outputs, terms), tally
