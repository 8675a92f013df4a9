"""Batches of fixed shapes from ragged sequences, and chunks of one long stream.

Both generators are pure functions of their arguments: nothing is kept between calls,
and `start` continues an epoch at any batch with exactly the batches that would have
followed. The order comes from `numpy.random.default_rng((seed, epoch))`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxseq.checks import check_count, describe, expect
from jaxseq.text.vocab import PAD


class Batch(NamedTuple):
    """Sequences side by side, time first.

    Attributes:
      ids: [T, B] int32, PAD after the end of each sequence.
      lengths: [B] int32, 0 for a row that only fills the batch.
      members: [B] int32 position of each sequence in the input, -1 for a filling row.
    """

    ids: np.ndarray
    lengths: np.ndarray
    members: np.ndarray


class Chunk(NamedTuple):
    """One time window of B parallel tracks.

    Attributes:
      inputs: [T, B] int32, PAD where the track has ended.
      targets: [T, B] int32, the id after each input.
      weights: [T, B] float32, 1 where there is a target, else 0.
    """

    inputs: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


def bucketed(
    sequences: Sequence[np.ndarray],
    batch_size: int,
    lengths: Sequence[int] = (8, 16, 32, 64),
    *,
    seed: int,
    epoch: int,
    start: int = 0,
) -> Iterator[Batch]:
    """One epoch: every sequence once, each in the shortest bucket that holds it.

    There are at most `len(lengths)` different shapes, so that a jitted step compiles as
    often. The last batch of a bucket is filled with rows of length 0.

    Args:
      sequences: N arrays [T_i] of ids; T_i may be 0.
      batch_size: B.
      lengths: rising bucket lengths T.
      seed: of the whole run, not negative.
      epoch: each has another order, not negative.
      start: number of batches to leave out at the beginning.

    Yields:
      Batches with ids [T, B], T one of `lengths`.

    Raises:
      ValueError: if a sequence is longer than the last bucket (see `truncate`) or no
        array [T_i] of integers, or a number is out of its range.
    """
    sizes = _sizes(sequences, lengths)
    check_count("batch_size", batch_size)
    check_count("start", start, least=0)
    for num_steps, members in _plan(sizes, batch_size, lengths, seed, epoch)[start:]:
        ids = np.full((num_steps, batch_size), PAD, np.int32)
        row_lengths = np.zeros(batch_size, np.int32)
        filled_members = np.full(batch_size, -1, np.int32)
        row_lengths[: len(members)] = sizes[members]
        filled_members[: len(members)] = members
        for row, member in enumerate(members):
            name = f"sequences[{member}]"
            ids[: sizes[member], row] = _as_int32(name, sequences[member])
        yield Batch(ids, row_lengths, filled_members)


def truncate(sequences: Sequence[np.ndarray], max_length: int) -> list[np.ndarray]:
    """The first `max_length` ids of each sequence: the rest is lost, knowingly.

    Args:
        sequences: `[t]` ids of each.
        max_length: how many ids are kept of each.

    Returns:
        `[min(t, max_length)]` ids of each.

    Raises:
        ValueError: naming the argument.
    """
    check_count("max_length", max_length)
    return [sequence[:max_length] for sequence in sequences]


def stream(
    ids: np.ndarray, batch_size: int, num_steps: int, start: int = 0
) -> Iterator[Chunk]:
    """One long text in B parallel tracks, in the order that carries a state along.

    The N - 1 pairs (id, next id) are cut into B tracks of L = ceil((N - 1) / B) pairs;
    row b of chunk k continues row b of chunk k - 1. Every pair stands in exactly one
    place with weight 1: the last tracks may end early and the last chunk may be short,
    both are filled up with PAD of weight 0, so that all chunks have one shape.

    Args:
      ids: [N] integers, N at least 2; may be memory-mapped.
      batch_size: B.
      num_steps: T.
      start: number of chunks to leave out at the beginning, at no cost.

    Yields:
      `num_chunks(N, B, T)` chunks with arrays [T, B].

    Raises:
      ValueError: if `ids` is no array [N] of integers with N at least 2, or a number is
        out of its range.
    """
    expected = "an array [N] of integers with N at least 2"
    expect(_is_flat(ids) and len(ids) >= 2, "ids", expected, describe(ids))
    check_count("start", start, least=0)
    num_pairs = len(ids) - 1
    for chunk in range(start, num_chunks(len(ids), batch_size, num_steps)):
        track_length = -(-num_pairs // batch_size)
        times = chunk * num_steps + np.arange(num_steps)[:, None]
        positions = times + np.arange(batch_size)[None, :] * track_length
        real = (times < track_length) & (positions < num_pairs)
        positions = np.where(real, positions, 0)
        yield Chunk(
            inputs=np.where(real, _as_int32("ids", ids[positions]), PAD),
            targets=np.where(real, _as_int32("ids", ids[positions + 1]), PAD),
            weights=real.astype(np.float32),
        )


def num_chunks(num_ids: int, batch_size: int, num_steps: int) -> int:
    """Number of chunks that `stream` makes of `num_ids` ids.

    Args:
        num_ids: length of the text, in ids.
        batch_size: B.
        num_steps: T.

    Raises:
        ValueError: naming the argument.
    """
    check_count("num_ids", num_ids)
    check_count("batch_size", batch_size)
    check_count("num_steps", num_steps)
    track_length = -(-(num_ids - 1) // batch_size)
    return -(-track_length // num_steps)


def num_batches(
    sequences: Sequence[np.ndarray],
    batch_size: int,
    lengths: Sequence[int] = (8, 16, 32, 64),
) -> int:
    """Number of batches of one epoch of `bucketed`, the same in every epoch.

    Args:
        sequences: `[t]` ids of each.
        batch_size: B.
        lengths: the lengths of the buckets.

    Raises:
        ValueError: naming the argument.
    """
    check_count("batch_size", batch_size)
    return len(_plan(_sizes(sequences, lengths), batch_size, lengths, 0, 0))


def _plan(
    sizes: np.ndarray, batch_size: int, lengths: Sequence[int], seed: int, epoch: int
) -> list[tuple[int, np.ndarray]]:
    """Pairs (bucket length T, positions of the members) in the order of the epoch."""
    check_count("seed", seed, least=0)
    check_count("epoch", epoch, least=0)
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(sizes))
    buckets = np.searchsorted(lengths, sizes[order])
    batches = []
    for bucket, num_steps in enumerate(lengths):
        members = order[buckets == bucket]
        for first in range(0, len(members), batch_size):
            batches.append((num_steps, members[first : first + batch_size]))
    return [batches[i] for i in rng.permutation(len(batches))]


def _sizes(sequences: Sequence[np.ndarray], lengths: Sequence[int]) -> np.ndarray:
    """[N] number of ids of each sequence, after a check of all of them."""
    rising = np.asarray(lengths)
    fits = _is_flat(rising) and len(rising) > 0 and rising[0] >= 1
    fits = fits and bool(np.all(np.diff(rising) > 0))
    expect(fits, "lengths", "positive integers, rising", repr(lengths))
    is_sequence = isinstance(sequences, Sequence | np.ndarray)
    expected = "a list of arrays"
    expect(is_sequence, "sequences", expected, type(sequences).__name__)
    for i, sequence in enumerate(sequences):
        if not _is_flat(sequence):
            expected = "an array [T] of integers"
            expect(False, f"sequences[{i}]", expected, describe(sequence))
        if len(sequence) > rising[-1]:
            expected = (
                f"at most {rising[-1]} ids, the longest of lengths "
                "(give a longer one, or cut with truncate)"
            )
            expect(False, f"sequences[{i}]", expected, len(sequence))
    return np.array([len(sequence) for sequence in sequences], np.int64)


def _as_int32(argument: str, ids: np.ndarray) -> np.ndarray:
    """Writes ids as int32: those of more bits are not to be cut down to others."""
    if ids.dtype.itemsize >= 4 and ids.size:
        largest = max(int(ids.max()), -int(ids.min()))
        expect(largest < 2**31, argument, "ids below 2³¹", largest)
    return ids.astype(np.int32)


def _is_flat(array: Any) -> bool:
    """Tells an array `[N]` of integers."""
    return (
        hasattr(array, "dtype")
        and np.ndim(array) == 1
        and np.issubdtype(array.dtype, np.integer)
    )
