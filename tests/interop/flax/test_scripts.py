"""A user's training script, of which one import line changes, and the transforms."""

import subprocess
import sys

import jax
import numpy as np
import pytest

from tests.interop.flax.layers import lax_dtypes
from tests.programs import equations


LINEN = """
from flax import linen as nn
import jax
import optax
import jax.numpy as jnp


class Model(nn.Module):
    @nn.compact
    def __call__(self, inputs, lengths):
        xs = nn.Dense(6)(inputs)
        forward = nn.RNN(nn.OptimizedLSTMCell(8))
        backward = nn.RNN(nn.GRUCell(8))
        xs = nn.Bidirectional(forward, backward)(xs, seq_lengths=lengths)
        last, _ = nn.RNN(nn.LSTMCell(8), return_carry=True)(xs, seq_lengths=lengths)
        return nn.Dense(1)(last[1])[:, 0]


def train(inputs, targets, lengths, num_steps):
    model = Model()
    params = jax.jit(model.init)(jax.random.key(0), inputs, lengths)
    optimiser = optax.adam(0.01)

    def loss(params):
        return jnp.mean((model.apply(params, inputs, lengths) - targets) ** 2)

    def step(carry, _):
        params, state = carry
        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimiser.update(gradient, state)
        return (optax.apply_updates(params, updates), state), value

    start = params, optimiser.init(params)
    return jax.jit(lambda c: jax.lax.scan(step, c, None, length=num_steps))(start)[1]
"""

NNX = """
from flax import nnx
import jax
import optax
import jax.numpy as jnp


class Model(nnx.Module):
    def __init__(self, num_inputs, rngs):
        self.forward = nnx.LSTMCell(num_inputs, 8, rngs=rngs)
        self.backward = nnx.GRUCell(num_inputs, 8, rngs=rngs)
        self.both = nnx.Bidirectional(nnx.RNN(self.forward), nnx.RNN(self.backward))
        last = nnx.OptimizedLSTMCell(16, 8, rngs=rngs)
        self.last = nnx.RNN(last, return_carry=True)
        self.readout = nnx.Linear(8, 1, rngs=rngs)

    def __call__(self, inputs, lengths):
        xs = self.both(inputs, seq_lengths=lengths)
        (_, h), _ = self.last(xs, seq_lengths=lengths)
        return self.readout(h)[:, 0]


def train(inputs, targets, lengths, num_steps):
    model = Model(inputs.shape[-1], nnx.Rngs(0))
    optimiser = nnx.Optimizer(model, optax.adam(0.01), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimiser):
        def loss(model):
            return jnp.mean((model(inputs, lengths) - targets) ** 2)

        value, gradient = nnx.value_and_grad(loss)(model)
        optimiser.update(model, gradient)
        return value

    return jnp.stack([step(model, optimiser) for _ in range(num_steps)])
"""


def run(script):
    namespace = {}
    exec(compile(script, "script", "exec"), namespace)
    return namespace


def task(num_steps=10, batch=4):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(batch, num_steps, 3)).astype(np.float32)
    lengths = np.array([num_steps, 3, 7, 1])
    targets = np.array([x[:n].mean() for x, n in zip(inputs, lengths, strict=True)])
    return inputs, targets.astype(np.float32), lengths


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [LINEN, NNX],
    ids=["linen", "nnx"],
)
def test_one_import_line_changes_and_the_losses_do_not(script):
    changed = script.replace("\nfrom flax import", "\nfrom jaxseq.interop.flax import")
    lines = zip(script.splitlines(), changed.splitlines(), strict=True)
    assert sum(a != b for a, b in lines) == 1
    with lax_dtypes():  # for optax
        theirs, ours = (run(s)["train"](*task(), 100) for s in (script, changed))
    assert ours.shape == (100,)
    assert ours[-1] < 0.5 * ours[0]  # it does learn
    np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=1e-5)


def carried_matrices(script):
    """Counts what the loops of a loss' gradient carry and has a weight's shape."""
    inputs, _, lengths = task()
    model = run(script)["Model"]()
    params = jax.eval_shape(model.init, jax.random.key(0), inputs, lengths)

    def loss(params):
        return model.apply(params, inputs, lengths).sum()

    jaxpr = jax.make_jaxpr(jax.grad(loss))(params).jaxpr
    shapes = {leaf.shape for leaf in jax.tree.leaves(params) if leaf.ndim == 2}
    carried = 0
    for loop in equations(jaxpr):
        if loop.primitive.name == "scan":
            # What is carried comes out as it is, what is stacked with an axis more.
            carried += sum(v.aval.shape in shapes for v in loop.outvars)
    return carried


def test_the_backward_loops_carry_no_weight_gradient():
    changed = LINEN.replace("from flax import", "from jaxseq.interop.flax import")
    assert carried_matrices(changed) == 0
    assert carried_matrices(LINEN) > 0  # flax's do


def test_jaxseq_alone_imports_no_flax():
    program = "import sys, jaxseq, jaxseq.interop; sys.exit('flax' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
