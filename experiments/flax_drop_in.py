"""One import line: the same Flax model, trained by Flax's RNN and by jaxseq's.

Paper: Hochreiter and Schmidhuber 1997, experiment 4, the adding problem: of T pairs
(value, mark) two are marked; the target is ½ + (sum of the marked values) / 4.
Expected: the losses of every step agree to 1e-5; jaxseq's steps take less time.
Ours: printed below, with the ratio of the medians of interleaved blocks. Run time:
about a minute on two cores.

    python -m experiments.flax_drop_in
    python -m experiments.flax_drop_in --api nnx --cell GRUCell --num-hidden 128
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx as flax_nnx

from jaxseq import commands
from jaxseq.interop.flax import linen, nnx
from jaxseq.types import Array, Tree

from . import cli
from .bench.timing import interleaved


@dataclasses.dataclass(frozen=True)
class Config:
    """Trains one Flax model twice: by Flax's RNN, and by jaxseq's."""

    api: Literal["linen", "nnx"] = "linen"
    """Flax's interface."""
    cell: Literal["LSTMCell", "OptimizedLSTMCell", "GRUCell", "SimpleCell"] = "LSTMCell"
    """Flax's cell."""
    num_hidden: int = 64
    """Size of the layer."""
    sequence_length: int = 100
    """T, pairs in a sequence."""
    batch_size: int = 32
    """Sequences in a step."""
    num_steps: int = 100
    """Steps of training."""
    num_rounds: int = 20
    """Blocks of steps that are timed, of each library in turn."""
    seed: int = 0
    """Draws the data and the first weights."""

    def __post_init__(self) -> None:
        """Refuses sizes below 1, and a sequence without room for two marks."""
        for field in dataclasses.fields(self):
            least = {"seed": 0, "sequence_length": 2}.get(field.name, 1)
            value = getattr(self, field.name)
            if isinstance(value, int):
                cli.expect(value >= least, field.name, f"{least} or more", value)


class Model(NamedTuple):
    """A model as its parameters, and a function of them."""

    params: Tree
    predict: Callable[[Tree, Array], Array]  # [B, T, 2] -> [B]


def linen_model(nn: Any, config: Config) -> Model:
    """Makes a layer and its readout with what `nn` names, as a user's script would."""

    class Adder(nn.Module):
        @nn.compact
        def __call__(self, inputs):
            ys = nn.RNN(getattr(nn, config.cell)(config.num_hidden))(inputs)
            return nn.Dense(1)(ys[:, -1])[:, 0]

    model = Adder()
    like = jnp.zeros((config.batch_size, config.sequence_length, 2))
    return Model(jax.jit(model.init)(jax.random.key(config.seed), like), model.apply)


def nnx_model(nnx: Any, config: Config) -> Model:
    """Makes the same with `flax.nnx`, or what stands for it."""
    rngs = nnx.Rngs(config.seed)
    rnn = nnx.RNN(getattr(nnx, config.cell)(2, config.num_hidden, rngs=rngs))
    readout = nnx.Linear(config.num_hidden, 1, rngs=rngs)
    graph, params, rest = nnx.split((rnn, readout), nnx.Param, ...)

    def predict(params, inputs):
        rnn, readout = nnx.merge(graph, params, rest, copy=True)
        return readout(rnn(inputs)[:, -1])[:, 0]

    return Model(params, predict)


def trainer(model: Model, batches: tuple[Array, Array]) -> Callable[[], np.ndarray]:
    """Compiles a whole training by Adam; the call returns the loss of each step."""
    optimizer = optax.adam(1e-3)

    def step(carry, batch):
        params, moments = carry
        inputs, targets = batch

        def loss(params):
            return jnp.mean((model.predict(params, inputs) - targets) ** 2)

        value, gradient = jax.value_and_grad(loss)(params)
        updates, moments = optimizer.update(gradient, moments)
        return (optax.apply_updates(params, updates), moments), value

    start = model.params, optimizer.init(model.params)
    run = jax.jit(lambda start, batches: jax.lax.scan(step, start, batches)[1])
    return lambda: np.asarray(run(start, batches))


def draw(config: Config) -> tuple[Array, Array]:
    """Draws the adding problem: `[steps, B, T, 2]` and `[steps, B]`."""
    rng = np.random.default_rng(config.seed)
    shape = (config.num_steps, config.batch_size, config.sequence_length)
    values = rng.uniform(-1, 1, shape)
    marks = rng.permuted(np.arange(shape[-1]) < 2 + np.zeros(shape), axis=-1)
    targets = 0.5 + np.sum(values * marks, axis=-1) / 4
    inputs = np.stack([values, marks], axis=-1)
    return jnp.asarray(inputs, jnp.float32), jnp.asarray(targets, jnp.float32)


def main(args: list[str] | None = None) -> None:
    """Trains both, and prints losses and the ratio of times."""
    config = commands.parse(Config, args, __doc__)
    batches = draw(config)
    make = {"linen": linen_model, "nnx": nnx_model}[config.api]
    theirs = {"linen": flax.linen, "nnx": flax_nnx}[config.api]
    ours = {"linen": linen, "nnx": nnx}[config.api]
    libraries = {"flax": theirs, "jaxseq": ours}
    train = {
        name: trainer(make(one, config), batches) for name, one in libraries.items()
    }
    losses = {name: one() for name, one in train.items()}
    print(f"step  {'flax':>9}  {'jaxseq':>9}")
    for k in sorted({0, config.num_steps // 2, config.num_steps - 1}):
        print(f"{k + 1:4}  {losses['flax'][k]:9.6f}  {losses['jaxseq'][k]:9.6f}")
    apart = np.abs(losses["flax"] - losses["jaxseq"]).max()
    print(f"largest difference of a loss: {apart:.1e}")
    times = interleaved(train, config.num_rounds)
    for name, time in times.items():
        print(f"{name:6}  {1e3 * time.median / config.num_steps:.2f} ms a step")
    ratio = times["flax"].median / times["jaxseq"].median
    print(f"flax takes {ratio:.2f} times as long")


if __name__ == "__main__":
    main()
