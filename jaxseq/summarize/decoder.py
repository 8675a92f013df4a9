"""What every summarizer is to those who have it write: a decoder.

It reads a batch of documents once and then gives one word at a time. A model makes the
decoder, `jaxseq.summarize.beam` and `greedy` call it.

Sizes: B documents, K hypotheses of each, M places of a document, V words of the
vocabulary, R places that a next word may come from: R = V, or V + X where the model
copies, with X places for words of the documents that the vocabulary lacks.

Ids of words are those of `jaxseq.text.vocab`: PAD = 0, UNK = 1, BOS = 2 (the start),
EOS = 3 (the end).
"""

from collections.abc import Callable
from typing import NamedTuple

from jaxseq.types import Array, Tree


Params = Tree  # a model's parameters
Memory = Tree  # what it keeps of the documents: leaves [B, ...]
State = Tree  # what it keeps of the words so far: leaves [B, K, ...]


class Step(NamedTuple):
    """What one step of a decoder gives.

    Attributes:
        log_probs: `[B, K, R]` log p of the next word, in nats.
        weights: `[B, K, M]` attention over the document's places; sums to 1 over the
            unmasked ones (zeros where a model has none).
        state: the next state.
    """

    log_probs: Array
    weights: Array
    state: State


class Decoder(NamedTuple):
    """How a summarizer writes: two pure functions.

    Attributes:
        start: `(params, memory) -> state`, the state before the first word, of one
            hypothesis a document: leaves `[B, 1, ...]`. Whoever searches repeats and
            reorders axis 1.
        step: `(params, memory, state, y_tm1) -> Step`, with the words before, `y_tm1
            [B, K]` int32: BOS at first, then ids below R; a model's embedding reads an
            id of V or more as UNK. The memory has no axis K: it is never repeated over
            the hypotheses.
    """

    start: Callable[[Params, Memory], State]
    step: Callable[[Params, Memory, State, Array], Step]
