"""What a decaying state, a plan and "don't care" are for: Jordan 1986.

Report: a network whose state is the last output alone cannot tell the two A of A B A C
apart, a state that decays can; plans choose one of several sequences; where a feature
is not specified, it anticipates its next value. Ours, in 25 s: .75 at μ = 0, all at μ =
.5 and .8; both plans are followed; the free feature rises at each step.

    python -m experiments.classics.jordan_sequences --out out

The report's own tables were not to be had: the criteria are exact ones. At μ = 0 the
best is .75 of A B A C, as one of the two letters after A is always wrong.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq import commands
from jaxseq.cells import jordan

from ..results import replace
from . import claims
from .claims import at_least, at_most, between, reported
from .jordan_training import learn, lessons, run_free, together
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Teach Jordan networks sequences of letters."""

    num_seeds: int = 6
    """Networks, trained side by side."""
    num_steps: int = 60_000
    """Updates of each, one a letter."""
    num_hidden: int = 8
    """Hidden units."""
    rate: float = 0.5
    """Learning rate."""
    seed: int = 0
    """Of the weights at the start."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/classics/jordan_sequences/."""


REDUCED = Config(num_steps=30_000)

DECAYS = (0.0, 0.5, 0.8)
NUM_ROUNDS = 4
YES, NO, FREE = 0.9, 0.1, float("nan")
# A feature that is off, not specified for three steps, and on.
FEATURES = {"free": (NO, FREE, FREE, FREE, YES), "constrained": (NO, NO, NO, NO, YES)}


def train(config: Config) -> dict:
    """Teaches A B A C at each μ, two plans, and a feature that is not specified.

    Returns:
        "outputs": of A B A C at each μ, of the first network, `[T, 3]`; "accuracy": of
        each network; "plans": the share of networks that produce both sequences;
        "feature": of each network, step by step, free and constrained; "claims".
    """
    one = jnp.ones(1)
    wanted = np.tile([0, 1, 0, 2], NUM_ROUNDS)
    outputs = {
        mu: _taught(config, mu, [(one, _targets(wanted))], len(wanted))[0]
        for mu in DECAYS
    }
    accuracy = {
        mu: (ys.argmax(-1) == wanted).mean(-1).tolist() for mu, ys in outputs.items()
    }
    orders = {(1.0, 0.0): [0, 1, 2], (0.0, 1.0): [2, 1, 0]}
    taught = [(jnp.asarray(plan), _targets(order)) for plan, order in orders.items()]
    by_plan = _taught(config, 0.5, taught, 3)
    are_right = [
        (ys.argmax(-1) == order).all(-1)
        for ys, order in zip(by_plan, orders.values(), strict=True)
    ]
    plans = float(np.all(are_right, axis=0).mean())
    steps = NO + (YES - NO) * np.eye(5)
    feature = {
        name: _taught(config, 0.5, [(one, jnp.asarray(np.c_[steps, values]))], 5)[0]
        for name, values in FEATURES.items()
    }
    feature = {name: ys[..., -1] for name, ys in feature.items()}
    rises = np.diff(feature["free"], axis=-1)  # [S, 4]
    held = feature["constrained"][:, :-1].max()
    listed = [
        *(
            between(f"A B A C, μ = {mu:g}: {which}", says, low, pick(accuracy[mu]), low)
            for mu, low, says in ((0.0, 0.75, "fails"), (0.5, 1.0, "learns it"))
            for which, pick in (("least", min), ("most", max))
        ),
        at_least("A B A C, μ = .8: least", "learns it", 1.0, min(accuracy[0.8])),
        at_least("networks that follow both plans", "all", 1.0, plans),
        at_least(
            "free feature, mean: least rise", "rises", 0.0, float(rises.mean(0).min())
        ),
        reported("  of a single network", "-", float(rises.min())),
        at_most("constrained feature: most", "low", 0.3, float(held)),
    ]
    return {
        "outputs": {f"{mu:g}": ys[0].tolist() for mu, ys in outputs.items()},
        "accuracy": {f"{mu:g}": each for mu, each in accuracy.items()},
        "plans": plans,
        "feature": {name: ys.tolist() for name, ys in feature.items()},
        "claims": listed,
    }


def draw(folder: Path, result: dict) -> list[Path]:
    """Draws the outputs on A B A C, and the feature that is not specified."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.2), dpi=130, layout="constrained")
    *panels, last = figure.subplots(1, len(DECAYS) + 1)
    for axes, (mu, ys) in zip(panels, result["outputs"].items(), strict=True):
        axes.imshow(np.asarray(ys).T, cmap="gray_r", vmin=0, vmax=1, aspect="auto")
        axes.set_yticks(range(3), list("ABC"))
        axes.set(xlabel="step, running free", title=rf"A B A C, $\mu = {mu}$")
    for name, style in (("free", "-"), ("constrained", "--")):
        ys = np.asarray(result["feature"][name])
        last.plot(range(1, 6), ys.mean(0), style, marker="o", label=name)
        last.fill_between(range(1, 6), ys.min(0), ys.max(0), alpha=0.15)
    last.axvspan(1.6, 4.4, color="0.93", zorder=0)
    last.set(xlabel="step", title="not specified at 2 to 4", ylim=(0, 1))
    last.legend(fontsize="small")
    path = folder / "sequences.png"
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment as the command line says."""
    claims.run("jordan_sequences", commands.parse(Config, args, __doc__), train, draw)


def _taught(config: Config, mu: float, sequences, num_steps: int) -> list[np.ndarray]:
    """Teaches sequences to one set of networks; lets each plan run: `[S, T, O]`."""
    num_outputs = sequences[0][1].shape[1]
    cell = jordan.one_step(num_outputs, mu)
    given = together(*(lessons(plan, targets) for plan, targets in sequences))
    keys = jax.random.split(jax.random.key(config.seed), config.num_seeds)
    params = learn(keys, cell, given, config.num_hidden, config.rate, config.num_steps)
    free = jordan.cell(num_outputs, mu)
    plans = [plan for plan, _ in sequences]
    return [np.asarray(run_free(free, params, plan, num_steps)) for plan in plans]


def _targets(letters) -> jax.Array:
    """Writes letters as three outputs, .9 for the one and .1 for the others."""
    return NO + (YES - NO) * jax.nn.one_hot(jnp.asarray(letters), 3)


if __name__ == "__main__":
    main()
