"""A step along the paths of Huffman's tree, for all words of a block at once.

Equations (1) to (5) are those of `jaxseq.word2vec.hierarchical_softmax`. Paths are cut
in two, as their nodes are met so differently often.

Near the root, the N most visited nodes make a small full layer: of an h with each of
them z is formed once, weighted by how many of its predictions pass there. Each of them
is in thousands of a block's terms, and a capped step for all of these moves it far less
than word2vec, which takes a step a term. So the layer descends piece by piece of the
block, one piece's h after the other's (the h themselves are the block's old ones).

Below, a block meets few nodes twice. A word's L_w nodes there lie side by side in one
list of all words' nodes, and a chunk's words get slots for them, as many as each needs:

    slot j of a chunk is of its word b,    Σ_{i<b} L_i ≤ j < Σ_{i≤b} L_i            (6)

A chunk whose words need more than F slots is gone through again for the next F of them,
and so are the others, until no chunk has any left: nothing is dropped, whatever the
text. Each pass takes a capped step of its own, from where the last one left the nodes.

Sizes: C chunks of B words, E vectors h a chunk, D columns.

Reference: as `jaxseq.word2vec.hierarchical_softmax`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count
from jaxseq.types import Array
from jaxseq.word2vec import sparse
from jaxseq.word2vec.huffman import Codes
from jaxseq.word2vec.objective import softplus, transposed
from jaxseq.word2vec.sparse import as_rows, rows_of


NUM_NEAR = 31
"""Nodes near the root that are treated as a layer, by default."""
SLOTS_A_WORD = 10
"""F / B: a word of English has 7 such nodes in the mean, in the fullest chunk 10."""
PIECE_SIZE = 32
"""Words after which the nodes near the root take a step; a chunk at least."""


class Tree(NamedTuple):
    """The paths, cut in two.

    Attributes:
        turns: `[V, N]` int8, of each of the first N nodes: 1 where the word's path
            takes turn 0, -1 where it takes turn 1, 0 where it does not pass.
        starts: `[V]` int32, where the rest of a word's path begins in `nodes`.
        lengths: `[V]` int32, L of the rest.
        nodes: `[S]` int32, the rests of all paths, one after the other.
        signs: `[S]` int8, s_l of each.
    """

    turns: Array
    starts: Array
    lengths: Array
    nodes: Array
    signs: Array


class Layer(NamedTuple):
    """After the step.

    Attributes:
        outputs: `[R, D]`, moved.
        places: `[R]` int32, as `sparse.descend` wants it next time.
        d_h: `[C, E, D]`, ∂E/∂h.
        terms: `[C, E]`, in how many terms of E each h is.
        loss: scalar, E of the first chunk, in nats.
    """

    outputs: Array
    places: Array
    d_h: Array
    terms: Array
    loss: Array


def cut(codes: Codes, num_near: int) -> Tree:
    """Splits the paths at the first nodes, which are the most visited ones.

    Args:
        codes: the paths of the V words.
        num_near: N; fewer where the tree has fewer.

    Raises:
        ValueError: if the number is below 0.
    """
    check_count("num_near", num_near, least=0)
    num_near = min(num_near, num_nodes(codes))
    words, depths = np.nonzero(np.arange(codes.nodes.shape[1]) < codes.lengths[:, None])
    nodes = codes.nodes[words, depths]
    signs = 1 - 2 * codes.bits[words, depths]
    turns = np.zeros((len(codes.lengths), num_near), np.int8)
    is_near = nodes < num_near
    turns[words[is_near], nodes[is_near]] = signs[is_near]
    lengths = codes.lengths - np.count_nonzero(turns, 1).astype(np.int32)
    # A slot that no word needs looks at the end of the list.
    rest = np.append(nodes[~is_near], 0), np.append(signs[~is_near], 0)
    return Tree(
        jnp.asarray(turns),
        jnp.asarray(np.cumsum(lengths) - lengths, jnp.int32),
        jnp.asarray(lengths, jnp.int32),
        jnp.asarray(rest[0], jnp.int32),
        jnp.asarray(rest[1], jnp.int8),
    )


def num_nodes(codes: Codes) -> int:
    """Returns R: a tree of V leaves has V - 1 inner nodes.

    Args:
        codes: Huffman's codes of the words.
    """
    return len(codes.lengths) - 1


def descend(
    tree: Tree,
    outputs: Array,
    places: Array,
    h: Array,
    words: Array,
    targets: Array,
    rate: Array,
    cap: Array,
) -> Layer:
    """Takes a capped step of gradient descent on the nodes' vectors.

    Args:
        tree: of V words.
        outputs: `[R, D]`, changed in place where the caller lets it go.
        places: `[R]` int32, to write in.
        h: `[C, E, D]`.
        words: `[C, B]` int32.
        targets: `[C, B, E]`, 1 where a word is to be predicted from an h, else 0.
        rate: scalar, α of `jaxseq.word2vec.sparse`.
        cap: scalar, η.
    """
    near, d_h, terms, loss = _near(tree, outputs, h, words, targets, rate, cap)
    outputs = jax.lax.dynamic_update_slice(outputs, near, (0, 0))
    layer = Layer(outputs, places, d_h, terms, loss)
    return _far(tree, layer, h, words, targets, rate, cap)


def _near(
    tree: Tree,
    outputs: Array,
    h: Array,
    words: Array,
    targets: Array,
    rate: Array,
    cap: Array,
) -> tuple[Array, Array, Array, Array]:
    """The layer near the root, piece by piece; returns it, d_h, terms and loss."""
    (num_chunks, size), num_near = words.shape, tree.turns.shape[1]
    turns = rows_of(tree.turns, words)
    # How many predictions of each h pass a node, and how many take turn 0 there.
    passing = jnp.einsum("cbe,cbn->cen", targets, (turns != 0).astype(h.dtype))
    ahead = jnp.einsum("cbe,cbn->cen", targets, (turns > 0).astype(h.dtype))
    num_chunks_a_piece = np.gcd(num_chunks, max(1, PIECE_SIZE // size))

    def pieces(x: Array) -> Array:
        num_rows = num_chunks_a_piece * x.shape[1]
        return x.reshape(num_chunks // num_chunks_a_piece, num_rows, x.shape[2])

    def on_piece(v: Array, piece: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        h, passing, ahead = piece
        z = h @ v.T  # (1)
        d_z = passing * jax.nn.sigmoid(z) - ahead  # (4)
        d_h = d_z @ v  # (5)
        n = jnp.maximum(passing.sum(0), 1e-30)
        step = jnp.minimum(rate, cap / n)
        return v - step[:, None] * (d_z.T @ h), d_h  # (5)

    v = outputs[:num_near]
    z = h[0] @ v.T
    behind = passing[0] - ahead[0]
    loss = jnp.sum(ahead[0] * softplus(-z) + behind * softplus(z))  # (3)
    v, d_h = jax.lax.scan(on_piece, v, (pieces(h), pieces(passing), pieces(ahead)))
    return v, d_h.reshape(h.shape), passing.sum(2), loss


def _far(
    tree: Tree,
    layer: Layer,
    h: Array,
    words: Array,
    targets: Array,
    rate: Array,
    cap: Array,
) -> Layer:
    """The rest of the paths, F slots a chunk at a time."""
    if len(tree.nodes) == 1:
        return layer  # a small tree is all near its root
    num_chunks, size = words.shape
    num_slots = SLOTS_A_WORD * size
    is_there = targets.max(2) > 0
    lengths = jnp.where(is_there, rows_of(tree.lengths, words), 0)
    ends = jnp.cumsum(lengths, 1)
    # Where slot 0 would be in the lists if all the chunk's slots were this word's.
    shifts = rows_of(tree.starts, words) - (ends - lengths)
    unused = np.int32(len(tree.nodes) - 1)
    base = jnp.arange(num_chunks, dtype=jnp.int32)[:, None] * size

    def on_slots(number: Array, layer: Layer) -> Layer:
        j = number * num_slots + jnp.arange(num_slots, dtype=jnp.int32)[None]
        is_behind = j[:, :, None] >= ends[:, None, :]
        owners = jnp.sum(is_behind, 2, dtype=jnp.int32)  # (6)
        is_used = owners < size
        owners = jnp.minimum(owners, size - 1) + base
        at = jnp.where(is_used, j + rows_of(shifts.reshape(-1), owners), unused)
        nodes = rows_of(tree.nodes, at)
        s = rows_of(tree.signs, at).astype(h.dtype)[:, :, None]
        passes = s * s * rows_of(targets.reshape(-1, targets.shape[2]), owners)
        v = rows_of(layer.outputs, nodes)
        z = jnp.einsum("cfd,ced->cfe", v, h)  # (1)
        d_z = passes * (jax.nn.sigmoid(z) - (1 + s) / 2)  # (4)
        d_v = jnp.einsum("cfe,ced->cfd", d_z, h)  # (5)
        d_h = jnp.einsum("cef,cfd->ced", transposed(d_z), v)  # (5)
        outputs, places = sparse.descend(
            layer.outputs,
            (as_rows(nodes, d_v, passes.sum(2)),),
            rate,
            cap,
            layer.places,
        )
        loss = jnp.sum(passes[0] * softplus(-s[0] * z[0]))  # (3)
        return Layer(
            outputs,
            places,
            layer.d_h + d_h,
            layer.terms + passes.sum(1),
            layer.loss + loss,
        )

    num_passes = -(-jnp.max(ends[:, -1]) // num_slots)
    return jax.lax.fori_loop(0, num_passes, on_slots, layer)
