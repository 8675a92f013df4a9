"""What is trained: an objective is the step that it takes along a block of text.

Three output layers (`negative_sampling`, `hierarchical_softmax`, `full_softmax`) by two
architectures: Skip-gram, (1), in which a word predicts each word around it, and CBOW,
(2), in which the mean of the words around predicts the word.

    h = v_c                          Skip-gram, for each pair (centre c, context o)  (1)
    h = (1/m) Σ_{s in window} v_s    CBOW, m words in the window of c                (2)

CBOW's gradient departs, as in word2vec.c: each word of the window moves by the whole of
∂E/∂h (`whole`), not by its share of it, ∂E/∂h / m (`exact`); short windows then do not
learn m times slower than Skip-gram does.

References:
    Mikolov, Chen, Corrado, Dean 2013 (1301.3781), 3.1 and 3.2.
    word2vec.c, TrainModelThread, for the departure.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.types import Array
from jaxseq.word2vec import sparse
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sparse import Rows
from jaxseq.word2vec.windows import Block


class Gradient(NamedTuple):
    """∂E/∂ of both matrices, each the sum of some lists of rows.

    Attributes:
        inputs: of the words' matrix.
        outputs: of the output layer's.
    """

    inputs: tuple[Rows, ...]
    outputs: tuple[Rows, ...]


class Tally(NamedTuple):
    """The loss of a block's first chunk: a sample of the block's, at little cost.

    Attributes:
        loss: scalar, the sum over its predictions, in nats.
        num_predictions: scalar; Skip-gram counts pairs, CBOW words.
    """

    loss: Array
    num_predictions: Array


class Descent(NamedTuple):
    """After a block.

    Attributes:
        params: moved.
        places: as `jaxseq.word2vec.sparse` wants them at the next block.
        tally: of the block.
    """

    params: Params
    places: Params
    tally: Tally


class Objective(NamedTuple):
    """An output layer with an architecture.

    Attributes:
        descend: `(params, places, block, rate, cap)` to the matrices after capped
            gradient descent on E, summed over the block's predictions: one step, but
            for `jaxseq.word2vec.paths`. `places` are `[V]` and `[R]` int32 to write in,
            `rate` and `cap` are α and η of `jaxseq.word2vec.sparse`.
        num_outputs: R, rows of the output matrix.
        draws_negatives: whether a block's `negatives` are looked at.
    """

    descend: Callable[[Params, Params, Block, Array, Array], Descent]
    num_outputs: int
    draws_negatives: bool


def by_gradient(
    gradient: Callable[[Params, Block], tuple[Gradient, Tally]],
    num_outputs: int,
    draws_negatives: bool,
) -> Objective:
    """Makes an objective whose step is along one gradient of the whole block.

    Args:
        gradient: of the whole block, with respect to both matrices.
        num_outputs: rows of the second matrix, by the number of words.
        draws_negatives: whether a block needs words that are drawn.
    """

    def descend(params: Params, places: Params, block: Block, rate, cap) -> Descent:
        of_block, tally = gradient(params, block)
        inputs, at_inputs = sparse.descend(
            params.inputs, of_block.inputs, rate, cap, places.inputs
        )
        outputs, at_outputs = sparse.descend(
            params.outputs, of_block.outputs, rate, cap, places.outputs
        )
        moved, written = Params(inputs, outputs), Params(at_inputs, at_outputs)
        return Descent(moved, written, tally)

    return Objective(descend, num_outputs, draws_negatives)


Backward = Callable[[Array], Array]
"""What of ∂E/∂h each of m words in a window gets: `whole` or `exact`."""


def whole(num_contexts: Array) -> Array:
    """All of it, as word2vec.c does: ones, `[...]`.

    Args:
        num_contexts: `[...]` m, the words in a window.
    """
    return jnp.ones_like(num_contexts)


def exact(num_contexts: Array) -> Array:
    """Its share, 1 / m `[...]`, as (2) says; 0 in an empty window.

    Args:
        num_contexts: `[...]` m, the words in a window.
    """
    return jnp.where(num_contexts > 0, 1 / jnp.maximum(num_contexts, 1), 0)


def softplus(x: Array) -> Array:
    """Returns -log σ(-x), which neither overflows nor cancels.

    Args:
        x: `[...]`.

    Returns:
        `[...]`.
    """
    return jnp.logaddexp(x, jnp.zeros_like(x))


def transposed(x: Array) -> Array:
    """Returns `[C, J, I]` of `[C, I, J]`, laid out anew.

    XLA would rather leave it to the product that comes next, and multiplies a small
    transposed matrix at half the speed (CPU, jax 0.10).

    Args:
        x: `[C, I, J]`.
    """
    return jax.lax.optimization_barrier(jnp.swapaxes(x, 1, 2))
