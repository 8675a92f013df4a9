"""The order of the data, from the seed, the epoch and the place: any place at once.

The entries of an epoch are shuffled by a permutation π of 0 … N - 1 that is computed
where it is asked for, not stored. A Feistel network of R rounds permutes the numbers of
2b bits; with a number written as (l, r), b bits each,

    (l, r) ← (r, l ⊕ F_k(r))           for each round key k                        (1)

is undone by applying it backwards, whatever F is, so it is a permutation. It is one of
4^b ≥ N numbers; a number that leads to N or above is sent through again until it does
not (cycle walking), which is a permutation of 0 … N - 1:

    π(i) = E^j(i),     j the least of 1, 2, … with E^j(i) < N                      (2)

As 4^b < 4 N, four times on average at most. To go on at update 10^6 costs no more than
to begin.

References: Luby, Rackoff, How to construct pseudorandom permutations from pseudorandom
functions, SIAM J. Computing 17, 1988. Black, Rogaway, Ciphers with arbitrary finite
domains, CT-RSA 2002: cycle walking. F is the finalizer of MurmurHash3 (Appleby 2011)
of r + k: to shuffle, not to hide.
"""

from typing import NamedTuple

import numpy as np

from jaxseq.checks import check_count, expect


_NUM_ROUNDS = 12
_FACTORS = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_SHIFT = np.uint64(33)


class Place(NamedTuple):
    """Where in the data an update reads.

    Attributes:
        epoch: from 0.
        batch: of the epoch, from 0.
    """

    epoch: int
    batch: int


def place(number: int, num_batches: int) -> Place:
    """Returns where an update reads.

    Args:
        number: of the update, from 0.
        num_batches: of an epoch.

    Raises:
        ValueError: naming the argument.
    """
    check_count("number", number, least=0)
    check_count("num_batches", num_batches)
    return Place(*divmod(number, num_batches))


def shuffled(
    seed: int, epoch: int, num_entries: int, start: int, stop: int
) -> np.ndarray:
    """Returns a part of an epoch's order: π(i) for i of `start` to `stop` - 1.

    Args:
        seed: of the whole run, 0 or more.
        epoch: each has an order of its own, 0 or more.
        num_entries: N.
        start: the first place wanted.
        stop: the place after the last one; at most N counts.

    Returns:
        `[min(stop, N) - start]` int64, each of 0 … N - 1 once in an epoch.

    Raises:
        ValueError: naming the argument.
    """
    check_count("start", start, least=0)
    check_count("num_entries", num_entries)
    check_count("stop", stop, least=start)
    numbers = np.arange(start, min(stop, num_entries), dtype=np.uint64)
    return _walked(numbers, num_entries, _keys(seed, epoch, 1))


def dealt(
    seed: int, epoch: int, num_rows: int, num_entries: int, place: int
) -> np.ndarray:
    """Returns one place of many orders, each row's its own: π_r(i) for each row r.

    Args:
        seed: of the whole run, 0 or more.
        epoch: each has orders of its own, 0 or more.
        num_rows: R.
        num_entries: N.
        place: i, below N.

    Returns:
        `[R]` int64; over all places, each row has each of 0 … N - 1 once.

    Raises:
        ValueError: naming the argument.
    """
    check_count("num_rows", num_rows)
    check_count("num_entries", num_entries)
    check_count("place", place, least=0)
    expect(place < num_entries, "place", f"less than {num_entries}", place)
    numbers = np.full(num_rows, place, np.uint64)
    return _walked(numbers, num_entries, _keys(seed, epoch, num_rows))


def _keys(seed: int, epoch: int, num_rows: int) -> np.ndarray:
    """Returns a key for each round and row."""
    check_count("seed", seed, least=0)
    check_count("epoch", epoch, least=0)
    drawn = np.random.SeedSequence((seed, epoch)).generate_state(
        _NUM_ROUNDS * num_rows, np.uint64
    )
    return drawn.reshape(_NUM_ROUNDS, num_rows)


def _walked(numbers: np.ndarray, num_entries: int, keys: np.ndarray) -> np.ndarray:
    half = np.uint64(max(1, -(-(num_entries - 1).bit_length() // 2)))  # b
    keys = np.broadcast_to(keys, (_NUM_ROUNDS, len(numbers)))
    numbers = _permuted(numbers, half, keys)
    while (outside := numbers >= num_entries).any():
        numbers[outside] = _permuted(numbers[outside], half, keys[:, outside])  # (2)
    return numbers.astype(np.int64)


def _permuted(numbers: np.ndarray, half: np.uint64, keys: np.ndarray) -> np.ndarray:
    """Applies (1) once for each round, with its keys."""
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = numbers >> half, numbers & mask
    for key in keys:
        left, right = right, left ^ (_mixed(right + key) & mask)  # (1)
    return (left << half) | right


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """F: every bit of the result depends on every bit of the number."""
    for factor in _FACTORS:
        numbers = (numbers ^ (numbers >> _SHIFT)) * factor
    return numbers ^ (numbers >> _SHIFT)
