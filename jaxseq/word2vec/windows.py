"""Blocks of running text, and the pairs of words in them.

A block holds T words, the centres, with W more on either side that are only contexts.
Around the centre at position t a window reaches r_t places, drawn from 1..W; its
contexts are the words at

    { s : 0 < |s - t| ≤ r_t, word s in the sentence of word t }                     (1)

so that near words count more often than far ones, as in word2vec. A block's centres
are cut into C chunks of B. Of a chunk all pairs lie in a band of a matrix
`[B, B + 2W]`: one product per chunk then has every pair of it.

Sizes: T = C B centres, E = B + 2W contexts of a chunk.

Reference: Mikolov, Chen, Corrado, Dean 2013 (1301.3781), 3.2, for the drawn reach.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxseq.types import Array


NO_WORD = -1


class Block(NamedTuple):
    """Words side by side, and what was drawn for them.

    Attributes:
        ids: `[T + 2W]` int32 words, NO_WORD where there is none.
        sentences: `[T + 2W]` int32, the same number within a sentence.
        reaches: `[C, B]` int32 r_t of each centre, 1 to W.
        negatives: `[C, K]` int32 words drawn from the noise, shared by a chunk.
    """

    ids: Array
    sentences: Array
    reaches: Array
    negatives: Array


class Chunks(NamedTuple):
    """The words of a block by chunk, and which of them are pairs.

    Attributes:
        centres: `[C, B]` int32, 0 where there is no word: it is in no pair then.
        contexts: `[C, E]` int32, likewise.
        is_pair: `[C, B, E]` bool, (1).
    """

    centres: Array
    contexts: Array
    is_pair: Array


def chunks(block: Block) -> Chunks:
    """Cuts a block into chunks and finds its pairs.

    Args:
        block: the block.
    """
    num_chunks, size = block.reaches.shape
    reach = (block.ids.shape[0] - num_chunks * size) // 2
    starts = np.arange(num_chunks)[:, None] * size
    at_contexts = starts + np.arange(size + 2 * reach)
    at_centres = starts + reach + np.arange(size)
    contexts = block.ids[at_contexts]
    centres = block.ids[at_centres]
    steps = np.arange(size + 2 * reach) - reach - np.arange(size)[:, None]
    distance = np.abs(steps).astype(np.int32)[None]
    is_near = (distance != 0) & (distance <= block.reaches[:, :, None])
    sentence_of = block.sentences[at_centres][:, :, None]
    is_same = sentence_of == block.sentences[at_contexts][:, None, :]
    is_word = (centres != NO_WORD)[:, :, None] & (contexts != NO_WORD)[:, None, :]
    return Chunks(
        centres=jnp.maximum(centres, 0),
        contexts=jnp.maximum(contexts, 0),
        is_pair=is_near & is_same & is_word,  # (1)
    )
