"""The paths of Huffman's tree for all words of a block at once, cut in two.

Nodes are met so differently often that a step along the paths has two parts. Equations
(1) to (5) are those of `jaxseq.word2vec.hierarchical_softmax`.

Near the root, the N most visited nodes make a small full layer: of an h with each of
them z is formed once, weighted by how many of its predictions pass there. Each of them
is in many of a block's terms, in Skip-gram in up to thousands, and a capped step for
all of these moves it far less than word2vec, which takes a step a term. So the layer
descends piece by piece of the block, one piece's h after the other's (the h themselves
are the block's old ones).

Below, a block meets few nodes twice. A word's L_w nodes there lie side by side in one
list of all words' nodes, and a group's words get slots for them, as many as each needs:

    slot j of a group is of its word b,    Σ_{i<b} L_i ≤ j < Σ_{i≤b} L_i            (6)

A group whose words need more than F slots is gone through again for the next F of them,
and so are the others, until no group has any left: nothing is dropped, whatever the
text. Each pass takes a capped step of its own, from where the last one left the nodes.
What is multiplied in a slot is Skip-gram's (`jaxseq.word2vec.paths_of_windows`) or
CBOW's (`jaxseq.word2vec.paths_of_words`).

Sizes: C chunks of B words, E vectors h a chunk, D columns; G groups of words.

Reference: as `jaxseq.word2vec.hierarchical_softmax`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count
from jaxseq.types import Array
from jaxseq.word2vec.huffman import Codes
from jaxseq.word2vec.objective import softplus, transposed
from jaxseq.word2vec.sparse import rows_of


NUM_NEAR = 31
"""Nodes near the root that are treated as a layer, by default."""
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
        signs: `[S]` int8, s_l of each; the last entry, 0, is no node's.
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
        loss: scalar, E of the first chunk, in nats, each node as its pass meets it.
    """

    outputs: Array
    places: Array
    d_h: Array
    terms: Array
    loss: Array


class Slots(NamedTuple):
    """Where the rests of the paths of a block's words begin and end.

    Attributes:
        ends: `[G, b]` int32, the slot behind the last one of each word, (6).
        shifts: `[G b]` int32, what a word's slots are behind their places in `nodes`.
    """

    ends: Array
    shifts: Array


class Filled(NamedTuple):
    """What is in the F slots of each group, in one pass.

    Attributes:
        owners: `[G, F]` int32, of which of the G b words a slot is; of the group's last
            one where no word needs it.
        nodes: `[G, F]` int32.
        signs: `[G, F]` int8, s_l; 0 where no word needs the slot.
    """

    owners: Array
    nodes: Array
    signs: Array


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
    nodes = np.append(nodes[~is_near], np.int32(0))
    signs = np.append(signs[~is_near], np.int8(0))
    return Tree(
        jnp.asarray(turns),
        jnp.asarray(np.cumsum(lengths) - lengths, jnp.int32),
        jnp.asarray(lengths, jnp.int32),
        jnp.asarray(nodes, jnp.int32),
        jnp.asarray(signs, jnp.int8),
    )


def num_nodes(codes: Codes) -> int:
    """Returns R: a tree of V leaves has V - 1 inner nodes.

    Args:
        codes: Huffman's codes of the words.
    """
    return len(codes.lengths) - 1


def descend_near(
    tree: Tree,
    outputs: Array,
    places: Array,
    h: Array,
    words: Array,
    spread: Callable[[Array], Array],
    rate: Array,
    cap: Array,
) -> Layer:
    """Takes a capped step on the nodes near the root for each piece of the block.

    Args:
        tree: of V words.
        outputs: `[R, D]`, changed in place where the caller lets it go.
        places: `[R]` int32, to write in.
        h: `[C, E, D]`.
        words: `[C, B]` int32.
        spread: sums `[C, B, N]` up over the words predicted from each h: `[C, E, N]`.
        rate: scalar, α of `jaxseq.word2vec.sparse`.
        cap: scalar, η.
    """
    num_chunks, size = words.shape
    num_pieces = num_chunks // int(np.gcd(num_chunks, max(1, PIECE_SIZE // size)))
    turns = rows_of(tree.turns, words)
    # How many predictions of each h pass a node, and how many take turn 0 there.
    passing = spread((turns != 0).astype(h.dtype))
    ahead = spread((turns > 0).astype(h.dtype))

    def pieces(x: Array) -> Array:
        num_rows = num_chunks // num_pieces * x.shape[1]
        return x.reshape(num_pieces, num_rows, x.shape[2])

    def on_piece(v: Array, piece: tuple[Array, ...]) -> tuple[Array, tuple]:
        h, passing, ahead, step = piece
        z = h @ transposed(v[None])[0]  # (1)
        d_z = passing * jax.nn.sigmoid(z) - ahead  # (4)
        d_v = transposed(d_z[None])[0] @ h  # (5)
        return v - step[:, None] * d_v, (d_z @ v, z)  # (5)

    v = outputs[: turns.shape[2]]
    n = jnp.maximum(pieces(passing).sum(1), 1e-30)
    piece = pieces(h), pieces(passing), pieces(ahead), jnp.minimum(rate, cap / n)
    v, (d_h, z) = jax.lax.scan(on_piece, v, piece)
    z, behind = z.reshape(passing.shape)[0], passing[0] - ahead[0]
    loss = jnp.sum(ahead[0] * softplus(-z) + behind * softplus(z))  # (3)
    outputs = jax.lax.dynamic_update_slice(outputs, v, (0, 0))
    return Layer(outputs, places, d_h.reshape(h.shape), passing.sum(2), loss)


def slots(tree: Tree, words: Array, is_there: Array) -> Slots:
    """Returns the slots of the words' nodes below, (6).

    Args:
        tree: of V words.
        words: `[G, b]` int32.
        is_there: `[G, b]` bool, whether a word is predicted at all.
    """
    lengths = jnp.where(is_there, rows_of(tree.lengths, words), 0)
    ends = jnp.cumsum(lengths, 1)
    # Where slot 0 would be in the list if all of its group's slots were this word's.
    shifts = rows_of(tree.starts, words) - (ends - lengths)
    return Slots(ends, shifts.reshape(-1))


def num_passes(of: Slots, num_slots: int) -> Array:
    """Returns after how many passes no group has a node left, scalar int32.

    Args:
        of: the block's words.
        num_slots: F.
    """
    return -(-jnp.max(of.ends[:, -1]) // num_slots)


def fill(tree: Tree, of: Slots, number: Array, num_slots: int) -> Filled:
    """Returns what is in the slots, in one pass.

    Args:
        tree: of V words.
        of: the block's words.
        number: scalar int32 of the pass, from 0.
        num_slots: F.
    """
    num_groups, size = of.ends.shape
    j = number * num_slots + jnp.arange(num_slots, dtype=jnp.int32)[None]
    is_behind = j[:, None, :] >= of.ends[:, :, None]
    owners = jnp.sum(is_behind, 1, dtype=jnp.int32)  # (6)
    is_used = owners < size
    first = jnp.arange(num_groups, dtype=jnp.int32)[:, None] * size
    owners = jnp.minimum(owners, size - 1) + first
    unused = np.int32(len(tree.nodes) - 1)
    at = jnp.where(is_used, j + rows_of(of.shifts, owners), unused)
    return Filled(owners, rows_of(tree.nodes, at), rows_of(tree.signs, at))
