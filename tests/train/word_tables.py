"""A language model whose two tables of words lie in parts, over devices of processes.

    python tests/train/word_tables.py FOLDER --num-updates 12

Prints the mean of each update, then how many rows of the tables are kept here.
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxseq import language_model, readout
from jaxseq.cells import lstm
from jaxseq.text import batches
from jaxseq.train import (
    clip,
    loop,
    processes,
    sharding,
    state,
    step,
    stores,
)
from jaxseq.train.sharding import PARTS, WHOLE


NUM_IDS, NUM_STEPS, NUM_ROWS = 40, 6, 4
CELLS = (lstm.cell(),)
OPTIMIZER = optax.chain(clip.clip_by_global_norm(1.0), optax.adam(0.01))
TABLES = language_model.Params(
    embedding=PARTS, layers=WHOLE, readout=readout.Params(V=PARTS, b=WHOLE)
)
TEXT = np.random.default_rng(0).integers(0, NUM_IDS, 400)


def cost(params, states, chunk, key):
    nats, states = language_model.score(
        CELLS, params, states, chunk.inputs, chunk.targets
    )
    weights = chunk.weights
    return step.Cost(jnp.sum(nats * weights), jnp.sum(weights), states)


def batch_at(number):
    num_chunks = batches.num_chunks(len(TEXT), NUM_ROWS, NUM_STEPS)
    stream = batches.stream(TEXT, NUM_ROWS, NUM_STEPS, start=number % num_chunks)
    return next(stream)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--num-updates", type=int, default=12)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--process", type=int, default=0)
    parser.add_argument("--address", default="")
    options = parser.parse_args()
    layout = sharding.Layout(batch_axis=1)
    if options.processes > 1:
        processes.start(options.address, options.processes, options.process)
        layout = layout._replace(mesh=sharding.mesh(), params=TABLES)
    params = language_model.init(jax.random.key(0), CELLS, NUM_IDS, 8, 8)
    zeros = language_model.zero_states(CELLS, params, (NUM_ROWS,))
    training = state.begin(params, OPTIMIZER, zeros)
    placed = sharding.place(layout, OPTIMIZER, training.state)
    setting = loop.Setting(options.num_updates, save_every=5, max_shapes=1)
    with stores.opened(options.folder, {}) as store:
        training, _ = loop.resumed(store, training._replace(state=placed))
        update = step.make(cost, OPTIMIZER, layout=layout)
        for now in loop.train(
            update, batch_at, training, setting, layout=layout, store=store
        ):
            training = now.training
            print(training.position.number, repr(now.mean), flush=True)
    tables = training.state.params
    moments = optax.tree_utils.tree_get(training.state.optimizer_state, "mu")
    kept = (tables.embedding, tables.readout.V, moments.embedding, moments.readout.V)
    print("end", *(len(table.addressable_data(0)) for table in kept))


if __name__ == "__main__":
    main()
