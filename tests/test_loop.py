"""The loop over time: the form of a GPU, tested wherever the tests run."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import loop
from jaxseq.cells import gru, lstm
from jaxseq.unroll import unroll
from tests.models import inputs, masks, relative_error
from tests.programs import equations


@pytest.fixture
def on_a_gpu(monkeypatch):
    """Pretends that there is a GPU."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")


def result_and_gradient(args, mode):
    def loss(*args):
        result = unroll(lstm.cell(), *args, **mode)
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(result))

    return jax.jit(jax.value_and_grad(loss, (0, 1, 2)))(*args)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("num_steps", [3, 8, 19])
def test_unrolled_loop_is_the_other_one(on_a_gpu, monkeypatch, num_steps, reverse):
    args = inputs(lstm.cell(), num_steps, (3,))
    mode = {**masks(num_steps)["lengths"], "reverse": reverse}
    found = result_and_gradient(args, mode)
    monkeypatch.undo()
    expected = result_and_gradient(args, mode)
    assert relative_error(found, expected) <= 1e-13


def test_loop_over_no_step_ends_where_it_began(on_a_gpu):
    carry = jnp.ones(2)
    final, emitted = loop.scan(
        lambda c, x, s: (c + x, s), carry, jnp.ones((0, 2)), carry[:0]
    )
    np.testing.assert_array_equal(final, carry)
    assert emitted.shape == (0,)


@pytest.mark.parametrize(("backend", "steps"), [("gpu", 8), ("cpu", 1)])
def test_gpus_take_several_steps_at_a_time(monkeypatch, backend, steps):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    args = inputs(gru.reset_after(), 16, (2,))

    def loss(*args):
        return jnp.sum(unroll(gru.reset_after(), *args).ys)

    found = equations(jax.make_jaxpr(jax.grad(loss))(*args).jaxpr)
    scans = [e.params["unroll"] for e in found if e.primitive.name == "scan"]
    assert scans == [steps, steps]
