"""The Decoder: how a summary is written word by word, as a record of two functions.

A model reads a batch of documents once, into a memory; then

    state = start(params, memory)
    log_probs, weights, state = step(params, memory, state, y_tm1)     for each word

for K hypotheses of each document side by side. The memory is not repeated over them.

Sizes: B documents, K hypotheses, M places of a document, V words of the vocabulary, X
places for words of the documents outside it, R = V + X (V, of a model that copies
nothing) words that may come next.
"""

from collections.abc import Callable
from typing import NamedTuple

from jaxseq.types import Array, Tree


class Step(NamedTuple):
    """What is known after a word."""

    log_probs: Array  # [B, K, R] of the next word
    weights: Array  # [B, K, M] attention, sum 1 over the document; 0 of a model without
    state: Tree  # leaves [B, K, ...]


class Decoder(NamedTuple):
    """A model as the search for a summary sees it.

    Attributes:
        start: `(params, memory) -> state`, with K = 1. The memory is a tree of arrays
            `[B, ...]`, the state one of arrays `[B, K, ...]`; the search repeats and
            reorders the axis K of the state.
        step: `(params, memory, state, y_tm1) -> Step` with `[B, K]` int32 y_tm1, the
            last words. An id of V or more stands for a word outside the vocabulary.
    """

    start: Callable[[Tree, Tree], Tree]
    step: Callable[[Tree, Tree, Tree, Array], Step]
