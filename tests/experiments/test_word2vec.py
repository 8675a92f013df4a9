"""The experiment on a small corpus: files, resume, refusals in one line."""

import json
import re

import jax
import numpy as np
import pytest

from experiments import neighbours, word2vec, word2vec_report
from experiments.data import debian
from jaxseq.word2vec import training, vector_files, vectors


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
    assert len(result["losses"]) == 10
    assert result["losses"][-1] < result["losses"][0]
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
    assert "xword0" in capsys.readouterr().out

    neighbours.main([str(folder / "vectors.bin"), "--words", "xword0", "--topn", "2"])
    near = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert near == [other for other, _ in result["neighbours"]["xword0"][:2]]


def test_a_stopped_run_resumes_to_the_same_bits(text, tmp_path, monkeypatch):
    whole = run(text, tmp_path / "a", "--num-epochs", "4") / "vectors.bin"
    train = training.train

    def stopped(*args):
        for now in train(*args):
            yield now
            if now.state.epoch == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", stopped)
    with pytest.raises(SystemExit) as stop:
        run(text, tmp_path / "b", "--num-epochs", "4")
    assert stop.value.code == 130
    monkeypatch.setattr(training, "train", train)
    resumed = run(text, tmp_path / "b", "--num-epochs", "4", "--resume")
    assert (resumed / "vectors.bin").read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--words", "nobody"), "--words: 'nobody'"),
        (("--min-count", "99999"), "min_count"),
        (("--num-negatives", "0"), "--num-negatives: expected 1 or more"),
        (("--block-size", "100"), "--block-size: expected a multiple of 32"),
        (("--sample", "1"), "--sample"),
        (("--resume",), "checkpoint.npz"),
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


def test_chinese_characters_are_tokens(tmp_path, capsys):
    path = tmp_path / "zh.txt"
    path.write_text("我爱学习爱劳动\n是个好青年\n" * 30, "utf-8")
    folder = run(path, tmp_path, "--tokens", "characters", "--words", "爱")
    found = vector_files.load_word2vec_format(folder / "vectors.bin", binary=True)
    assert set(found.words) == set("我爱学习劳动是个好青年")
    assert "爱" in capsys.readouterr().out
    assert ">爱</text>" in (folder / "map.svg").read_text("utf-8")


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
