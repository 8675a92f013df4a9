"""Which came first: Hochreiter and Schmidhuber 1997, task 6a.

Paper: a sequence of 100 to 110 symbols, random but for an X or a Y at t = 10 to 20 and
another at 50 to 60; at its end the network says which of the four orders it was. Two
blocks of two cells, 156 weights, rate .5: 31,390 sequences on average until the error
is below .1 and 2,000 in a row are answered, every output within .3; then 1 of 2,560
fresh ones wrong. Ours, in 115 s: ten of ten networks stop, after 32,700; nine have none
wrong, one that stopped in a burst 1,657.

At rate .5 the error bursts now and then even when it is small; a network that stops in
a burst gets most of the fresh ones wrong, as one of ten did.

    python -m experiments.classics.lstm_temporal_order --out out
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseq import commands

from ..results import replace
from . import claims
from .claims import at_least, reported
from .lstm_training import Example, Setting, learn, one_hot, test
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Train the LSTM of 1997 on temporal order, task 6a."""

    num_seeds: int = 10
    """Networks, trained side by side."""
    max_sequences: int = 100_000
    """Sequences that a network may read at most."""
    bound: float = 0.1
    """Weights start uniform in ±bound."""
    seed: int = 0
    """Of the weights and the sequences."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/classics/lstm_temporal_order/."""


REDUCED = Config(num_seeds=3, max_sequences=50_000)

NUM_TEST, SHORTEST, LONGEST = 2_560, 100, 110
X, Y, E, B = 4, 5, 6, 7  # after the distractors a, b, c, d


def example(key) -> Example:
    """Draws a sequence, one-hot, and which of X X, X Y, Y X, Y Y it has."""
    keys = jax.random.split(key, 5)
    length = jax.random.randint(keys[0], (), SHORTEST, LONGEST + 1, jnp.int32)
    first = jax.random.randint(keys[1], (), 10, 21, jnp.int32)
    second = jax.random.randint(keys[2], (), 50, 61, jnp.int32)
    order = jax.random.randint(keys[3], (2,), 0, 2, jnp.int32)
    ids = jax.random.randint(keys[4], (LONGEST,), 0, X, jnp.int32)
    ids = ids.at[0].set(E).at[length - 1].set(B)
    ids = ids.at[first].set(X + order[0]).at[second].set(X + order[1])
    which = 2 * order[0] + order[1]
    return Example(
        one_hot(ids, length, 8),
        length,
        jax.nn.one_hot(which, 4, dtype=jnp.float32),
    )


def setting(bound: float) -> Setting:
    """Returns the task as the paper trains it."""
    return Setting(
        example=example,
        num_inputs=8,
        num_outputs=4,
        num_blocks=2,
        block_size=2,
        optimizer=optax.sgd(0.5),
        bound=bound,
        gate_biases=(-2.0, -4.0),
        tolerance=0.3,
        mean_error=0.1,
    )


def train(config: Config) -> dict:
    """Trains, and tests on fresh sequences.

    Returns:
        Of every network: "num_sequences" until it stopped, -1 if it did not;
        "num_wrong" of 2,560; "curve" its mean absolute error, chunk by chunk; "claims".
    """
    key_train, key_test = jax.random.split(jax.random.key(config.seed))
    task = setting(config.bound)
    keys = jax.random.split(key_train, config.num_seeds)
    learned = learn(keys, task, config.max_sequences)
    errors = np.asarray(test(task, learned.params, key_test, NUM_TEST))
    num_wrong = (errors.max(-1) >= task.tolerance).sum(-1)
    has_stopped = learned.num_sequences > 0
    share = float(has_stopped.mean())
    listed = [at_least("networks that stop", "all of 20", 0.8, share)]
    if has_stopped.any():
        wrong = num_wrong[has_stopped]
        mean = float(learned.num_sequences[has_stopped].mean())
        listed += [
            reported("  after, mean", "31,390", mean),
            reported("  wrong of 2,560, median", "1", float(np.median(wrong))),
            reported("  most", "2", int(wrong.max())),
        ]
    return {
        "num_sequences": learned.num_sequences.tolist(),
        "num_wrong": num_wrong.tolist(),
        "curve": learned.curve.tolist(),
        "claims": listed,
    }


def draw(folder: Path, result: dict) -> list[Path]:
    """Draws the error over the sequences read."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), dpi=130, layout="constrained")
    axes = figure.subplots()
    for curve, stopped in zip(result["curve"], result["num_sequences"], strict=True):
        num = stopped // 1000 if stopped > 0 else len(curve)
        axes.plot(np.arange(1, num + 1), curve[:num], lw=1)
        if stopped > 0:
            axes.plot(num, curve[num - 1], "ko", ms=4)
    axes.axvline(31.39, color="0.5", ls="--", lw=1, label="paper: mean of 20")
    axes.plot([], [], "ko", ms=4, label="stops: 2,000 in a row are right")
    axes.set(xlabel="sequences, thousands", ylabel="mean absolute error")
    axes.legend()
    path = folder / "temporal_order.png"
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment as the command line says."""
    claims.run(
        "lstm_temporal_order", commands.parse(Config, args, __doc__), train, draw
    )


if __name__ == "__main__":
    main()
