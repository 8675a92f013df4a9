"""Huffman's tree over a vocabulary, for hierarchical softmax.

A word is a leaf, and its code is the turns on the way to it from the root: frequent
words have short codes. A vector belongs to each of the V - 1 inner nodes; the
probability of a word is a product over the nodes of its path, so that one word costs
about log2 V products instead of V.

Inner nodes are numbered by falling total count: node 0 is the root, which every word
passes, and the first nodes are the most visited. Of two children, the rarer is turn 0.

The tree grows as Huffman's does, the two rarest nodes joined again and again.
With sorted counts the joined nodes come out sorted too, so two queues take the place of
a heap. A word and a joined node of the same count: the word goes first, which keeps the
longest code short (word2vec takes the node; the expected length is the same).

References: Huffman, A method for the construction of minimum-redundancy codes,
Proceedings of the IRE 40, 1952. Its use: as `jaxseq.word2vec.hierarchical_softmax`.
"""

from typing import NamedTuple

import numpy as np

from jaxseq.word2vec.vocab import check_counts


class Codes(NamedTuple):
    """The path of every word, from the root down; D is the longest code's length.

    Attributes:
      nodes: [V, D] int32 inner nodes, 0 to V - 2; 0 after the end of a path.
      bits: [V, D] int8, which turn is taken at each node; 0 after the end.
      lengths: [V] int32 number of inner nodes on the path; 0 only if V = 1.
    """

    nodes: np.ndarray
    bits: np.ndarray
    lengths: np.ndarray


def build(counts: np.ndarray) -> Codes:
    """Builds the tree whose expected code length is the least.

        >>> build(np.array([8, 4, 2, 2])).lengths.tolist()
        [1, 2, 3, 3]

    Args:
      counts: [V] integers, how often each word was read, in any order.

    Returns:
      The codes of the V words.

    Raises:
      ValueError: if `counts` are no positive integers.
    """
    counts = check_counts(counts)
    rarest_first = np.argsort(counts, kind="stable")
    parents, turns = _joined(counts[rarest_first].tolist())
    num_words = len(counts)
    leaves = np.empty(num_words, np.int64)
    leaves[rarest_first] = np.arange(num_words)

    lengths = np.zeros(num_words, np.int32)
    for rows, _ in _climb(leaves, parents):
        lengths[rows] += 1
    shape = (num_words, int(lengths.max()))
    nodes, bits = np.zeros(shape, np.int32), np.zeros(shape, np.int8)
    for height, (rows, below) in enumerate(_climb(leaves, parents), start=1):
        depths = lengths[rows] - height
        nodes[rows, depths] = _ids(parents[below], num_words)
        bits[rows, depths] = turns[below]
    return Codes(nodes, bits, lengths)


def _joined(counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Joins V leaves, rarest first; the k-th joined node is number V + k.

    Returns:
      The parent [2V - 1] int64 of each number, -1 for the root's, and its turn there.
    """
    num_words = len(counts)
    totals: list[int] = []
    parents = np.full(2 * num_words - 1, -1, np.int64)
    turns = np.zeros(2 * num_words - 1, np.int8)
    children: list[int] = []
    leaf = inner = 0
    for _ in range(num_words - 1):
        total = 0
        for _ in range(2):
            no_inner = inner == len(totals)
            if leaf < num_words and (no_inner or counts[leaf] <= totals[inner]):
                total += counts[leaf]
                children.append(leaf)
                leaf += 1
            else:
                total += totals[inner]
                children.append(num_words + inner)
                inner += 1
        totals.append(total)
    parents[children] = num_words + np.arange(2 * num_words - 2) // 2
    turns[children[1::2]] = 1
    return parents, turns


def _climb(leaves: np.ndarray, parents: np.ndarray):
    """Goes up from all leaves at once.

    Yields:
      At each height the words that are not at the root yet, and the number of the node
      below the next.
    """
    rows, below = np.arange(len(leaves)), leaves
    while True:
        on_the_way = parents[below] >= 0
        rows, below = rows[on_the_way], below[on_the_way]
        if not len(rows):
            return
        yield rows, below
        below = parents[below]


def _ids(numbers: np.ndarray, num_words: int) -> np.ndarray:
    """Ids of inner nodes: later ones have larger totals, and the last is the root."""
    return 2 * num_words - 2 - numbers
