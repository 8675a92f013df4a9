"""The held-out cost: a mean over targets, whatever batches they lie in."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import cost
from jaxseq.summarize.batches import Shape
from jaxseq.summarize.decoder import Decoder
from jaxseq.summarize.examples import Document, Example
from jaxseq.summarize.model import Model
from jaxseq.train.sharding import ONE_DEVICE


def stub():
    """A target costs its id times the weight."""

    def score(params, batch, *, dropout=0.0, key=None):
        del dropout, key
        ids, steps = batch.targets.reshape(-1), batch.packing.steps
        found = jnp.take(ids, steps, mode="fill", fill_value=0)
        return params * found.astype(jnp.float32)

    def nothing(*args):
        raise NotImplementedError(args)

    return Model(nothing, nothing, score, Decoder(nothing, nothing))


def test_the_held_out_cost_is_a_mean_over_targets_not_over_batches():
    targets = [[4, 5, 6], [7], [9, 9, 9, 9, 8], [30, 3], [40]]
    document = Document(np.array([4], np.int32), ())
    examples = [Example(document, np.array(ids, np.int32)) for ids in targets]
    # Batches of two: the last one has one example.
    held_out = cost.make_held_out(stub(), examples, 2, (Shape(1, 5, 10),), ONE_DEVICE)
    mean = np.concatenate(targets).mean()
    assert held_out(jnp.float32(1)) == pytest.approx(mean)
    assert held_out(jnp.float32(2)) == pytest.approx(2 * mean)
