"""Negative sampling: tell the word that came from words that are drawn.

Of a prediction with input h, target word o and the drawn words k_1..k_K:

    z_w = v'_w · h                                                                  (1)
    E = -log σ(z_o) - (n/K) Σ_{j: k_j ≠ o} log σ(-z_{k_j})                          (2)

With K = n this is the paper's: n words drawn for each prediction. A block's chunk
shares K of them among all its predictions, weighted so that the expectation is the
same. As in word2vec.c, a draw of the target itself does not count.

By hand, with the error e_w = σ(z_w) - [w is the target]:

    ∂E/∂z_o = σ(z_o) - 1          ∂E/∂z_{k_j} = (n/K) [k_j ≠ o] σ(z_{k_j})          (3)
    ∂E/∂v'_w = ∂E/∂z_w h          ∂E/∂h = Σ_w ∂E/∂z_w v'_w                          (4)

In the block forms z and (4) are products over chunks of the text. All predictions of
Skip-gram from one centre have the same h: z of a negative is formed once for them, and
weighted by the number of contexts that it differs from.

Reference: Mikolov, Sutskever, Chen, Corrado, Dean 2013 (1310.4546), eq. (4). word2vec.c
sets σ to 0 or 1 beyond ±6, gensim skips such a term: here σ is σ.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count
from jaxseq.types import Array
from jaxseq.word2vec.averages import average, delta as averages_delta
from jaxseq.word2vec.examples import Delta, Loss
from jaxseq.word2vec.objective import (
    Backward,
    Gradient,
    Objective,
    Tally,
    by_gradient,
    softplus,
    transposed,
    whole,
)
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sparse import Rows, as_rows, rows_of
from jaxseq.word2vec.windows import Block, chunks


def loss(num_negatives: int) -> Loss:
    """The plain E of one prediction, (2), for n negatives: a scalar, in nats.

    Args:
        num_negatives: n.
    """

    def of_one(outputs, h, target, negatives):
        share = num_negatives / negatives.shape[0]
        weights = _weights(share, target, negatives, h.dtype)
        z_target = outputs[target] @ h  # (1)
        z_negatives = outputs[negatives] @ h
        return softplus(-z_target) + jnp.sum(weights * softplus(z_negatives))  # (2)

    return of_one


def delta(num_negatives: int) -> Delta:
    """The plain gradient of one prediction, (3) and (4).

    Args:
        num_negatives: n.
    """

    def of_one(outputs, h, target, negatives):
        share = num_negatives / negatives.shape[0]
        weights = _weights(share, target, negatives, h.dtype)
        d_target = jax.nn.sigmoid(outputs[target] @ h) - 1  # (3)
        d_negatives = weights * jax.nn.sigmoid(outputs[negatives] @ h)  # (3)
        d_h = d_target * outputs[target] + d_negatives @ outputs[negatives]  # (4)
        d_outputs = jnp.zeros_like(outputs)
        d_outputs = d_outputs.at[target].add(d_target * h)  # (4)
        d_outputs = d_outputs.at[negatives].add(jnp.outer(d_negatives, h))  # (4)
        return d_h, d_outputs

    return of_one


def skip_gram(num_words: int, num_negatives: int = 5) -> Objective:
    """Skip-gram by blocks.

    Args:
        num_words: V.
        num_negatives: n, how many a prediction counts for in the mean.

    Raises:
        ValueError: if a number is below 1.
    """
    check_count("num_words", num_words)
    check_count("num_negatives", num_negatives)

    def gradient(params: Params, block: Block) -> tuple[Gradient, Tally]:
        words = chunks(block)
        targets = transposed(words.is_pair.astype(params.inputs.dtype))
        h = rows_of(params.inputs, words.centres)
        d_h, outputs, terms, loss = _output_layer(
            params.outputs, h, words.contexts, targets, block.negatives, num_negatives
        )
        inputs = as_rows(words.centres, d_h, terms)
        tally = Tally(loss, words.is_pair[0].sum(dtype=jnp.int32))
        return Gradient((inputs,), (outputs,)), tally

    return by_gradient(gradient, num_words, draws_negatives=True)


def cbow(
    num_words: int, num_negatives: int = 5, backward: Backward = whole
) -> Objective:
    """CBOW by blocks.

    Args:
        num_words: V.
        num_negatives: n, how many a prediction counts for in the mean.
        backward: what each word of a window gets of ∂E/∂h.

    Raises:
        ValueError: if a number is below 1.
    """
    check_count("num_words", num_words)
    check_count("num_negatives", num_negatives)

    def gradient(params: Params, block: Block) -> tuple[Gradient, Tally]:
        words = chunks(block)
        averages = average(params.inputs, words)
        d_h, outputs, terms, loss = _output_layer(
            params.outputs,
            averages.h,
            words.centres,
            averages.targets,
            block.negatives,
            num_negatives,
        )
        inputs = averages_delta(averages, words, d_h, terms, backward)
        tally = Tally(loss, averages.num_predictions)
        return Gradient((inputs,), (outputs,)), tally

    return by_gradient(gradient, num_words, draws_negatives=True)


def _output_layer(
    outputs: Array,
    h: Array,
    words: Array,
    targets: Array,
    negatives: Array,
    num_negatives: int,
) -> tuple[Array, Rows, Array, Array]:
    """Predicts from each h of a chunk some of the chunk's words.

    Args:
        outputs: `[R, D]`.
        h: `[C, B, D]`.
        words: `[C, W]` int32.
        targets: `[C, W, B]`, 1 where a word is to be predicted from an h, else 0.
        negatives: `[C, K]` int32.
        num_negatives: n.

    Returns:
        ∂E/∂h `[C, B, D]`, ∂E/∂outputs, the number of terms `[C, B]` with each h, and E
        of the first chunk.
    """
    share = num_negatives / negatives.shape[1]
    differs = _weights(share, words[:, None, :], negatives[:, :, None], h.dtype)
    # All targets of an h with one and the same negative: as often as they differ.
    of_negatives = jnp.einsum("ckw,cwb->ckb", differs, targets)
    weights = jnp.concatenate([targets, of_negatives], 1)
    predicted = jnp.concatenate([words, negatives], 1)
    is_target = np.arange(predicted.shape[1]) < words.shape[1]
    is_target = is_target.astype(weights.dtype)[None, :, None]
    v = rows_of(outputs, predicted)
    z = jnp.einsum("cwd,cbd->cwb", v, h)  # (1)
    d_z = weights * (jax.nn.sigmoid(z) - is_target)  # (3)
    d_v = jnp.einsum("cwb,cbd->cwd", d_z, h)  # (4)
    d_h = jnp.einsum("cbw,cwd->cbd", transposed(d_z), v)  # (4)
    loss = jnp.sum(weights[0] * softplus((1 - 2 * is_target[0]) * z[0]))  # (2)
    return d_h, as_rows(predicted, d_v, weights.sum(2)), weights.sum(1), loss


def _weights(share: float, target: Array, negatives: Array, dtype) -> Array:
    """Returns (n/K) [k_j ≠ o] for each negative, with the share n/K."""
    return jnp.asarray(share, dtype) * (negatives != target).astype(dtype)
