import heapq

import gensim
import numpy as np
import pytest
from hypothesis import given, strategies as st

from jaxseq.word2vec import huffman


COUNTS = st.lists(st.integers(1, 10**9), min_size=1, max_size=60)


def expected_total(counts):
    """Sum of count times code length: what Huffman's heap adds up as it joins."""
    heap = list(counts)
    heapq.heapify(heap)
    total = 0
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        total += joined
        heapq.heappush(heap, joined)
    return total


def paths(codes):
    """(nodes, bits) of each word, without padding."""
    return [
        (tuple(nodes[:length].tolist()), tuple(bits[:length].tolist()))
        for nodes, bits, length in zip(*codes, strict=True)
    ]


@given(counts=COUNTS)
def test_build_is_optimal_and_a_code(counts):
    codes = huffman.build(np.array(counts))
    lengths = codes.lengths.tolist()
    assert sum(np.multiply(lengths, counts).tolist()) == expected_total(counts)
    assert sum(2.0**-length for length in lengths) == 1
    words = [bits for _, bits in paths(codes)]
    for word in words:
        prefixes = {word[:k] for k in range(len(word))}
        assert not prefixes & set(words)
    assert len(set(words)) == len(words)


@given(counts=COUNTS)
def test_paths_lead_through_one_tree_from_node_0(counts):
    codes = huffman.build(np.array(counts))
    child: dict = {}
    totals = np.zeros(len(counts) - 1, np.int64)
    for count, (nodes, bits) in zip(counts, paths(codes), strict=True):
        assert nodes[:1] == (0,) * (len(counts) > 1)
        for here, bit, there in zip(
            nodes, bits, [*nodes[1:], ("leaf", nodes, bits)], strict=False
        ):
            assert child.setdefault((here, bit), there) == there
            totals[here] += count
    # Every inner node has two children, and the most visited have the smallest ids.
    assert len(child) == 2 * (len(counts) - 1)
    assert np.all(np.diff(totals) <= 0)
    below = np.zeros_like(totals)
    for (here, bit), there in child.items():
        if bit == 1:
            below[here] = (
                totals[there]
                if isinstance(there, int)
                else counts[paths(codes).index(there[1:])]
            )
    assert np.all(2 * below >= totals)  # turn 1 is to the more frequent child


@given(counts=st.lists(st.integers(1, 50), min_size=2, max_size=40))
def test_build_is_as_short_as_gensims(counts):
    counted = {f"word{i}": count for i, count in enumerate(counts)}
    model = gensim.models.Word2Vec(min_count=1, hs=1, negative=0)
    model.build_vocab_from_freq(counted)
    theirs = sum(
        count * len(model.wv.get_vecattr(word, "code"))
        for word, count in counted.items()
    )
    lengths = huffman.build(np.array(counts)).lengths
    assert int(np.sum(lengths * np.array(counts))) == theirs


def test_build_pads_with_zeros_and_has_the_documented_types():
    codes = huffman.build(np.array([6, 1, 2]))
    assert codes.nodes.tolist() == [[0, 0], [0, 1], [0, 1]]
    assert codes.bits.tolist() == [[1, 0], [0, 0], [0, 1]]
    assert codes.lengths.tolist() == [1, 2, 2]
    assert [part.dtype for part in codes] == [np.int32, np.int8, np.int32]


def test_build_takes_one_word_and_two():
    assert huffman.build(np.array([3])).nodes.shape == (1, 0)
    assert huffman.build(np.array([3])).lengths.tolist() == [0]
    assert paths(huffman.build(np.array([3, 8]))) == [((0,), (0,)), ((0,), (1,))]


def test_build_adds_counts_past_32_bits():
    counts = np.array([2**40, 2**39, 2**31, 2**31 - 1])
    assert huffman.build(counts).lengths.tolist() == [1, 2, 3, 3]
    fibonacci = [1, 1]
    while len(fibonacci) < 60:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    assert huffman.build(np.array(fibonacci)).nodes.shape == (60, 59)


def test_build_keeps_the_longest_code_short_where_it_can():
    # Codes of 1, 2, 3, 3 bits are as short on average.
    assert huffman.build(np.array([2, 1, 1, 2])).lengths.tolist() == [2, 2, 2, 2]


def test_build_takes_20_000_words_at_once():
    counts = 10**6 // np.arange(1, 20_001)
    codes = huffman.build(counts)
    assert int(np.sum(codes.lengths * counts)) == expected_total(counts.tolist())


def test_build_refuses_what_are_no_counts():
    message = r"counts: expected integers of 1 to 2\^63 - 1, got 0 at \[1\]"
    with pytest.raises(ValueError, match=message):
        huffman.build(np.array([3, 0]))
