"""An ensemble: the mean of its members' probabilities, and members that learn alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import batches, copy_model, ensemble
from jaxseq.summarize.examples import Document, Example
from jaxseq.text.vocab import BOS, EOS


MEMBER = copy_model.model(9, 4, 5)
TWO = ensemble.model(MEMBER, 2)
EXAMPLES = [
    Example(Document(np.array([4, 9, 6], np.int32), ("new",)), np.array([9, 6, EOS])),
    Example(Document(np.array([5, 7], np.int32), ()), np.array([7, EOS])),
]


@pytest.fixture(scope="module")
def params():
    return TWO.init(jax.random.key(1))


def make_batch():
    shapes = batches.shapes_of(EXAMPLES, 2, 1)
    planned = batches.plan(batches.deal(EXAMPLES, 2, shapes), 0, 0, 0)
    return jax.tree.map(lambda leaf: leaf[0], batches.build(EXAMPLES, 2, planned))


def test_members_begin_apart(params):
    first, second = params
    assert not np.array_equal(first.embedding, second.embedding)


def test_a_step_is_the_mean_of_probabilities(params):
    batch = make_batch()
    memory = TWO.read(params, batch.documents, 1)
    y_tm1 = jnp.full((2, 1), BOS, jnp.int32)
    together = TWO.decoder.step(
        params, memory, TWO.decoder.start(params, memory), y_tm1
    )
    each = []
    for member in params:
        own = MEMBER.read(member, batch.documents, 1)
        state = MEMBER.decoder.start(member, own)
        each.append(MEMBER.decoder.step(member, own, state, y_tm1))
    expected = sum(np.exp(np.asarray(e.log_probs)) for e in each) / 2
    np.testing.assert_allclose(np.exp(together.log_probs), expected, rtol=1e-6)
    weights = sum(np.asarray(e.weights) for e in each) / 2
    np.testing.assert_allclose(together.weights, weights, rtol=1e-6)
    assert float(jnp.exp(together.log_probs).sum()) == pytest.approx(2, rel=1e-5)


def test_the_gradient_of_a_member_is_its_own(params):
    batch = make_batch()

    def total(params):
        return TWO.score(params, batch).sum()

    def alone(member):
        return MEMBER.score(member, batch).sum()

    gradients = jax.jit(jax.grad(total))(params)
    for member, gradient in zip(params, gradients, strict=True):
        own = jax.tree.map(lambda g: g / 2, jax.jit(jax.grad(alone))(member))
        for a, b in zip(jax.tree.leaves(gradient), jax.tree.leaves(own), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_members_drop_other_entries(params):
    batch, key = make_batch(), jax.random.key(3)
    same = (params[0], params[0])
    both = TWO.score(same, batch, dropout=0.5, key=key)
    one = MEMBER.score(params[0], batch, dropout=0.5, key=jax.random.split(key)[0])
    assert not np.allclose(both, one)


def test_equal_arguments_give_the_same_model():
    assert ensemble.model(MEMBER, 2) is TWO
    with pytest.raises(ValueError, match="num_members: expected"):
        ensemble.model(MEMBER, 0)
