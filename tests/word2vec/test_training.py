import dataclasses
import functools
import re

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding

from jaxseq.train import loop, sharding
from jaxseq.train.state import Skips, State
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
from jaxseq.word2vec.hierarchical_softmax import (
    cbow as tree_cbow,
    skip_gram as tree_skip_gram,
)
from jaxseq.word2vec.setting import Setting, for_corpus
from jaxseq.word2vec.windows import NO_WORD, Block
from tests.devices import two_devices


@dataclasses.dataclass
class Task:
    """A text in which words of one topic stand together."""

    vocab: vocab_module.Vocab
    corpus: corpus.Corpus

    def begin(self, setting, objective=None):
        num_words = len(self.vocab.words)
        num_outputs = (objective or SKIP_GRAM).num_outputs
        key = jax.random.key(setting.seed)
        params = params_module.init(key, num_words, 8, num_outputs)
        return training.begin(params)

    def plan(self, setting, objective=None, params=None):
        objective = objective or SKIP_GRAM
        negatives = sampler.make(vocab_module.noise(self.vocab.counts))
        return training.plan(
            objective,
            negatives if objective.draws_negatives else None,
            self.corpus,
            np.ones(len(self.vocab.words)),
            params or self.begin(setting, objective).state.params,
            setting,
        )

    def run(self, setting, objective=None):
        plan = self.plan(setting, objective)
        params = self.begin(setting, objective).state.params
        begun = training.begin(params, plan.layout)
        return loop.train(
            plan.update, plan.batch_at, begun, plan.setting, layout=plan.layout
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
    """The end of a training, and the losses on the way."""
    losses = []
    for now in progress:
        losses.append(now.mean)
    return now.training, losses


def test_words_of_a_topic_come_together():
    task = make_task()
    end, losses = last(task.run(SMALL._replace(num_epochs=8, first_rate=0.1)))
    rows = np.asarray(end.state.params.inputs)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    topics = np.array([word[0] for word in task.vocab.words])
    similar = rows @ rows.T
    np.fill_diagonal(similar, -1)
    assert (topics[similar.argmax(1)] == topics).all()
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.5
    assert end.position.num_counted == 8 * task.corpus.num_kept
    # 6,000 words in 600 sentences are four spans.
    assert end.position.number == len(losses) == 8 * 4


def test_tree_learns_too():
    task = make_task()
    objective = tree_skip_gram(huffman.build(task.vocab.counts), num_near=5)
    _, losses = last(task.run(SMALL._replace(first_rate=0.1), objective=objective))
    assert np.mean(losses[-2:]) < np.mean(losses[:2]) - 0.3


def test_a_span_is_a_step_of_the_plain_form_a_block():
    """Three blocks, without the cap: each the plain gradient, times its rate."""
    task = make_task()
    num_words = len(task.vocab.words)
    setting = SMALL._replace(
        block_size=32, chunk_size=16, span_size=96, cap=1e9, num_epochs=1
    )
    objective = negative_sampling.skip_gram(num_words)
    params = params_module.init(jax.random.key(1), num_words, 8, num_words, jnp.float64)
    params = params._replace(
        outputs=jax.random.normal(jax.random.key(2), (num_words, 8))
    )
    expected = jax.tree.map(jnp.copy, params)
    negatives = sampler.make(vocab_module.noise(task.vocab.counts))
    keep = np.ones(num_words)
    plan = training.plan(objective, negatives, task.corpus, keep, params, setting)
    begun = training.begin(params)
    now = next(loop.train(plan.update, plan.batch_at, begun, plan.setting))

    span = feed.span(task.corpus, keep, 96, 3, seed=0, epoch=0, number=0)
    key = jax.random.fold_in(jax.random.key(0), 0)
    key_reach, key_negatives = jax.random.split(key)
    reaches = jax.random.randint(key_reach, (3, 2, 16), 1, 4, jnp.int32)
    # Ends of sentences are no centres: three words more are behind the last one.
    assert 64 < span.num_words < 96
    assert span.ids[3 + span.num_words] != NO_WORD
    is_centre = np.arange(96).reshape(3, 2, 16) < span.num_words
    reaches = jnp.where(is_centre, reaches, 0)
    drawn = sampler.draw(key_negatives, negatives, (3, 2, 32))
    by_hand = functools.partial(examples.gradient, negative_sampling.delta(5))
    gradient = jax.jit(by_hand)
    for number, start in enumerate((0, 32, 64)):
        block = Block(
            ids=jnp.asarray(span.ids[start : start + 38]),
            sentences=jnp.asarray(span.sentences[start : start + 38]),
            reaches=reaches[number],
            negatives=drawn[number],
        )
        slope = gradient(expected, examples.skip_gram(block, dtype=jnp.float64))
        read = span.places[start] / len(task.corpus.ids)
        rate = 0.025 + (1e-4 - 0.025) * read
        expected = jax.tree.map(lambda old, d, a=rate: old - a * d, expected, slope)
    for new, by_plain in zip(now.training.state.params, expected, strict=True):
        np.testing.assert_allclose(new, by_plain, rtol=1e-9, atol=1e-12)


@two_devices
def test_two_devices_take_the_mean_of_every_other_block_at_twice_the_rate():
    """Equation (1) of `step`, by the program for one, which the test above ties."""
    task = make_task()
    setting = SMALL._replace(num_epochs=1, block_size=32, span_size=768, chunk_size=16)
    params = task.begin(setting).state.params
    params = params_module.Params(*(leaf.astype(jnp.float64) for leaf in params))
    alone, together = (
        task.plan(setting._replace(num_shards=num), params=params) for num in (1, 2)
    )
    begun = training.begin(jax.tree.map(jnp.copy, params), together.layout)
    on_one = jax.jit(alone.update)
    for number, now in enumerate(
        loop.train(
            together.update,
            together.batch_at,
            begun,
            together.setting,
            layout=together.layout,
        )
    ):
        batch = alone.batch_at(number)
        moved, means = [], []
        key = jax.random.fold_in(jax.random.key(setting.seed), number)
        for device, each in enumerate(jax.random.split(key, 2)):
            blocks = step.Batch(*(part[device::2] for part in batch))
            blocks = blocks._replace(rates=2 * blocks.rates)
            state, report = on_one(State(params, (), (), None), blocks, each)
            moved.append(state.params)
            means.append(float(report.total) / int(report.num_targets))
        assert min(means) < now.mean < max(means)
        params = jax.tree.map(lambda one, two: (one + two) / 2, *moved)
        for new, mean in zip(now.training.state.params, params, strict=True):
            np.testing.assert_allclose(new, mean, rtol=1e-12, atol=1e-14)
    assert number == 8
    assert now.training.position.num_counted == task.corpus.num_kept


def test_one_device_in_a_row_is_the_one_that_jax_takes():
    task = make_task()
    plan, state = task.plan(SMALL), task.begin(SMALL).state
    sizes = step.Sizes(SMALL.reach, 2, SMALL.chunk_size, SMALL.num_shared)
    noise = sampler.make(vocab_module.noise(task.vocab.counts))
    in_a_row = step.make(SKIP_GRAM, sizes, noise, SMALL.cap, sharding.mesh(1))
    key, batch = jax.random.key(3), plan.batch_at(0)
    expected, _ = jax.jit(plan.update)(state, batch, jax.random.split(key, 1)[0])
    found, _ = jax.jit(in_a_row)(state, batch, key)
    for new, old in zip(found.params, expected.params, strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-6, atol=1e-9)


@two_devices
def test_the_mean_is_of_all_rows_of_a_table_of_any_size(monkeypatch):
    monkeypatch.setattr(step, "_ROWS_AT_ONCE", 4)
    task = make_task()  # 24 words; the tree's 23 nodes are no multiple of 4
    objective = tree_skip_gram(huffman.build(task.vocab.counts), num_near=5)
    setting = SMALL._replace(num_epochs=1, num_shards=2)
    end, _ = last(task.run(setting, objective))
    monkeypatch.setattr(step, "_ROWS_AT_ONCE", 100)
    at_once, _ = last(task.run(setting, objective))
    for some, whole in zip(end.state.params, at_once.state.params, strict=True):
        np.testing.assert_array_equal(some, whole)


@two_devices
def test_two_devices_learn_and_repeat_themselves():
    task = make_task()
    setting = SMALL._replace(num_epochs=4, first_rate=0.1, num_shards=2)
    one, losses = last(task.run(setting))
    two, _ = last(task.run(setting))
    np.testing.assert_array_equal(one.state.params.inputs, two.state.params.inputs)
    assert one.position.num_counted == 4 * task.corpus.num_kept
    assert losses[-1] < losses[0] - 0.4


def test_matrices_begin_as_in_word2vec_c():
    begun = params_module.init(jax.random.key(0), 2000, 10, 7)
    assert begun.inputs.dtype == jnp.float32
    assert np.abs(begun.inputs).max() <= 1 / 20
    np.testing.assert_allclose(begun.inputs.mean(), 0, atol=1e-3)
    np.testing.assert_allclose(begun.inputs.std(), 1 / np.sqrt(1200), rtol=0.02)
    np.testing.assert_array_equal(begun.outputs, np.zeros((7, 10)))


def test_the_same_seed_gives_the_same_bits_and_another_one_others():
    task = make_task()
    one, _ = last(task.run(SMALL))
    two, _ = last(task.run(SMALL))
    other, _ = last(task.run(SMALL._replace(seed=1)))
    one, two, other = (end.state.params.inputs for end in (one, two, other))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_rate_falls_with_the_text_read():
    task = make_task()
    plan = task.plan(SMALL)
    batches = [plan.batch_at(number) for number in range(plan.setting.num_updates)]
    used = [batch.rates[batch.num_words > 0] for batch in batches]
    rates = np.concatenate(used)
    assert rates[0] == np.float32(0.025)
    assert (np.diff(rates) < 0).all()
    # The third span of the second of two epochs; sentences have 10 words and an end.
    read = (1 + 2 * 2048 / 6600) / 2
    np.testing.assert_allclose(used[6][0], 0.025 + (1e-4 - 0.025) * read, rtol=1e-3)
    assert 1e-4 < rates[-1] < 4e-4


@two_devices
def test_without_the_cap_two_devices_say_that_they_diverge():
    setting = SMALL._replace(num_epochs=20, first_rate=0.1, cap=1e9, num_shards=2)
    with pytest.raises(loop.Diverged, match=r"from update \d+ on.*smaller learning"):
        last(make_task().run(setting))


@pytest.mark.parametrize("block_size", [64, 2048])
def test_large_steps_diverge_without_the_cap_but_not_with_it(block_size):
    """24 words: each stands in a block 3 or 85 times."""
    task = make_task()
    setting = SMALL._replace(block_size=block_size, num_epochs=20, first_rate=0.1)
    end, _ = last(task.run(setting))
    assert np.abs(end.state.params.inputs).max() < 3
    with pytest.raises(loop.Diverged, match=r"from update \d+ on.*smaller learning"):
        last(task.run(setting._replace(cap=1e9)))


def test_a_small_corpus_gets_some_hundred_blocks():
    assert for_corpus(Setting(), 10_000_000) == Setting()
    small = for_corpus(Setting(), 20_000)
    assert small.block_size == 64
    assert small.span_size % small.block_size == 0
    assert small.span_size >= 20_000
    assert for_corpus(Setting(), 10).block_size == 32
    assert for_corpus(Setting(), 10).span_size == 32


def test_two_devices_meet_some_times_an_epoch():
    of_two = Setting(num_shards=2)
    assert for_corpus(of_two, 10_000_000) == of_two
    few = for_corpus(of_two, 2_000_000)
    assert few.block_size == 1024
    assert few.span_size % 2048 == 0
    assert 8 <= 2_000_000 / few.span_size < 9


@pytest.mark.parametrize("num_shards", [2, 3, 16])
def test_one_device_trains_on_a_small_corpus(num_shards):
    """The blocks of all devices are one step, of which there must be 200."""
    setting = Setting(num_shards=num_shards, block_size=64)
    large = for_corpus(setting, 200 * 64 * num_shards)
    assert (large.num_shards, large.block_size) == (num_shards, 64)
    small = for_corpus(setting, 200 * 64 * num_shards - 200)
    assert small.num_shards == 1
    assert 16 * num_shards < small.block_size < 64 * num_shards
    for few in (small, for_corpus(setting, 10)):
        assert few.block_size % few.chunk_size == 0
        assert few.span_size % few.block_size == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reach", 0),
        ("num_epochs", 0),
        ("num_shards", 0),
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
        make_task().plan(SMALL._replace(**{name: value}))


def test_more_devices_than_there_are_are_refused():
    most = jax.device_count()
    with pytest.raises(ValueError, match=f"num_shards: expected at most {most}, as"):
        make_task().plan(SMALL._replace(num_shards=most + 1))


def test_parts_that_do_not_fit_are_named():
    task = make_task()
    num_words = len(task.vocab.words)
    objective = negative_sampling.skip_gram(num_words)
    params = params_module.init(jax.random.key(0), num_words, 4, num_words)
    keep = np.ones(num_words)
    noise = sampler.make(vocab_module.noise(task.vocab.counts))

    def start(negatives=noise, keep=keep, params=params, corpus=task.corpus):
        training.plan(objective, negatives, corpus, keep, params, SMALL)

    outside = np.where(task.corpus.ids == 3, num_words, task.corpus.ids)
    with pytest.raises(ValueError, match=f"corpus: expected ids below.*{num_words}"):
        start(corpus=task.corpus._replace(ids=outside))

    with pytest.raises(ValueError, match="negatives"):
        start(negatives=None)
    with pytest.raises(ValueError, match="keep"):
        start(keep=keep[1:])
    with pytest.raises(ValueError, match="keep: expected .*, got 1.5 to 1.5"):
        start(keep=np.full_like(keep, 1.5))
    with pytest.raises(ValueError, match="params"):
        start(params=params._replace(outputs=params.outputs[1:]))


@pytest.mark.parametrize("num_devices", [1, pytest.param(2, marks=two_devices)])
@pytest.mark.parametrize(
    "objective",
    [
        negative_sampling.skip_gram(200_011),
        negative_sampling.cbow(200_011),
        tree_skip_gram(huffman.build(np.arange(200_011) + 1)),
        tree_cbow(huffman.build(np.arange(200_011) + 1)),
    ],
    ids=["skip_gram", "cbow", "tree", "tree of cbow"],
)
def test_a_step_lowers_everywhere_and_copies_no_matrix(objective, num_devices):
    num_words, num_columns = 200_011, 100
    setting = Setting()
    sizes = step.Sizes(
        reach=setting.reach,
        num_chunks=setting.block_size // setting.chunk_size,
        chunk_size=setting.chunk_size,
        num_shared=setting.num_shared,
    )
    num_blocks = setting.span_size // setting.block_size
    length = setting.block_size + 2 * setting.reach
    f32, i32 = jnp.float32, jnp.int32
    devices = sharding.mesh(num_devices)

    def array(shape, dtype, spec=sharding.WHOLE):
        placed = NamedSharding(devices, spec)
        return jax.ShapeDtypeStruct(shape, dtype, sharding=placed)

    num_outputs = objective.num_outputs
    params = params_module.Params(
        array((num_words, num_columns), f32), array((num_outputs, num_columns), f32)
    )
    bins = sampler.Sampler(jnp.ones((num_words,), f32), jnp.zeros((num_words,), i32))
    update = step.make(
        objective,
        sizes,
        bins if objective.draws_negatives else None,
        3.0,
        devices if num_devices > 1 else None,
    )
    count = array((), i32)
    state = State(params, (), (), Skips(count, count))
    batch = step.Batch(
        array((num_blocks, length), i32, sharding.PARTS),
        array((num_blocks, length), i32, sharding.PARTS),
        array((num_blocks,), i32, sharding.PARTS),
        array((num_blocks,), f32, sharding.PARTS),
    )
    args = (state, batch, jax.eval_shape(lambda: jax.random.key(0)))
    jitted = jax.jit(update, donate_argnums=0)
    exported = jax.export.export(jitted, platforms=("cpu", "cuda", "tpu"))(*args)
    assert set(exported.platforms) == {"cpu", "cuda", "tpu"}
    compiled = jitted.lower(*args).compile()
    copies = re.findall(r"= f32\[2000\d\d,100\]\S* copy\(", compiled.as_text())
    assert not copies
    memory = compiled.memory_analysis()
    tables = 4 * num_columns * (num_words + num_outputs)
    assert memory.alias_size_in_bytes >= tables
    assert memory.temp_size_in_bytes < 0.15 * tables
