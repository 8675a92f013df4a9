"""The experiment on a small corpus: files, resume, refusals in one line."""

import io
import json
import re
import signal
import sys

import jax
import numpy as np
import pytest

from experiments import (
    neighbours,
    word2vec,
    word2vec_config,
    word2vec_corpus,
    word2vec_report,
)
from experiments.data import debian
from experiments.data.debian import Pair
from experiments.word2vec_config import Config, make_setting
from jaxseq.train import loop
from jaxseq.train.state import Position
from jaxseq.word2vec import (
    fitting,
    full_softmax,
    hierarchical_softmax,
    negative_sampling,
    params,
    vector_files,
    vectors,
    vocab,
)
from tests.devices import two_devices


@pytest.fixture(autouse=True)
def _as_users_run_it():
    with jax.enable_x64(False):
        yield


@pytest.fixture
def text(tmp_path):
    """Sentences of three topics, one a line."""
    rng = np.random.default_rng(0)
    lines = []
    for topic in rng.integers(0, 3, 300):
        words = [f"{'xyz'[topic]}word{n}" for n in rng.integers(0, 6, 12)]
        lines.append(" ".join(words))
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def run(text, tmp_path, *more):
    args = ["--corpus", str(text), "--out", str(tmp_path / "out"), "--sample", "0"]
    small = ["--num-columns", "8", "--block-size", "64", "--learning-rate", "0.1"]
    word2vec.main([*args, *small, *more])
    return tmp_path / "out" / "word2vec"


@pytest.mark.parametrize(
    "options",
    [
        ("--model", "skip-gram"),
        ("--model", "cbow", "--output", "tree"),
        ("--model", "cbow", "--output", "softmax"),
    ],
)
def test_run_writes_vectors_neighbours_and_a_map(text, tmp_path, capsys, options):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("xword1\txword2\t9\nxword1\tyword2\t1\nzword1\tyword3\t2\n")
    questions = tmp_path / "questions.txt"
    questions.write_text(": all\nxword1 xword2 yword1 yword2\n")
    words = ("--words", "xword0", "yword0", "--num-epochs", "10")
    scored = ("--pairs", str(pairs), "--analogies", str(questions))
    folder = run(text, tmp_path, *options, *words, *scored)
    result = json.loads((folder / "result.json").read_text("utf-8"))
    assert result["corpus"]["num_words"] == 3600
    assert result["num_trained"] == 36_000
    epochs, losses = zip(*result["losses"], strict=True)
    assert epochs == tuple(range(1, 11))
    assert losses[-1] < losses[0]
    assert not (folder / "checkpoints").exists()
    assert len((folder / "train.jsonl").read_text("utf-8").splitlines()) == 10
    for word, near in result["neighbours"].items():
        assert [other[0] for other, _ in near[:3]] == [word[0]] * 3
    assert set(result["scores"]) == {"pairs", "analogies"}
    found = vector_files.load_word2vec_format(
        folder / "vectors.bin", folder / "vectors.vocab", binary=True
    )
    assert found.rows.shape == (18, 8)
    assert found.counts.sum() == 3600
    on_map = {each["word"]: each for each in result["map"]}
    assert set(result["neighbours"]) < set(on_map) <= set(found.words)
    drawn = (folder / "map.svg").read_text("utf-8")
    labels = re.findall(r"<text [^>]*>(\w+)</text>", drawn)
    assert sorted(labels) == sorted(on_map)
    for word, near in result["neighbours"].items():
        assert on_map[word]["near"] == near
    xs = {on_map[word]["x"] for word in on_map if word[0] == "x"}
    ys = {on_map[word]["x"] for word in on_map if word[0] == "y"}
    assert max(xs) < min(ys) or max(ys) < min(xs)  # two topics, apart
    captured = capsys.readouterr()
    assert "xword0" in captured.out
    shown = r"100%  loss [\d.]+  [\d,]+ effective words/s  [\d,]+ tokens/s"
    assert re.search(shown, captured.err)

    neighbours.main([str(folder / "vectors.bin"), "--words", "xword0", "--topn", "2"])
    near = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert near == [other for other, _ in result["neighbours"]["xword0"][:2]]


@pytest.fixture
def _spans_are_short(monkeypatch):
    """3,900 places make four spans of 1,024, each for all devices."""
    make = word2vec.make_setting
    short = {"span_size": 1024, "num_shards": min(2, jax.device_count())}
    monkeypatch.setattr(
        word2vec, "make_setting", lambda *args: make(*args)._replace(**short)
    )


def stopped(after, signum):
    """A loop that hears a signal after so many updates."""
    train = loop.train

    def hears(*args, stop, **options):
        for now in train(*args, stop=stop, **options):
            yield now
            if now.training.position.number == after - 1:
                stop.hear(signum, None)

    return hears


@pytest.mark.usefixtures("_spans_are_short")
@pytest.mark.parametrize(("after", "signum"), [(3, signal.SIGTERM), (8, signal.SIGINT)])
def test_a_stopped_run_goes_on_to_the_same_bits(
    text, tmp_path, monkeypatch, capsys, after, signum
):
    """Within an epoch, and when all is done but the files are not there yet."""
    whole = run(text, tmp_path / "a", "--num-epochs", "2")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "train", stopped(after, signum))
        with pytest.raises(SystemExit) as stop:
            run(text, tmp_path / "b", "--num-epochs", "2")
    assert stop.value.code == 128 + signum
    error = capsys.readouterr().err.splitlines()
    name = signal.Signals(signum).name
    goes_on = f"the same command goes on after update {after}"
    assert error[-1] == f"stopped by {name}; {goes_on}"
    resumed = run(text, tmp_path / "b", "--num-epochs", "2")
    assert f"going on after update {after}" in capsys.readouterr().err
    for name in ("vectors.bin", "vectors.vocab"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes()
    found, expected = (
        json.loads((folder / "result.json").read_text("utf-8"))
        for folder in (resumed, whole)
    )
    for name in ("losses", "num_trained", "neighbours"):
        assert found[name] == expected[name]
    assert len(found["losses"]) == 8


def test_a_checkpoint_of_another_training_is_refused(
    text, tmp_path, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        patch.setattr(loop, "train", stopped(2, signal.SIGTERM))
        with pytest.raises(SystemExit):
            run(text, tmp_path, "--num-epochs", "3")
    other = ("--num-epochs", "3", "--reach", "4")
    with pytest.raises(SystemExit, match="2"):
        run(text, tmp_path, *other)
    error = capsys.readouterr().err.splitlines()[-1]
    assert "of another training: reach differ; --resume none starts afresh" in error
    # Before there is a checkpoint of its own, Ctrl-C names none.
    with monkeypatch.context() as patch:
        patch.setattr(word2vec_corpus, "read", _raising(KeyboardInterrupt))
        with pytest.raises(SystemExit, match="130"):
            run(text, tmp_path, *other)
    assert capsys.readouterr().err.splitlines()[-1] == "stopped by the keyboard"
    run(text, tmp_path, *other, "--resume", "none")


@pytest.mark.parametrize("output", ["negatives", "tree"])
def test_a_block_size_that_is_given_is_that_of_every_device(monkeypatch, output):
    """With its spans: a run that has it, on one device, may be moved."""
    by_itself = Config(output=output, num_shards=1)
    on_cpu = make_setting(by_itself, 10**9)
    given = Config(output=output, num_shards=1, block_size=on_cpu.block_size)
    assert make_setting(given, 10**9) == on_cpu
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert make_setting(given, 10**9) == on_cpu
    larger = make_setting(by_itself, 10**9)
    assert larger.block_size == 4 * on_cpu.block_size
    assert larger.span_size == 4 * on_cpu.span_size


def test_words_trained_on_are_counted_from_the_first_update():
    """The program is compiled before it, and a run that goes on has others' seconds."""
    first = Position(3, num_counted=1000, seconds=20)
    now = first._replace(number=5, num_counted=6000, seconds=22)
    assert word2vec._speed(first, now) == "  2,500 effective words/s"
    assert word2vec._speed(first, first) == ""


def test_options_come_to_what_they_are_of(text, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        negative_sampling, "skip_gram", lambda *sizes: asked.append(sizes) or made
    )
    made = full_softmax.skip_gram(7)
    sizes = {"max_vocab": 7, "num_columns": 3, "num_negatives": 9}
    config = Config((text,), **sizes, sample=1e-2, seed=3, cap=1.5, folder=tmp_path)
    _, known, corpus = word2vec_corpus.read(config)
    assert len(known.words) == 7
    assert isinstance(corpus.ids, np.memmap)
    found = word2vec_config.keep_probability(config, known)
    expected = vocab.keep_probability(known.counts, 1e-2)
    np.testing.assert_array_equal(found, expected)
    objective, _ = word2vec_config.make_objective(config, known)
    assert asked == [(7, 9)]
    found = word2vec_config.make_params(config, known, objective)
    expected = params.init(jax.random.key(3), 7, 3, 7)
    np.testing.assert_array_equal(found.inputs, expected.inputs)
    setting = make_setting(config, 10**9)
    assert (setting.cap, setting.seed) == (1.5, 3)


@pytest.mark.parametrize("model", ["skip-gram", "cbow"])
@pytest.mark.parametrize(
    ("output", "module"),
    [
        ("negatives", negative_sampling),
        ("tree", hierarchical_softmax),
        ("softmax", full_softmax),
    ],
)
def test_model_and_output_choose_the_objective(output, module, model, monkeypatch):
    known = vocab.rank({"a": 3, "b": 2, "c": 2}, min_count=1)
    name = model.replace("-", "_")
    made = getattr(module, name)
    asked = []
    monkeypatch.setattr(module, name, lambda *of: asked.append(name) or made(*of))
    config = Config(model=model, output=output)
    objective, negatives = word2vec_config.make_objective(config, known)
    assert asked == [name]
    assert objective.draws_negatives == (negatives is not None)
    assert objective.draws_negatives == (output == "negatives")


@pytest.mark.parametrize(
    ("options", "tuned"),
    [
        ({}, fitting.skip_gram),
        ({"model": "cbow"}, fitting.cbow),
        ({"output": "tree"}, fitting.tree),
        ({"model": "cbow", "output": "tree"}, fitting.cbow_tree),
    ],
)
def test_by_default_it_trains_as_the_library_says_for_two_devices(options, tuned):
    setting = make_setting(Config(**options), 10**9)
    of_two = fitting.SETTINGS[tuned]._replace(num_shards=2)
    assert setting == fitting.on_these_devices(of_two)
    assert setting.block_size == fitting.SETTINGS[tuned].block_size // 2


def test_a_text_without_pairs_is_refused(tmp_path, capsys):
    path = tmp_path / "list.txt"
    path.write_text("one\ntwo\n" * 9, "utf-8")
    with pytest.raises(SystemExit, match="2"):
        run(path, tmp_path)
    said = "list.txt: expected sentences with two words that get a vector"
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_a_sample_that_leaves_nothing_is_named(text, tmp_path, capsys):
    small = ("--num-columns", "4", "--num-epochs", "1", "--sample", "1e-320")
    with pytest.raises(SystemExit, match="2"):
        word2vec.main(["--corpus", str(text), "--out", str(tmp_path), *small])
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "error: --sample: 1e-320 thins out every word"
    assert not (tmp_path / "word2vec" / "vectors.bin").exists()


def test_a_folder_in_the_place_of_the_records_is_named(text, tmp_path, capsys):
    folder = tmp_path / "out" / "word2vec" / "train.jsonl"
    folder.mkdir(parents=True)
    with pytest.raises(SystemExit, match="2"):
        run(text, tmp_path)
    expected = f"error: cannot write {folder}: it is a folder\n"
    assert capsys.readouterr().err == expected


def test_a_checkpoint_of_another_text_is_refused(text, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(loop, "train", stopped(2, signal.SIGTERM))
        with pytest.raises(SystemExit):
            run(text, tmp_path, "--num-epochs", "3")
    # The same words as often, in another order.
    *lines, one, other = text.read_text("utf-8").splitlines()
    text.write_text("\n".join([*lines, other, one]) + "\n", "utf-8")
    with pytest.raises(SystemExit, match="2"):
        run(text, tmp_path, "--num-epochs", "3")
    error = capsys.readouterr().err.splitlines()[-1]
    assert "of another training: text differ" in error


def _raising(error):
    def read(config):
        raise error

    return read


def test_a_loss_that_is_not_finite_ends_it(text, tmp_path):
    options = ("--learning-rate", "1e30", "--cap", "1e30", "--num-epochs", "2")
    with pytest.raises(SystemExit) as stop:
        run(text, tmp_path, *options)
    assert stop.value.code.startswith(
        "error: cost, gradient or state are not finite from"
    )
    assert not (tmp_path / "out" / "word2vec" / "vectors.bin").exists()


@pytest.mark.usefixtures("_spans_are_short")
@pytest.mark.parametrize(
    ("options", "num"), [(("--smoke",), 2), (("--overfit", "1"), 5)]
)
def test_smoke_and_overfit_read_the_first_spans(text, tmp_path, options, num):
    folder = run(text, tmp_path, *options)
    result = json.loads((folder / "result.json").read_text("utf-8"))
    assert len(result["losses"]) == num
    # 1,024 places: 78 sentences of 12 words with their ends, and 10 words.
    assert result["num_trained"] == num * (78 * 12 + 10)


@two_devices
def test_smoke_runs_the_program_of_the_whole_text(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("a b c d e f g h i j k l\n" * 2000, "utf-8")
    folder = run(path, tmp_path, "--smoke")
    result = json.loads((folder / "result.json").read_text("utf-8"))
    setting = make_setting(Config(block_size=64), 2000 * 13)
    assert setting.num_shards == result["setting"]["num_shards"] == 2
    assert result["setting"]["span_size"] == setting.span_size == 25 * 128
    assert len(result["losses"]) == 2


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--words", "nobody"), "--words: 'nobody'"),
        (("--min-count", "99999"), "min_count"),
        (("--num-negatives", "0"), "--num-negatives: expected 1 or more"),
        (("--block-size", "100"), "--block-size: expected a multiple of 32"),
        (("--sample", "1"), "--sample"),
        (("--resume", "yes"), "--resume"),
        (("--overfit", "0"), "--overfit: expected 1 or more"),
        (("--pairs", "/missing.tsv"), "/missing.tsv"),
        (("--download", "text8"), "--download: expected no --corpus"),
        (("--learning-rate", "nan"), "--learning-rate: expected a number above 0"),
    ],
)
def test_refusals_take_one_line(text, tmp_path, capsys, options, named):
    with pytest.raises(SystemExit) as stop:
        run(text, tmp_path, "--num-epochs", "1", *options)
    assert stop.value.code == 2
    errors = capsys.readouterr().err.splitlines()
    assert named in errors[-1]
    assert errors[-1].startswith("error: ")
    assert not (tmp_path / "out" / "word2vec" / "vectors.bin").exists()


def test_an_empty_file_is_refused(tmp_path, capsys):
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    with pytest.raises(SystemExit, match="2"):
        run(empty, tmp_path)
    assert "empty.txt': the file is empty" in capsys.readouterr().err


def test_a_folder_without_files_is_refused_by_the_option_s_name(tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SystemExit) as stop:
        word2vec.main(["--corpus", str(empty), "--out", str(tmp_path)])
    assert stop.value.code == 2
    said = f"error: --corpus: expected at least one file, got {str(empty)!r}\n"
    assert capsys.readouterr().err == said


def test_chinese_characters_are_tokens(tmp_path, capsys):
    path = tmp_path / "zh.txt"
    path.write_text("我爱学习爱劳动\n是个好青年\n" * 30, "utf-8")
    folder = run(path, tmp_path, "--tokens", "characters", "--words", "爱")
    found = vector_files.load_word2vec_format(folder / "vectors.bin", binary=True)
    assert set(found.words) == set("我爱学习劳动是个好青年")
    assert "爱" in capsys.readouterr().out
    assert ">爱</text>" in (folder / "map.svg").read_text("utf-8")


def test_white_space_is_no_character_of_the_debian_texts(monkeypatch):
    pairs = [Pair("ab ba\tab\u3000ba", "a b", "p", "s")] * 9
    monkeypatch.setattr(debian, "load", lambda part: pairs)
    _, known, _ = word2vec_corpus.read(Config(tokens="characters"))
    assert set(known.words) == set("ab")


def test_a_stdout_of_ascii_gets_escapes(tmp_path, monkeypatch):
    path = tmp_path / "zh.txt"
    path.write_text("我爱学习爱劳动\n是个好青年\n" * 30, "utf-8")
    stdout = io.TextIOWrapper(io.BytesIO(), "ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", stdout)
    run(path, tmp_path, "--tokens", "characters", "--words", "爱", "--smoke")
    assert rb"\u7231  \u" in stdout.buffer.getvalue()


def test_without_a_corpus_it_trains_on_the_shipped_one(tmp_path, monkeypatch, capsys):
    pairs = debian.load("test")[:200]
    monkeypatch.setattr(debian, "load", lambda split: pairs if split == "test" else [])
    word2vec.main(["--out", str(tmp_path), "--num-epochs", "1", "--num-columns", "4"])
    assert "Debian package descriptions" in capsys.readouterr().out
    assert (tmp_path / "word2vec" / "vectors.bin").exists()


def test_plane_keeps_what_two_axes_can_hold():
    rng = np.random.default_rng(1)
    flat = rng.normal(size=(9, 2)) * [5, 1]
    turned, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    at = word2vec_report.plane(flat @ turned[:2] + 3)

    def distances(points):
        return np.linalg.norm(points[:, None] - points[None], axis=-1)

    np.testing.assert_allclose(distances(at), distances(flat), atol=1e-9)
    assert at[:, 0].std() > at[:, 1].std()
    assert word2vec_report.plane(np.ones((1, 3))).shape == (1, 2)


def test_neighbours_refuses_in_one_line(tmp_path, capsys):
    found = vectors.make(("one", "two"), np.eye(2, dtype=np.float32))
    path = tmp_path / "some.txt"
    vector_files.save_word2vec_format(found, path)
    for args, named in (
        ((str(path), "--words", "three"), "three"),
        ((str(tmp_path / "none.bin"), "--words", "one"), "none.bin"),
        ((str(path), "--words", "one", "--topn", "0"), "--topn"),
    ):
        with pytest.raises(SystemExit, match="2"):
            neighbours.main(args)
        assert named in capsys.readouterr().err.splitlines()[-1]
    neighbours.main([str(path), "--words", "one"])
    assert capsys.readouterr().out == "0.0000  two\n"
