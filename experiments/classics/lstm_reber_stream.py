"""A stream of embedded Reber strings without marks: Gers, Schmidhuber, Cummins 2000.

Paper, table 2: the LSTM of 1997 loses its way in a stream that nobody cuts into strings
for it, since its cells' states grow: 0 of 100 networks predict 10 streams of 100,000
symbols without a mistake, 74 if somebody resets them at each string's start, and 18 to
62 if they have forget gates, which learn to reset. Ours, in 45 s: cells of 1997 err
after 24 symbols, reset by hand after 91,600 of 100,000, cells of 2000 after 92,300.

    python -m experiments.classics.lstm_reber_stream --out out

Departures: 12 cells of `jaxseq.cells.lstm` and `lstm_1997`, softmax, Adam, an update
and a cut every 50 symbols, a new stream after 1,000; the paper has four blocks of two
cells, plain descent at each symbol, and a new stream after each mistake.

More training blurs the difference: after 500,000 symbols two of ten networks without
forget gates get every second T or P right, one in streams without a mistake.

A prediction is a mistake if its most likely symbol may not follow. How long a state is:
its mean Euclidean norm over the first 1,200 symbols, some hundred strings.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseq import commands, losses, readout
from jaxseq.cells import Cell, lstm, lstm_1997
from jaxseq.types import Tree
from jaxseq.unroll import unroll

from ..results import replace
from . import claims, reber_strings
from .claims import at_least, at_most, reported
from .reber_strings import SYMBOLS, Stream
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Train LSTMs with and without forget gates on a stream of Reber strings."""

    num_seeds: int = 10
    """Networks of each kind, trained side by side on the same stream."""
    num_symbols: int = 300_000
    """Symbols that each network reads."""
    num_test: int = 100_000
    """Symbols of each of the ten streams of the test."""
    num_hidden: int = 12
    """Cells of a network."""
    rate: float = 0.01
    """Adam's learning rate at the start; it falls to 0 by a cosine."""
    seed: int = 0
    """Of the streams and the weights."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/classics/lstm_reber_stream/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        super().__post_init__()
        self.expect_least("num_symbols", LENGTH)
        self.expect_least("num_test", EARLY)


CHUNK, LENGTH, NUM_TEST, EARLY, DRAWN = 50, 1_000, 10, 1_200, 300
REDUCED = Config(num_seeds=5, num_test=10_000)


class Kind(NamedTuple):
    """A kind of network."""

    cell: Cell
    is_told: bool
    """Whether somebody resets its state where a string starts."""


class Params(NamedTuple):
    """The weights of a network."""

    hidden: Tree
    out: readout.Params


KINDS = {
    "1997, reset by hand": Kind(lstm_1997.cell(), is_told=True),
    "1997": Kind(lstm_1997.cell(), is_told=False),
    "2000": Kind(lstm.cell(), is_told=False),
}


# Table 2, by kind: networks with ten perfect streams; symbols before a mistake, of all
# networks or of those that are neither perfect nor good.
PAPER = {
    "1997, reset by hand": (".74", "31, of the others"),
    "1997": ("0", "37"),
    "2000": (".18 or .62", "145 or 30, of others"),
}


def train(config: Config) -> dict:
    """Trains and tests each kind.

    Returns:
        For each kind, of every network: "outer" how often the second T or P is right;
        "lengths" the symbols before the first mistake, mean of ten streams; "perfect"
        whether these have none; "norms" of the states; of the first network the
        "cells" over some steps; then "starts" of strings among these; "claims".
    """
    num_streams = config.num_symbols // LENGTH
    training = _streams(num_streams, LENGTH, [config.seed, 0])
    tests = _streams(NUM_TEST, config.num_test, [config.seed, 1])
    result: dict = {}
    for name, kind in KINDS.items():
        params = _trained(config, kind, training)
        result[name] = _tested(kind, params, tests)
    outer = {name: np.array(result[name]["outer"]) for name in KINDS}
    norms = {name: np.mean(result[name]["norms"]) for name in KINDS}
    listed = [
        at_least(
            "2000: nets, second T or P ≥ .98", "-", 0.8, (outer["2000"] >= 0.98).mean()
        ),
        at_most("1997: second T or P right, mean", "-", 0.65, outer["1997"].mean()),
        reported(
            "1997 reset by hand: the same", "-", outer["1997, reset by hand"].mean()
        ),
        at_least(
            "states' norm, 1997 / 2000", "grows", 3.0, norms["1997"] / norms["2000"]
        ),
    ]
    for name, (perfect, length) in PAPER.items():
        ours = result[name]
        share, mean = np.mean(ours["perfect"]), np.mean(ours["lengths"])
        listed += [
            reported(f"{name}: nets without a mistake", perfect, share),
            reported(f"  symbols before one, of {config.num_test:,}", length, mean),
        ]
    starts = np.flatnonzero(tests.is_start[:DRAWN, 0]).tolist()
    return result | {"starts": starts, "claims": listed}


def draw(folder: Path, result: dict) -> list[Path]:
    """Draws the cells' states along a stream, strings' starts marked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 6.4), dpi=130, layout="constrained")
    rows = figure.subplots(len(KINDS), sharex=True)
    for axes, name in zip(rows, KINDS, strict=True):
        axes.plot(result[name]["cells"], lw=1)
        for start in result["starts"]:
            axes.axvline(start - 0.5, color="0.8", lw=0.7, zorder=0)
        axes.set(ylabel="states of the cells", title=f"LSTM of {name}")
        axes.margins(x=0)
    rows[-1].set_xlabel("symbols of the stream; a line where a string starts")
    path = folder / "states.png"
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment as the command line says."""
    claims.run("lstm_reber_stream", commands.parse(Config, args, __doc__), train, draw)


def _streams(num_streams: int, num_steps: int, seed: Sequence[int]) -> Stream:
    """Draws streams: leaves `[T, n, ...]`."""
    rng = np.random.default_rng(seed)
    streams = [reber_strings.draw_stream(num_steps, rng) for _ in range(num_streams)]
    return Stream(*(np.stack(leaves, 1) for leaves in zip(*streams, strict=True)))


def _xs(ids):
    return jax.nn.one_hot(ids, len(SYMBOLS), dtype=jnp.float32)


def _trained(config: Config, kind: Kind, streams: Stream) -> Params:
    """Trains networks of a kind side by side, all on the same streams."""
    num_updates = streams.ids.size // CHUNK
    optimizer = optax.adam(optax.cosine_decay_schedule(config.rate, num_updates))
    # [n, chunks, CHUNK, ...]: one stream after the other, cut into chunks.
    cut = jax.tree.map(
        lambda leaf: np.swapaxes(leaf, 0, 1).reshape(
            -1, LENGTH // CHUNK, CHUNK, *leaf.shape[2:]
        ),
        streams,
    )

    def loss(params, state, chunk):
        resets = jnp.asarray(chunk.is_start) if kind.is_told else None
        start = kind.cell.zero_state(params.hidden, ())
        ys, state = unroll(
            kind.cell,
            params.hidden,
            state,
            _xs(chunk.ids),
            resets=resets,
            reset_state=start,
        )
        logits = readout.readout(params.out, ys)
        return jnp.mean(losses.cross_entropy(logits, chunk.next_ids)), state

    def update(carry, chunk):
        (params, moments), state = carry
        gradient, state = jax.grad(loss, has_aux=True)(params, state, chunk)
        updates, moments = optimizer.update(gradient, moments)
        return ((optax.apply_updates(params, updates), moments), state), None

    def read(learned, chunks):
        state = kind.cell.zero_state(learned[0].hidden, ())
        return jax.lax.scan(update, (learned, state), chunks)[0][0], None

    def network(key):
        key_hidden, key_out = jax.random.split(key)
        params = Params(
            kind.cell.init(key_hidden, len(SYMBOLS), config.num_hidden),
            readout.init(key_out, config.num_hidden, len(SYMBOLS)),
        )
        (params, _), _ = jax.lax.scan(read, (params, optimizer.init(params)), cut)
        return params

    keys = jax.random.split(jax.random.key(config.seed), config.num_seeds)
    return jax.jit(jax.vmap(network))(keys)


def _tested(kind: Kind, params: Params, tests: Stream) -> dict:
    """Has networks of a kind predict streams, leaves `[T, n, ...]`."""
    # One network after the other: 100,000 steps of all at once are gigabytes.
    answers = jax.jit(
        lambda each: jax.lax.map(lambda p: _predict(kind, p, tests), each)
    )
    is_right, is_legal, norms, cells = map(np.asarray, answers(params))
    num_steps = len(tests.ids)
    first = np.where(is_legal.all(1), num_steps, is_legal.argmin(1))  # [S, n]
    return {
        "outer": is_right[:, tests.is_outer].mean(-1).tolist(),
        "lengths": first.mean(-1).tolist(),
        "perfect": (first == num_steps).all(-1).tolist(),
        "norms": norms.tolist(),
        "cells": cells[0].tolist(),
    }


def _predict(kind: Kind, params: Params, streams: Stream):
    """Returns what is right and legal, `[T, n]`, the states' norm, and early states."""
    # Nothing is differentiated here: an output may be what it likes, the whole state.
    cell = kind.cell._replace(output=lambda state: jnp.concatenate(state, axis=-1))
    resets = jnp.asarray(streams.is_start) if kind.is_told else None
    seen = unroll(cell, params.hidden, None, _xs(streams.ids), resets=resets).ys
    ys, cells = jnp.split(seen, 2, axis=-1)
    likely = jnp.argmax(readout.readout(params.out, ys), axis=-1)
    is_legal = jnp.take_along_axis(streams.is_legal, likely[..., None], axis=-1)
    norm = jnp.mean(jnp.linalg.norm(cells[:EARLY], axis=-1))
    return (
        likely.astype(jnp.int32) == streams.next_ids,
        is_legal[..., 0],
        norm,
        cells[:DRAWN, 0],
    )


if __name__ == "__main__":
    main()
