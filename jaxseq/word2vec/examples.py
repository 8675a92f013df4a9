"""The plain form: every prediction of a block by itself, as the papers write it.

What the block forms compute with a few products is written out here per prediction, for
reading and as the reference that tests hold the block forms to. An output layer gives
two functions of one prediction, its loss E and its gradient by hand:

    loss(outputs, h, target, negatives) -> E
    delta(outputs, h, target, negatives) -> ∂E/∂h, ∂E/∂outputs

Reference: as `jaxseq.word2vec.objective`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.types import Array
from jaxseq.word2vec.objective import Backward, exact, whole
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.windows import Block, chunks


Loss = Callable[[Array, Array, Array, Array], Array]
Delta = Callable[[Array, Array, Array, Array], tuple[Array, Array]]


class Examples(NamedTuple):
    """P predictions from M words each.

    Attributes:
        inputs: `[P, M]` int32, the words that predict.
        weights: `[P, M]`, h = Σ_m weights_m v_inputs_m; 0 where there is none.
        shares: `[P, M]`, how much of ∂E/∂h goes back to each.
        targets: `[P]` int32, the word that is predicted.
        negatives: `[P, K]` int32, drawn from the noise.
        counts: `[P]`, 1 for a prediction, 0 for a filler.
    """

    inputs: Array
    weights: Array
    shares: Array
    targets: Array
    negatives: Array
    counts: Array


def skip_gram(block: Block, dtype=jnp.float32) -> Examples:
    """Lists the pairs of a block: the centre predicts a context.

    Args:
        block: the block.
        dtype: floating-point dtype of the weights of the predictions.
    """
    centres, contexts, is_pair = chunks(block)
    shape = is_pair.shape
    ones = is_pair.astype(dtype).reshape(-1)
    negatives = block.negatives[:, None, None]
    return Examples(
        inputs=jnp.broadcast_to(centres[:, :, None], shape).reshape(-1, 1),
        weights=ones[:, None],
        shares=ones[:, None],
        targets=jnp.broadcast_to(contexts[:, None, :], shape).reshape(-1),
        negatives=_spread(negatives, shape),
        counts=ones,
    )


def words_around(block: Block, dtype=jnp.float32) -> Examples:
    """Lists the same pairs the other way round: a context predicts the centre.

    Args:
        block: the block.
        dtype: floating-point dtype of the weights of the predictions.
    """
    pairs = skip_gram(block, dtype)
    return pairs._replace(inputs=pairs.targets[:, None], targets=pairs.inputs[:, 0])


def cbow(block: Block, backward: Backward = whole, dtype=jnp.float32) -> Examples:
    """Lists the words of a block: the mean of a window predicts its centre.

    Args:
        block: the block.
        backward: how a window weighs in the gradient: `whole` or `exact`.
        dtype: floating-point dtype of the weights of the predictions.
    """
    centres, contexts, is_pair = chunks(block)
    num_inputs = contexts.shape[-1]
    mask = is_pair.astype(dtype)
    m = mask.sum(-1, keepdims=True)
    inputs = jnp.broadcast_to(contexts[:, None, :], is_pair.shape)
    return Examples(
        inputs=inputs.reshape(-1, num_inputs),
        weights=(mask * exact(m)).reshape(-1, num_inputs),
        shares=(mask * backward(m)).reshape(-1, num_inputs),
        targets=centres.reshape(-1),
        negatives=_spread(block.negatives[:, None], centres.shape),
        counts=(m > 0).astype(dtype).reshape(-1),
    )


def loss(of_one: Loss, params: Params, examples: Examples) -> Array:
    """Returns Σ E over the predictions, a scalar, in nats.

    Args:
        of_one: the loss, or the gradient, of one prediction.
        params: the two matrices.
        examples: the predictions.
    """
    h = jnp.einsum("pm,pmd->pd", examples.weights, params.inputs[examples.inputs])
    each = jax.vmap(of_one, (None, 0, 0, 0))(
        params.outputs, h, examples.targets, examples.negatives
    )
    return jnp.sum(examples.counts * each)


def gradient(of_one: Delta, params: Params, examples: Examples) -> Params:
    """Returns Σ ∂E/∂inputs and Σ ∂E/∂outputs, dense, by hand.

    Args:
        of_one: the loss, or the gradient, of one prediction.
        params: the two matrices.
        examples: the predictions.
    """
    h = jnp.einsum("pm,pmd->pd", examples.weights, params.inputs[examples.inputs])
    d_h, d_outputs = jax.vmap(of_one, (None, 0, 0, 0))(
        params.outputs, h, examples.targets, examples.negatives
    )
    d_rows = jnp.einsum("p,pm,pd->pmd", examples.counts, examples.shares, d_h)
    return Params(
        inputs=jnp.zeros_like(params.inputs).at[examples.inputs].add(d_rows),
        outputs=jnp.einsum("p,prd->rd", examples.counts, d_outputs),
    )


def _spread(negatives: Array, shape: tuple[int, ...]) -> Array:
    """Gives each prediction the negatives of its chunk."""
    num_negatives = negatives.shape[-1]
    spread = jnp.broadcast_to(negatives, (*shape, num_negatives))
    return spread.reshape(math.prod(shape), num_negatives)
