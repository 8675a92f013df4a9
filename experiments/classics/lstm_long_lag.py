"""A very long lag among noise: Hochreiter and Schmidhuber 1997, task 2c.

Paper: b, then x or y, then q and more of p distractors, then e: which was it, x or y?
At each step the noise goes on with probability 9/10. Two blocks of one cell, no biases,
rate .01. Until 10,000 sequences in a row are answered within .2 it takes, on average of
20 trials, 31,000 sequences for q = p = 100 and 49,000 for q = p = 1,000: learning time
grows very slowly with the lag. Ours, in 3 min: 18,500 and 21,250, the last 10,000
included.

    python -m experiments.classics.lstm_long_lag --out out

Departures: Adam, rate .0001, from weights in ±.01; noise that would go on for more than
80 symbols beyond the q stops there, in one of 5,000 sequences. To the letter, by plain
descent at rate .01 from ±.2, four of four networks stop for q = 50, after 133,000 on
average; none of four for q = 100 and none of two for q = 1,000 within 300,000: before
anything is learned the states drift to ±5 and ±50, where h is flat. At rate .1 from
±.05 all stop for q = 100, after 38,000, and none for q = 1,000. With Adam at rate .0003
one of four stops there.
"""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseq import commands

from ..results import replace
from . import claims
from .claims import at_least, at_most, reported
from .lstm_training import Example, Setting, learn, one_hot
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Train the LSTM of 1997 on long lags, task 2c."""

    lags: tuple[int, ...] = (50, 100, 1_000)
    """q, the least number of distractors in a sequence, and p, their kinds."""
    num_seeds: int = 4
    """Networks for each lag, trained side by side."""
    max_sequences: int = 100_000
    """Sequences that a network may read at most."""
    rate: float = 0.0001
    """Adam's learning rate."""
    bound: float = 0.01
    """Weights start uniform in ±bound."""
    seed: int = 0
    """Of the weights and the sequences."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/classics/lstm_long_lag/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        super().__post_init__()
        if not self.lags or min(self.lags) < 1:
            self.refuse("lags", "numbers of 1 or more")


REDUCED = Config(lags=(50, 100), num_seeds=3)

MAX_TAIL, ENDS_WITH = 80, 0.1
# Table 3, q = p: sequences until success.
PAPER = {50: 30_000, 100: 31_000, 200: 33_000, 500: 38_000, 1_000: 49_000}


def example(lag: int, key) -> Example:
    """Draws a sequence but its last symbol, and that one: x or y."""
    keys = jax.random.split(key, 3)
    num_steps = lag + MAX_TAIL + 3
    which = jax.random.randint(keys[0], (), 0, 2, jnp.int32)
    drawn = jnp.log(jax.random.uniform(keys[1], (), jnp.float32, 1e-20))
    tail = jnp.minimum(drawn / np.float32(np.log1p(-ENDS_WITH)), MAX_TAIL)
    length = lag + tail.astype(jnp.int32) + 3
    ids = jax.random.randint(keys[2], (num_steps,), 0, lag, jnp.int32)
    e, b, x = lag, lag + 1, lag + 2  # after the distractors; then y
    ids = ids.at[0].set(b).at[1].set(x + which).at[length - 1].set(e)
    return Example(
        one_hot(ids, length, lag + 4),
        length,
        jax.nn.one_hot(which, 2, dtype=jnp.float32),
    )


def setting(lag: int, rate: float, bound: float) -> Setting:
    """Returns the task, for a lag of at least q = p."""
    return Setting(
        example=functools.partial(example, lag),
        num_inputs=lag + 4,
        num_outputs=2,
        num_blocks=2,
        block_size=1,
        optimizer=optax.adam(rate),
        bound=bound,
        gate_biases=None,
        tolerance=0.2,
        mean_error=1.0,
        num_correct=10_000,
    )


def train(config: Config) -> dict:
    """Trains networks for each lag.

    Returns:
        For each lag, of every network: "num_sequences" until it stopped, the last
        10,000 included, -1 if it did not; "curve" its mean absolute error, chunk by
        chunk; "claims".
    """
    num_sequences, curves, listed, means = {}, {}, [], {}
    for lag in config.lags:
        keys = jax.random.split(jax.random.key(config.seed), config.num_seeds)
        task = setting(lag, config.rate, config.bound)
        learned = learn(keys, task, config.max_sequences)
        stopped = learned.num_sequences
        num_sequences[lag], curves[lag] = stopped.tolist(), learned.curve.tolist()
        share = float((stopped > 0).mean())
        listed.append(
            at_least(f"q = p = {lag:,}: networks that stop", "all", 1.0, share)
        )
        if share:
            means[lag] = float(stopped[stopped > 0].mean())
            paper = f"{PAPER[lag]:,}" if lag in PAPER else "-"
            listed.append(reported("  after, mean", paper, means[lag]))
    shortest, longest = min(config.lags), max(config.lags)
    if shortest in means and longest in means and longest > shortest:
        growth = means[longest] / means[shortest]
        what = f"sequences, lag {longest:,} over {shortest:,}"
        listed.append(at_most(what, "1.6 for 1,000 / 50", longest / shortest, growth))
    return {"num_sequences": num_sequences, "curves": curves, "claims": listed}


def draw(folder: Path, result: dict) -> list[Path]:
    """Draws the error over the sequences read, lag by lag."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), dpi=130, layout="constrained")
    axes = figure.subplots()
    for number, (lag, curves) in enumerate(result["curves"].items()):
        each = zip(curves, result["num_sequences"][lag], strict=True)
        for place, (curve, stopped) in enumerate(each):
            num = stopped // 1000 if stopped > 0 else len(curve)
            label = f"q = p = {lag:,}" if place == 0 else None
            style = {"color": f"C{number}", "lw": 1}
            axes.semilogy(np.arange(1, num + 1), curve[:num], label=label, **style)
            if stopped > 0:
                axes.semilogy(num, curve[num - 1], "o", ms=4, color=f"C{number}")
    axes.set(xlabel="sequences, thousands", ylabel="mean absolute error")
    axes.legend(title="dot: 10,000 in a row are right", fontsize="small")
    path = folder / "long_lag.png"
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment as the command line says."""
    claims.run("lstm_long_lag", commands.parse(Config, args, __doc__), train, draw)


if __name__ == "__main__":
    main()
