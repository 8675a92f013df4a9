"""Hierarchical softmax: a word is the turns on the way to it in Huffman's tree.

A word's path has the inner nodes n_1 (the root) to n_L, and at each a turn b_l, 0 or 1.
With a vector v'_n for each inner node:

    z_l = v'_{n_l} · h                                                              (1)
    p(w | h) = Π_l σ(s_l z_l),    s_l = 1 - 2 b_l                                   (2)
    E = -log p(o | h) = -Σ_l log σ(s_l z_l)                                         (3)

The p(w | h) of all words sum to 1. By hand:

    ∂E/∂z_l = σ(z_l) - (1 - b_l)                                                    (4)
    ∂E/∂v'_{n_l} = ∂E/∂z_l h      ∂E/∂h = Σ_l ∂E/∂z_l v'_{n_l}                      (5)

The block forms treat the nodes near the root, which nearly every prediction passes, as
a small full layer: z of a centre with each such node is formed once, whatever number of
its predictions pass there. What is left of the paths, below, is looked up word by word.

References:
    Morin, Bengio 2005, AISTATS; Mikolov, Sutskever, Chen, Corrado, Dean 2013
    (1310.4546), eq. (3). `jaxseq.word2vec.huffman` for the tree.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count
from jaxseq.types import Array
from jaxseq.word2vec.examples import Delta, Loss
from jaxseq.word2vec.huffman import Codes
from jaxseq.word2vec.objective import (
    Backward,
    Gradient,
    Objective,
    Tally,
    exact,
    softplus,
    whole,
)
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sparse import Rows, as_rows, rows_of
from jaxseq.word2vec.windows import Block, chunks


NUM_DENSE = 127
"""Nodes near the root that are treated as a layer, by default."""


class Tree(NamedTuple):
    """The paths, cut in two; for a tree of one word both parts are empty.

    Attributes:
        turns: `[V, N]` int8, of each of the first N nodes: 1 where the word's path
            takes turn 0, -1 where it takes turn 1, 0 where it does not pass.
        nodes: `[V, M]` int32, the rest of the paths, filled up with 0.
        signs: `[V, M]` int8, s_l of (2), 0 for a filler.
    """

    turns: Array
    nodes: Array
    signs: Array


def loss(codes: Codes) -> Loss:
    """The plain E of one prediction, (3)."""

    def of_one(outputs, h, target, negatives):
        del negatives
        nodes, s, passes = _path(codes, target, h.dtype)
        z = outputs[nodes] @ h  # (1)
        return jnp.sum(passes * softplus(-s * z))  # (3)

    return of_one


def delta(codes: Codes) -> Delta:
    """The plain gradient of one prediction, (4) and (5)."""

    def of_one(outputs, h, target, negatives):
        del negatives
        nodes, s, passes = _path(codes, target, h.dtype)
        d_z = passes * (jax.nn.sigmoid(outputs[nodes] @ h) - (1 + s) / 2)  # (4)
        d_outputs = jnp.zeros_like(outputs).at[nodes].add(jnp.outer(d_z, h))  # (5)
        return d_z @ outputs[nodes], d_outputs  # (5)

    return of_one


def skip_gram(codes: Codes, num_dense: int = NUM_DENSE) -> Objective:
    """Skip-gram by blocks.

    Args:
        codes: the paths of the V words.
        num_dense: N, how many nodes near the root make the layer.

    Raises:
        ValueError: if the number is below 0.
    """
    tree = _cut(codes, num_dense)

    def gradient(params: Params, block: Block) -> tuple[Gradient, Tally]:
        words = chunks(block)
        dtype = params.inputs.dtype
        mask = words.is_pair.astype(dtype)
        h = rows_of(params.inputs, words.centres)
        turns = rows_of(tree.turns, words.contexts)
        passing = jnp.einsum("cbe,cen->cbn", mask, (turns != 0).astype(dtype))
        ahead = jnp.einsum("cbe,cen->cbn", mask, (turns > 0).astype(dtype))
        d_h, near, near_loss = _near_root(params.outputs, h, passing, ahead)

        nodes = rows_of(tree.nodes, words.contexts)
        s = rows_of(tree.signs, words.contexts).astype(dtype)[:, None]
        v = rows_of(params.outputs, nodes)
        z = jnp.einsum("cbd,cemd->cbem", h, v)  # (1)
        passes = mask[..., None] * s * s
        d_z = passes * (jax.nn.sigmoid(z) - (1 + s) / 2)  # (4)
        d_h += jnp.einsum("cbem,cemd->cbd", d_z, v)  # (5)
        d_v = jnp.einsum("cbem,cbd->cemd", d_z, h)  # (5)
        far_loss = jnp.sum(passes[0] * softplus(-s[0] * z[0]))  # (3)
        terms = passing.sum(2) + passes.sum((2, 3))
        return Gradient(
            inputs=(as_rows(words.centres, d_h, terms),),
            outputs=(near, as_rows(nodes, d_v, passes.sum(1))),
        ), Tally(near_loss + far_loss, words.is_pair[0].sum(dtype=jnp.int32))

    return Objective(gradient, _num_nodes(codes), draws_negatives=False)


def cbow(
    codes: Codes, num_dense: int = NUM_DENSE, backward: Backward = whole
) -> Objective:
    """CBOW by blocks.

    Args:
        codes: the paths of the V words.
        num_dense: N, how many nodes near the root make the layer.
        backward: what each word of a window gets of ∂E/∂h.

    Raises:
        ValueError: if the number is below 0.
    """
    tree = _cut(codes, num_dense)

    def gradient(params: Params, block: Block) -> tuple[Gradient, Tally]:
        words = chunks(block)
        dtype = params.inputs.dtype
        mask = words.is_pair.astype(dtype)
        m = mask.sum(2, keepdims=True)
        counts = (m > 0).astype(dtype)
        contexts = rows_of(params.inputs, words.contexts)
        averages = mask * exact(m)
        h = jnp.einsum("cbe,ced->cbd", averages, contexts)
        turns = rows_of(tree.turns, words.centres)
        passing = counts * (turns != 0).astype(dtype)
        ahead = counts * (turns > 0).astype(dtype)
        d_h, near, near_loss = _near_root(params.outputs, h, passing, ahead)

        nodes = rows_of(tree.nodes, words.centres)
        s = rows_of(tree.signs, words.centres).astype(dtype)
        v = rows_of(params.outputs, nodes)
        z = jnp.sum(h[:, :, None] * v, -1)  # (1)
        passes = counts * s * s
        d_z = passes * (jax.nn.sigmoid(z) - (1 + s) / 2)  # (4)
        d_h += jnp.sum(d_z[..., None] * v, 2)  # (5)
        d_v = d_z[..., None] * h[:, :, None]  # (5)
        far_loss = jnp.sum(passes[0] * softplus(-s[0] * z[0]))  # (3)
        shares = mask * backward(m)
        d_contexts = jnp.einsum("cbe,cbd->ced", shares, d_h)
        terms = passing.sum(2, keepdims=True) + passes.sum(2, keepdims=True)
        return Gradient(
            inputs=(as_rows(words.contexts, d_contexts, (averages * terms).sum(1)),),
            outputs=(near, as_rows(nodes, d_v, passes)),
        ), Tally(near_loss + far_loss, counts[0].sum().astype(jnp.int32))

    return Objective(gradient, _num_nodes(codes), draws_negatives=False)


def _near_root(
    outputs: Array, h: Array, passing: Array, ahead: Array
) -> tuple[Array, Rows, Array]:
    """The part of the paths that is a small full layer.

    Args:
        outputs: `[R, D]`.
        h: `[C, B, D]`.
        passing: `[C, B, N]`, how many predictions from h pass each node.
        ahead: `[C, B, N]`, how many of them take turn 0 there.

    Returns:
        ∂E/∂h `[C, B, D]`, ∂E/∂outputs of the N nodes, and E of the first chunk.
    """
    num_nodes = passing.shape[2]
    v = outputs[:num_nodes]
    z = jnp.einsum("cbd,nd->cbn", h, v)  # (1)
    d_z = passing * jax.nn.sigmoid(z) - ahead  # (4)
    d_h = jnp.einsum("cbn,nd->cbd", d_z, v)  # (5)
    d_v = jnp.einsum("cbn,cbd->nd", d_z, h)  # (5)
    behind = passing[0] - ahead[0]
    first = jnp.sum(ahead[0] * softplus(-z[0]) + behind * softplus(z[0]))  # (3)
    ids = jnp.arange(num_nodes, dtype=jnp.int32)
    return d_h, Rows(ids, d_v, passing.sum((0, 1))), first


def _path(codes: Codes, word: Array, dtype) -> tuple[Array, Array, Array]:
    """The nodes of a word's path, s of (2), and 0 instead of 1 after its end."""
    nodes = jnp.asarray(codes.nodes)[word]
    bits = jnp.asarray(codes.bits)[word].astype(dtype)
    depths = jnp.arange(codes.nodes.shape[1], dtype=jnp.int32)
    is_there = depths < jnp.asarray(codes.lengths)[word]
    return nodes, 1 - 2 * bits, is_there.astype(dtype)


def _cut(codes: Codes, num_dense: int) -> Tree:
    """Splits the paths at the first nodes, which are the most visited ones."""
    check_count("num_dense", num_dense, least=0)
    num_dense = min(num_dense, _num_nodes(codes))
    words, depths = np.nonzero(np.arange(codes.nodes.shape[1]) < codes.lengths[:, None])
    nodes = codes.nodes[words, depths]
    signs = 1 - 2 * codes.bits[words, depths]
    turns = np.zeros((len(codes.lengths), num_dense), np.int8)
    is_near = nodes < num_dense
    turns[words[is_near], nodes[is_near]] = signs[is_near]
    words, nodes, signs = words[~is_near], nodes[~is_near], signs[~is_near]
    # Along a path the numbers rise: what is left starts after as many as were taken.
    places = depths[~is_near] - np.count_nonzero(turns, 1)[words]
    shape = (len(codes.lengths), int(places.max(initial=-1)) + 1)
    rest, rest_signs = np.zeros(shape, np.int32), np.zeros(shape, np.int8)
    rest[words, places] = nodes
    rest_signs[words, places] = signs
    return Tree(jnp.asarray(turns), jnp.asarray(rest), jnp.asarray(rest_signs))


def _num_nodes(codes: Codes) -> int:
    return len(codes.lengths) - 1
