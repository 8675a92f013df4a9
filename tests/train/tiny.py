"""A training of milliseconds an update, to be killed, stopped and moved.

    python tests/train/tiny.py FOLDER --num-updates 60 --save-every 5

Prints how it ended: the updates done, and the digest of weights and moments.
"""

import argparse
import functools
import resource
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseq.train import (
    clip,
    loop,
    metrics,
    order,
    processes,
    sharding,
    signals,
    state,
    step,
    stores,
)
from jaxseq.train.sharding import Layout
from tests.train import outcome


NUM_ROWS, NUM_EXAMPLES = 8, 56
NUM_BATCHES = NUM_EXAMPLES // NUM_ROWS
SETTING = loop.Setting(
    num_updates=60, evaluate_every=20, record_every=7, save_every=5, max_shapes=1
)
OPTIMIZER = optax.chain(clip.clip_by_global_norm(1.0), optax.scale_by_adam())


def cost(params, carry, batch, key, size=0.01):
    noise = size * jax.random.normal(key, ()).astype(carry.dtype)
    hidden = jnp.tanh(carry + batch["xs"] @ params["U"] + noise)
    errors = (hidden @ params["V"] - batch["ys"]) ** 2
    return step.Cost(jnp.sum(errors), jnp.asarray(len(errors), errors.dtype), hidden)


def batch_at(number):
    """Rows of a table, in an order of each epoch's own."""
    epoch, index = order.place(number, NUM_BATCHES)
    first = index * NUM_ROWS
    places = order.shuffled(1, epoch, NUM_EXAMPLES, first, first + NUM_ROWS)
    draw = np.random.default_rng(0)
    xs = draw.standard_normal((NUM_EXAMPLES, 6)).astype(np.float32)
    return {"xs": xs[places], "ys": np.sin(xs[places, :2])}


def begin(optimizer):
    draw = np.random.default_rng(5)
    params = {
        "U": 0.3 * draw.standard_normal((6, 8)),
        "V": 0.3 * draw.standard_normal((8, 2)),
    }
    params = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), params)
    return state.begin(params, optimizer, jnp.zeros((NUM_ROWS, 8), jnp.float32))


def held_out(params):
    rows = jax.tree.map(np.asarray, batch_at(3))
    hidden = np.tanh(rows["xs"] @ np.asarray(params["U"]))
    return float(np.mean((hidden @ np.asarray(params["V"]) - rows["ys"]) ** 2))


def adam(rate=0.01):
    return optax.chain(OPTIMIZER, optax.scale(-rate))


def train(
    folder,
    setting=SETTING,
    *,
    num_parts=1,
    layout=sharding.ONE_DEVICE,
    noise=0.01,
    **more,
):
    """Trains, from the newest checkpoint if there is one; yields as the loop does."""
    optimizer = adam()
    noisy = functools.partial(cost, size=noise)
    update = step.make(noisy, optimizer, num_parts=num_parts, layout=layout)
    training = begin(optimizer)
    placed = sharding.place(layout, optimizer, training.state)
    training = training._replace(state=placed)
    with (
        stores.opened(folder / "checkpoints", {"num_parts": num_parts}) as store,
        signals.heard() as stop,
    ):
        training, notes = loop.resumed(store, training)
        for note in notes:
            print(f"warning: {note}", file=sys.stderr)
        log = metrics.Log(folder / "log.jsonl") if jax.process_index() == 0 else None
        more = {"held_out": held_out, "stop": stop} | more
        now = training
        for progress in loop.train(
            update,
            batch_at,
            training,
            setting,
            layout=layout,
            store=store,
            log=log,
            **more,
        ):
            now = progress.training
            yield progress
    yield now


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--num-updates", type=int, default=60)
    parser.add_argument("--save-every", type=int, default=5)
    parser.add_argument("--num-parts", type=int, default=1)
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--process", type=int, default=0)
    parser.add_argument("--address", default="")
    parser.add_argument("--noise", type=float, default=0.01)
    parser.add_argument("--sleep", type=float, default=0.0)
    parser.add_argument("--largest-file", type=int)
    options = parser.parse_args()
    if options.largest_file is not None:
        limit = (options.largest_file,) * 2
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    jax.config.update("jax_num_cpu_devices", options.devices)
    if options.processes > 1:
        processes.start(options.address, options.processes, options.process)
    options.folder.mkdir(parents=True, exist_ok=True)
    setting = SETTING._replace(
        num_updates=options.num_updates, save_every=options.save_every
    )
    is_one = options.devices * options.processes == 1
    layout = sharding.ONE_DEVICE if is_one else Layout(sharding.mesh())
    try:
        steps = train(
            options.folder,
            setting,
            num_parts=options.num_parts,
            layout=layout,
            noise=options.noise,
        )
        now = outcome.printed(steps, options.sleep)
    except OSError as error:
        sys.exit(f"error: {error}")
    weights = jax.tree.map(np.asarray, now.state.params)
    total = sum(float(np.sum(np.square(leaf))) for leaf in jax.tree.leaves(weights))
    is_whole = options.processes == 1
    print(
        "end", now.position.number, outcome.digest(now) if is_whole else "", repr(total)
    )


if __name__ == "__main__":
    main()
