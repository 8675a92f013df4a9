"""Summaries of texts by a trained model: words in, words out.

Documents are read in batches of one shape, so that one program is compiled; each device
searches its part of a batch by itself (`jax.shard_map`). A document without a word has
a summary without a word; of one that is longer than the model was trained for, the
first words are read, and what was left is counted.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from jaxseq.checks import check_count, expect
from jaxseq.summarize import batches, beam, examples
from jaxseq.summarize.batches import Documents
from jaxseq.summarize.beam import Hypotheses, Rescore
from jaxseq.summarize.constraints import Options
from jaxseq.summarize.decoder import Params
from jaxseq.summarize.examples import Document
from jaxseq.summarize.model import Model
from jaxseq.summarize.risk import Choose
from jaxseq.summarize.unknown import replace_unknown
from jaxseq.text.vocab import UNK, Vocab


class Summary(NamedTuple):
    """What was written of a document.

    Attributes:
        words: of the summary.
        is_replaced: which of them were UNK, and are now the document's word that most
            attention was on.
        weights: [T, M] attention: row t is over the words read, as word t was written.
        num_read: M, words of the document that were read.
        num_left: words at its end that were not.
    """

    words: list[str]
    is_replaced: list[bool]
    weights: np.ndarray
    num_read: int
    num_left: int


DEFAULT = Options(length_norm=1.0, no_repeat_ngram_size=1)


def summarize(
    model: Model,
    params: Params,
    vocab: Vocab,
    texts: Sequence[Sequence[str]],
    options: Options = DEFAULT,
    *,
    max_words: int,
    batch_size: int = 32,
    num_shards: int = 1,
    rescore: Rescore | None = None,
    choose: Choose = beam.best,
) -> Iterator[Summary]:
    """Summarizes documents, in their order.

    Args:
        model: whose weights they are.
        params: the weights.
        vocab: the vocabulary they were trained with.
        texts: the words of each document.
        options: of the search; where they do not forbid UNK, a word of the document
            comes in its place (`jaxseq.summarize.unknown`).
        max_words: the most words of a document that are read.
        batch_size: documents read at a time, on each device.
        num_shards: D, devices.
        rescore: as in `jaxseq.summarize.beam.search`.
        choose: which of the hypotheses of a document to take: the best by score, or
            `jaxseq.summarize.risk.least`.

    Yields:
        A summary of each.

    Raises:
        ValueError: naming the argument.
    """
    check_count("batch_size", batch_size)
    check_count("num_shards", num_shards)
    most = jax.device_count()
    expected = f"at most {most}, the number of devices"
    expect(num_shards <= most, "num_shards", expected, num_shards)
    read = [examples.encode(vocab, words, max_words) for words in texts]
    num_outside = max([1, *(len(document.outside) for document in read)])
    num_outside = -(-num_outside // 16) * 16  # few shapes, be it for other texts
    num_words = max([1, *(len(document.ids) for document in read)])
    num_words = min(-(-num_words // 20) * 20, max_words)
    batch_size = num_shards * min(batch_size, max(1, -(-len(read) // num_shards)))
    search = _program(model, options, num_outside, rescore, choose, num_shards)
    for first in range(0, len(read), batch_size):
        some = read[first : first + batch_size]
        filled = [*some, *[_EMPTY] * (batch_size - len(some))]
        together = batches.documents(filled, num_words)
        found = jax.tree.map(np.asarray, search(params, together))
        for row, document in enumerate(some):
            yield _summary(vocab, document, texts[first + row], found, row)


_SHARDS = "shards"
_EMPTY = Document(np.zeros(0, np.int32), ())


# Library code is jitted by its callers; who calls this one has texts, not arrays.
@functools.cache
def _program(
    model: Model,
    options: Options,
    num_outside: int,
    rescore: Rescore | None,
    choose: Choose,
    num_shards: int,
) -> Callable[[Params, Documents], Hypotheses]:
    def search(params, documents):
        documents = jax.tree.map(jnp.asarray, documents)
        memory = model.read(params, documents, num_outside)
        found = beam.search(model.decoder, params, memory, options, rescore)
        return choose(found)

    if num_shards == 1:
        return jax.jit(search)
    mesh = Mesh(jax.devices()[:num_shards], (_SHARDS,))
    each = PartitionSpec(_SHARDS)
    parts: Any = (PartitionSpec(None, _SHARDS), each)  # of ids and lengths
    # No device waits for another, nothing is differentiated: nothing to check.
    searches = jax.shard_map(
        search,
        mesh=mesh,
        in_specs=(PartitionSpec(), Documents(*parts)),
        out_specs=each,
        check_vma=False,
    )
    return jax.jit(searches)


def _summary(
    vocab: Vocab, document: Document, text: Sequence[str], found: Hypotheses, row: int
) -> Summary:
    num_read = len(document.ids)
    length = int(found.lengths[row]) if num_read else 0
    ids = found.tokens[row, :length].tolist()
    weights = np.asarray(found.weights[row, :length, :num_read])
    words, is_replaced = replace_unknown(
        examples.decode(vocab, document, ids),
        [number == UNK for number in ids],
        weights,
        text[:num_read],
    )
    return Summary(words, is_replaced, weights, num_read, len(text) - num_read)
