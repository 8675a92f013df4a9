import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.word2vec import pairs, windows
from jaxseq.word2vec.windows import NO_WORD, Block


def make_block(ids, sentences, reaches):
    i32 = jnp.int32
    return Block(
        jnp.asarray(ids, i32),
        jnp.asarray(sentences, i32),
        jnp.asarray(reaches, i32),
        jnp.zeros((len(reaches), 0), i32),
    )


def listed(block):
    """The pairs of places, through centres and contexts."""
    found = windows.chunks(block)
    num_chunks, size = block.reaches.shape
    return [
        (chunk, b, e, int(found.centres[chunk, b]), int(found.contexts[chunk, e]))
        for chunk, b, e in np.argwhere(np.asarray(found.is_pair)).tolist()
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("reach", "num_chunks", "size"), [(1, 1, 1), (2, 3, 2), (4, 2, 3)]
)
def test_pairs_are_those_of_the_definition(seed, reach, num_chunks, size):
    rng = np.random.default_rng(seed)
    length = num_chunks * size + 2 * reach
    ids = rng.integers(NO_WORD, 5, length)
    sentences = np.cumsum(rng.random(length) < 0.3)
    reaches = rng.integers(1, reach + 1, (num_chunks, size))
    expected = [
        (t // size, t % size, s - t // size * size, ids[t + reach], ids[s])
        for t in range(num_chunks * size)
        for s in range(length)
        if 0 < abs(s - t - reach) <= reaches[t // size, t % size]
        and sentences[s] == sentences[t + reach]
        and ids[s] != NO_WORD
        and ids[t + reach] != NO_WORD
    ]
    assert listed(make_block(ids, sentences, reaches)) == expected


def test_full_windows_of_a_sentence_are_the_lectures_list():
    tokens = list(range(12))
    ids = [NO_WORD] * 2 + tokens + [NO_WORD] * 2
    block = make_block(ids, [0] * 16, np.full((3, 4), 2))
    assert [pair[-2:] for pair in listed(block)] == pairs.pairs(tokens, 2)
