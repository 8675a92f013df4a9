"""Training: spans of text go to the device, and the matrices change in place.

A span is cut into blocks of T centres; one update takes all blocks of a span, one after
the other, each by a capped step of gradient descent (`jaxseq.word2vec.sparse`). While
the device works on one, the host prepares the next. The loop, with all that keeps a run
alive, is `jaxseq.train`'s:

    made = plan(objective, negatives, corpus, keep, params, setting)
    begun = begin(params, made.layout)
    for now in loop.train(
        made.update, made.batch_at, begun, made.setting, layout=made.layout
    ):
        print(now.fraction, now.mean)

The learning rate falls along a line with the share p of the text read, of all epochs:

    α = α_0 + (α_1 - α_0) p                                                        (1)

What an update reads, and what it draws, come from the seed and its number: the same
seed gives the same bits on a CPU, resumed or not.

Reference: word2vec.c (Mikolov et al. 2013), TrainModelThread.
"""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np
import optax

from jaxseq.checks import check_count, describe, expect
from jaxseq.train import loop, order, sharding, state
from jaxseq.train.sharding import ONE_DEVICE, Layout
from jaxseq.train.state import Training
from jaxseq.train.step import Update
from jaxseq.types import DTypeLike
from jaxseq.word2vec import feed, step
from jaxseq.word2vec.corpus import Corpus
from jaxseq.word2vec.objective import Objective
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.sampler import Sampler
from jaxseq.word2vec.setting import Setting
from jaxseq.word2vec.step import Batch, Sizes


NUM_RECORDS = 100
ADVICE = "fewer words or columns, fewer devices, or smaller blocks or spans"
_CHECKED_AT_ONCE = 2**20  # ids


class Plan(NamedTuple):
    """What `loop.train` takes beside where it begins.

    Attributes:
        update: trains on a span.
        batch_at: the span of an update, by its number.
        setting: one update a span, of all epochs.
        layout: where the matrices lie, and where blocks go.
    """

    update: Update
    batch_at: Callable[[int], Batch]
    setting: loop.Setting
    layout: Layout


def begin(params: Params, layout: Layout = ONE_DEVICE) -> Training:
    """Returns the beginning of a training.

    Args:
        params: the first matrices; given away with the first update on one device,
            copied for several.
        layout: of the plan.
    """
    # The descent is a block's own and has no state.
    optimizer = optax.identity()
    begun = state.begin(params, optimizer)
    return begun._replace(state=sharding.place(layout, optimizer, begun.state))


def plan(
    objective: Objective,
    negatives: Sampler | None,
    corpus: Corpus,
    keep: np.ndarray,
    params: Params,
    setting: Setting,
) -> Plan:
    """Says how to train.

    Args:
        objective: what is trained.
        negatives: the noise; None for an objective that draws none.
        corpus: ids of V words.
        keep: `[V]` probability that a reading of each word is kept.
        params: what will be trained; only the shapes are read.
        setting: how.

    Raises:
        ValueError: naming the argument.
    """
    _check(objective, negatives, corpus, keep, params, setting)
    sizes = Sizes(
        reach=setting.reach,
        num_chunks=setting.block_size // setting.chunk_size,
        chunk_size=setting.chunk_size,
        num_shared=setting.num_shared,
    )
    layout = sharding.over(setting.num_shards)
    num_updates = setting.num_epochs * feed.num_spans(corpus, setting.span_size)
    return Plan(
        step.make(objective, sizes, negatives, setting.cap, layout.mesh),
        functools.partial(batch_at, corpus, keep, setting, params.inputs.dtype),
        loop.Setting(
            num_updates=num_updates,
            seed=setting.seed,
            record_every=-(-num_updates // NUM_RECORDS),
            max_skipped=1,
            max_shapes=1,
            advice=ADVICE,
        ),
        layout,
    )


def batch_at(
    corpus: Corpus, keep: np.ndarray, setting: Setting, dtype: DTypeLike, number: int
) -> Batch:
    """Returns what an update reads.

    Args:
        corpus: ids of V words.
        keep: `[V]` probability that a reading of each word is kept.
        setting: how to train.
        dtype: of the matrices.
        number: of the update, from 0.
    """
    num_spans = feed.num_spans(corpus, setting.span_size)
    epoch, index = order.place(number, num_spans)
    span = feed.span(
        corpus,
        keep,
        setting.span_size,
        setting.reach,
        seed=setting.seed,
        epoch=epoch,
        number=index,
    )
    size = setting.block_size
    dealt = np.arange(0, setting.span_size, size).reshape(-1, setting.num_shards)
    starts = dealt.T.reshape(-1)
    at = starts[:, None] + np.arange(size + 2 * setting.reach)
    num_words = np.clip(span.num_words - starts, 0, size).astype(np.int32)
    read = epoch + span.places[starts] / len(corpus.ids)
    slope = (setting.last_rate - setting.first_rate) / setting.num_epochs
    rates = np.asarray(setting.first_rate + slope * read, dtype)  # (1)
    return Batch(span.ids[at], span.sentences[at], num_words, rates)


def _check(objective, negatives, corpus, keep, params, setting) -> None:
    sizes = "block_size", "chunk_size", "span_size"
    for name in ("reach", "num_epochs", "num_shards", *sizes):
        check_count(name, getattr(setting, name))
    most = jax.device_count()
    expected = f"at most {most}, as many devices as JAX has"
    expect(setting.num_shards <= most, "num_shards", expected, setting.num_shards)
    unit = setting.num_shards * setting.block_size
    for whole, part, size in (
        ("block_size", "chunk_size", setting.chunk_size),
        ("span_size", "num_shards x block_size", unit),
    ):
        value = getattr(setting, whole)
        expect(value % size == 0, whole, f"a multiple of {part} = {size}", value)
    for name in ("first_rate", "last_rate", "cap"):
        value = getattr(setting, name)
        expect(np.isfinite(value) and value > 0, name, "a number above 0", value)
    num_words = params.inputs.shape[0]
    expected = f"an array [{num_words}] of probabilities"
    is_array = isinstance(keep, np.ndarray) and keep.shape == (num_words,)
    expect(is_array, "keep", expected, describe(keep))
    are_shares = bool(np.all((keep >= 0) & (keep <= 1)))
    expect(are_shares, "keep", expected, f"{keep.min():g} to {keep.max():g}")
    num_outputs = params.outputs.shape[0]
    expected = f"outputs with R = {objective.num_outputs}, as the objective has"
    expect(num_outputs == objective.num_outputs, "params", expected, num_outputs)
    if objective.draws_negatives:
        check_count("num_shared", setting.num_shared)
        expected = "a sampler, as the objective draws negatives"
        expect(negatives is not None, "negatives", expected, "None")
        expected = f"a sampler of {num_words} words"
        drawn = len(negatives.shares)
        expect(drawn == num_words, "negatives", expected, drawn)
    expect(corpus.num_kept > 0, "corpus", "at least one word", "none")
    largest = max(int(np.max(part)) for part in _parts(corpus.ids))
    expected = f"ids below the {num_words} rows of the inputs"
    expect(largest < num_words, "corpus", expected, largest)


def _parts(ids: np.ndarray) -> Iterator[np.ndarray]:
    """Parts of a corpus that may be larger than memory."""
    for first in range(0, len(ids), _CHECKED_AT_ONCE):
        yield ids[first : first + _CHECKED_AT_ONCE]
