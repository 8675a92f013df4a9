"""What the device does with a span: block after block, the matrices change in place.

Reaches and negatives are drawn for the whole span at once; then each block takes a
capped step of gradient descent (`jaxseq.word2vec.sparse`). A span is one update of
`jaxseq.train`. The matrices are given away to it and come back changed: a test looks
for copies of them in the program. Nor could an update that is not finite be undone
without a copy: it is told, and ends the training.

On a GPU, jaxlib 0.10.2 and 0.11.0 add float32 rows by a loop that is hundreds of times
too slow (jax issue 38806, xla issue 46225); there, before JAX starts:
XLA_FLAGS=--xla_backend_extra_options=-nvptx-allow-ftz-atomics. The programs set it
(`experiments.slow_addition`). Measured with 0.11.2 (NOTES, trial 25): it is cured
there, the flag changes nothing.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.train.state import State
from jaxseq.train.step import Report, Update
from jaxseq.types import Array, Key, Tree
from jaxseq.word2vec import sampler
from jaxseq.word2vec.objective import Objective, Tally
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sampler import Sampler
from jaxseq.word2vec.windows import Block


class Sizes(NamedTuple):
    """Of a span's parts: what a program is compiled for.

    Attributes:
        reach: W, the words of context on either side.
        num_blocks: N / T, blocks of a span.
        num_chunks: C, chunks of a block.
        chunk_size: B, centres of a chunk.
        num_shared: K, the negatives that a chunk shares.
    """

    reach: int
    num_blocks: int
    num_chunks: int
    chunk_size: int
    num_shared: int


class Batch(NamedTuple):
    """What an update reads, on the host.

    Attributes:
        ids: `[N + 2W]` int32 of a span.
        sentences: `[N + 2W]` int32 of a span.
        num_words: scalar int32, how many of the centres are words.
        rates: `[N / T]`, α of each block.
    """

    ids: np.ndarray
    sentences: np.ndarray
    num_words: np.ndarray
    rates: np.ndarray


def make(
    objective: Objective, sizes: Sizes, negatives: Sampler | None, cap: float
) -> Update:
    """Returns an update: it trains on a span, block after block.

    Args:
        objective: what is trained.
        sizes: of the span's parts.
        negatives: the noise; None for an objective that draws none.
        cap: η.
    """
    reach, num_blocks, num_chunks, chunk_size, num_shared = sizes
    block_size = num_chunks * chunk_size

    def update(state: State, batch: Tree, key: Key) -> tuple[State, Report]:
        key_reach, key_negatives = jax.random.split(key)
        shape = num_blocks, num_chunks, chunk_size
        reaches = jax.random.randint(key_reach, shape, 1, reach + 1, jnp.int32)
        numbers = jnp.arange(num_blocks * block_size, dtype=jnp.int32).reshape(shape)
        # No window around the words behind the last centre.
        reaches = jnp.where(numbers < batch.num_words, reaches, jnp.zeros_like(reaches))
        drawn = _draw(key_negatives, negatives, (*shape[:2], num_shared))

        def on_block(number, carry):
            params, places, tally = carry
            cut = (number * block_size,), (block_size + 2 * reach,)
            block = Block(
                ids=jax.lax.dynamic_slice(batch.ids, *cut),
                sentences=jax.lax.dynamic_slice(batch.sentences, *cut),
                reaches=reaches[number],
                negatives=drawn[number],
            )
            params, places, of_block = objective.descend(
                params,
                places,
                block,
                batch.rates[number],
                jnp.asarray(cap, batch.rates.dtype),
            )
            return params, places, jax.tree.map(jnp.add, tally, of_block)

        dtype = batch.rates.dtype
        places = Params(*(jnp.zeros(len(each), jnp.int32) for each in state.params))
        tally = Tally(jnp.zeros((), dtype), jnp.zeros((), jnp.int32))
        num_used = (batch.num_words + (block_size - 1)) // block_size
        params, _, tally = jax.lax.fori_loop(
            0, num_used, on_block, (state.params, places, tally)
        )
        return state._replace(params=params), _report(tally, batch.num_words)

    return update


def _report(tally: Tally, num_words: Array) -> Report:
    """Says of a span what its sample says of it."""
    dtype = tally.loss.dtype
    num_predictions = jnp.maximum(tally.num_predictions, 1).astype(dtype)
    total = tally.loss / num_predictions * num_words.astype(dtype)
    is_finite = jnp.isfinite(total)
    return Report(
        total=total,
        num_targets=num_words,
        norm=jnp.full((), jnp.inf, dtype),  # unknown: no gradient is ever whole
        is_applied=is_finite,
        num_skipped=(~is_finite).astype(jnp.int32),
    )


def _draw(key: Key, negatives: Sampler | None, shape: tuple[int, ...]) -> Array:
    if negatives is None:
        return jnp.zeros((*shape[:-1], 0), jnp.int32)
    return sampler.draw(key, negatives, shape)
