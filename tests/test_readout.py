"""The output layer and its gradients by hand."""

import jax
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxseq import readout
from tests import oracles, plain


NUM_HIDDEN, NUM_OUTPUTS = 3, 2
every_batch = pytest.mark.parametrize("batch", [(), (4,), (4, 2), (2, 2, 3)], ids=str)


def _arguments(batch, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    V = rng.normal(size=(NUM_OUTPUTS, NUM_HIDDEN)).astype(dtype)
    b = rng.normal(size=NUM_OUTPUTS).astype(dtype)
    states = rng.normal(size=(*batch, NUM_HIDDEN)).astype(dtype)
    return readout.Params(V, b), states


@every_batch
def test_readout_equals_oracle(batch):
    params, states = _arguments(batch)
    outputs = readout.readout(params, states)
    assert outputs.shape == (*batch, NUM_OUTPUTS)
    for place in np.ndindex(*batch):
        wanted = oracles.readout(*params, states[place])
        np.testing.assert_allclose(outputs[place], wanted, rtol=1e-13, atol=1e-15)


@every_batch
def test_gradient_equals_autodiff_of_formula(batch):
    arguments = _arguments(batch)
    outputs, pull = jax.vjp(readout.readout, *arguments)
    deltas = np.random.default_rng(1).normal(size=outputs.shape)
    by_autodiff = jax.vjp(plain.readout, *arguments)[1](deltas)
    for ours, wanted in zip(
        jax.tree.leaves(pull(deltas)), jax.tree.leaves(by_autodiff), strict=True
    ):
        np.testing.assert_allclose(ours, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_gradient_equals_differences(seed):
    check_grads(
        readout.readout,
        _arguments((4, 2), seed),
        order=1,
        modes=["rev"],
        atol=1e-8,
        rtol=1e-8,
        eps=1e-5,
    )


def test_readout_of_no_steps_has_zero_gradient():
    outputs, pull = jax.vjp(readout.readout, *_arguments((0, 2)))
    d_params, d_states = pull(np.zeros(outputs.shape))
    assert d_states.shape == (0, 2, NUM_HIDDEN)
    assert not any(np.any(leaf) for leaf in d_params)


def test_dtype_is_kept():
    arguments = _arguments((4, 2), dtype=np.float32)
    outputs, pull = jax.vjp(readout.readout, *arguments)
    leaves = (outputs, *jax.tree.leaves(pull(np.ones_like(outputs))))
    assert {leaf.dtype for leaf in leaves} == {np.dtype(np.float32)}


def test_init_is_uniform_by_fan_in_with_zero_bias():
    params = readout.init(jax.random.key(0), 400, 50, np.float64)
    assert params.V.shape == (50, 400)
    assert not np.any(params.b)
    assert np.abs(params.V).max() <= 1 / 20
    # Uniform on ±1/20: standard deviation 0.05/√3; 20,000 draws, 3 % is 6 sigma.
    np.testing.assert_allclose(np.std(params.V), 0.05 / np.sqrt(3), rtol=0.03)
