"""The summarizer's experiment: pairs in, a model, ROUGE and summaries out."""

import dataclasses
import gzip
import json
import typing

import jax
import numpy as np
import pytest

from experiments import summarize, summarize_config, summarize_corpus, summarize_report
from experiments.summarize_config import TOKENIZERS, Config
from jaxseq.summarize.pairs import Pair
from jaxseq.summarize.summarizer import Summary
from jaxseq.text.files import CorpusError
from jaxseq.text.vocab import BOS, UNK


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
        *("checkpoint.npz", "heatmaps.html", "heatmap_01.json", "heatmap_02.json"),
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
    assert result["num_read"] == 2 * 112


def test_attention_is_counted_where_the_written_word_is():
    documents = [["a", "b", "a", "c"], ["d", "e"]]
    test = summarize_corpus.Part(
        pairs=[Pair(" ".join(words), "x") for words in documents],
        documents=documents,
        summaries=[["x"], ["x"]],
    )
    weights = np.array([[0.1, 0.2, 0.7, 0], [0.5, 0.1, 0.2, 0.2], [1, 0, 0, 0]])
    summaries = [
        Summary(["a", "b", "z"], [False] * 3, weights, num_read=4, num_left=0),
        Summary(["e"], [False], np.array([[0.9]]), num_read=1, num_left=1),
    ]
    # "a" is hit at its second place, "b" is missed; "z", the unread "e" do not count.
    found = summarize_report.attended(test, summaries)
    assert found == {"num_words": 2, "share": 0.5, "chance": 0.375}
    silent = Summary([], [], np.zeros((0, 4)), num_read=4, num_left=0)
    nothing = summarize_report.attended(test, [silent, silent])
    assert nothing["num_words"] == 0


def test_main_uses_a_model(trained, tmp_path, capsys):
    model = str(trained / "model.npz")
    summarize.main(
        ["--model", model, "--max-length", "3", "The cat sat.", "", "a " * 99]
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


def _words(folder):
    content = json.loads((folder / "model.vocab.json").read_text("utf-8"))
    return content["tokens"]


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


def test_main_resumes(farm, tmp_path, capsys, monkeypatch):
    args = ["--pairs", str(farm), "--out", str(tmp_path), *TINY]
    whole = summarize.training.train

    def interrupted(*given):
        for now in whole(*given):
            yield now
            if now.valid_nats is not None:
                raise KeyboardInterrupt

    monkeypatch.setattr(summarize.training, "train", interrupted)
    with pytest.raises(SystemExit) as stop:
        summarize.main(args)
    assert stop.value.code == 130
    assert "--resume goes on from" in capsys.readouterr().err
    monkeypatch.setattr(summarize.training, "train", whole)
    summarize.main([*args, "--resume"])
    result = json.loads((tmp_path / "summarize/result.json").read_text("utf-8"))
    assert result["num_read"] == 112
    with pytest.raises(SystemExit):
        summarize.main([*args, "--resume", "--num-hidden", "9"])
    assert "num_hidden differ" in capsys.readouterr().err


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


def test_read_refuses_pairs_without_words(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("\t\n" * 9, "utf-8")
    with pytest.raises(CorpusError, match="no pair to train on with words on both"):
        summarize_corpus.read(Config(pairs=(path,)))


def test_measure_compares_with_the_leads():
    pairs = [Pair(f"the {n} cat sat on a mat here", f"{n} cat") for n in range(40)]
    split = TOKENIZERS["words"].split
    part = summarize_corpus.Part(
        pairs, [split(p.document) for p in pairs], [split(p.summary) for p in pairs]
    )
    assert summarize_report.best_lead(part) == min(summarize_report.LEADS)
    measured = summarize_report.measure(part, "copy", [p.summary for p in pairs], 6)
    points = measured["systems"]
    assert points["copy"]["ROUGE-L"] == 100
    # Two words of six, both of the summary's: F = 2 (1/3) / (4/3).
    assert points["lead-6 (best)"]["ROUGE-L"] == pytest.approx(50, abs=1e-3)
    over = measured["over_best_lead"]["ROUGE-L"]
    assert (over["mean"], over["low"], over["high"]) == pytest.approx((50, 50, 50))
    printed = summarize_report.table(measured)
    assert "ROUGE-L.f|n:40" in printed
    assert "+50.00 to +50.00" in printed


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a text"], "--text: expected --model, got none"),
        (["--file", "x"], "--file: expected --model, got none"),
        (["--model", "x"], "--model: expected a text or --file"),
        (["--model", "/nowhere/x.npz", "text"], "No such file"),
        (["--pairs", "/nowhere/x.tsv"], "/nowhere/x.tsv': No such file"),
        (["--pairs", "a.txt"], "ends in .jsonl or .tsv"),
        (["--pairs", "a", "b", "c"], "--pairs: expected one file, or"),
        (["--valid", "a.tsv"], "--valid: expected --pairs beside it"),
        (["--batch-size", "3"], "--batch-size: expected a multiple of --num-shards 2"),
        (["--min-length", "20"], "--min-length: expected --max-length 14 or less"),
        (["--dropout", "1"], "--dropout: expected a rate in [0, 1), got 1"),
        (["--num-epochs", "0"], "--num-epochs: expected 1 or more, got 0"),
        (["--learning-rate", "nan"], "--learning-rate: expected a number above 0"),
        (["--max-vocab", "4"], "--max-vocab: expected 5 or more, got 4"),
    ],
)
def test_main_refuses_in_one_line(args, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        summarize.main([*args, "--out", str(tmp_path)])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_main_names_the_broken_line(tmp_path, capsys):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"document": "a", "summary": "b"}\n{"document": \n', "utf-8")
    with pytest.raises(SystemExit):
        summarize.main(["--pairs", str(path), "--out", str(tmp_path)])
    assert "bad.jsonl', line 2: no JSON" in capsys.readouterr().err


def test_the_settings_are_those_of_the_config():
    config = Config(seed=7, dropout=0.1, num_shards=1)
    setting = summarize_config.make_setting(config)
    assert (setting.seed, setting.dropout, setting.num_shards) == (7, 0.1, 1)
    names = {field.name for field in dataclasses.fields(Config)}
    assert set(setting._fields) <= names
    assert typing.get_args(summarize_config.TokenName) == tuple(TOKENIZERS)


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


def test_who_does_not_copy_may_write_unknown_words():
    forbidden = {
        name: summarize_config.make_options(Config(architecture=name)).forbidden
        for name in ("copy", "ras_lstm", "ras_elman", "ras_lstm_without_attention")
    }
    assert UNK in forbidden.pop("copy")
    assert set(forbidden.values()) == {(BOS,)}
