"""How much a Hopfield network remembers: Hopfield 1982, and the limit at 0.138 N.

Paper: N = 100, n = 10: six of ten memories are stable whole, where eq. (10) has .40;
n = 5: almost all; n = 15: about half with fewer than five errors. Units of ±1 store
twice as much. With weights clipped to their signs n = 9 is as good as n = 12 without.
At n = 500 none is stable, but what is stored changes more slowly. Amit, Gutfreund,
Sompolinsky 1985: the overlap with a memory falls at α = n/N = .138.

"About half at n = 15" is not what random memories give, here or in other simulations:
it is reported and not wanted. Ours, in 40 s: .61, where eq. (10) has .398; the overlap
is .98 at α = .12, .73 at .18.

    python -m experiments.classics.hopfield_capacity --out out
"""

import dataclasses
import functools
import math
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq import commands, hopfield
from jaxseq.hopfield import Network, Units, plus_minus, zero_one

from ..results import replace
from . import claims
from .claims import Claim, at_least, at_most, between, reported
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Count how many memories of a Hopfield network are stable."""

    num_networks: int = 200
    """Networks of 100 units for each number of memories."""
    num_large: int = 20
    """Networks for each point of the curve over α."""
    seed: int = 0
    """Of the memories and of the order of updates."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/classics/hopfield_capacity/."""


REDUCED = Config(num_networks=60, num_large=10)

NUM_UNITS = 100
NUM_TESTED = 5
NUM_PATTERNS = (5, 8, 10, 12, 15, 20, 25)
SIZES = (100, 400)
LOADS = (0.04, 0.08, 0.10, 0.12, 0.138, 0.15, 0.16, 0.18, 0.20)


def train(config: Config) -> dict:
    """Stores, recalls and counts.

    Returns:
        "exact" and "near": for each kind of units, the share of memories that are
        stable whole, and with fewer than five errors, over `NUM_PATTERNS`; "theory":
        e^(-NP); "overlap": for each N, over `LOADS`; "claims".
    """
    key = jax.random.key(config.seed)
    wrong = {
        units.name: [
            _num_wrong(units, hopfield.store, key, config.num_networks, n, NUM_UNITS)
            for n in NUM_PATTERNS
        ]
        for units in (zero_one, plus_minus)
    }
    exact = {name: [_share(w == 0) for w in each] for name, each in wrong.items()}
    near = {name: [_share(w < 5) for w in each] for name, each in wrong.items()}
    theory = {
        units.name: [
            math.exp(-NUM_UNITS * hopfield.flip_probability(units, n, NUM_UNITS))
            for n in NUM_PATTERNS
        ]
        for units in (zero_one, plus_minus)
    }
    overlap = {
        str(size): [
            _overlap(key, config.num_large, round(load * size), size) for load in LOADS
        ]
        for size in SIZES
    }
    clipped = _share(
        _num_wrong(zero_one, _store_clipped, key, config.num_networks, 9, NUM_UNITS) < 5
    )
    familiar = _familiarity(key, config.num_networks)
    differing = _num_differing(key, config.num_networks)
    result = {"exact": exact, "near": near, "theory": theory, "overlap": overlap}
    result |= {"clipped_9": clipped, "familiarity": familiar, "differing": differing}
    return result | {"claims": _claims(result)}


def _claims(result: dict) -> list[Claim]:
    exact, near, theory = result["exact"], result["near"], result["theory"]
    of = {n: i for i, n in enumerate(NUM_PATTERNS)}
    at = {load: i for i, load in enumerate(LOADS)}
    large = result["overlap"]["400"]
    known, unknown = result["familiarity"]
    return [
        at_least("0/1, n = 5, stable whole", "almost all", 0.9, exact["0/1"][of[5]]),
        between("0/1, n = 10, stable whole", ".6", 0.55, exact["0/1"][of[10]], 0.70),
        between("  by eq. (10)", ".40", 0.39, theory["0/1"][of[10]], 0.41),
        at_least("±1, n = 10, stable whole", "-", 0.94, exact["±1"][of[10]]),
        at_most("0/1 with U = ½ Σ T: runs unlike ±1", "0", 0, result["differing"]),
        reported("0/1, n = 15, under 5 errors", "half", near["0/1"][of[15]]),
        reported("±1, n = 20, stable whole", "as 0/1, n = 10", exact["±1"][of[20]]),
        between(
            "clipped n = 9 less n = 12, under 5 errors",
            "alike",
            -0.15,
            result["clipped_9"] - near["0/1"][of[12]],
            0.15,
        ),
        at_most("n = 500: flips, stored / new states", "< 1", 0.9, known / unknown),
        at_least("overlap, N = 400, α = .12", "-", 0.97, large[at[0.12]]),
        at_most("overlap, N = 400, α = .18", "falls at .138", 0.9, large[at[0.18]]),
    ]


def draw(folder: Path, result: dict) -> list[Path]:
    """Draws stable memories over n, and the overlap over α."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 3.8), dpi=130, layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, colour in (("0/1", "tab:blue"), ("±1", "tab:red")):
        left.plot(NUM_PATTERNS, result["exact"][name], "o-", color=colour, label=name)
        left.plot(NUM_PATTERNS, result["theory"][name], ":", color=colour)
    left.plot([], [], ":", color="black", label="$e^{-NP}$, eq. (10)")
    left.plot(10, 0.6, "k*", ms=11, label="Hopfield 1982, 0/1")
    left.set(xlabel="memories $n$, $N = 100$", ylabel="share that is stable whole")
    for size, overlaps in result["overlap"].items():
        right.plot(LOADS, overlaps, "o-", label=f"$N = {size}$")
    right.axvline(0.138, color="0.5", ls="--", lw=1)
    right.text(0.137, 0.55, r"$\alpha_c = 0.138$", ha="right", color="0.35")
    right.set(
        xlabel=r"$\alpha = n/N$, ±1", ylabel="overlap with the memory", ylim=(0.5, 1.02)
    )
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    path = folder / "capacity.png"
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment as the command line says."""
    claims.run("hopfield_capacity", commands.parse(Config, args, __doc__), train, draw)


def _ended(units: Units, store, key, num_networks: int, num_patterns: int, size: int):
    """Starts at memories and recalls: the memories, and the states at the end.

    `NUM_TESTED` memories of each network, so that every n runs the same program.
    """
    key, key_recall = jax.random.split(key)
    patterns = _draw(units, key, (num_networks, num_patterns, size))
    networks = jax.vmap(functools.partial(store, units))(patterns)
    tested = patterns[:, :NUM_TESTED]
    return tested, _recall(units, networks, tested, key_recall)


@functools.partial(jax.jit, static_argnums=0)
def _recall(units: Units, networks: Network, states, key):
    # One order for all networks, new at each sweep: a unit is then a slice, no gather.
    recall = jax.vmap(functools.partial(hopfield.recall, units), (0, 0, None))
    return recall(networks, states, key).state


def _num_wrong(units: Units, store, *args) -> np.ndarray:
    """Counts the errors of tested memories of every network, `[R, NUM_TESTED]`."""
    patterns, states = _ended(units, store, *args)
    return np.asarray(jnp.sum(patterns != states, axis=-1))


def _overlap(key, num_networks: int, num_patterns: int, size: int) -> float:
    """Returns the mean of m = 1/N Σ μ_i s_i, of a memory with where it leads to."""
    patterns, states = _ended(
        plus_minus, hopfield.store, key, num_networks, num_patterns, size
    )
    return float(jnp.mean(patterns * states))


def _num_differing(key, num_networks: int) -> int:
    """Counts recalls from anywhere that end elsewhere in the other notation."""
    key_stored, key_start, key_order = jax.random.split(key, 3)
    patterns = _draw(plus_minus, key_stored, (num_networks, 10, NUM_UNITS))
    networks = jax.vmap(functools.partial(hopfield.store, plus_minus))(patterns)
    starts = _draw(plus_minus, key_start, (num_networks, NUM_TESTED, NUM_UNITS))
    ended = _recall(plus_minus, networks, starts, key_order)
    of_zero_one = jax.vmap(hopfield.as_zero_one)(networks)
    same = _recall(zero_one, of_zero_one, (starts + 1) / 2, key_order)
    return int(jnp.sum((ended != 2 * same - 1).any(-1)))


def _familiarity(key, num_networks: int) -> tuple[float, float]:
    """Counts who wants to flip at n = 500: in a stored state, and in a new one."""

    def flips(key):
        key_stored, key_new = jax.random.split(key)
        stored = _draw(zero_one, key_stored, (500, NUM_UNITS))
        new = _draw(zero_one, key_new, (500, NUM_UNITS))
        network = hopfield.store(zero_one, stored)
        return [
            jnp.sum(hopfield.at_once(zero_one, network, s) != s) / len(s)
            for s in (stored, new)
        ]

    known, unknown = jax.vmap(flips)(jax.random.split(key, num_networks))
    return float(known.mean()), float(unknown.mean())


def _store_clipped(units: Units, patterns):
    return hopfield.clipped(hopfield.store(units, patterns))


def _draw(units: Units, key, shape: tuple[int, ...]):
    on = jax.random.bernoulli(key, 0.5, shape)
    return jnp.where(on, 1.0, units.off)


def _share(is_so: np.ndarray) -> float:
    return float(np.mean(is_so))


if __name__ == "__main__":
    main()
