"""Hierarchical softmax: a word is the turns on the way to it in Huffman's tree.

A word's path has the inner nodes n_1 (the root) to n_L, and at each a turn b_l, 0 or 1.
With a vector v'_n for each inner node:

    z_l = v'_{n_l} · h                                                              (1)
    p(w | h) = Π_l σ(s_l z_l),    s_l = 1 - 2 b_l                                   (2)
    E = -log p(o | h) = -Σ_l log σ(s_l z_l)                                         (3)

The p(w | h) of all words sum to 1. By hand:

    ∂E/∂z_l = σ(z_l) - (1 - b_l)                                                    (4)
    ∂E/∂v'_{n_l} = ∂E/∂z_l h      ∂E/∂h = Σ_l ∂E/∂z_l v'_{n_l}                      (5)

As in word2vec.c, Skip-gram by blocks predicts the centre from each word around it (the
paper has it the other way round; the pairs are the same): the paths are those of the
block's centres, and each is walked once for its whole window. `jaxseq.word2vec.paths`
begins with how a block steps along them.

References:
    Morin, Bengio 2005, AISTATS; Mikolov, Sutskever, Chen, Corrado, Dean 2013
    (1310.4546), eq. (3). `jaxseq.word2vec.huffman` for the tree.
"""

import jax
import jax.numpy as jnp

from jaxseq.types import Array
from jaxseq.word2vec import paths, paths_of_windows, paths_of_words
from jaxseq.word2vec.averages import average, delta as averages_delta
from jaxseq.word2vec.examples import Delta, Loss
from jaxseq.word2vec.huffman import Codes
from jaxseq.word2vec.objective import (
    Backward,
    Descent,
    Objective,
    Tally,
    softplus,
    whole,
)
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.paths import NUM_NEAR
from jaxseq.word2vec.sparse import as_rows, descend, rows_of
from jaxseq.word2vec.windows import Block, chunks


def loss(codes: Codes) -> Loss:
    """The plain E of one prediction, (3): a scalar, in nats.

    Args:
        codes: Huffman's codes of the words.
    """

    def of_one(outputs, h, target, negatives):
        del negatives
        nodes, s, passes = _path(codes, target, h.dtype)
        z = outputs[nodes] @ h  # (1)
        return jnp.sum(passes * softplus(-s * z))  # (3)

    return of_one


def delta(codes: Codes) -> Delta:
    """The plain gradient of one prediction, (4) and (5).

    Args:
        codes: Huffman's codes of the words.
    """

    def of_one(outputs, h, target, negatives):
        del negatives
        nodes, s, passes = _path(codes, target, h.dtype)
        d_z = passes * (jax.nn.sigmoid(outputs[nodes] @ h) - (1 + s) / 2)  # (4)
        d_outputs = jnp.zeros_like(outputs).at[nodes].add(jnp.outer(d_z, h))  # (5)
        return d_z @ outputs[nodes], d_outputs  # (5)

    return of_one


def skip_gram(codes: Codes, num_near: int = NUM_NEAR) -> Objective:
    """Skip-gram by blocks.

    Args:
        codes: the paths of the V words.
        num_near: N, how many nodes near the root make a layer.

    Raises:
        ValueError: if the number is below 0.
    """
    tree = paths.cut(codes, num_near)

    def step(params: Params, places: Params, block: Block, rate, cap) -> Descent:
        words = chunks(block)
        targets = words.is_pair.astype(params.inputs.dtype)
        h = rows_of(params.inputs, words.contexts)
        layer = paths_of_windows.descend(
            tree, params.outputs, places.outputs, h, words.centres, targets, rate, cap
        )
        of_inputs = as_rows(words.contexts, layer.d_h, layer.terms)
        inputs, at = descend(params.inputs, (of_inputs,), rate, cap, places.inputs)
        return Descent(
            Params(inputs, layer.outputs),
            Params(at, layer.places),
            Tally(layer.loss, words.is_pair[0].sum(dtype=jnp.int32)),
        )

    return Objective(step, paths.num_nodes(codes), draws_negatives=False)


def cbow(
    codes: Codes, num_near: int = NUM_NEAR, backward: Backward = whole
) -> Objective:
    """CBOW by blocks.

    Args:
        codes: the paths of the V words.
        num_near: N, how many nodes near the root make a layer.
        backward: what each word of a window gets of ∂E/∂h.

    Raises:
        ValueError: if the number is below 0.
    """
    tree = paths.cut(codes, num_near)

    def step(params: Params, places: Params, block: Block, rate, cap) -> Descent:
        words = chunks(block)
        averages = average(params.inputs, words)
        layer = paths_of_words.descend(
            tree,
            params.outputs,
            places.outputs,
            averages.h,
            words.centres,
            averages.counts,
            rate,
            cap,
        )
        of_inputs = averages_delta(averages, words, layer.d_h, layer.terms, backward)
        inputs, at = descend(params.inputs, (of_inputs,), rate, cap, places.inputs)
        return Descent(
            Params(inputs, layer.outputs),
            Params(at, layer.places),
            Tally(layer.loss, averages.num_predictions),
        )

    return Objective(step, paths.num_nodes(codes), draws_negatives=False)


def _path(codes: Codes, word: Array, dtype) -> tuple[Array, Array, Array]:
    """The nodes of a word's path, s of (2), and 0 instead of 1 after its end."""
    nodes = jnp.asarray(codes.nodes)[word]
    bits = jnp.asarray(codes.bits)[word].astype(dtype)
    depths = jnp.arange(codes.nodes.shape[1], dtype=jnp.int32)
    is_there = depths < jnp.asarray(codes.lengths)[word]
    return nodes, 1 - 2 * bits, is_there.astype(dtype)
