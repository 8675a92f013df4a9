"""Batches of examples in few shapes: documents by length, targets packed.

A program is compiled for each shape, and the padding of a shape is computed for
nothing. So there are few shapes, each with its own length of documents M; and a batch
holds no more targets than its shape has places for (`jaxseq.summarize.packing`).

Examples are dealt to the batches like cards. Those of a shape, in the order of their
numbers of targets, are cut into B strata of K; the batch i of K has of each stratum j

    member π_j(i), with π_j a permutation of the epoch's own                       (1)

so that every example stands once in an epoch, and all batches have as many targets, to
within the difference of the longest summary and the shortest. K does not depend on the
order: an epoch has as many batches as any other, and each is found from its number
(`jaxseq.train.order`), without those before it.

Reference: Zhao, Zhang, Accelerating minibatch stochastic gradient descent using
stratified sampling, 2014 (1405.3080).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxseq.checks import check_count, expect
from jaxseq.summarize import packing
from jaxseq.summarize.examples import Document, Example
from jaxseq.summarize.packing import Packing
from jaxseq.text.vocab import PAD
from jaxseq.train import order


class Shape(NamedTuple):
    """The sizes of a batch.

    Attributes:
        num_words: M of the longest document.
        num_targets: T of the longest summary, EOS included.
        num_packed: N targets of all summaries.
    """

    num_words: int
    num_targets: int
    num_packed: int


class Dealt(NamedTuple):
    """Examples as they are dealt to batches.

    Attributes:
        shapes: of the batches, as many as have examples.
        strata: of each shape `[B, K]` places in the corpus, -1 for no example.
        num_parts: D; each batch is in so many parts.
    """

    shapes: tuple[Shape, ...]
    strata: tuple[np.ndarray, ...]
    num_parts: int

    @property
    def num_batches(self) -> int:
        """Returns how many batches an epoch has."""
        return sum(rows.shape[1] for rows in self.strata)


class Planned(NamedTuple):
    """Which examples a batch is to have.

    Attributes:
        shape: of each part.
        members: places in the corpus, of each of D parts.
    """

    shape: Shape
    members: list[list[int]]


class Documents(NamedTuple):
    """Documents side by side, time first.

    Attributes:
        ids: `[M, B]` int32 in the extended numbering, PAD after the end.
        lengths: `[B]` int32, 0 of a column that only fills the batch.
    """

    ids: np.ndarray
    lengths: np.ndarray


class Batch(NamedTuple):
    """Examples side by side, time first.

    Attributes:
        documents: what is read.
        targets: `[T, B]` int32, PAD after the end.
        packing: of the targets.
    """

    documents: Documents
    targets: np.ndarray
    packing: Packing


def shapes_of(
    examples: Sequence[Example], batch_size: int, num_shapes: int = 4
) -> tuple[Shape, ...]:
    """Chooses shapes for a corpus: about as many words of documents for each.

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


def deal(
    examples: Sequence[Example],
    batch_size: int,
    shapes: Sequence[Shape],
    num_parts: int = 1,
) -> Dealt:
    """Cuts examples into strata, each in the first shape that holds it.

    Args:
        examples: of the corpus, one at least.
        batch_size: B of all parts together.
        shapes: of a part, with rising M.
        num_parts: D that a batch is cut into, as even as can be.

    Raises:
        ValueError: if an example fits no shape, or a number is out of its range.
    """
    expect(len(examples) > 0, "examples", "one at least", "none")
    check_count("batch_size", batch_size)
    check_count("num_parts", num_parts)
    expected = f"a multiple of num_parts, {num_parts}"
    expect(batch_size % num_parts == 0, "batch_size", expected, batch_size)
    num_words = np.array([len(e.document.ids) for e in examples])
    num_targets = np.array([len(e.targets) for e in examples])
    _check_fit(num_words, num_targets, shapes)
    of_shape = np.searchsorted([shape.num_words for shape in shapes], num_words)
    used = np.unique(of_shape).tolist()
    rising = np.argsort(num_targets, kind="stable")
    strata = []
    for k in used:
        members = rising[of_shape[rising] == k]
        rows = _strata(members, num_targets, batch_size, shapes[k], num_parts)
        strata.append(rows)
    return Dealt(tuple(shapes[k] for k in used), tuple(strata), num_parts)


def plan(dealt: Dealt, seed: int, epoch: int, index: int) -> Planned:
    """Plans one batch of an epoch, eq. (1); the shapes come in mixed order.

    Args:
        dealt: the examples.
        seed: of the whole run, not negative.
        epoch: each has another order, not negative.
        index: of the batch, less than `dealt.num_batches`.

    Raises:
        ValueError: naming the argument.
    """
    num_batches = dealt.num_batches
    check_count("index", index, least=0)
    expect(index < num_batches, "index", f"less than {num_batches}", index)
    (place,) = order.shuffled(seed, epoch, num_batches, index, index + 1)
    ends = np.cumsum([rows.shape[1] for rows in dealt.strata])
    which = int(np.searchsorted(ends, place, side="right"))
    shape, rows = dealt.shapes[which], dealt.strata[which]
    num_rows, num_here = rows.shape
    first = int(ends[which]) - num_here
    picked = order.dealt(seed, epoch, num_rows, num_here, int(place) - first)
    members = rows[np.arange(num_rows), picked]  # (1)
    parts = (members[part :: dealt.num_parts] for part in range(dealt.num_parts))
    return Planned(shape, [part[part >= 0].tolist() for part in parts])


def build(examples: Sequence[Example], batch_size: int, planned: Planned) -> Batch:
    """Builds a batch that was planned, of the same examples.

    Args:
        examples: those that were dealt.
        batch_size: columns of a part.
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


def _check_fit(num_words, num_targets, shapes: Sequence[Shape]) -> None:
    for name, each, most in (
        ("words", num_words, shapes[-1].num_words),
        ("targets", num_targets, min(shape.num_targets for shape in shapes)),
    ):
        if (each > most).any():
            place = int(np.argmax(each > most))
            expected = f"at most {most} {name}"
            expect(False, f"examples[{place}]", expected, each[place])


def _strata(
    members, num_targets, batch_size: int, shape: Shape, num_parts
) -> np.ndarray:
    """Cuts members, with rising numbers of targets, into as few batches as have room.

    Returns:
        `[B, K]`; what is left over of the first rows is -1.
    """
    num_here = -(-len(members) // batch_size)
    while True:
        rows = np.full(batch_size * num_here, -1)
        rows[len(rows) - len(members) :] = members
        rows = rows.reshape(batch_size, num_here)
        # The last of a row has most targets of it.
        most = np.where(rows[:, -1] >= 0, num_targets[rows[:, -1]], 0)
        if most.reshape(-1, num_parts).sum(axis=0).max() <= shape.num_packed:
            return rows
        num_here += 1


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
