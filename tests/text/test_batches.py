import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from jaxseq.text import batches
from jaxseq.text.vocab import PAD


SIZES = st.lists(st.integers(0, 20), max_size=40)


def sequences_of(sizes):
    """Sequences that tell every position apart; no id is PAD."""
    starts = np.cumsum([1, *sizes])
    return [
        np.arange(s, s + n, dtype=np.int32) for s, n in zip(starts, sizes, strict=False)
    ]


def assert_same(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y, strict=True)


@given(sizes=SIZES, batch_size=st.integers(1, 7), epoch=st.integers(0, 3))
def test_bucketed_gives_every_sequence_once_in_its_shortest_bucket(
    sizes, batch_size, epoch
):
    sequences = sequences_of(sizes)
    lengths = (2, 5, 20)
    seen = []
    for batch in batches.bucketed(sequences, batch_size, lengths, seed=3, epoch=epoch):
        num_steps = batch.ids.shape[0]
        assert num_steps in lengths
        assert batch.ids.shape == (num_steps, batch_size)
        assert {array.dtype for array in batch} == {np.dtype(np.int32)}
        for row, member in enumerate(batch.members):
            length = batch.lengths[row]
            if member < 0:
                assert length == 0
            else:
                seen.append(member)
                np.testing.assert_array_equal(
                    batch.ids[:length, row], sequences[member]
                )
                assert min(n for n in lengths if n >= length) == num_steps
            assert (batch.ids[length:, row] == PAD).all()
        assert (batch.members >= 0).any()
    assert sorted(seen) == list(range(len(sizes)))


@given(sizes=SIZES, batch_size=st.integers(1, 7))
def test_bucketed_leaves_one_short_batch_a_bucket(sizes, batch_size):
    epoch = list(
        batches.bucketed(sequences_of(sizes), batch_size, (5, 20), seed=0, epoch=0)
    )
    short = [b.ids.shape[0] for b in epoch if (b.members < 0).any()]
    assert len(short) == len(set(short))
    assert len(epoch) == batches.num_batches(sequences_of(sizes), batch_size, (5, 20))


def test_bucketed_is_a_function_of_seed_and_epoch():
    sequences = sequences_of([3, 9, 1, 12, 7, 30, 64, 2, 8] * 4)

    def epoch_of(seed, epoch, start=0):
        return list(batches.bucketed(sequences, 4, seed=seed, epoch=epoch, start=start))

    assert_same(epoch_of(1, 2), epoch_of(1, 2))
    members = [
        np.concatenate([b.members for b in epoch_of(seed, epoch)]).tolist()
        for seed, epoch in itertools.product((0, 1, 2), repeat=2)
    ]
    assert all(a != b for a, b in itertools.combinations(members, 2))
    for start in (1, 5, len(epoch_of(1, 2)), 99):
        assert_same(epoch_of(1, 2, start), epoch_of(1, 2)[start:])


def test_bucketed_takes_lengths_in_any_form():
    sequences = sequences_of([3, 9, 12])
    tuples, arrays, lists = (
        list(batches.bucketed(sequences, 2, lengths, seed=0, epoch=0))
        for lengths in ((8, 16), np.array([8, 16]), [8, 16])
    )
    assert_same(tuples, arrays)
    assert_same(tuples, lists)


def test_bucketed_mixes_buckets_and_companions():
    sequences = sequences_of([3, 30] * 40)
    first, second = (
        list(batches.bucketed(sequences, 4, (8, 32), seed=0, epoch=e)) for e in (0, 1)
    )
    shapes = [b.ids.shape[0] for b in first]
    assert shapes != sorted(shapes)
    companions = [{frozenset(b.members.tolist()) for b in e} for e in (first, second)]
    assert companions[0] != companions[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"sequences": sequences_of([3, 9])},
            r"sequences\[1\]: expected at most 8 ids, .* got 9",
        ),
        ({"sequences": [[1, 2]]}, r"sequences\[0\]: expected an array \[T\] of int"),
        ({"sequences": [np.ones(2)]}, r"sequences\[0\]: .*got float64\[2\]"),
        ({"sequences": [np.ones((2, 1), int)]}, r"sequences\[0\]: .*got int64\[2, 1\]"),
        ({"batch_size": 0}, "batch_size: expected an integer ≥ 1, got 0"),
        ({"lengths": ()}, "lengths: expected positive integers, rising"),
        ({"lengths": (8, 4)}, "lengths: expected positive integers, rising"),
        ({"lengths": (0, 4)}, "lengths: expected positive integers, rising"),
        ({"seed": -1}, "seed: expected an integer ≥ 0, got -1"),
        ({"epoch": -1}, "epoch: expected an integer ≥ 0"),
        ({"start": -1}, "start: expected an integer ≥ 0"),
    ],
)
def test_bucketed_rejects_wrong_arguments(changes, message):
    arguments = {
        "sequences": sequences_of([3]),
        "batch_size": 2,
        "lengths": (4, 8),
        "seed": 0,
        "epoch": 0,
    }
    with pytest.raises(ValueError, match=message):
        list(batches.bucketed(**(arguments | changes)))


def test_truncate_cuts_what_bucketed_would_reject():
    sequences = batches.truncate(sequences_of([3, 9]), 8)
    assert [len(s) for s in sequences] == [3, 8]
    (batch,) = batches.bucketed(sequences, 2, (8,), seed=0, epoch=0)
    assert sorted(batch.lengths) == [3, 8]
    with pytest.raises(ValueError, match="max_length: expected an integer ≥ 1"):
        batches.truncate(sequences, 0)


def test_stream_of_eleven_ids_in_two_tracks():
    chunks = list(batches.stream(np.arange(10, 21), batch_size=2, num_steps=3))
    assert [c.inputs.T.tolist() for c in chunks] == [
        [[10, 11, 12], [15, 16, 17]],
        [[13, 14, 0], [18, 19, 0]],
    ]
    assert [c.targets.T.tolist() for c in chunks] == [
        [[11, 12, 13], [16, 17, 18]],
        [[14, 15, 0], [19, 20, 0]],
    ]
    assert chunks[0].weights.tolist() == [[1, 1]] * 3
    assert chunks[1].weights.tolist() == [[1, 1], [1, 1], [0, 0]]


@given(
    num_ids=st.integers(2, 200),
    batch_size=st.integers(1, 9),
    num_steps=st.integers(1, 30),
)
def test_stream_weighs_every_pair_once_and_keeps_tracks_in_order(
    num_ids, batch_size, num_steps
):
    ids = np.arange(1, num_ids + 1)
    chunks = list(batches.stream(ids, batch_size, num_steps))
    assert len(chunks) == batches.num_chunks(num_ids, batch_size, num_steps)
    for chunk in chunks:
        assert all(array.shape == (num_steps, batch_size) for array in chunk)
        assert [a.dtype for a in chunk] == [np.int32, np.int32, np.float32]
    inputs, targets, weights = (
        np.concatenate(arrays) for arrays in zip(*chunks, strict=True)
    )
    real = weights.T == 1
    np.testing.assert_array_equal(inputs.T[real], ids[:-1])  # row after row
    np.testing.assert_array_equal(targets.T[real], ids[1:])
    assert (inputs[weights == 0] == PAD).all()
    assert (targets[weights == 0] == PAD).all()
    assert (np.diff(weights, axis=0) <= 0).all()  # padding comes last in each track


@given(start=st.integers(0, 12))
def test_stream_starts_at_any_chunk(start):
    ids = np.arange(100)
    whole = list(batches.stream(ids, 3, 4))
    assert_same(list(batches.stream(ids, 3, 4, start)), whole[start:])


def test_stream_does_not_read_what_it_leaves_out(tmp_path):
    num_ids = 2**34  # 64 GiB of zeros in a sparse file
    path = tmp_path / "ids.bin"
    with open(path, "wb") as file:
        file.truncate(4 * num_ids)
    ids = np.memmap(path, np.int32, "r")
    last = batches.num_chunks(num_ids, 8, 16) - 1
    (chunk,) = batches.stream(ids, 8, 16, last)
    assert chunk.weights.sum() == 8 * 16 - 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.arange(1), 1, 1), "ids: expected an array .* at least 2, got int64"),
        ((np.zeros(5), 1, 1), "ids: expected .* float64"),
        ((np.zeros((5, 1), int), 1, 1), r"ids: expected .* int64\[5, 1\]"),
        ((np.arange(5), 0, 1), "batch_size: expected an integer ≥ 1"),
        ((np.arange(5), 1, 0), "num_steps: expected an integer ≥ 1"),
        ((np.arange(5), 1, 1, -1), "start: expected an integer ≥ 0"),
    ],
)
def test_stream_rejects_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        list(batches.stream(*arguments))
