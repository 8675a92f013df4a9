"""Clipping and the regulariser: Pascanu, Mikolov, Bengio 2013.

Where the error has a wall, a step along its gradient throws the weights far off; scaled
down to length θ, the step stays near (clipping, section 3.2). And the weights can be
asked to hand errors back at the length they came with (eq. 9):

    Ω = Σ_t (|δ_{t+1} ∂a_{t+1}/∂a_t| / |δ_{t+1}| - 1)²                             (1)

with the net input a_t = U x_t + W s_{t-1} + b and its error δ_t, so that the vector
above the line is BP2 of BP2T. Only the direct derivative with respect to W is taken;
s_t and δ_t count as constants.

Paper: on temporal order, tanh units and weights N(0, .1), plain descent fails for
longer sequences, with clipping later, and with both not at all. Ours, in 8 min: for T =
50 none of four, one of four, all.

    python -m experiments.classics.exploding_gradients --out out

Task: T symbols, random but for an X or a Y at T/10 to 2T/10 and another at 4T/10 to
5T/10; at the end: which of the four orders was it? Batches of 20, rate .01, 50 units,
θ = 1, solved where under 1 % of fresh sequences are wrong.

Departures: T = 20 and 50, and up to 40,000 updates; the paper goes up to 250 and has 5
million. Ω is a mean over steps and sequences, weighted by 2.
"""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseq import commands, losses, readout
from jaxseq.cells import elman
from jaxseq.types import Array, Key
from jaxseq.unroll import unroll

from ..results import replace
from . import claims
from .claims import at_least, reported
from .settings import Settings
from .vanishing_gradients import wall_error


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Train Elman networks with clipped gradients and equally long errors."""

    lengths: tuple[int, ...] = (20, 50)
    """T, steps of a sequence."""
    num_seeds: int = 4
    """Networks of each kind, trained side by side."""
    num_updates: int = 40_000
    """Batches of 20 sequences that each network reads at most."""
    seed: int = 0
    """Of the weights and the sequences."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/classics/exploding_gradients/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        super().__post_init__()
        if not self.lengths or min(self.lengths) < 10:
            self.refuse("lengths", "numbers of 10 or more")


REDUCED = Config(lengths=(20,), num_updates=10_000)

CHUNK, BATCH, NUM_TEST, SOLVED = 1_000, 20, 2_000, 0.01
NUM_HIDDEN, RATE, SCALE, TINY = 50, 0.01, 0.1, 1e-30
X = 4  # after the distractors; then Y
WALL_RATE, WALL_CLIP, WALL_UPDATES, NUM_STARTS = 0.2, 0.5, 400, 200
WALL_START, LOW, HIGH = (6.0, -2.9), (4.0, -3.4), (7.0, -2.0)


class Kind(NamedTuple):
    """How a network is trained."""

    clip: float
    """θ, the largest length of a gradient."""
    weight: float
    """Of Ω."""


class Params(NamedTuple):
    """The weights of a network."""

    hidden: elman.Params
    out: readout.Params


KINDS = {
    "descent": Kind(clip=np.inf, weight=0.0),
    "clipped": Kind(clip=1.0, weight=0.0),
    "clipped, with Ω": Kind(clip=1.0, weight=2.0),
}


def train(config: Config) -> dict:
    """Descends along the wall, and trains networks of each kind.

    Returns:
        "wall": by kind of descent, the "path" from one start and "reached", the share
        of 200 starts that end at an error under .01; "wrong": by length and kind, the
        share of fresh sequences answered wrongly, `[S, chunks]`; "claims".
    """
    with jax.enable_x64(True):
        wall = {
            "descent": _descend(config, np.inf),
            "clipped": _descend(config, WALL_CLIP),
        }
    shares = {name: each["reached"] for name, each in wall.items()}
    listed = [
        reported("wall: starts that come down, descent", "-", shares["descent"]),
        at_least("  clipped", "stays near", 0.9, shares["clipped"]),
    ]
    wrong: dict[int, dict[str, list]] = {}
    for length in config.lengths:
        wrong[length] = {}
        solved = {}
        for name, kind in KINDS.items():
            curves = _trained(config, length, kind)
            wrong[length][name] = curves.tolist()
            solved[name] = float((curves < SOLVED).any(1).mean())
        *others, best = KINDS
        for name in others:
            listed.append(reported(f"T = {length}: solved, {name}", "-", solved[name]))
        listed.append(at_least(f"  {best}", "all", 1.0, solved[best]))
    return {"wall": wall, "wrong": wrong, "claims": listed}


def draw(folder: Path, result: dict) -> list[Path]:
    """Draws descent at the wall, and how networks learn."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    lengths = list(result["wrong"])
    figure = Figure(
        figsize=(4 + 3.4 * len(lengths), 3.6), dpi=130, layout="constrained"
    )
    left, *others = figure.subplots(1, 1 + len(lengths))
    ws, bs = np.linspace(4.0, 7.0, 121), np.linspace(-3.4, -1.8, 97)
    with jax.enable_x64(True):
        over = jax.vmap(jax.vmap(wall_error, (0, None)), (None, 0))
        errors = np.maximum(np.asarray(jax.jit(over)(ws, bs)), 1e-12)
    left.pcolormesh(ws, bs, errors, norm=LogNorm(1e-4, 1), rasterized=True)
    for name, style in (("descent", "w.--"), ("clipped", "r.-")):
        left.plot(
            *np.transpose(result["wall"][name]["path"]), style, ms=3, lw=1, label=name
        )
    left.set(xlim=(4, 7), ylim=(-3.4, -1.8), xlabel="w", ylabel="b", title="the wall")
    left.legend(facecolor="0.7", fontsize="small")
    for axes, length in zip(others, lengths, strict=True):
        for number, (name, curves) in enumerate(result["wrong"][length].items()):
            thousands = np.arange(1, len(curves[0]) + 1)
            for place, curve in enumerate(curves):
                label = name if place == 0 else None
                axes.plot(thousands, curve, color=f"C{number}", lw=1, label=label)
        axes.set(title=f"T = {length}", xlabel="updates, thousands", ylabel="wrong")
        axes.legend(fontsize="small")
    path = folder / "exploding.png"
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment as the command line says."""
    claims.run(
        "exploding_gradients", commands.parse(Config, args, __doc__), train, draw
    )


def penalty(W: Array, deltas: Array, ys: Array) -> Array:
    """Returns Ω, eq. (1), mean over steps and sequences, for tanh units.

    Args:
        W: `[H, H]` the weights, the only argument to differentiate by.
        deltas: `[T, B, H]` δ_t.
        ys: `[T, B, H]` s_t.
    """
    deltas, ys = jax.lax.stop_gradient((deltas, ys))
    handed_back = (deltas[1:] @ W) * (1 - ys[:-1] ** 2)  # BP2 of BP2T
    before = jnp.sum(deltas[1:] ** 2, axis=-1)
    # An error that is gone has no length to keep.
    is_there = before > TINY
    after = jnp.sum(handed_back**2, axis=-1) + TINY
    ratio = jnp.sqrt(after / jnp.where(is_there, before, 1))
    return jnp.mean(jnp.where(is_there, (ratio - 1) ** 2, 0))  # (1)


def _descend(config: Config, clip: float) -> dict:
    """Descends from many starts near the wall."""
    slope = jax.grad(lambda place: wall_error(*place))

    def update(place, _):
        place = place - WALL_RATE * clipped(slope(place), clip)
        return place, place

    @jax.jit
    @jax.vmap
    def descend(start):
        return jax.lax.scan(update, start, length=WALL_UPDATES)

    key = jax.random.key(config.seed)
    low, high = jnp.asarray(LOW), jnp.asarray(HIGH)
    starts = jax.random.uniform(key, (NUM_STARTS, 2), minval=low, maxval=high)
    ends, _ = descend(starts)
    errors = jax.vmap(wall_error)(*ends.T)
    _, path = descend(jnp.asarray([WALL_START]))
    return {
        "reached": float(jnp.mean(errors < SOLVED)),
        "path": [WALL_START, *path[0].tolist()],
    }


def clipped(gradient, clip: float):
    """Scales a gradient down to a length of at most `clip`, section 3.2."""
    length = optax.tree.norm(gradient)
    return jax.tree.map(lambda leaf: leaf * jnp.minimum(1, clip / length), gradient)


def example(key: Key, num_steps: int) -> tuple[Array, Array]:
    """Draws a batch: `[T, B, 6]` symbols, one-hot, and `[B]` which of four orders."""
    keys = jax.random.split(key, 4)
    numbers = jnp.arange(BATCH, dtype=jnp.int32)
    tenth = num_steps // 10
    first = jax.random.randint(keys[0], (BATCH,), tenth, 2 * tenth, jnp.int32)
    second = jax.random.randint(keys[1], (BATCH,), 4 * tenth, 5 * tenth, jnp.int32)
    order = jax.random.randint(keys[2], (2, BATCH), 0, 2, jnp.int32)
    ids = jax.random.randint(keys[3], (num_steps, BATCH), 0, X, jnp.int32)
    ids = ids.at[first, numbers].set(X + order[0])
    ids = ids.at[second, numbers].set(X + order[1])
    return jax.nn.one_hot(ids, X + 2, dtype=jnp.float32), 2 * order[0] + order[1]


def _init(key: Key) -> Params:
    keys = jax.random.split(key, 3)
    drawn = elman.init(keys[0], X + 2, NUM_HIDDEN)
    hidden = drawn._replace(
        U=SCALE * jax.random.normal(keys[0], drawn.U.shape, jnp.float32),
        W=SCALE * jax.random.normal(keys[1], drawn.W.shape, jnp.float32),
    )
    return Params(hidden, readout.init(keys[2], NUM_HIDDEN, 4))


def gradient(kind: Kind, params: Params, xs: Array, ids: Array) -> Params:
    """Returns the gradient of the error and of Ω, before it is clipped."""

    def loss(params, added):
        # Inputs that come in by the identity: their errors (BP5) are the deltas.
        eye = jnp.eye(NUM_HIDDEN, dtype=xs.dtype)
        hidden = params.hidden
        wide = hidden._replace(U=jnp.concatenate([hidden.U, eye], axis=1))
        ys = unroll(elman.cell(), wide, None, jnp.concatenate([xs, added], -1)).ys
        logits = readout.readout(params.out, ys[-1])
        return jnp.mean(losses.cross_entropy(logits, ids)), ys

    added = jnp.zeros((*xs.shape[:-1], NUM_HIDDEN), xs.dtype)
    (found, deltas), ys = jax.grad(loss, (0, 1), has_aux=True)(params, added)
    if kind.weight == 0:
        return found
    d_W = jax.grad(penalty)(params.hidden.W, deltas, ys)
    hidden = found.hidden._replace(W=found.hidden.W + kind.weight * d_W)
    return found._replace(hidden=hidden)


def _trained(config: Config, num_steps: int, kind: Kind) -> np.ndarray:
    """Trains networks until all solve the task: `[S, chunks]` wrong answers."""

    def update(params, key):
        found = clipped(gradient(kind, params, *example(key, num_steps)), kind.clip)
        return jax.tree.map(lambda p, d: p - RATE * d, params, found), None

    @jax.jit
    @jax.vmap
    def read(params, key):
        return jax.lax.scan(update, params, jax.random.split(key, CHUNK))[0]

    key_train, key_test = jax.random.split(jax.random.key(config.seed))
    tests = jax.vmap(functools.partial(example, num_steps=num_steps))(
        jax.random.split(key_test, NUM_TEST // BATCH)
    )

    @jax.jit
    @jax.vmap
    def test(params):
        def is_wrong(xs, ids):
            ys = unroll(elman.cell(), params.hidden, None, xs).ys
            logits = readout.readout(params.out, ys[-1])
            return jnp.argmax(logits, axis=-1).astype(ids.dtype) != ids

        return jnp.mean(jax.vmap(is_wrong)(*tests))

    keys = jax.random.split(key_train, config.num_seeds)
    params = jax.vmap(_init)(keys)
    wrong = []
    for number in range(-(-config.num_updates // CHUNK)):
        chunk_keys = jax.vmap(lambda key, n=number: jax.random.fold_in(key, n))(keys)
        params = read(params, chunk_keys)
        wrong.append(np.asarray(test(params)))
        if (np.min(wrong, axis=0) < SOLVED).all():
            break
    return np.stack(wrong, axis=1)


if __name__ == "__main__":
    main()
