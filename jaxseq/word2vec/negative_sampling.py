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

import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count
from jaxseq.types import Array
from jaxseq.word2vec.examples import Delta, Loss
from jaxseq.word2vec.objective import (
    Backward,
    Gradient,
    Objective,
    Tally,
    exact,
    sigmoid,
    softplus,
    whole,
)
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sparse import as_rows, join, rows_of
from jaxseq.word2vec.windows import Block, Chunks, chunks


def loss(num_negatives: int) -> Loss:
    """The plain E of one prediction, (2), for n negatives."""

    def of_one(outputs, h, target, negatives):
        weights = _weights(num_negatives, target, negatives, h.dtype)
        z_target = outputs[target] @ h  # (1)
        z_negatives = outputs[negatives] @ h
        return softplus(-z_target) + jnp.sum(weights * softplus(z_negatives))  # (2)

    return of_one


def delta(num_negatives: int) -> Delta:
    """The plain gradient of one prediction, (3) and (4)."""

    def of_one(outputs, h, target, negatives):
        weights = _weights(num_negatives, target, negatives, h.dtype)
        d_target = sigmoid(outputs[target] @ h) - 1  # (3)
        d_negatives = weights * sigmoid(outputs[negatives] @ h)  # (3)
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
        num_contexts = words.contexts.shape[1]
        weights = _pair_weights(num_negatives, words, block, params.inputs.dtype)
        predicted = jnp.concatenate([words.contexts, block.negatives], 1)
        is_target = np.arange(predicted.shape[1]) < num_contexts
        is_target = is_target.astype(weights.dtype)[None, None]
        h = rows_of(params.inputs, words.centres)
        v = rows_of(params.outputs, predicted)
        z = jnp.einsum("cbd,cwd->cbw", h, v)  # (1)
        d_z = weights * (sigmoid(z) - is_target)  # (3)
        d_h = jnp.einsum("cbw,cwd->cbd", d_z, v)  # (4)
        d_v = jnp.einsum("cbw,cbd->cwd", d_z, h)  # (4)
        first = jnp.sum(weights[0] * softplus((1 - 2 * is_target[0]) * z[0]))  # (2)
        num_predictions = words.is_pair[0].sum(dtype=jnp.int32)
        return Gradient(
            inputs=as_rows(words.centres, d_h, weights.sum(2)),
            outputs=as_rows(predicted, d_v, weights.sum(1)),
        ), Tally(first, num_predictions)

    return Objective(gradient, num_words, draws_negatives=True)


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
        mask = words.is_pair.astype(params.inputs.dtype)
        m = mask.sum(2, keepdims=True)
        counts = (m > 0).astype(mask.dtype)  # [C, B, 1]
        weights = counts * _weights(
            num_negatives,
            words.centres[:, :, None],
            block.negatives[:, None, :],
            mask.dtype,
        )
        v_contexts = rows_of(params.inputs, words.contexts)
        v_target = rows_of(params.outputs, words.centres)
        v_negatives = rows_of(params.outputs, block.negatives)
        averages = mask * exact(m)
        h = jnp.einsum("cbe,ced->cbd", averages, v_contexts)
        z_target = jnp.sum(h * v_target, -1, keepdims=True)  # (1)
        z_negatives = jnp.einsum("cbd,ckd->cbk", h, v_negatives)
        d_target = counts * (sigmoid(z_target) - 1)  # (3)
        d_negatives = weights * sigmoid(z_negatives)  # (3)
        d_h = d_target * v_target + jnp.einsum(
            "cbk,ckd->cbd", d_negatives, v_negatives
        )  # (4)
        shares = mask * backward(m)
        d_contexts = jnp.einsum("cbe,cbd->ced", shares, d_h)
        d_v_negatives = jnp.einsum("cbk,cbd->ckd", d_negatives, h)  # (4)
        terms = counts + weights.sum(2, keepdims=True)
        outputs = join(
            as_rows(words.centres, d_target * h, counts[:, :, 0]),  # (4)
            as_rows(block.negatives, d_v_negatives, weights.sum(1)),
        )
        first = jnp.sum(counts[0] * softplus(-z_target[0]))  # (2)
        first += jnp.sum(weights[0] * softplus(z_negatives[0]))
        return Gradient(
            inputs=as_rows(words.contexts, d_contexts, (averages * terms).sum(1)),
            outputs=outputs,
        ), Tally(first, counts[0].sum().astype(jnp.int32))

    return Objective(gradient, num_words, draws_negatives=True)


def _weights(num_negatives: int, target: Array, negatives: Array, dtype) -> Array:
    """Returns (n/K) [k_j ≠ o] for each negative."""
    share = num_negatives / max(negatives.shape[-1], 1)
    return jnp.asarray(share, dtype) * (negatives != target).astype(dtype)


def _pair_weights(num_negatives: int, words: Chunks, block: Block, dtype) -> Array:
    """Returns how often z of each centre with each context and negative counts in E.

    `[C, B, E + K]`: 1 for a pair; for a negative n/K times the number of the centre's
    contexts that it differs from.
    """
    is_pair = words.is_pair.astype(dtype)
    differs = _weights(
        num_negatives, words.contexts[:, :, None], block.negatives[:, None, :], dtype
    )
    of_negatives = jnp.einsum("cbe,cek->cbk", is_pair, differs)
    return jnp.concatenate([is_pair, of_negatives], 2)
