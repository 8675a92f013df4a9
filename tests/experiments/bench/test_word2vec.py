import json
import lzma
import re
from pathlib import Path

import gensim.models
import jax
import numpy as np
import pytest

from experiments.bench import (
    __main__ as bench,
    word2vec,
    word2vec_peers,
    word2vec_table,
)


@pytest.fixture(autouse=True)
def _as_users_run_it():
    with jax.enable_x64(False):
        yield


@pytest.fixture
def text(tmp_path):
    rng = np.random.default_rng(0)
    lines = [" ".join(f"w{n}" for n in rng.zipf(1.5, 20) % 50) for _ in range(400)]
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def run(text, tmp_path, *more):
    options = ["--num-columns", "8", "--num-epochs", "1", "--workers", "1"]
    args = ["word2vec", "--corpus", str(text), "--out", str(tmp_path), *options]
    bench.main([*args, *more])
    lines = (tmp_path / "bench" / "word2vec.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_both_train_on_the_same_words(text, tmp_path, capsys):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("w1\tw2\t9\nw1\tw3\t4\nw2\tw4\t2\n")
    seeds = ("--num-seeds", "2", "--pairs", str(pairs))
    (record,) = run(text, tmp_path, *seeds)
    results = record["results"]
    # Nobody always comes first.
    names = [(result["peer"], result["seed"]) for result in results]
    assert names == [("gensim", 0), ("jaxseq", 0), ("jaxseq", 1), ("gensim", 1)]
    num_trained = [r["words_per_second"] * r["seconds"] for r in results]
    np.testing.assert_allclose(num_trained, np.mean(num_trained), rtol=0.05)
    assert all(-1 <= r["scores"]["pairs"]["spearman"] <= 1 for r in results)
    printed = capsys.readouterr().out
    assert "jaxseq / gensim" in printed
    assert record["workers"] == 1

    assert len(run(text, tmp_path, "--model", "cbow", "--output", "tree")) == 2


def test_gensim_reads_compressed_texts_in_a_folder_too(text, tmp_path):
    """Its `corpus_file` takes neither."""
    folder = tmp_path / "zipped"
    folder.mkdir()
    archive = folder / "text.xz"
    archive.write_bytes(lzma.compress(text.read_bytes()))
    (record,) = run(folder, tmp_path)
    num_trained = [r["words_per_second"] * r["seconds"] for r in record["results"]]
    assert len(num_trained) == 2
    np.testing.assert_allclose(num_trained, np.mean(num_trained), rtol=0.05)

    assert word2vec._plain(text, tmp_path / "copy") == text
    copy = word2vec._plain(archive, tmp_path / "copy")
    lines, copied = (
        [line.split() for line in path.read_text("utf-8").splitlines()]
        for path in (text, copy)
    )
    assert copied == lines


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"sg": 1, "hs": 0, "negative": 5, "alpha": 0.025}),
        ({"model": "cbow"}, {"sg": 0, "hs": 0, "negative": 5, "alpha": 0.05}),
        ({"output": "tree", "learning_rate": 0.03}, {"hs": 1, "negative": 0}),
        ({"num_columns": 7, "num_epochs": 2}, {"vector_size": 7, "epochs": 2}),
        ({}, {"window": 5, "min_count": 5, "sample": 1e-3, "workers": 3, "seed": 5}),
    ],
)
def test_gensim_has_the_same_settings(options, expected, monkeypatch):
    class Enough(Exception):
        pass

    def stop(**given):
        raise Enough(given)

    monkeypatch.setattr(gensim.models, "Word2Vec", stop)
    config = word2vec.make_training(word2vec.Config(**options), seed=4)
    with pytest.raises(Enough) as told:
        word2vec_peers.gensim_peer(config, Path("text"), 3)()
    (given,) = told.value.args
    assert given | expected == given
    assert given["alpha"] == options.get("learning_rate", given["alpha"])


def test_the_table_sets_jaxseq_against_gensim():
    """Two seeds: ratios of 2 and 4, and a correlation better by 0.1."""
    done = [
        word2vec_table.Result(
            peer, seed, speed, 1.0, 0.0, {"pairs": {"spearman": score}}
        )
        for peer, seed, speed, score in (
            ("gensim", 0, 1000.0, 0.5),
            ("jaxseq", 0, 2000.0, 0.6),
            ("jaxseq", 1, 8000.0, 0.7),
            ("gensim", 1, 2000.0, 0.6),
        )
    ]
    shown = word2vec_table.table(done)
    for row in (
        r"gensim +jaxseq +jaxseq / gensim +jaxseq - gensim",
        r"median +1,500 +5,000 +3\.00 \(2\.00 to 4\.00\)",
        r"pairs, mean +0\.550 +0\.650 +\+0\.100",
    ):
        assert re.search(row, shown), shown


def test_the_shipped_corpus_is_written_as_it_was_read(tmp_path):
    ids = np.array([0, 1, -1, 1, -1], np.int32)
    path = word2vec._written(tmp_path / "corpus.txt", ("one", "two"), ids)
    lines = path.read_text("utf-8").splitlines()
    assert lines == ["one two", "two"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--output", "softmax"), "--output: expected negatives or tree"),
        (("--num-seeds", "0"), "--num-seeds: expected 1 or more"),
        (("--workers", "0"), "--workers"),
        (("--num-epochs", "0"), "--num-epochs"),
        (("--corpus", "/missing.txt"), "missing.txt"),
    ],
)
def test_refusals_take_one_line(text, tmp_path, capsys, options, named):
    with pytest.raises(SystemExit, match="2"):
        run(text, tmp_path, *options)
    assert named in capsys.readouterr().err.splitlines()[-1]


def test_without_gensim_jaxseq_is_measured_alone(text, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(word2vec, "gensim_is_missing", lambda: True)
    (record,) = run(text, tmp_path)
    assert [result["peer"] for result in record["results"]] == ["jaxseq"]
    assert record["workers"] is None
    printed = capsys.readouterr().out
    assert "gensim: missing" in printed
    assert "jaxseq / gensim" not in printed
