"""What a device does with a span: block after block, the matrices change in place.

Reaches and negatives are drawn for all blocks at once; then each block takes a capped
step of gradient descent (`jaxseq.word2vec.sparse`). A span is one update of
`jaxseq.train`. The matrices are given away to it and come back changed: a test looks
for copies of them in the program. Nor could an update that is not finite be undone
without a copy: it is told, and ends the training.

S devices have matrices of their own. A span's blocks are dealt to them in turn, each
trains on its own at S times the rate α, and after the span all take the mean (local
gradient descent):

    w ← 1/S Σ_s w_s,    w_s = w - Σ_b min(S α, η / n_b) Σ_i g_i    over its blocks   (1)

A row that few terms pull at, all on one device, moves so by α Σ g as it would on a
single one; a row of a frequent word, whose steps are capped, by the mean of S of them,
as by blocks S times as large. Threads that write into one matrix whenever they come
(Hogwild: word2vec.c, gensim) need one copy, but give other numbers each time; here the
same seed and S give the same bits on a CPU.

On a GPU, jaxlib 0.10.2 and 0.11.0 add float32 rows by a loop that is hundreds of times
too slow (jax issue 38806, xla issue 46225); there, before JAX starts:
XLA_FLAGS=--xla_backend_extra_options=-nvptx-allow-ftz-atomics. The programs set it
(`experiments.slow_addition`). Measured with 0.11.2 (NOTES, trial 25): it is cured
there, the flag changes nothing.

References:
    McDonald, Hall, Mann 2010, NAACL: iterative parameter mixing. Stich 2019
    (1805.09767): local SGD. Ji, Satish, Li, Dubey 2016 (1604.04661): for word2vec.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jaxseq.train.sharding import AXIS, PARTS, WHOLE
from jaxseq.train.state import State
from jaxseq.train.step import Report, Update
from jaxseq.types import Array, Key, Tree
from jaxseq.word2vec import sampler
from jaxseq.word2vec.objective import Objective, Tally
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sampler import Sampler
from jaxseq.word2vec.windows import Block


_ROWS_AT_ONCE = 2**13


class Sizes(NamedTuple):
    """Of a block's parts: what a program is compiled for.

    Attributes:
        reach: W, the words of context on either side.
        num_chunks: C, chunks of a block.
        chunk_size: B, centres of a chunk.
        num_shared: K, the negatives that a chunk shares.
    """

    reach: int
    num_chunks: int
    chunk_size: int
    num_shared: int


class Batch(NamedTuple):
    """What an update reads, on the host: the blocks of a span, device by device.

    Attributes:
        ids: `[N / T, T + 2W]` int32.
        sentences: `[N / T, T + 2W]` int32.
        num_words: `[N / T]` int32, how many of the centres are words; they come first,
            and a device's blocks without any last.
        rates: `[N / T]`, α of each block.
    """

    ids: np.ndarray
    sentences: np.ndarray
    num_words: np.ndarray
    rates: np.ndarray


def make(
    objective: Objective,
    sizes: Sizes,
    negatives: Sampler | None,
    cap: float,
    devices: Mesh | None = None,
) -> Update:
    """Returns an update: it trains on the blocks of a span.

    Args:
        objective: what is trained.
        sizes: of a block's parts.
        negatives: the noise; None for an objective that draws none.
        cap: η.
        devices: S of them in a row; None for the one that JAX takes.
    """

    def on_blocks(params: Params, blocks: Tree, key: Key) -> tuple[Params, Tally]:
        key_reach, key_negatives = jax.random.split(key)
        shape = len(blocks.num_words), sizes.num_chunks, sizes.chunk_size
        reaches = jax.random.randint(key_reach, shape, 1, sizes.reach + 1, jnp.int32)
        numbers = jnp.arange(sizes.num_chunks * sizes.chunk_size, dtype=jnp.int32)
        is_word = numbers.reshape(1, *shape[1:]) < blocks.num_words[:, None, None]
        # No window around the words behind the last centre.
        reaches = jnp.where(is_word, reaches, jnp.zeros_like(reaches))
        drawn = _draw(key_negatives, negatives, (*shape[:2], sizes.num_shared))
        rates = blocks.rates

        def on_block(number, carry):
            params, places, tally = carry
            block = Block(
                ids=blocks.ids[number],
                sentences=blocks.sentences[number],
                reaches=reaches[number],
                negatives=drawn[number],
            )
            params, places, of_block = objective.descend(
                params, places, block, rates[number], jnp.asarray(cap, rates.dtype)
            )
            return params, places, jax.tree.map(jnp.add, tally, of_block)

        places = Params(*(jnp.zeros(len(each), jnp.int32) for each in params))
        tally = Tally(jnp.zeros((), rates.dtype), jnp.zeros((), jnp.int32))
        num_used = jnp.count_nonzero(blocks.num_words)
        params, _, tally = jax.lax.fori_loop(
            0, num_used, on_block, (params, places, tally)
        )
        return params, tally

    def on_devices(params: Params, blocks: Tree, key: Key) -> tuple[Params, Tally]:
        if devices is None:
            return on_blocks(params, blocks, key)
        num_devices = devices.size

        def on_one(params: Params, blocks: Tree, keys: Key) -> tuple[Params, Tally]:
            blocks = blocks._replace(rates=num_devices * blocks.rates)  # (1)
            params, tally = on_blocks(params, blocks, keys[0])
            return Params(*map(_mean, params)), jax.lax.psum(tally, AXIS)  # (1)

        # The mean is taken in place, which the check of what varies cannot follow.
        return jax.shard_map(
            on_one,
            mesh=devices,
            in_specs=(WHOLE, PARTS, PARTS),
            out_specs=WHOLE,
            check_vma=False,
        )(params, blocks, jax.random.split(key, num_devices))

    def update(state: State, batch: Tree, key: Key) -> tuple[State, Report]:
        params, tally = on_devices(state.params, batch, key)
        num_words = batch.num_words.sum(dtype=jnp.int32)
        return state._replace(params=params), _report(tally, num_words)

    return update


def _mean(table: Array) -> Array:
    """The mean over the devices, some rows at a time: all at once take a table more."""
    size = min(_ROWS_AT_ONCE, len(table))

    def on_rows(number: Array, table: Array) -> Array:
        # The last rows overlap those before: a mean's own mean, but for rounding.
        start = jnp.minimum(number * size, len(table) - size)
        rows = jax.lax.dynamic_slice_in_dim(table, start, size)
        rows = jax.lax.pmean(rows, AXIS)
        return jax.lax.dynamic_update_slice_in_dim(table, rows, start, 0)

    return jax.lax.fori_loop(0, -(-len(table) // size), on_rows, table)


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
