import dataclasses
import functools
import re

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.word2vec import (
    corpus,
    examples,
    feed,
    huffman,
    negative_sampling,
    params as params_module,
    sampler,
    step,
    training,
    vocab as vocab_module,
)
from jaxseq.word2vec.hierarchical_softmax import skip_gram as tree_skip_gram
from jaxseq.word2vec.training import Setting, State, train
from jaxseq.word2vec.windows import Block


@dataclasses.dataclass
class Task:
    """A text in which words of one topic stand together."""

    vocab: vocab_module.Vocab
    corpus: corpus.Corpus

    def run(self, setting, state=None, objective=None, rate=None):
        num_words = len(self.vocab.words)
        objective = objective or SKIP_GRAM
        start = State(
            params_module.init(
                jax.random.key(setting.seed), num_words, 8, objective.num_outputs
            ),
            epoch=0,
            span=0,
            num_trained=0,
        )
        negatives = sampler.make(vocab_module.noise(self.vocab.counts))
        return train(
            objective,
            negatives if objective.draws_negatives else None,
            self.corpus,
            np.ones(num_words),
            state or start,
            setting,
        )


SKIP_GRAM = negative_sampling.skip_gram(24)


@functools.cache
def make_task():
    rng = np.random.default_rng(0)
    sentences = [
        [f"{'abcd'[topic]}{word}" for word in rng.integers(0, 6, 10)]
        for topic in rng.integers(0, 4, 600)
    ]
    return Task(*corpus.read(sentences, min_count=1))


SMALL = Setting(num_epochs=2, block_size=64, span_size=2048, reach=3)


def last(progress):
    """The last state, and the losses on the way."""
    losses = []
    for now in progress:
        losses.append(now.loss)
    return now.state, losses


def test_words_of_a_topic_come_together():
    task = make_task()
    state, losses = last(task.run(SMALL._replace(num_epochs=8, first_rate=0.1)))
    rows = np.asarray(state.params.inputs)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    topics = np.array([word[0] for word in task.vocab.words])
    similar = rows @ rows.T
    np.fill_diagonal(similar, -1)
    assert (topics[similar.argmax(1)] == topics).all()
    assert np.nanmean(losses[-3:]) < np.nanmean(losses[1:4]) - 0.5
    assert state.num_trained == 8 * task.corpus.num_kept
    assert (state.epoch, state.span) == (8, 0)


def test_tree_learns_too():
    task = make_task()
    objective = tree_skip_gram(huffman.build(task.vocab.counts), num_near=5)
    _, losses = last(task.run(SMALL._replace(first_rate=0.1), objective=objective))
    assert np.nanmean(losses[-2:]) < np.nanmean(losses[1:3]) - 0.3


def test_one_block_is_a_step_of_the_plain_form():
    """A span of one block, without the cap: the plain gradient, times the rate."""
    task = make_task()
    num_words = len(task.vocab.words)
    setting = SMALL._replace(block_size=32, span_size=32, cap=1e9, num_epochs=1)
    objective = negative_sampling.skip_gram(num_words)
    params = params_module.init(jax.random.key(1), num_words, 8, num_words, jnp.float64)
    params = params._replace(
        outputs=jax.random.normal(jax.random.key(2), (num_words, 8))
    )
    before = jax.tree.map(jnp.copy, params)
    negatives = sampler.make(vocab_module.noise(task.vocab.counts))
    keep = np.ones(num_words)
    state = State(params, 0, 0, 0)
    progress = next(train(objective, negatives, task.corpus, keep, state, setting))

    span = next(feed.spans(task.corpus, keep, 32, 3, seed=0, epoch=0))
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(0), 0), 0)
    key_reach, key_negatives = jax.random.split(key)
    block = Block(
        ids=jnp.asarray(span.ids),
        sentences=jnp.asarray(span.sentences),
        reaches=jax.random.randint(key_reach, (1, 1, 32), 1, 4, jnp.int32)[0],
        negatives=sampler.draw(key_negatives, negatives, (1, 1, 32))[0],
    )
    plain = examples.skip_gram(block, dtype=jnp.float64)
    by_hand = functools.partial(examples.gradient, negative_sampling.delta(5))
    gradient = jax.jit(by_hand)(before, plain)
    for new, old, slope in zip(progress.state.params, before, gradient, strict=True):
        np.testing.assert_allclose(new, old - 0.025 * slope, rtol=1e-9, atol=1e-12)


def test_the_same_seed_gives_the_same_bits_and_another_one_others():
    task = make_task()
    one, _ = last(task.run(SMALL))
    two, _ = last(task.run(SMALL))
    other, _ = last(task.run(SMALL._replace(seed=1)))
    np.testing.assert_array_equal(one.params.inputs, two.params.inputs)
    assert not np.array_equal(one.params.inputs, other.params.inputs)


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_resumed_training_gives_the_same_bits(stop):
    """6,000 words make 3 spans an epoch: within one, at its end, in the second."""
    task = make_task()
    whole, _ = last(task.run(SMALL))
    progress = task.run(SMALL)
    for _ in range(stop):
        state = next(progress).state
    state = state._replace(params=jax.tree.map(jnp.copy, state.params))
    resumed, _ = last(task.run(SMALL, state=state))
    np.testing.assert_array_equal(resumed.params.inputs, whole.params.inputs)
    np.testing.assert_array_equal(resumed.params.outputs, whole.params.outputs)
    assert resumed[1:] == whole[1:]


def test_rate_falls_with_the_words_read():
    task = make_task()
    rates = [(p.fraction, p.rate) for p in task.run(SMALL)]
    assert len(rates) == 7
    for fraction, rate in rates:
        expected = 0.025 + (1e-4 - 0.025) * fraction
        np.testing.assert_allclose(rate, expected, rtol=1e-5)
    assert [f for f, _ in rates] == sorted(f for f, _ in rates)
    assert rates[-1] == (1.0, 1e-4)


@pytest.mark.parametrize("block_size", [64, 2048])
def test_large_steps_diverge_without_the_cap_but_not_with_it(block_size):
    """24 words: each stands in a block 3 or 85 times."""
    task = make_task()
    setting = SMALL._replace(block_size=block_size, num_epochs=20, first_rate=0.1)
    state, _ = last(task.run(setting))
    assert np.abs(state.params.inputs).max() < 3
    with pytest.raises(FloatingPointError, match=r"epoch \d+.*smaller learning rate"):
        last(task.run(setting._replace(cap=1e9)))


def test_fit_gives_a_small_corpus_some_hundred_blocks():
    assert training.fit(Setting(), 10_000_000) == Setting()
    small = training.fit(Setting(), 20_000)
    assert small.block_size == 64
    assert small.span_size % small.block_size == 0
    assert small.span_size >= 20_000
    assert training.fit(Setting(), 10).block_size == 32
    assert training.fit(Setting(), 10).span_size == 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reach", 0),
        ("num_epochs", 0),
        ("block_size", 40),
        ("span_size", 100),
        ("first_rate", float("nan")),
        ("last_rate", 0.0),
        ("cap", -1.0),
        ("num_shared", 0),
    ],
)
def test_a_setting_without_sense_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        next(make_task().run(SMALL._replace(**{name: value})))


def test_parts_that_do_not_fit_are_named():
    task = make_task()
    num_words = len(task.vocab.words)
    objective = negative_sampling.skip_gram(num_words)
    params = params_module.init(jax.random.key(0), num_words, 4, num_words)
    state, keep = State(params, 0, 0, 0), np.ones(num_words)
    noise = sampler.make(vocab_module.noise(task.vocab.counts))

    def start(negatives=noise, keep=keep, state=state, corpus=task.corpus):
        next(train(objective, negatives, corpus, keep, state, SMALL))

    outside = np.where(task.corpus.ids == 3, num_words, task.corpus.ids)
    with pytest.raises(ValueError, match=f"corpus: expected ids below.*{num_words}"):
        start(corpus=task.corpus._replace(ids=outside))

    with pytest.raises(ValueError, match="negatives"):
        start(negatives=None)
    with pytest.raises(ValueError, match="keep"):
        start(keep=keep[1:])
    with pytest.raises(ValueError, match="state"):
        start(state=state._replace(params=params._replace(outputs=params.outputs[1:])))


@pytest.mark.parametrize(
    "objective",
    [
        negative_sampling.skip_gram(20_011),
        negative_sampling.cbow(20_011),
        tree_skip_gram(huffman.build(np.arange(20_011) + 1)),
    ],
    ids=["skip_gram", "cbow", "tree"],
)
def test_a_step_lowers_everywhere_and_copies_no_matrix(objective):
    num_words, num_columns = 20_011, 100
    sizes = step.Sizes(
        reach=5, num_blocks=4, num_chunks=8, chunk_size=32, num_shared=16
    )
    length = 4 * 8 * 32
    f32, i32 = jnp.float32, jnp.int32
    array = jax.ShapeDtypeStruct
    num_outputs = objective.num_outputs
    params = params_module.Params(
        array((num_words, num_columns), f32), array((num_outputs, num_columns), f32)
    )
    places = params_module.Params(array((num_words,), i32), array((num_outputs,), i32))
    bins = sampler.Sampler(array((num_words,), f32), array((num_words,), i32))
    args = (
        objective,
        sizes,
        bins if objective.draws_negatives else None,
        array((), f32),
        params,
        places,
        array((length + 10,), i32),
        array((length + 10,), i32),
        array((4,), f32),
        array((), i32),
        jax.eval_shape(lambda: jax.random.key(0)),
    )
    exported = jax.export.export(step.step, platforms=("cpu", "cuda", "tpu"))(*args)
    assert set(exported.platforms) == {"cpu", "cuda", "tpu"}
    compiled = step.step.lower(*args).compile()
    copies = re.findall(r"= f32\[200\d\d,100\]\S* copy\(", compiled.as_text())
    assert not copies
    memory = compiled.memory_analysis()
    tables = 4 * num_columns * (num_words + num_outputs)
    assert memory.alias_size_in_bytes >= tables
    assert memory.temp_size_in_bytes < 0.5 * tables
