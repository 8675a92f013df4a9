"""Batches: every example once, in few shapes, and what follows a start."""

import time

import numpy as np
import pytest

from jaxseq.summarize import batches
from jaxseq.summarize.batches import Shape
from jaxseq.summarize.examples import Document, Example


def draw(num, seed=0):
    rng = np.random.default_rng(seed)
    made = []
    for number in range(num):
        words = np.full(rng.integers(1, 30), 10 + number, np.int32)
        targets = np.full(rng.integers(1, 7), 10 + number, np.int32)
        made.append(Example(Document(words, ()), targets))
    return made


EXAMPLES = draw(101)
SHAPES = batches.shapes_of(EXAMPLES, 4)


def dealt(shapes=SHAPES, num_parts=1, examples=EXAMPLES):
    return batches.deal(examples, 4 * num_parts, shapes, num_parts)


def epoch(shapes=SHAPES, num_parts=1, seed=0, number=0):
    rows = dealt(shapes, num_parts)
    planned = [batches.plan(rows, seed, number, n) for n in range(rows.num_batches)]
    return [batches.build(EXAMPLES, 4, each) for each in planned]


@pytest.mark.parametrize("num_parts", [1, 2, 3])
def test_every_example_stands_once_and_whole(num_parts):
    seen = []
    for batch in epoch(num_parts=num_parts):
        for part in range(num_parts):
            ids, lengths = (leaf[part] for leaf in batch.documents)
            targets, packed = batch.targets[part], batch.packing.steps[part]
            shape = (len(ids), len(targets), len(packed))
            assert Shape(*shape) in SHAPES
            rows = [targets.reshape(-1)[step] for step in packed if step < targets.size]
            for column in range(4):
                if lengths[column]:
                    number = ids[0, column] - 10
                    example = EXAMPLES[number]
                    assert lengths[column] == len(example.document.ids)
                    assert (ids[: lengths[column], column] == number + 10).all()
                    assert (ids[lengths[column] :, column] == 0).all()
                    assert rows.count(number + 10) == len(example.targets)
                    seen.append(int(number))
    assert sorted(seen) == list(range(101))


def test_shapes_are_few_and_hold_all():
    assert len(SHAPES) <= 4
    assert [shape.num_words for shape in SHAPES] == sorted(
        {shape.num_words for shape in SHAPES}
    )
    assert SHAPES[-1].num_words == max(len(e.document.ids) for e in EXAMPLES)
    assert len(batches.shapes_of(EXAMPLES, 4, 1)) == 1
    one = [Example(Document(np.zeros(0, np.int32), ()), np.zeros(1, np.int32))]
    assert batches.shapes_of(one, 4)[-1].num_words == 1


def test_an_epoch_is_the_same_each_time_and_another_is_not():
    def flat(**options):
        return [batch.documents.ids.tolist() for batch in epoch(**options)]

    assert flat(number=3) == flat(number=3)
    assert flat(number=3) != flat(number=4)
    assert flat(seed=1) != flat(seed=0)


def together(rows, number):
    """Returns which examples share a batch."""
    planned = [batches.plan(rows, 0, number, n) for n in range(rows.num_batches)]
    return {frozenset(sum(each.members, [])) for each in planned}


def test_batches_are_mixed_anew_in_each_epoch():
    rows = dealt()
    assert not together(rows, 0) & together(rows, 1)
    # The shapes come in turn, not one after the other.
    shapes = [batches.plan(rows, 0, 0, n).shape for n in range(rows.num_batches)]
    assert shapes != sorted(shapes)
    assert shapes != sorted(shapes, reverse=True)


def test_parts_do_not_decide_what_is_in_a_batch():
    whole = batches.deal(EXAMPLES, 12, [Shape(30, 6, 60)])
    parts = batches.deal(EXAMPLES, 12, [Shape(30, 6, 30)], 3)
    assert together(whole, 5) == together(parts, 5)


def test_all_batches_have_as_many_targets():
    examples = draw(2003)
    shape = Shape(30, 6, 4 * 32)
    rows = batches.deal(examples, 32, [shape])
    assert rows.num_batches == -(-2003 // 32)
    sizes = []
    for number in range(rows.num_batches):
        (members,) = batches.plan(rows, 0, 0, number).members
        sizes.append(sum(len(examples[m].targets) for m in members))
    assert max(sizes) - min(sizes) <= 6 - 1 + 1  # one column may be empty
    assert max(sizes) <= shape.num_packed


def test_more_batches_are_made_where_places_are_few():
    shapes = [Shape(30, 6, 6)]
    made = epoch(shapes)
    assert len(made) > -(-101 // 4)
    for batch in made:
        assert (batch.packing.steps < batch.targets[0].size).sum() <= 6
    assert sum(int((b.documents.lengths > 0).sum()) for b in made) == 101


def test_any_batch_is_found_at_once():
    examples = draw(4000)
    rows = batches.deal(examples, 128, batches.shapes_of(examples, 128))
    started = time.perf_counter()
    batches.plan(rows, 0, 10**9, rows.num_batches - 1)
    assert time.perf_counter() - started < 0.05


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([Shape(29, 3, 9)], r"examples\[\d+\]: expected at most 3 targets"),
        ([Shape(9, 6, 9)], r"examples\[\d+\]: expected at most 9 words"),
    ],
)
def test_what_fits_no_shape_is_refused(shapes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        epoch(shapes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 4, SHAPES), "examples: expected one at least, got none"),
        ((EXAMPLES, 0, SHAPES), "batch_size: expected an integer ≥ 1, got 0"),
        ((EXAMPLES, 4, SHAPES, 3), "batch_size: expected a multiple of num_parts, 3"),
    ],
)
def test_wrong_deals_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        batches.deal(*arguments)


def test_a_batch_that_is_none_of_the_epoch_is_refused():
    rows = dealt()
    num = rows.num_batches
    message = f"^index: expected less than {num}, got {num}"
    with pytest.raises(ValueError, match=message):
        batches.plan(rows, 0, 0, num)
