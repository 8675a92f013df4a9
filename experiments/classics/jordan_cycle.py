"""A cycle that draws everything to it: Jordan 1986, figures 8 and 9.

Report: a network taught to go round the four corners of a square returns to it from
points inside and outside, (.4, .4) and (.05, .05). Ours, in 21 s: from .99 of random
starts and more.

    python -m experiments.classics.jordan_cycle --out out

The cycle is taught without a break: from s_0 = 0 on, the states of the first rounds
would be lessons of their own, and the net then learns neither well. A start is a state
that would stay if it were repeated, s = y / (1 - μ). A run counts as returned if its
last eight outputs lie within .05 of the corners, in some phase.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq import commands
from jaxseq.cells import jordan
from jaxseq.cells.jordan import State

from ..results import replace
from . import claims
from .claims import at_least, reported
from .jordan_training import endless, learn, lessons, run_free
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Teach Jordan networks a cycle, and start them elsewhere."""

    num_seeds: int = 5
    """Networks for each μ and each number of hidden units."""
    num_steps: int = 40_000
    """Updates of each, one a corner."""
    num_starts: int = 20
    """Random starts for each network, besides the report's two."""
    rate: float = 0.5
    """Learning rate."""
    seed: int = 0
    """Of the weights and of the starts."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/classics/jordan_cycle/."""


REDUCED = Config(num_steps=20_000)

CORNERS = np.array([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]])
PAPERS_STARTS = np.array([[0.4, 0.4], [0.05, 0.05]])
NUM_FREE, NUM_LAST, NEAR = 80, 8, 0.05
NETWORKS = tuple((mu, hidden) for mu in (0.0, 0.5, 0.7) for hidden in (4, 8))


def train(config: Config) -> dict:
    """Teaches the cycle, then runs free from everywhere.

    Returns:
        "returned": for each μ and H, the share of random starts; "paths": of the first
        network with μ = .5, H = 8, from the report's two starts, `[2, T, 2]`; "claims".
    """
    rng = np.random.default_rng(config.seed)
    starts = np.concatenate([PAPERS_STARTS, rng.uniform(size=(config.num_starts, 2))])
    returned, from_papers, paths = {}, [], []
    for mu, num_hidden in NETWORKS:
        ys = _runs(config, mu, num_hidden, starts)
        is_back = _is_back(ys)
        returned[f"μ = {mu:g}, H = {num_hidden}"] = float(is_back[:, 2:].mean())
        from_papers.append(float(is_back[:, :2].mean()))
        if (mu, num_hidden) == (0.5, 8):
            paths = ys[0, :, :2].swapaxes(0, 1).tolist()
    listed = [
        *(at_least(name, "-", 0.9, share) for name, share in returned.items()),
        at_least("from (.4, .4) and (.05, .05)", "all", 0.9, min(from_papers)),
        reported("all networks", "-", float(np.mean(list(returned.values())))),
    ]
    return {"returned": returned, "paths": paths, "claims": listed}


def draw(folder: Path, result: dict) -> list[Path]:
    """Draws the paths from inside and from outside, as the report's figures 8 and 9."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 3.9), dpi=130, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    dots = []
    for axes, path, start in zip(panels, result["paths"], PAPERS_STARTS, strict=True):
        points = np.vstack([start, path])
        axes.plot(*points.T, "-", color="tab:blue", lw=0.6, alpha=0.5)
        times = range(1, len(points))
        colours = {"c": times, "cmap": "viridis_r"}
        dots.append(axes.scatter(*points[1:].T, **colours, s=14, zorder=3))
        axes.plot(*start, "o", color="tab:red", label="start")
        axes.plot(*CORNERS.T, "ks", ms=9, mfc="none", label="taught")
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="output 1")
        axes.grid(alpha=0.3)
    figure.colorbar(dots[0], ax=panels, label="step", shrink=0.8)
    panels[0].set_ylabel("output 2")
    panels[0].legend()
    path = folder / "cycle.png"
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment as the command line says."""
    claims.run("jordan_cycle", commands.parse(Config, args, __doc__), train, draw)


def _runs(config: Config, mu: float, num_hidden: int, starts) -> np.ndarray:
    """Returns what networks do after training, `[S, T, starts, 2]`."""
    given = endless(lessons(jnp.ones(1), jnp.asarray(CORNERS)))
    keys = jax.random.split(jax.random.key(config.seed), config.num_seeds)
    cell = jordan.one_step(2, mu)
    params = learn(keys, cell, given, num_hidden, config.rate, config.num_steps)
    # s_1 = μ s_0 + y_0 is to be start / (1 - μ).
    first = jnp.asarray(starts / (1 - mu))
    state_0 = State(jnp.zeros_like(first), first)
    plans = jnp.ones((len(starts), 1))
    free = jordan.cell(2, mu)
    return np.asarray(run_free(free, params, plans, NUM_FREE, state_0))


def _is_back(ys: np.ndarray) -> np.ndarray:
    """Says which runs `[S, T, starts, 2]` end on the cycle: `[S, starts]`."""
    last = ys[:, -NUM_LAST:]
    rounds = [np.roll(np.tile(CORNERS, (2, 1)), k, axis=0) for k in range(len(CORNERS))]
    distances = [np.linalg.norm(last - r[:, None], axis=-1).max(1) for r in rounds]
    return np.min(distances, axis=0) <= NEAR


if __name__ == "__main__":
    main()
