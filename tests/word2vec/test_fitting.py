import jax
import numpy as np
import pytest

from jaxseq.word2vec import fitting, nearest, sampler, vocab
from jaxseq.word2vec.setting import Setting, for_corpus
from tests.devices import two_devices


SETTING = Setting(num_epochs=8, block_size=64, first_rate=0.1, span_size=2048)


def make_sentences(num=400):
    rng = np.random.default_rng(0)
    for topic in rng.integers(0, 3, num):
        yield [f"{'abc'[topic]}{word}" for word in rng.integers(0, 6, 10)]


@pytest.mark.parametrize("objective", list(fitting.SETTINGS))
def test_fit_puts_words_of_a_topic_together(objective):
    vectors = fitting.fit(
        make_sentences(), objective, num_columns=8, sample=0, setting=SETTING
    )
    assert len(vectors.words) == 18
    assert vectors.counts.sum() == 4000
    for word in vectors.words:
        near = nearest.most_similar(vectors, word, topn=3)
        assert all(other[0] == word[0] for other, _ in near), (word, near)


@two_devices
def test_fit_takes_two_devices_for_a_large_corpus():
    options = {"num_columns": 8, "sample": 0}
    setting = SETTING._replace(num_epochs=2, block_size=32)
    of_two = setting._replace(num_shards=2)
    assert for_corpus(of_two, 1200 * 11).num_shards == 2
    vectors, other = (
        fitting.fit(make_sentences(1200), setting=each, **options)
        for each in (of_two, setting)
    )
    assert not np.array_equal(vectors.rows, other.rows)
    for word in vectors.words:
        near = nearest.most_similar(vectors, word, topn=3)
        assert all(other[0] == word[0] for other, _ in near), (word, near)


@pytest.mark.parametrize("objective", [fitting.cbow, fitting.tree, fitting.cbow_tree])
def test_each_objective_has_its_own_setting_unless_told(objective, monkeypatch):
    class Enough(Exception):
        pass

    def stop(setting, num_words):
        raise Enough(setting)

    monkeypatch.setattr(fitting, "for_corpus", stop)
    with pytest.raises(Enough) as tuned:
        fitting.fit(make_sentences(), objective)
    assert tuned.value.args == (fitting.SETTINGS[objective],)
    assert fitting.SETTINGS[objective] != Setting()
    with pytest.raises(Enough) as told:
        fitting.fit(make_sentences(), objective, setting=SETTING)
    assert told.value.args == (SETTING,)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with pytest.raises(Enough) as on_gpu:
        fitting.fit(make_sentences(), objective)
    assert on_gpu.value.args == (fitting.on_these_devices(*tuned.value.args),)
    assert on_gpu.value.args != tuned.value.args


def test_sample_exponent_and_folder_are_handed_on(tmp_path, monkeypatch):
    class Enough(Exception):
        pass

    def stop(*parts):
        raise Enough(*parts)

    monkeypatch.setattr(fitting.training, "plan", stop)
    given = {"sample": 1e-2, "exponent": -1.0, "folder": tmp_path}
    with pytest.raises(Enough) as told:
        fitting.fit(make_sentences(), setting=SETTING, **given)
    _, negatives, read, keep, *_ = told.value.args
    counts = np.bincount(read.ids[read.ids >= 0])
    np.testing.assert_array_equal(keep, vocab.keep_probability(counts, 1e-2))
    expected = sampler.make(vocab.noise(counts, -1.0))
    for found, wanted in zip(negatives, expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert isinstance(read.ids, np.memmap)


def test_max_vocab_and_seed_are_obeyed():
    kwargs = {"num_columns": 4, "max_vocab": 7}
    few = SETTING._replace(num_epochs=1)
    one = fitting.fit(make_sentences(), setting=few, **kwargs)
    two = fitting.fit(make_sentences(), setting=few, **kwargs)
    other = fitting.fit(make_sentences(), setting=few._replace(seed=5), **kwargs)
    assert len(one.words) == 7
    np.testing.assert_array_equal(one.rows, two.rows)
    assert not np.array_equal(one.rows, other.rows)


@pytest.mark.parametrize(
    ("sentences", "named"),
    [([], "empty corpus"), ([["a", "b"]], "min_count"), (["a b c"], "sentences")],
)
def test_a_corpus_without_words_is_named(sentences, named):
    with pytest.raises(ValueError, match=named):
        fitting.fit(sentences)


@pytest.mark.parametrize(
    ("sentences", "options", "message"),
    [
        ([["a"], ["b"]] * 9, {}, "sentences: expected one with two words"),
        ([["a", "a"]] * 9, {"make_objective": fitting.tree}, "min_count: expected two"),
        ([["a", "b"]] * 9, {"sample": 1e-12}, "sample: expected a share that leaves"),
    ],
)
def test_no_untrained_vectors_are_returned(sentences, options, message):
    with pytest.raises(ValueError, match=message):
        fitting.fit(sentences, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": Setting(block_size=0)}, "setting.block_size: expected"),
        ({"setting": Setting(seed=1.5)}, "setting.seed: expected an integer ≥ 0, got"),
        ({"make_objective": "cbow"}, "make_objective: expected a function, got str"),
    ],
)
def test_settings_without_sense_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        fitting.fit([["a", "b"]] * 9, **options)


@pytest.mark.parametrize(("num", "size"), [(1, 1024), (2, 512), (3, 320), (99, 32)])
def test_devices_share_the_words_of_a_block(num, size):
    shared = fitting.on_these_devices(Setting(num_shards=num))
    assert shared == Setting(num_shards=num, block_size=size)


@pytest.mark.parametrize(("backend", "factor"), [("gpu", 4), ("cpu", 1)])
def test_blocks_are_larger_on_a_gpu(monkeypatch, backend, factor):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    setting = fitting.on_these_devices(Setting(block_size=64, span_size=256))
    assert setting == Setting(block_size=64 * factor, span_size=256 * factor)
