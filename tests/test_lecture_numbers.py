"""The lecture's worked example: jaxseq against the numbers on paper.

The literals are the lecture's, to 5 digits, with its slips put right: ∇U is 2 x 3, the
targets are those that its deltas use, BP4V has s_t.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import readout
from jaxseq.cells import elman
from jaxseq.losses import cross_entropy, cross_entropy_soft
from jaxseq.unroll import unroll, unroll_plain


# Source: the lecture's worked example.
GOLDEN = {
    "states": [[0.88535, 0.99668], [0.97961, 0.99996], [0.99394, 1.00000]],
    "logits": [
        [0.28787, 0.66428, 1.04069],
        [0.29795, 0.69387, 1.08978],
        [0.29939, 0.69818, 1.09697],
    ],
    "outputs": [
        [0.21834, 0.31813, 0.46353],
        [0.21308, 0.31658, 0.47035],
        [0.21231, 0.31634, 0.47135],
    ],
    "output_deltas": [
        [-0.78166, 0.31813, 0.46353],
        [0.21308, 0.31658, -0.52965],
        [0.21231, -0.68366, 0.47135],
    ],
    "state_deltas": [[0.05370, 0.00164], [-0.00599, -0.00001], [0.00063, 0.00000]],
    "loss": 3.42692,
    "d_V": [[-0.27229, -0.35369], [-0.08774, -0.05002], [0.36003, 0.40372]],
    "d_W": [[-0.00469, -0.00535], [-0.00001, -0.00001]],
    "d_U": [[0.04359, 0.09193, 0.14026], [0.00162, 0.00325, 0.00487]],
    "d_b_s": [0.04833, 0.00163],
    "d_b_o": [-0.35628, -0.04895, 0.40523],
}

HALF_A_DIGIT = 5.001e-6

XS = np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [3.0, 4.0, 5.0]])
YS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
CELL = elman.Params(
    U=jnp.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
    W=jnp.array([[0.1, 0.2], [0.3, 0.4]]),
    b=jnp.zeros(2),
)
READOUT = readout.Params(
    V=jnp.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]), b=jnp.zeros(3)
)


@pytest.fixture(scope="module", params=[unroll, unroll_plain], ids=lambda f: f.__name__)
def results(request):
    """Every quantity of the example, by name."""
    run = request.param
    xs, ids = jnp.asarray(XS), jnp.asarray(YS.argmax(-1))

    def run_states(cell_params, xs):
        return run(elman.cell(), cell_params, None, xs).ys

    def loss_of_logits(logits):
        return jnp.sum(cross_entropy(logits, ids))

    def loss(cell_params, readout_params, xs):
        logits = readout.readout(readout_params, run_states(cell_params, xs))
        return loss_of_logits(logits)

    states = run_states(CELL, xs)
    logits = readout.readout(READOUT, states)
    d_cell, d_readout = jax.grad(loss, argnums=(0, 1))(CELL, READOUT, xs)
    # With U = 1 the inputs are the pre-activations, so that their error is δ_t.
    through = CELL._replace(U=jnp.eye(2))
    state_deltas = jax.grad(loss, argnums=2)(through, READOUT, xs @ CELL.U.T)
    return {
        "states": states,
        "logits": logits,
        "outputs": jax.nn.softmax(logits),
        "output_deltas": jax.grad(loss_of_logits)(logits),
        "state_deltas": state_deltas,
        "loss": loss(CELL, READOUT, xs),
        "d_V": d_readout.V,
        "d_W": d_cell.W,
        "d_U": d_cell.U,
        "d_b_s": d_cell.b,
        "d_b_o": d_readout.b,
    }


@pytest.mark.parametrize("name", GOLDEN)
def test_unroll_gives_the_numbers_on_paper(results, name):
    assert results[name].dtype == jnp.float64
    assert results[name].shape == np.shape(GOLDEN[name])
    np.testing.assert_allclose(results[name], GOLDEN[name], rtol=0, atol=HALF_A_DIGIT)


def test_cross_entropy_soft_gives_the_loss_and_the_deltas_on_paper(results):
    def loss(logits):
        return jnp.sum(cross_entropy_soft(logits, jnp.asarray(YS)))

    value, deltas = jax.value_and_grad(loss)(results["logits"])
    np.testing.assert_allclose(value, GOLDEN["loss"], rtol=0, atol=HALF_A_DIGIT)
    np.testing.assert_allclose(
        deltas, GOLDEN["output_deltas"], rtol=0, atol=HALF_A_DIGIT
    )
