"""How word vectors are trained, and what a corpus is large enough for.

Reference: word2vec.c (Mikolov et al. 2013) for W, the epochs and α.
"""

from typing import NamedTuple

from jaxseq.checks import check_count


_NUM_MEANS = 8  # an epoch, or more


class Setting(NamedTuple):
    """How to train.

    Attributes:
        reach: W, the most that a window reaches to one side.
        num_epochs: how often the corpus is read.
        first_rate: α_0.
        last_rate: α_1.
        cap: η of `jaxseq.word2vec.sparse`.
        block_size: T, the centres of a block, of which each device has one at a time.
        chunk_size: B, the centres of a chunk; divides T.
        num_shared: K, the negatives that a chunk shares.
        span_size: N, the places of the corpus in a span; a multiple of S T.
        num_shards: S, devices with matrices of their own: each trains on blocks of its
            own, and after a span all take the mean (`jaxseq.word2vec.step`). Measured
            with two. A CPU is one, unless `jax.config.update("jax_num_cpu_devices", S)`
            comes before JAX is used.
        seed: of all that is drawn.
    """

    reach: int = 5
    num_epochs: int = 5
    first_rate: float = 0.025
    last_rate: float = 1e-4
    cap: float = 3.0
    block_size: int = 1024
    chunk_size: int = 32
    num_shared: int = 32
    span_size: int = 2**18
    num_shards: int = 1
    seed: int = 0


def for_corpus(setting: Setting, num_ids: int) -> Setting:
    """Makes blocks and spans smaller for a small corpus, which one device trains on.

    A block is one step of gradient descent, whatever its size, and so are the S blocks
    that as many devices have at a time: a corpus must have some hundred such steps.
    Several devices must meet some times an epoch, not only at its end.

    Args:
        setting: how to train a large corpus.
        num_ids: of the corpus.

    Raises:
        ValueError: naming the size that is below 1.
    """
    for name in ("block_size", "chunk_size", "span_size", "num_shards"):
        check_count(f"setting.{name}", getattr(setting, name))
    num_shards, size, chunk = setting.num_shards, setting.block_size, setting.chunk_size
    # A block that is not made of chunks is left as it is, for `plan` to refuse.
    if size % chunk == 0 and num_shards * size > num_ids // 200:
        num_chunks = num_shards * size // chunk
        while num_chunks > 1 and num_chunks * chunk > num_ids // 200:
            num_chunks //= 2
        num_shards, size = 1, num_chunks * chunk
    num_units = setting.span_size // (num_shards * size)
    if num_shards == 1:
        num_units = min(num_units, -(-num_ids // size))
    else:
        num_units = min(num_units, num_ids // (_NUM_MEANS * num_shards * size))
    return setting._replace(
        block_size=size,
        span_size=max(1, num_units) * num_shards * size,
        num_shards=num_shards,
    )
