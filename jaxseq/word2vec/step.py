"""What the device does with a span: block after block, the matrices change in place.

Reaches and negatives are drawn for the whole span at once; then each block takes a
capped step of gradient descent (`jaxseq.word2vec.sparse`). The matrices are given away
to the program and come back changed: a test looks for copies of them in it.

On a GPU, jaxlib 0.10.2 and 0.11.0 add float32 rows by a loop that is hundreds of times
too slow (jax issue 38806, xla issue 46225); there, before JAX starts:
XLA_FLAGS=--xla_backend_extra_options=-nvptx-allow-ftz-atomics. Measured with 0.11.2
(NOTES, trial 25): it is cured there, the flag changes nothing.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.types import Array, Key
from jaxseq.word2vec import sampler
from jaxseq.word2vec.objective import Objective, Tally
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sampler import Sampler
from jaxseq.word2vec.windows import Block


class Sizes(NamedTuple):
    """Of a span's parts: what a program is compiled for."""

    reach: int
    num_blocks: int
    num_chunks: int
    chunk_size: int
    num_shared: int


@functools.partial(
    jax.jit,
    static_argnames=("objective", "sizes"),
    donate_argnames=("params", "places"),
)
def step(
    objective: Objective,
    sizes: Sizes,
    negatives: Sampler | None,
    cap: Array,
    params: Params,
    places: Params,
    ids: Array,
    sentences: Array,
    rates: Array,
    num_used: Array,
    key: Key,
) -> tuple[Params, Params, Tally]:
    """Trains on a span, block after block.

    Args:
        objective: what is trained.
        sizes: of the span's parts.
        negatives: the noise; None for an objective that draws none.
        cap: scalar, η.
        params: the matrices, given away.
        places: `[V]` and `[R]` int32 to write in, given away.
        ids: `[N + 2W]` of a span.
        sentences: `[N + 2W]` of a span.
        rates: `[N / T]`, α of each block.
        num_used: scalar, how many of the blocks have words.
        key: for reaches and negatives.

    Returns:
        The new matrices, what was written in, and the sums of the blocks' tallies.
    """
    reach, num_blocks, num_chunks, chunk_size, num_shared = sizes
    key_reach, key_negatives = jax.random.split(key)
    shape = num_blocks, num_chunks, chunk_size
    reaches = jax.random.randint(key_reach, shape, 1, reach + 1, jnp.int32)
    drawn = _draw(key_negatives, negatives, (*shape[:2], num_shared))
    block_size = num_chunks * chunk_size

    def on_block(number, carry):
        params, places, tally = carry
        cut = (number * block_size,), (block_size + 2 * reach,)
        block = Block(
            ids=jax.lax.dynamic_slice(ids, *cut),
            sentences=jax.lax.dynamic_slice(sentences, *cut),
            reaches=reaches[number],
            negatives=drawn[number],
        )
        params, places, of_block = objective.descend(
            params, places, block, rates[number], cap
        )
        return params, places, jax.tree.map(jnp.add, tally, of_block)

    tally = Tally(jnp.zeros((), params.inputs.dtype), jnp.zeros((), jnp.int32))
    return jax.lax.fori_loop(0, num_used, on_block, (params, places, tally))


def _draw(key: Key, negatives: Sampler | None, shape: tuple[int, ...]) -> Array:
    if negatives is None:
        return jnp.zeros((*shape[:-1], 0), jnp.int32)
    return sampler.draw(key, negatives, shape)
