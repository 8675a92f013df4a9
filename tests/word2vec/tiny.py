"""A training of word vectors, to be killed, stopped and gone on with.

    python tests/word2vec/tiny.py FOLDER --num-epochs 4 --save-every 5

Prints how it ended: the updates done, and the digest of both matrices.
"""

import argparse
import sys
from pathlib import Path

import jax
import numpy as np

from jaxseq.train import loop, metrics, signals, stores
from jaxseq.word2vec import corpus, negative_sampling, params, sampler, training, vocab
from jaxseq.word2vec.setting import Setting
from tests.train import outcome


SETTING = Setting(num_epochs=4, block_size=64, span_size=512, reach=3, first_rate=0.1)


def parts():
    """A small text in which words of one topic stand together, and its objective."""
    draw = np.random.default_rng(0)
    sentences = [
        [f"{'abcd'[topic]}{word}" for word in draw.integers(0, 30, 10)]
        for topic in draw.integers(0, 4, 600)
    ]
    known, read = corpus.read(sentences, min_count=1)
    objective = negative_sampling.skip_gram(len(known.words))
    negatives = sampler.make(vocab.noise(known.counts))
    keep = vocab.keep_probability(known.counts, 5e-3)
    start = params.init(
        jax.random.key(0), len(known.words), 16, objective.num_outputs, np.float32
    )
    return objective, negatives, read, keep, start


def train(folder, setting=SETTING, save_every=0, stop=None):
    """Trains, from the newest checkpoint if there is one; yields as the loop does."""
    made = parts()
    plan = training.plan(*made, setting)
    now = training.begin(made[-1], plan.layout)
    with (
        stores.opened(folder / "checkpoints", setting._asdict()) as store,
        signals.heard() as heard,
    ):
        now, notes = loop.resumed(store, now)
        for note in notes:
            print(f"warning: {note}", file=sys.stderr)
        for progress in loop.train(
            plan.update,
            plan.batch_at,
            now,
            plan.setting._replace(save_every=save_every),
            layout=plan.layout,
            store=store,
            log=metrics.Log(folder / "log.jsonl"),
            stop=stop or heard,
        ):
            now = progress.training
            yield progress
    yield now


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--num-epochs", type=int, default=4)
    parser.add_argument("--save-every", type=int, default=5)
    parser.add_argument("--sleep", type=float, default=0.0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    setting = SETTING._replace(num_epochs=options.num_epochs)
    steps = train(options.folder, setting, options.save_every)
    now = outcome.printed(steps, options.sleep)
    print("end", now.position.number, outcome.digest(now))


if __name__ == "__main__":
    main()
