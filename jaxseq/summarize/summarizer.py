"""Summaries of texts by a trained model: words in, words out.

Documents are read in batches of one shape, so that one program is compiled. A document
without a word has a summary without a word; of one that is longer than the model was
trained for, the first words are read, and what was left is counted.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count
from jaxseq.summarize import batches, beam, copy_model, examples
from jaxseq.summarize.batches import Documents
from jaxseq.summarize.beam import Hypotheses
from jaxseq.summarize.constraints import Options
from jaxseq.summarize.examples import Document
from jaxseq.text.vocab import Vocab


class Summary(NamedTuple):
    """What was written of a document.

    Attributes:
        words: of the summary.
        weights: [T, M] attention: row t is over the words read, as word t was written.
        num_read: M, words of the document that were read.
        num_left: words at its end that were not.
    """

    words: list[str]
    weights: np.ndarray
    num_read: int
    num_left: int


DEFAULT = Options(length_penalty=1.0, no_repeat_ngram_size=1)


def summarize(
    params: copy_model.Params,
    vocab: Vocab,
    texts: Sequence[Sequence[str]],
    options: Options = DEFAULT,
    *,
    max_words: int,
    batch_size: int = 64,
) -> Iterator[Summary]:
    """Summarizes documents, in their order.

    Args:
        params: the weights.
        vocab: the vocabulary they were trained with.
        texts: the words of each document.
        options: of the search.
        max_words: the most words of a document that are read.
        batch_size: documents read at a time.

    Yields:
        A summary of each.

    Raises:
        ValueError: naming the argument.
    """
    check_count("batch_size", batch_size)
    read = [examples.encode(vocab, words, max_words) for words in texts]
    num_outside = max([1, *(len(document.outside) for document in read)])
    num_outside = -(-num_outside // 16) * 16  # few shapes, be it for other texts
    num_words = max([1, *(len(document.ids) for document in read)])
    num_words = min(-(-num_words // 20) * 20, max_words)
    batch_size = min(batch_size, max(len(read), 1))
    search = _program(options, num_outside)
    for first in range(0, len(read), batch_size):
        some = read[first : first + batch_size]
        filled = [*some, *[_EMPTY] * (batch_size - len(some))]
        together = batches.documents(filled, num_words)
        found = jax.tree.map(np.asarray, search(params, together))
        for row, document in enumerate(some):
            num_left = len(texts[first + row]) - len(document.ids)
            yield _summary(vocab, document, found, row, num_left)


_EMPTY = Document(np.zeros(0, np.int32), ())


# Library code is jitted by its callers; who calls this one has texts, not arrays.
@functools.cache
def _program(options: Options, num_outside: int):
    def search(params: copy_model.Params, documents: Documents) -> Hypotheses:
        documents = jax.tree.map(jnp.asarray, documents)
        memory = copy_model.read(params, documents, num_outside)
        return beam.best(beam.search(copy_model.decoder(), params, memory, options))

    return jax.jit(search)


def _summary(vocab, document, found, row, num_left) -> Summary:
    num_read = len(document.ids)
    length = int(found.lengths[row]) if num_read else 0
    ids = found.tokens[row, :length].tolist()
    weights = found.weights[row, :length, :num_read]
    return Summary(examples.decode(vocab, document, ids), weights, num_read, num_left)
