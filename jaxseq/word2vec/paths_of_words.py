"""A step along the paths of a block's words, each predicted from an h of its own.

CBOW: of a word's nodes only z with that one h count, one product of two rows a slot, so
that groups of words need not be the chunks: larger ones leave fewer slots empty.

Equations and sizes: as in `jaxseq.word2vec.paths`; E = B, h of a word is its own.

Reference: as `jaxseq.word2vec.hierarchical_softmax`.
"""

import jax
import jax.numpy as jnp

from jaxseq.types import Array
from jaxseq.word2vec import paths, sparse
from jaxseq.word2vec.objective import softplus
from jaxseq.word2vec.paths import Layer, Tree
from jaxseq.word2vec.sparse import as_rows, rows_of


SLOTS_A_WORD = 3
"""F / b: a word of English has 7 such nodes in the mean. Three passes over what stays
in a core's cache take less time than one."""
GROUP_SIZE = 32
"""b, words of a group, or as many below as divide the block."""


def descend(
    tree: Tree,
    outputs: Array,
    places: Array,
    h: Array,
    words: Array,
    counts: Array,
    rate: Array,
    cap: Array,
) -> Layer:
    """Takes a capped step of gradient descent on the nodes' vectors.

    Args:
        tree: of V words.
        outputs: `[R, D]`, changed in place where the caller lets it go.
        places: `[R]` int32, to write in.
        h: `[C, B, D]`, of each word.
        words: `[C, B]` int32.
        counts: `[C, B, 1]`, 1 where a word is to be predicted from its h, else 0.
        rate: scalar, α of `jaxseq.word2vec.sparse`.
        cap: scalar, η.
    """

    def spread(x: Array) -> Array:
        return counts * x

    layer = paths.descend_near(tree, outputs, places, h, words, spread, rate, cap)
    if len(tree.nodes) == 1:
        return layer  # a small tree is all near its root
    sizes = range(1, min(GROUP_SIZE, words.size) + 1)
    group_size = max(size for size in sizes if words.size % size == 0)
    num_slots = SLOTS_A_WORD * group_size
    groups = words.reshape(-1, group_size)
    slots = paths.slots(tree, groups, counts.reshape(groups.shape) > 0)
    h = h.reshape(words.size, -1)
    ones = jnp.ones(h.shape[1], h.dtype)

    # Here d_h and terms lie flat, `[T, D]` and `[T]`, word by word.
    def on_slots(number: Array, layer: Layer) -> Layer:
        owners, nodes, signs = map(
            jnp.ravel, paths.fill(tree, slots, number, num_slots)
        )
        s = signs.astype(h.dtype)
        passes = s * s
        v, h_of_v = rows_of(layer.outputs, nodes), rows_of(h, owners)
        # XLA:CPU takes longer to sum the rows of a product that it has not stored.
        z = jax.lax.optimization_barrier(v * h_of_v) @ ones  # (1)
        d_z = passes * (jax.nn.sigmoid(z) - (1 + s) / 2)  # (4)
        d_v, d_h_of_v = d_z[:, None] * h_of_v, d_z[:, None] * v  # (5)
        of_nodes = as_rows(nodes, d_v, passes)
        outputs, places = sparse.descend(
            layer.outputs, (of_nodes,), rate, cap, layer.places
        )
        d_h = layer.d_h.at[owners].add(d_h_of_v, mode="promise_in_bounds")  # (5)
        terms = layer.terms.at[owners].add(passes, mode="promise_in_bounds")
        is_first = (owners < words.shape[1]).astype(h.dtype)
        loss = jnp.sum(is_first * passes * softplus(-s * z))  # (3)
        return Layer(outputs, places, d_h, terms, layer.loss + loss)

    flat = layer._replace(d_h=layer.d_h.reshape(h.shape), terms=layer.terms.ravel())
    flat = jax.lax.fori_loop(0, paths.num_passes(slots, num_slots), on_slots, flat)
    return flat._replace(
        d_h=flat.d_h.reshape(layer.d_h.shape), terms=flat.terms.reshape(words.shape)
    )
