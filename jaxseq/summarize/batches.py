"""Batches of examples in few shapes: documents by length, targets packed.

A program is compiled for each shape, and the padding of a shape is computed for
nothing. So there are few shapes, each with its own length of documents M; and a batch
holds no more targets than its shape has places for (`jaxseq.summarize.packing`): it is
closed when the next example would not fit, be it for its B columns or its N places.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxseq.checks import check_count, expect
from jaxseq.summarize import packing
from jaxseq.summarize.examples import Document, Example
from jaxseq.summarize.packing import Packing
from jaxseq.text.vocab import PAD


class Shape(NamedTuple):
    """The sizes of a batch."""

    num_words: int  # M of the longest document
    num_targets: int  # T of the longest summary, EOS included
    num_packed: int  # N targets of all summaries


class Planned(NamedTuple):
    """Which examples a batch is to have."""

    shape: Shape
    members: list[list[int]]  # places in the corpus, of each of D devices


class Documents(NamedTuple):
    """Documents side by side, time first."""

    ids: np.ndarray  # [M, B] int32 in the extended numbering, PAD after the end
    lengths: np.ndarray  # [B] int32, 0 of a column that only fills the batch


class Batch(NamedTuple):
    """Examples side by side, time first."""

    documents: Documents
    targets: np.ndarray  # [T, B] int32, PAD after the end
    packing: Packing  # of the targets


def shapes_of(
    examples: Sequence[Example], batch_size: int, num_shapes: int = 4
) -> tuple[Shape, ...]:
    """Chooses shapes for a corpus: about as many examples for each.

    Args:
        examples: of the corpus, one at least.
        batch_size: B.
        num_shapes: at most so many.

    Raises:
        ValueError: naming the argument.
    """
    expect(len(examples) > 0, "examples", "one at least", "none")
    check_count("batch_size", batch_size)
    check_count("num_shapes", num_shapes)
    num_words = np.array([max(len(e.document.ids), 1) for e in examples])
    num_targets = np.array([len(e.targets) for e in examples])
    # The last shape is for the few longest: shares of the words, not of the examples.
    shares = np.cumsum(np.sort(num_words)) / num_words.sum()
    cuts = np.searchsorted(shares, np.arange(1, num_shapes) / num_shapes)
    limits = np.unique([*np.sort(num_words)[cuts], num_words.max()])
    shapes, shortest = [], 0
    for limit in limits:
        here = num_targets[(num_words > shortest) & (num_words <= limit)]
        mean, deviation = here.mean(), here.std()
        needed = batch_size * mean + batch_size**0.5 * deviation
        num_packed = max(_round_up(needed, 32), int(num_targets.max()))
        shapes.append(Shape(int(limit), int(num_targets.max()), num_packed))
        shortest = limit
    return tuple(shapes)


def plan(
    examples: Sequence[Example],
    batch_size: int,
    shapes: Sequence[Shape],
    *,
    seed: int,
    epoch: int,
    num_shards: int = 1,
) -> list[Planned]:
    """Plans one epoch: every example once, each in the first shape that holds it.

    A pure function of its arguments, so that an epoch can be gone on with anywhere.

    Args:
        examples: of the corpus.
        batch_size: B, of a device.
        shapes: with rising M.
        seed: of the whole run, not negative.
        epoch: each has another order, not negative.
        num_shards: D devices that have a batch each; the last of a shape may be empty.

    Raises:
        ValueError: if an example fits no shape, or a number is out of its range.
    """
    for name, count, least in (
        ("batch_size", batch_size, 1),
        ("num_shards", num_shards, 1),
        ("seed", seed, 0),
        ("epoch", epoch, 0),
    ):
        check_count(name, count, least)
    rng = np.random.default_rng((seed, epoch))
    planned = []
    for shape, members in _by_shape(examples, shapes, rng.permutation(len(examples))):
        each = _closed(examples, batch_size, shape, members)
        for first in range(0, len(each), num_shards):
            parts = each[first : first + num_shards]
            planned.append(Planned(shape, [*parts, *[[]] * (num_shards - len(parts))]))
    return [planned[place] for place in rng.permutation(len(planned))]


def build(examples: Sequence[Example], batch_size: int, planned: Planned) -> Batch:
    """Builds a batch that was planned, of the same examples and B.

    Args:
        examples: those that were planned.
        batch_size: B.
        planned: which go into the batch, and its shape.

    Returns:
        Arrays with one more axis in front, D.
    """
    return _stacked(
        [
            _batch([examples[m] for m in members], batch_size, planned.shape)
            for members in planned.members
        ]
    )


def documents(read: Sequence[Document], num_words: int) -> Documents:
    """Puts documents side by side, all in one shape.

    Args:
        read: B of them.
        num_words: M, at least the longest.
    """
    ids = np.full((num_words, len(read)), PAD, np.int32)
    for column, document in enumerate(read):
        ids[: len(document.ids), column] = document.ids
    return Documents(ids, np.array([len(d.ids) for d in read], np.int32))


def _by_shape(examples, shapes, order):
    """Pairs of a shape and the examples in it, in the given order."""
    limits = [shape.num_words for shape in shapes]
    sizes = np.array([len(examples[m].document.ids) for m in order], np.int64)
    targets = np.array([len(examples[m].targets) for m in order], np.int64)
    bucket = np.searchsorted(limits, sizes)
    for name, each, most in (
        ("words", sizes, limits[-1]),
        ("targets", targets, min(shape.num_targets for shape in shapes)),
    ):
        if (each > most).any():
            place = int(np.argmax(each > most))
            expected = f"at most {most} {name}"
            expect(False, f"examples[{order[place]}]", expected, each[place])
    return [(shape, order[bucket == k]) for k, shape in enumerate(shapes)]


def _closed(examples, batch_size, shape, members) -> list[list[int]]:
    """Cuts examples into batches that have room for all their targets."""
    batches, now, num_packed = [], [], 0
    for member in members:
        size = len(examples[member].targets)
        if len(now) == batch_size or num_packed + size > shape.num_packed:
            batches.append(now)
            now, num_packed = [], 0
        now.append(member)
        num_packed += size
    return [*batches, now] if now else batches


def _batch(examples: Sequence[Example], batch_size: int, shape: Shape) -> Batch:
    empty = [Document(np.zeros(0, np.int32), ())] * (batch_size - len(examples))
    lengths = np.zeros(batch_size, np.int32)
    targets = np.full((shape.num_targets, batch_size), PAD, np.int32)
    for column, example in enumerate(examples):
        lengths[column] = len(example.targets)
        targets[: lengths[column], column] = example.targets
    return Batch(
        documents([*(e.document for e in examples), *empty], shape.num_words),
        targets,
        packing.of(lengths, shape.num_targets, shape.num_packed),
    )


def _stacked(made: Sequence[Batch]) -> Batch:
    def stack(parts: Sequence[Any]) -> Any:
        if isinstance(parts[0], tuple):
            return type(parts[0])(*map(stack, zip(*parts, strict=True)))
        return np.stack(parts)

    return stack(made)


def _round_up(number: float, step: int) -> int:
    return int(-(-number // step)) * step
