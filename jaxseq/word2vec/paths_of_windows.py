"""A step along the paths of a block's words, each predicted from all of its window.

Skip-gram: an h is a context's, and many words of a chunk are predicted from it. Below
the nodes near the root, products of all slots of a chunk with all its h are formed, of
which those with the h of a word's own window count.

Equations and sizes: as in `jaxseq.word2vec.paths`; its groups are the chunks.

Reference: as `jaxseq.word2vec.hierarchical_softmax`.
"""

import jax
import jax.numpy as jnp

from jaxseq.types import Array
from jaxseq.word2vec import paths, sparse
from jaxseq.word2vec.objective import softplus, transposed
from jaxseq.word2vec.paths import Layer, Tree
from jaxseq.word2vec.sparse import as_rows, rows_of


SLOTS_A_WORD = 10
"""F / B: a word of English has 7 such nodes in the mean, in the fullest chunk 10."""


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

    def spread(x: Array) -> Array:
        return jnp.einsum("cbe,cbn->cen", targets, x)

    layer = paths.descend_near(tree, outputs, places, h, words, spread, rate, cap)
    if len(tree.nodes) == 1:
        return layer  # a small tree is all near its root
    num_slots = SLOTS_A_WORD * words.shape[1]
    slots = paths.slots(tree, words, targets.max(2) > 0)
    of_words = targets.reshape(-1, targets.shape[2])

    def on_slots(number: Array, layer: Layer) -> Layer:
        owners, nodes, signs = paths.fill(tree, slots, number, num_slots)
        s = signs.astype(h.dtype)[:, :, None]
        passes = s * s * rows_of(of_words, owners)
        v = rows_of(layer.outputs, nodes)
        z = jnp.einsum("cfd,ced->cfe", v, h)  # (1)
        d_z = passes * (jax.nn.sigmoid(z) - (1 + s) / 2)  # (4)
        d_v = jnp.einsum("cfe,ced->cfd", d_z, h)  # (5)
        d_h = jnp.einsum("cef,cfd->ced", transposed(d_z), v)  # (5)
        of_nodes = as_rows(nodes, d_v, passes.sum(2))
        outputs, places = sparse.descend(
            layer.outputs, (of_nodes,), rate, cap, layer.places
        )
        loss = jnp.sum(passes[0] * softplus(-s[0] * z[0]))  # (3)
        return Layer(
            outputs,
            places,
            layer.d_h + d_h,
            layer.terms + passes.sum(1),
            layer.loss + loss,
        )

    return jax.lax.fori_loop(0, paths.num_passes(slots, num_slots), on_slots, layer)
