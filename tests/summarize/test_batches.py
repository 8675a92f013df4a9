"""Batches: every example once, in few shapes, and what follows a start."""

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


def epoch(shapes=SHAPES, **options):
    options = {"seed": 0, "epoch": 0} | options
    planned = batches.plan(EXAMPLES, 4, shapes, **options)
    return [batches.build(EXAMPLES, 4, each) for each in planned]


@pytest.mark.parametrize("num_shards", [1, 2, 3])
def test_every_example_stands_once_and_whole(num_shards):
    seen = []
    for batch in epoch(num_shards=num_shards):
        for part in range(num_shards):
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

    assert flat(epoch=3) == flat(epoch=3)
    assert flat(epoch=3) != flat(epoch=4)
    assert flat(seed=1) != flat(seed=0)


def test_a_batch_closes_when_its_places_are_full():
    shapes = [Shape(30, 6, 6)]
    made = epoch(shapes)
    for batch in made:
        assert (batch.packing.steps < batch.targets[0].size).sum() <= 6
    assert sum(int((b.documents.lengths > 0).sum()) for b in made) == 101


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
