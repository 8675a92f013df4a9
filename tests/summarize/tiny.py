"""A training of a summarizer that copies, to be killed, stopped and gone on with.

    python tests/summarize/tiny.py FOLDER --num-epochs 3 --save-every 5

Prints how it ended: the updates done, and the digest of weights and moments.
"""

import argparse
import functools
from pathlib import Path

import jax
import numpy as np

from jaxseq.summarize import copy_model, cost, setting as settings, training
from jaxseq.summarize.examples import Document, Example
from jaxseq.summarize.setting import Setting
from jaxseq.text import vocab
from jaxseq.text.vocab import EOS
from jaxseq.train import loop, sharding, signals, state, stores
from tests.train import outcome


WORDS = [f"w{k}" for k in range(8)]
KNOWN = vocab.build([WORDS])
NUM_IDS = len(KNOWN.tokens)
MODEL = copy_model.model(NUM_IDS, 8, 12)
SETTING = Setting(batch_size=16, num_epochs=3, learning_rate=0.02, dropout=0.1)


def draw(num, seed):
    """The summary is the word after "w0"; half of the words are outside."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(num):
        ids = rng.integers(5, NUM_IDS, rng.integers(3, 7))
        place = rng.integers(0, len(ids) - 1)
        ids[place], ids[place + 1] = 4, rng.choice([NUM_IDS, rng.integers(5, NUM_IDS)])
        outside = ("new",) if NUM_IDS in ids else ()
        document = Document(ids.astype(np.int32), outside)
        made.append(Example(document, np.array([ids[place + 1], EOS], np.int32)))
    return made


TRAIN, VALID = draw(160, 0), draw(40, 1)
NUM_BATCHES = 10


def run(setting=SETTING, examples=TRAIN, model=MODEL, save_every=0, **more):
    """Trains with one shape of batches; yields as the loop does, then the end."""
    shape = settings.part_size(setting), 1
    shapes = training.batches.shapes_of([*examples, *VALID], *shape)
    dealt = training.deal(examples, shapes, setting)
    num_updates = setting.num_epochs * dealt.num_batches
    rates = functools.partial(training.rate, setting, num_updates)
    optimizer = training.make_optimizer(setting.clip_norm, rates)
    layout = settings.layout_of(setting)
    begun = state.begin(model.init(jax.random.key(0)), optimizer)
    now = begun._replace(state=sharding.place(layout, optimizer, begun.state))
    if "store" in more:
        now, notes = loop.resumed(more["store"], now)
        assert notes == ()
    size = shape[0]
    for made in loop.train(
        training.make_update(model, optimizer, setting),
        functools.partial(training.batch_at, examples, dealt, setting),
        now,
        loop.Setting(
            num_updates,
            seed=1,
            evaluate_every=dealt.num_batches,
            record_every=1,
            save_every=save_every,
            max_skipped=2 * NUM_BATCHES + 1,
        ),
        held_out=cost.make_held_out(model, VALID, size, shapes, layout),
        layout=layout,
        **more,
    ):
        now = made.training
        yield made
    yield now


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--num-epochs", type=int, default=3)
    parser.add_argument("--save-every", type=int, default=5)
    parser.add_argument("--accumulate", type=int, default=1)
    options = parser.parse_args()
    setting = SETTING._replace(
        num_epochs=options.num_epochs, accumulate=options.accumulate
    )
    decide = setting._asdict()
    with (
        stores.opened(options.folder / "checkpoints", decide) as store,
        signals.heard() as stop,
    ):
        steps = run(setting, save_every=options.save_every, store=store, stop=stop)
        now = outcome.printed(steps)
    print("end", now.position.number, outcome.digest(now))


if __name__ == "__main__":
    main()
