"""The summarizer's experiment: pairs in, a model, ROUGE and summaries out."""

import contextlib
import dataclasses
import errno
import gzip
import html
import itertools
import json
import signal

import jax
import numpy as np
import pytest

from experiments import (
    devices,
    summarize,
    summarize_config,
    summarize_corpus,
    summarize_models,
    summarize_perplexity,
    summarize_report,
    summarize_use,
)
from experiments.summarize_config import Config
from jaxseq.summarize import model_file
from jaxseq.summarize.summarizer import Summary
from jaxseq.text import vocab
from jaxseq.text.files import CorpusError


TINY = [
    *("--num-inputs", "6", "--num-hidden", "8", "--batch-size", "16"),
    *("--num-epochs", "2", "--max-length", "4", "--beam-size", "2"),
    *("--learning-rate", "0.02", "--max-words", "8", "--num-shown", "2"),
]


@pytest.fixture(autouse=True)
def as_users_run_it():
    # Optax raises a float to an integer power, which strict promotion refuses.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            yield


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("farm") / "farm.jsonl"
    rows = []
    for number, (animal, place) in enumerate(rng.integers(0, 3, (120, 2))):
        name, at = ("cat", "dog", "cow")[animal], ("mat", "log", "hay")[place]
        text = f"The {name} no{number} sat on the {at}."
        rows.append({"document": text, "summary": f"{name} no{number} on {at}"})
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def trained(farm, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            summarize.main(["--pairs", str(farm), "--out", str(out), *TINY])
    return out / "summarize"


def test_main_writes_model_numbers_and_summaries(trained):
    names = {path.name for path in trained.iterdir()}
    assert names >= {
        *("model.npz", "model.vocab.json", "result.json", "summaries.txt"),
        *("training.jsonl", "heatmaps.html", "heatmap_01.json", "heatmap_02.json"),
    }
    drawn = json.loads((trained / "heatmap_01.json").read_text("utf-8"))
    np.testing.assert_allclose(np.sum(drawn["weights"], 1), 1, atol=1e-3)
    page = (trained / "heatmaps.html").read_text("utf-8")
    assert drawn["document"][0] in page
    result = json.loads((trained / "result.json").read_text("utf-8"))
    corpus = result["corpus"]
    assert (corpus["num_train"], corpus["num_valid"], corpus["num_test"]) == (112, 4, 4)
    assert len((trained / "summaries.txt").read_text("utf-8").splitlines()) == 4
    assert len(result["examples"]) == 2
    assert result["rouge"]["num_pairs"] == 4
    assert "stem:porter" in result["rouge"]["signature"]
    assert set(result["rouge"]["systems"]["copy"]) == set(summarize_report.METRICS)
    assert len(result["valid_perplexity"]) == 2
    # A summary has four words and its end.
    assert result["num_targets"] == 2 * 112 * 5
    assert "checkpoints" not in names


@pytest.fixture(scope="module")
def trained_plus(farm, tmp_path_factory):
    out = tmp_path_factory.mktemp("plus")
    args = ["--architecture", "abs_plus", "--num-candidates", "4", *TINY]
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            summarize.main(["--pairs", str(farm), "--out", str(out), *args])
    return out / "summarize"


@pytest.mark.slow
def test_abs_plus_is_tuned_and_measured_beside_abs(trained_plus):
    result = json.loads((trained_plus / "result.json").read_text("utf-8"))
    systems = result["rouge"]["systems"]
    assert {"abs", "abs_plus"} < set(systems)
    over = result["rouge"]["over"]["abs"]["ROUGE-L"]["mean"]
    gained = systems["abs_plus"]["ROUGE-L"] - systems["abs"]["ROUGE-L"]
    assert over == pytest.approx(gained, abs=0.002)
    tuning = result["tuning"]
    assert tuning["valid_rouge_l"] >= tuning["valid_rouge_l_without"]
    assert (tuning["num_candidates"], tuning["num_pairs"]) == (4, 4)
    assert result["attention"]["radius"] == 2


@pytest.mark.slow
def test_abs_plus_is_used_with_its_weights(trained_plus, tmp_path, capsys):
    model = trained_plus / "model.npz"
    texts = ["The cat no1 sat on the mat.", "The cow sat on the hay."]
    split = ["the cat no1 sat on the mat .", "the cow sat on the hay ."]
    summarize.main(["--model", str(model), "--max-length", "4", *texts])
    first = capsys.readouterr().out.splitlines()
    assert len(first) == 2
    assert all(first)
    assert json.loads((trained_plus / "result.json").read_text("utf-8"))["tuning"]
    # The weights are in the file: those that favour pairs of words copy the document.
    config = Config(architecture="abs_plus", num_inputs=6, num_hidden=8, max_words=8)
    known = vocab.load(trained_plus / "model.vocab.json")
    like = summarize_models.make(config, len(known.tokens)).init(jax.random.key(0))
    about = model_file.about(known, summarize_config.model_settings(config))
    params = model_file.load(model, like, about)
    weights = params.weights._replace(bigram=jax.numpy.float32(50))
    path = tmp_path / "model.npz"
    search = model_file.search_of(model)
    model_file.save(path, params._replace(weights=weights), about, search)
    vocab.save(known, tmp_path / "model.vocab.json")
    summarize.main(["--model", str(path), "--max-length", "4", *texts])
    drawn = capsys.readouterr().out.splitlines()
    assert all(words in text for words, text in zip(drawn, split, strict=True))
    assert drawn != first


def test_main_uses_a_model(trained, tmp_path, capsys):
    model = str(trained / "model.npz")
    summarize.main(
        ["--model", model, "--max-words", "8"]
        + ["--max-length", "3", "The cat sat.", "", "a " * 99]
    )
    first = capsys.readouterr()
    assert len(first.out.splitlines()) == 3
    assert first.out.splitlines()[1] == ""
    assert "text 2: no word in it" in first.err
    assert "text 3: the first 8 of 99 words are read" in first.err
    with gzip.open(tmp_path / "a.txt.gz", "wt", encoding="utf-8") as stream:
        stream.write("The cat sat.\n\nzzz qqq xxx\n")
    file = str(tmp_path / "a.txt.gz")
    summarize.main(["--model", model, "--max-length", "3", "--file", file])
    second = capsys.readouterr().out.splitlines()
    assert second[:2] == first.out.splitlines()[:2]
    assert set(second[2].split()) <= {"zzz", "qqq", "xxx", *_words(trained)}


@pytest.mark.parametrize("is_older", [False, True])
def test_a_model_is_searched_as_it_was_unless_told(
    is_older, trained, tmp_path, monkeypatch
):
    """Options of the search are in its file; in those of before they were not."""
    model = trained / "model.npz"
    known = vocab.load(trained / "model.vocab.json")
    own = summarize_use.defaults(model)
    given = {"beam_size": 3, "sharpness": None, "length_norm": 0.5}
    config = dataclasses.replace(own, **given)
    path = tmp_path / "model.npz"
    model_of = summarize_models.make(config, len(known.tokens))
    search = None if is_older else summarize_config.search_settings(config)
    about = model_file.about(known, summarize_config.model_settings(config))
    model_file.save(path, model_of.init(jax.random.key(0)), about, search)
    vocab.save(known, tmp_path / "model.vocab.json")
    searched = []

    def write(config, params, known, documents):
        searched.append(summarize_config.search_settings(config))
        return [Summary([], [], np.ones((0, 1)), 1, 0)] * len(documents)

    monkeypatch.setattr(summarize_models, "write", write)
    summarize.main(["--model", str(path), "text"])
    summarize.main(["--model", str(path), "--max-length", "5", "text"])
    assert own.num_shards == 2
    plain = summarize_config.search_settings(Config())
    expected = plain if is_older else plain | given | {"max_length": own.max_length}
    assert searched == [expected, expected | {"max_length": 5}]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_summary_is_a_line_whatever_is_in_it(end, trained, capsys, monkeypatch):
    def write(config, params, known, documents):
        words = ["a", *end, "b"]
        weights = np.ones((len(words), 1))
        return [Summary(words, [False] * len(words), weights, 1, 0)] * len(documents)

    monkeypatch.setattr(summarize_models, "write", write)
    summarize.main(["--model", str(trained / "model.npz"), "one", "two"])
    lines = capsys.readouterr().out.split("\n")
    assert [line.split() for line in lines] == [["a", "b"], ["a", "b"], []]
    assert "\r" not in "".join(lines)


def test_the_file_of_summaries_has_a_line_each(farm, tmp_path, monkeypatch):
    def write(config, params, known, documents):
        weights = np.ones((3, 1))
        return [Summary(["a", "\n", "b"], [False] * 3, weights, 1, 0)] * len(documents)

    monkeypatch.setattr(summarize_models, "write", write)
    summarize.main(["--pairs", str(farm), "--out", str(tmp_path), *TINY, "--smoke"])
    text = (tmp_path / "summarize" / "summaries.txt").read_text("utf-8")
    assert [line.split() for line in text.split("\n")] == [["a", "b"]] * 4 + [[]]


def test_the_attention_of_ones_own_texts_is_drawn(trained, tmp_path, capsys):
    page = tmp_path / "maps.html"
    args = ["--model", str(trained / "model.npz"), "--heatmaps", str(page)]
    summarize.main([*args, "The <cat> sat.", "", "zzz qqq"])
    first = capsys.readouterr().out.splitlines()[0]
    text = page.read_text("utf-8")
    assert "&lt;" in text
    assert all(f"<span>{html.escape(word)}</span>" in text for word in first.split())
    assert "qqq" in text
    with pytest.raises(SystemExit, match="2"):
        summarize.main([*args[:3], str(tmp_path), "The cat sat."])
    assert "it is a folder" in capsys.readouterr().err


def _words(folder):
    content = json.loads((folder / "model.vocab.json").read_text("utf-8"))
    return content["tokens"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--max-words", "9"], "--max-words: expected the model's 8, got 9"),
        (["--max-words", "60"], "--max-words: expected the model's 8, got 60"),
        (["--architecture", "abs"], "--architecture: expected the model's copy, got"),
    ],
)
def test_a_model_refuses_settings_that_are_not_its_own(trained, args, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        summarize.main(["--model", str(trained / "model.npz"), *args, "text"])
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_model_refuses_another_vocabulary(trained, tmp_path, capsys):
    for name in ("model.npz", "model.vocab.json"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    path = tmp_path / "model.vocab.json"
    path.write_text(path.read_text("utf-8").replace('"cat"', '"cap"'), "utf-8")
    with pytest.raises(SystemExit) as stop:
        summarize.main(["--model", str(tmp_path / "model.npz"), "text"])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert "model.npz' is of something else: vocabulary differ" in error
    assert error.count("\n") == 1


def test_main_stops_and_goes_on(farm, tmp_path, capsys, monkeypatch):
    args = ["--pairs", str(farm), "--out", str(tmp_path), *TINY]
    show = summarize.progress.show

    @contextlib.contextmanager
    def stopping(title):
        with show(title) as report:
            calls = itertools.count(1)

            def told(*given):
                report(*given)
                if next(calls) == 9:
                    signal.raise_signal(signal.SIGTERM)

            yield told

    monkeypatch.setattr(summarize.progress, "show", stopping)
    with pytest.raises(SystemExit) as stop:
        summarize.main(args)
    assert stop.value.code == 143
    assert "stopped by SIGTERM; the same command goes on" in capsys.readouterr().err
    monkeypatch.setattr(summarize.progress, "show", show)
    with pytest.raises(SystemExit) as stop:
        summarize.main([*args, "--num-hidden", "9"])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert "num_hidden differ; --resume none starts afresh" in error
    assert error.count("\n") == 1
    summarize.main(args)
    assert "going on after update 10\n" in capsys.readouterr().err
    result = json.loads((tmp_path / "summarize/result.json").read_text("utf-8"))
    # What was before the stop is not lost.
    assert len(result["valid_perplexity"]) == 2
    assert len(result["nats"]) == result["num_updates"]
    assert not (tmp_path / "summarize" / "checkpoints").exists()


def test_ctrl_c_ends_it_in_one_line(tmp_path, capsys, monkeypatch):
    def interrupted(config):
        raise KeyboardInterrupt

    monkeypatch.setattr(summarize.summarize_corpus, "read", interrupted)
    with pytest.raises(SystemExit) as stop:
        summarize.main(["--out", str(tmp_path)])
    assert stop.value.code == 130
    assert capsys.readouterr().err == "stopped by the keyboard\n"


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    def full(config):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(summarize.summarize_corpus, "read", full)
    with pytest.raises(SystemExit) as stop:
        summarize.main(["--out", str(tmp_path)])
    assert stop.value.code == f"error: {tmp_path}: No space left on device"


def test_a_folder_in_the_place_of_the_records_is_named(tmp_path, capsys):
    folder = tmp_path / "summarize" / "training.jsonl"
    folder.mkdir(parents=True)
    with pytest.raises(SystemExit, match="2"):
        summarize.main(["--out", str(tmp_path)])
    assert capsys.readouterr().err == f"error: cannot write {folder}: it is a folder\n"


def test_read_holds_out_and_leaves_out(farm, tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a b\tb\n\tb\na\t\n" + "c d\td\n" * 60, "utf-8")
    corpus = summarize_corpus.read(Config(pairs=(path,), valid=(farm,), test=(path,)))
    assert len(corpus.train.pairs) == 61
    assert len(corpus.valid.pairs) == 120
    assert len(corpus.test.pairs) == 63
    assert corpus.num_left_out == 2
    assert "sat" not in corpus.vocab.id_of
    own = summarize_corpus.read(Config(pairs=(farm,)))
    parts = [own.train, own.valid, own.test]
    assert [len(part.pairs) for part in parts] == [112, 4, 4]
    assert len({p for part in parts for p in part.pairs}) == 120
    (examples,) = (summarize_corpus.encode(Config(), own.vocab, own.valid),)
    assert len(examples) == 4


def test_read_keeps_one_copy_of_a_token(farm):
    corpus = summarize_corpus.read(Config(pairs=(farm,)))
    parts = (corpus.train, corpus.valid, corpus.test)
    texts = [text for part in parts for text in (*part.documents, *part.summaries)]
    words = [word for text in texts for word in text]
    assert len({id(word) for word in words}) == len(set(words)) < len(words)


def test_read_keeps_to_the_split_that_the_file_says(tmp_path):
    path = tmp_path / "a.jsonl"

    def read(*splits, **more):
        rows = [
            {"document": f"a {n} b", "summary": str(n), "split": split}
            for n, split in enumerate(splits)
        ]
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
        corpus = summarize_corpus.read(Config(pairs=(path,), **more))
        parts = (corpus.train, corpus.valid, corpus.test)
        return [[int(pair.summary) for pair in part.pairs] for part in parts]

    assert read("test", "train", "validation", "train") == [[1, 3], [2], [0]]
    # What it lacks is drawn from what is to be trained on.
    train, (drawn,), test = read("train", "train", "test", "train")
    assert sorted([*train, drawn]) == [0, 1, 3]
    assert test == [2]
    other = tmp_path / "b.tsv"
    other.write_text("a 9\t9\n", "utf-8")
    assert read("train", "valid", "test", test=(other,)) == [[0], [1], [9]]
    with pytest.raises(
        CorpusError, match="^a.jsonl: expected 2 pairs or more, .* got 1"
    ):
        read("train", "test")


def test_read_refuses_pairs_without_words(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("\t\n" * 9, "utf-8")
    with pytest.raises(CorpusError, match="no pair to train on with words on both"):
        summarize_corpus.read(Config(pairs=(path,)))


def test_read_refuses_fewer_pairs_than_are_held_out(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\n" * 2, "utf-8")
    with pytest.raises(CorpusError, match="^a.tsv: expected 3 pairs or more, .* got 2"):
        summarize_corpus.read(Config(pairs=(path,)))
    corpus = summarize_corpus.read(Config(pairs=(path,), test=(path,)))
    assert len(corpus.train.pairs) == len(corpus.valid.pairs) == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a text"], "--model: expected one to summarize the texts with"),
        (["--file", "x"], "--model: expected one to summarize the texts with"),
        (["--model", "x"], "--model: expected a text or --file"),
        (["--heatmaps", "x"], "--heatmaps: expected --model beside it, got none"),
        (["--model", "/nowhere/x.npz", "text"], "No such file"),
        (["--model", ".", "text"], "'.' is a folder; a model is a file"),
        (["--pairs", "/nowhere/x.tsv"], "/nowhere/x.tsv': No such file"),
        (["--pairs", "a.txt"], "ends in .jsonl or .tsv"),
        (["--pairs", "a", "b", "c"], "--pairs: expected one file, or"),
        (["--valid", "a.tsv"], "--valid: expected --pairs beside it"),
        (["--batch-size", "3"], "--batch-size: expected a multiple of --num-shards 2"),
        (["--min-length", "20"], "--min-length: expected --max-length 14 or less"),
        (["--dropout", "1"], "--dropout: expected a rate in [0, 1), got 1"),
        (["--num-epochs", "0"], "--num-epochs: expected 1 or more, got 0"),
        (["--learning-rate", "nan"], "--learning-rate: expected a number above 0"),
        (["--coverage-weight", "-1"], "--coverage-weight: expected 0 or more, got -1"),
        (["--coverage-share", "0"], "--coverage-share: expected a share in (0, 1]"),
        (["--resume", "yes"], "--resume"),
        (["--overfit", "0"], "--overfit: expected 1 or more, got 0"),
        (["--accumulate", "3"], "expected a multiple of --num-shards 2 x --accumulate"),
        (["--max-words", "0"], "--max-words: expected 1 or more, got 0"),
        (["--max-vocab", "4"], "--max-vocab: expected 5 or more, got 4"),
        (["--num-context", "0"], "--num-context: expected 1 or more, got 0"),
        (["--sharpness", "-1"], "--sharpness: expected 0 or more, or None, got -1"),
    ],
)
def test_main_refuses_in_one_line(args, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        summarize.main([*args, "--out", str(tmp_path)])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_fewer_devices_than_wanted_read_as_many_pairs_each(monkeypatch, capsys):
    monkeypatch.setattr(jax, "device_count", lambda: 2)
    asked = [(2, 128), (3, 9), (4, 8), (64, 7), (1, 5)]
    assert [devices.share(*each) for each in asked] == [2, 1, 2, 1, 1]
    for program in (summarize, summarize_perplexity):
        args = ["--num-shards", "3", "--batch-size", "9", "--pairs", "/nowhere/x.tsv"]
        with pytest.raises(SystemExit, match="2"):
            program.main(args)
        assert "/nowhere/x.tsv': No such file" in capsys.readouterr().err


def test_main_names_the_broken_line(tmp_path, capsys):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"document": "a", "summary": "b"}\n{"document": \n', "utf-8")
    with pytest.raises(SystemExit):
        summarize.main(["--pairs", str(path), "--out", str(tmp_path)])
    assert "bad.jsonl', line 2: no JSON" in capsys.readouterr().err


@pytest.mark.slow
def test_ras_is_trained_and_used(farm, tmp_path, capsys):
    args = ["--architecture", "ras_lstm", "--num-epochs", "1", "--out", str(tmp_path)]
    summarize.main(["--pairs", str(farm), *TINY, *args])
    model = tmp_path / "summarize" / "model.npz"
    capsys.readouterr()
    summarize.main(["--model", str(model), "The cat sat on the mat.", ""])
    written = capsys.readouterr().out.splitlines()
    assert len(written) == 2
    assert written[0]
    assert not written[1]
