"""Training: spans of text go to the device, and the matrices change in place.

A span is cut into blocks of T centres; one call of a compiled program takes all blocks
of a span, one after the other, each by a capped step of gradient descent
(`jaxseq.word2vec.sparse`). While the device works on one, the host prepares the next.

The learning rate falls along a line with the share p of the words read, of all epochs:

    α = α_0 + (α_1 - α_0) p                                                        (1)

as in word2vec.c (Mikolov et al. 2013), so that a resumed run goes on where the
schedule was. Reaches and negatives are drawn on
the device, from the seed, the epoch and the number of the span: the same seed gives the
same bits on a CPU, resumed or not.
"""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count, describe, expect
from jaxseq.word2vec.corpus import Corpus
from jaxseq.word2vec.feed import spans
from jaxseq.word2vec.objective import Objective, Tally
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sampler import Sampler
from jaxseq.word2vec.step import Sizes, step


_CHECKED_AT_ONCE = 2**20  # ids


class Setting(NamedTuple):
    """How to train.

    Attributes:
        reach: W, the most that a window reaches to one side.
        num_epochs: how often the corpus is read.
        first_rate: α_0.
        last_rate: α_1.
        cap: η of `jaxseq.word2vec.sparse`.
        block_size: T, the centres of a block.
        chunk_size: B, the centres of a chunk; divides T.
        num_shared: K, the negatives that a chunk shares.
        span_size: N, the centres of a call; a multiple of T.
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
    span_size: int = 65536
    seed: int = 0


class State(NamedTuple):
    """Where training is: enough to go on.

    Attributes:
        params: the matrices.
        epoch: number of the current epoch, from 0.
        span: number of the next span in it.
        num_trained: words that were centres so far.
    """

    params: Params
    epoch: int
    span: int
    num_trained: int


class Progress(NamedTuple):
    """After a call.

    Attributes:
        state: the new state; its arrays are gone once the next step is asked for.
        fraction: p of (1).
        loss: mean over a sample of the predictions of the call before, in nats; NaN at
            the first.
        rate: α of the call.
    """

    state: State
    fraction: float
    loss: float
    rate: float


def fit(setting: Setting, num_words: int) -> Setting:
    """Makes blocks and spans smaller for a small corpus.

    A block is one step of gradient descent, whatever its size: a corpus must have some
    hundred of them.

    Args:
        setting: how to train a large corpus.
        num_words: of the corpus.

    Raises:
        ValueError: naming the size that is below 1.
    """
    for name in ("block_size", "chunk_size", "span_size"):
        check_count(f"setting.{name}", getattr(setting, name))
    chunk, size = setting.chunk_size, setting.block_size
    while size > chunk and size > num_words // 200 and size % (2 * chunk) == 0:
        size //= 2
    num_blocks = max(1, min(setting.span_size // size, -(-num_words // size)))
    return setting._replace(block_size=size, span_size=num_blocks * size)


def train(
    objective: Objective,
    negatives: Sampler | None,
    corpus: Corpus,
    keep: np.ndarray,
    state: State,
    setting: Setting,
) -> Iterator[Progress]:
    """Trains, from a state to the end of the last epoch.

    Args:
        objective: what is trained.
        negatives: the noise; None for an objective that draws none.
        corpus: ids of V words.
        keep: `[V]` probability that a reading of each word is kept.
        state: where to begin; its params are given away.
        setting: how.

    Yields:
        Where it is, after each span.

    Raises:
        ValueError: naming the argument.
        FloatingPointError: if the loss is no finite number, saying where.
    """
    _check(objective, negatives, corpus, keep, state, setting)
    sizes = Sizes(
        reach=setting.reach,
        num_blocks=setting.span_size // setting.block_size,
        num_chunks=setting.block_size // setting.chunk_size,
        chunk_size=setting.chunk_size,
        num_shared=setting.num_shared,
    )
    num_total = setting.num_epochs * corpus.num_kept
    params = state.params
    dtype = params.inputs.dtype
    places = Params(*(jnp.zeros(len(table), jnp.int32) for table in params))
    key = jax.random.key(setting.seed)
    num_trained, last = state.num_trained, None
    start = state.span
    for epoch in range(state.epoch, setting.num_epochs):
        feed = spans(
            corpus,
            keep,
            setting.span_size,
            setting.reach,
            seed=setting.seed,
            epoch=epoch,
            start=start,
        )
        for number, span in enumerate(feed, start):
            read = epoch * corpus.num_kept + span.places[:: setting.block_size]
            slope = (setting.last_rate - setting.first_rate) / num_total
            rates = np.asarray(setting.first_rate + slope * read, dtype)  # (1)
            key_span = jax.random.fold_in(jax.random.fold_in(key, epoch), number)
            params, places, tally = step(
                objective,
                sizes,
                negatives,
                np.asarray(setting.cap, dtype),
                params,
                places,
                span.ids,
                span.sentences,
                rates,
                np.int32(-(-span.num_words // setting.block_size)),
                key_span,
            )
            num_trained += span.num_words
            # The device is busy with this span: time to look at the one before.
            loss = _mean(last, epoch, number)
            last = tally
            yield Progress(
                State(params, epoch, number + 1, num_trained),
                float(read[0]) / num_total,
                loss,
                float(rates[0]),
            )
        start = 0
    loss = _mean(last, setting.num_epochs, 0)
    yield Progress(
        State(params, setting.num_epochs, 0, num_trained), 1.0, loss, setting.last_rate
    )


def _mean(tally: Tally | None, epoch: int, span: int) -> float:
    """The mean loss of a call; NaN if there was none, or it made no prediction."""
    if tally is None or not tally.num_predictions:
        return float("nan")
    loss = float(tally.loss) / int(tally.num_predictions)
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"the loss is {loss} before span {span} of epoch {epoch}: "
            "a smaller learning rate or cap may help"
        )
    return loss


def _check(objective, negatives, corpus, keep, state, setting) -> None:
    for name in ("reach", "num_epochs", "block_size", "chunk_size", "span_size"):
        check_count(name, getattr(setting, name))
    for part, of_whole in (("chunk_size", "block_size"), ("block_size", "span_size")):
        size, whole = getattr(setting, part), getattr(setting, of_whole)
        expected = f"a multiple of {part} = {size}"
        expect(whole % size == 0, of_whole, expected, whole)
    for name in ("first_rate", "last_rate", "cap"):
        value = getattr(setting, name)
        expect(np.isfinite(value) and value > 0, name, "a number above 0", value)
    num_words = state.params.inputs.shape[0]
    expected = f"an array [{num_words}] of probabilities"
    is_one = isinstance(keep, np.ndarray) and keep.shape == (num_words,)
    is_one = is_one and bool(np.all((keep >= 0) & (keep <= 1)))
    expect(is_one, "keep", expected, describe(keep))
    num_outputs = state.params.outputs.shape[0]
    expected = f"outputs with R = {objective.num_outputs}, as the objective has"
    expect(num_outputs == objective.num_outputs, "state", expected, num_outputs)
    if objective.draws_negatives:
        check_count("num_shared", setting.num_shared)
        expected = "a sampler, as the objective draws negatives"
        expect(negatives is not None, "negatives", expected, "None")
        expected = f"a sampler of {num_words} words"
        drawn = len(negatives.shares)
        expect(drawn == num_words, "negatives", expected, drawn)
    expect(corpus.num_kept > 0, "corpus", "at least one word", "none")
    largest = max(int(np.max(part)) for part in _parts(corpus.ids))
    expected = f"ids below the {num_words} rows of the state's inputs"
    expect(largest < num_words, "corpus", expected, largest)


def _parts(ids: np.ndarray) -> Iterator[np.ndarray]:
    """Parts of a corpus that may be larger than memory."""
    for first in range(0, len(ids), _CHECKED_AT_ONCE):
        yield ids[first : first + _CHECKED_AT_ONCE]
