"""What every summarizer is to those who train it and use it: a record of functions.

Training, search and the programs take a `Model`; which one it is they do not ask. A
file that describes a model ends in a function `model(sizes) -> Model`.

Ids of documents and targets are in the extended numbering of
`jaxseq.summarize.examples`: V and more stand for words that the vocabulary lacks. A
model that copies can write them; to any other they are UNK.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from jaxseq.summarize.batches import Batch, Documents
from jaxseq.summarize.decoder import Decoder, Memory, Params
from jaxseq.types import Array, Key


class Read(Protocol):
    """Reads B documents: `(params, documents, num_outside) -> memory`.

    `num_outside` is X, the most words outside the vocabulary that a model which copies
    may write; static under `jit`.
    """

    def __call__(
        self, params: Params, documents: Documents, num_outside: int, /
    ) -> Memory:
        """Returns the memory, leaves `[B, ...]`."""
        ...


class Scorer(Protocol):
    """`(params, batch, *, dropout, key) -> [N]` -log P of the packed targets in nats.

    It is 0 where there is no target. With a key it is what training is to lower: things
    are dropped, and a model may add a penalty. Without one it is the cost alone.
    """

    def __call__(
        self,
        params: Params,
        batch: Batch,
        /,
        *,
        dropout: float = 0.0,
        key: Key | None = None,
    ) -> Array:
        """Returns the costs."""
        ...


def same(params: Params) -> Params:
    """Returns the weights as they are.

    Args:
        params: the weights.
    """
    return params


class Model(NamedTuple):
    """A summarizer. Hashable, so that `jit` can take it as static.

    Attributes:
        init: `(key) -> params`, random weights; the key is consumed.
        read: what the decoder knows of documents.
        score: what the words of summaries cost, given those before.
        decoder: how it writes.
        renormalize: what is done to the weights after each epoch of training.
    """

    init: Callable[[Key], Params]
    read: Read
    score: Scorer
    decoder: Decoder
    renormalize: Callable[[Params], Params] = same
