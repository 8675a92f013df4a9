"""The language model's experiment: from a text to perplexities, a figure, a sample."""

import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import types
import typing

import jax
import matplotlib.image
import numpy as np
import pytest

from experiments import (
    cli,
    language_config,
    language_corpus,
    language_cost,
    language_model,
    language_training,
)
from experiments.language_config import CELLS, TOKENIZERS, Config, demo_config
from experiments.language_training import TooLarge
from jaxseq import language_model as model
from jaxseq.text import batches, tokens
from jaxseq.text.vocab import EOS, PAD, UNK
from jaxseq.train import digests
from jaxseq.train.signals import Stopped
from tests import disks
from tests.train.agreeing import of_two
from tests.train.kills import free_address, started


TINY = [
    *("--batch-size", "4", "--num-steps", "8", "--num-hidden", "16"),
    *("--num-inputs", "8", "--num-updates", "60", "--learning-rate", "0.03"),
    *("--num-evaluations", "2", "--num-sampled", "30"),
]


@pytest.fixture(autouse=True)
def as_users_run_it():
    # Optax raises a float to an integer power, which strict promotion refuses.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    rng = np.random.default_rng(0)
    lines = []
    for animal, place in rng.integers(0, 3, (200, 2)):
        name, at = ("cat", "dog", "cow")[animal], ("mat", "log", "hay")[place]
        lines.append(f"the {name} sat on the {at} .")
    path = tmp_path_factory.mktemp("text") / "farm.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture
def config(text, tmp_path):
    return Config(
        text=text,
        batch_size=4,
        num_steps=8,
        num_hidden=16,
        num_inputs=8,
        num_updates=60,
        learning_rate=0.03,
        num_evaluations=2,
        num_sampled=30,
        out=tmp_path,
    )


def unigram_perplexity(ids):
    rates = np.bincount(ids[1:]) / (len(ids) - 1)
    return float(np.exp(-np.mean(np.log(rates[ids[1:]]))))


@pytest.mark.parametrize(
    "cell",
    [pytest.param(c, marks=() if c == "lstm" else pytest.mark.slow) for c in CELLS],
)
def test_train_falls_below_the_unigram(config, cell):
    config = dataclasses.replace(config, cell=cell, num_updates=40)
    result = language_model.train(config)
    unigram = unigram_perplexity(language_model.read(config).valid)
    assert result["valid_perplexity"] < 0.6 * unigram


@pytest.mark.slow
def test_train_is_deterministic(config):
    config = dataclasses.replace(config, dropout=0.2, num_updates=9)
    first, second = language_model.train(config), language_model.train(config)
    assert first == second
    other = language_model.train(dataclasses.replace(config, seed=1))
    assert other["valid"] != first["valid"]


def test_train_reports_what_it_did(config):
    reports = []
    config = dataclasses.replace(config, num_updates=7, num_evaluations=3)
    result = language_model.train(config, lambda *report: reports.append(report))
    assert [updates for updates, _ in result["valid"]] == [3, 6, 7]
    assert [updates for updates, _ in result["train"]] == list(range(1, 8))
    assert result["stopped_by"] == "schedule"
    assert result["num_tokens"] == reports[-1][1] == 7 * 4 * 8
    assert [round(7 * fraction) for fraction, _, _ in reports] == list(range(1, 8))
    assert reports[-1][0] == 1
    json.dumps(result)


def test_train_stops_by_the_clock(config):
    result = language_model.train(dataclasses.replace(config, minutes=1e-6))
    assert (result["stopped_by"], result["num_updates"]) == ("clock", 1)
    assert len(result["valid"]) == 1


def test_train_with_resets_does_not_see_over_the_end_of_a_line(config):
    cells = language_config.make_cells(config)
    corpus = language_model.read(config)
    params = model.init(
        jax.random.key(0), cells, len(corpus.vocab.tokens), 8, 16, np.float32
    )
    (chunk, *_) = batches.stream(corpus.train, 4, 8)
    zeros = model.zero_states(cells, params, (4,))
    ones = jax.tree.map(lambda a: a + 1, zeros)
    ends = np.argmax(chunk.inputs == EOS, axis=0)
    later = np.arange(8)[:, None] >= ends
    after = chunk._replace(weights=chunk.weights * later.astype(np.float32))
    cost = language_cost.cost_of
    assert cost(config, cells, params, zeros, after)[0] == pytest.approx(
        float(cost(config, cells, params, ones, after)[0]), rel=1e-6
    )
    carried = dataclasses.replace(config, resets=False)
    assert cost(carried, cells, params, zeros, after)[0] != pytest.approx(
        float(cost(carried, cells, params, ones, after)[0]), rel=1e-4
    )


def test_cost_does_not_count_the_filled_tail(config):
    cells = language_config.make_cells(config)
    params = model.init(jax.random.key(0), cells, 12, 8, 16, np.float32)
    ids = np.random.default_rng(0).integers(0, 12, 30).astype(np.int32)
    *_, chunk = batches.stream(ids, 4, 5)
    empty = chunk.weights == 0
    assert empty.any()
    other = chunk._replace(
        inputs=np.where(empty, np.int32(9), chunk.inputs),
        targets=np.where(empty, np.int32(3), chunk.targets),
    )
    zeros = model.zero_states(cells, params, (4,))

    def cost(params, chunk):
        return language_cost.cost_of(config, cells, params, zeros, chunk)[0]

    value, gradient = jax.value_and_grad(cost)(params, chunk)
    other_value, other_gradient = jax.value_and_grad(cost)(params, other)
    assert value == other_value
    jax.tree.map(np.testing.assert_array_equal, gradient, other_gradient)


def test_mean_cost_is_that_of_the_text_in_one_piece(config):
    config = dataclasses.replace(config, batch_size=1, num_steps=7, resets=False)
    cells = language_config.make_cells(config)
    params = model.init(jax.random.key(0), cells, 12, 8, 16, np.float32)
    ids = np.random.default_rng(0).integers(0, 12, 24).astype(np.int32)
    zeros = model.zero_states(cells, params, (1,))

    def cost(*args):
        return language_cost.cost_of(config, cells, *args)

    whole = model.score(cells, params, None, ids[:-1], ids[1:]).nats
    assert language_cost.mean_cost(cost, params, zeros, ids, config) == pytest.approx(
        float(np.mean(whole)), rel=1e-5
    )


def test_fit_carries_the_states_and_starts_the_text_afresh(config):
    config = dataclasses.replace(
        config, batch_size=1, resets=False, learning_rate=1e-12, num_evaluations=1
    )
    ids = np.random.default_rng(0).integers(0, 12, 25).astype(np.int32)
    config = dataclasses.replace(config, num_updates=4)
    cells = language_config.make_cells(config)
    fitted = language_training.fit(config, cells, 12, ids, ids, lambda *_: None)
    whole = model.score(cells, fitted.params, None, ids[:-1], ids[1:]).nats
    expected = np.asarray(whole).reshape(3, 8).mean(axis=1)
    assert [number for number, _ in fitted.train] == [1, 2, 3, 4]
    nats = [nats for _, nats in fitted.train]
    np.testing.assert_allclose(nats, [*expected, expected[0]], rtol=1e-5)


def test_fit_drops_in_training_anew_each_time_and_never_when_it_measures(config):
    config = dataclasses.replace(
        config, batch_size=1, resets=False, learning_rate=1e-12, num_evaluations=1
    )
    ids = np.random.default_rng(0).integers(0, 12, 25).astype(np.int32)
    config = dataclasses.replace(config, num_updates=4, dropout=0.5)
    cells = language_config.make_cells(config)
    fitted = language_training.fit(config, cells, 12, ids, ids, lambda *_: None)
    whole = np.asarray(model.score(cells, fitted.params, None, ids[:-1], ids[1:]).nats)
    assert fitted.valid == [(4, pytest.approx(np.exp(whole.mean()), rel=1e-5))]
    first = whole[:8].mean()
    # The first chunk twice, the weights unmoved: each time other units are dropped.
    nats = [nats for _, nats in fitted.train]
    assert abs(nats[0] - first) > 1e-4
    assert abs(nats[3] - nats[0]) > 1e-4


def test_sample_holds_no_special_word(config, text):
    config = dataclasses.replace(config, max_vocab=8, num_updates=5, temperature=5.0)
    corpus = language_model.read(config)
    assert UNK in corpus.train
    assert len(corpus.vocab.tokens) == 8
    lines = language_model.train(config)["sample"]
    assert lines
    assert set(" ".join(lines).split()) <= set(corpus.vocab.tokens[4:])


def test_from_files_holds_out_the_end(text):
    corpus = language_corpus.from_files(text, None, tokens.words, 100)
    num_tokens = 200 * 8
    assert len(corpus.valid) - 1 == num_tokens // 20
    assert len(corpus.train) - 1 == num_tokens - num_tokens // 20
    assert corpus.train[0] == corpus.valid[0] == EOS
    words = [corpus.vocab.tokens[i] for i in corpus.train[1:9]]
    assert words[0] == "the"
    assert words[6:] == [".", "<eos>"]


def test_from_files_counts_words_of_the_training_text_only(tmp_path):
    train, valid = tmp_path / "a.txt", tmp_path / "b.txt"
    train.write_text("x y\n\n  \nx\n", "utf-8")
    valid.write_text("y z\n", "utf-8")
    corpus = language_corpus.from_files(train, valid, tokens.words, 100)
    assert corpus.vocab.tokens[4:] == ("x", "y")
    assert corpus.train.tolist() == [EOS, 4, 5, EOS, 4, EOS]
    assert corpus.valid.tolist() == [EOS, 5, UNK, EOS]
    letters = language_corpus.from_files(train, valid, tokens.characters, 100)
    assert letters.vocab.tokens[4:] == (" ", "x", "y")


@pytest.mark.slow
def test_from_debian_has_both_splits():
    corpus = language_corpus.from_debian(tokens.words, 500)
    assert len(corpus.train) > 20 * len(corpus.valid) > 1_000_000
    assert PAD not in corpus.train
    assert corpus.vocab.tokens.index("library") < 100


def test_main_writes_numbers_and_figure(text, tmp_path, capsys):
    language_model.main(["--text", str(text), "--out", str(tmp_path), *TINY])
    folder = tmp_path / "language_model"
    assert sorted(p.name for p in folder.iterdir()) == [
        *("checkpoints", "lstm.json", "lstm.jsonl", "lstm.png")
    ]
    assert list((folder / "checkpoints").iterdir()) == []
    result = json.loads((folder / "lstm.json").read_text("utf-8"))
    printed = capsys.readouterr()
    assert f"{result['valid_perplexity']:.1f}" in printed.out
    assert f"{result['bigram_perplexity']:.1f}" in printed.out
    assert all(line in printed.out for line in result["sample"])
    assert "100%" in printed.err
    assert matplotlib.image.imread(folder / "lstm.png")[..., :3].std() > 0.05


def test_main_goes_without_matplotlib(text, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    tiny = ["--text", str(text), "--out", str(tmp_path), *TINY, "--num-updates", "2"]
    language_model.main(tiny)
    files = (tmp_path / "language_model").iterdir()
    assert "lstm.png" not in [p.name for p in files]
    assert "no figure" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--cell", "transformer"], "--cell"),
        (["--tokens", "bytes"], "--tokens"),
        (["--num-hidden", "-3"], "--num-hidden: expected 1 or more, got -3"),
        (["--num-hidden", "99999999999"], "--num-hidden: expected 1000000 or less"),
        (["--num-layers", "101"], "--num-layers: expected 100 or less, got 101"),
        (["--num-steps", "99999999999"], "--num-steps: expected 2147483647 or less"),
        (["--batch-size", "0"], "--batch-size: expected 1 or more, got 0"),
        (["--learning-rate", "nan"], "--learning-rate: expected a number above 0"),
        (["--dropout", "1"], "--dropout: expected a rate in [0, 1), got 1"),
        (["--minutes", "-1"], "--minutes: expected a number above 0, got -1"),
        (["--max-vocab", "4"], "--max-vocab: expected 5 or more, got 4"),
        (["--seed", "-1"], "--seed"),
        (["--accumulate", "5"], "--accumulate: expected a divisor of --batch-size 32"),
        (["--devices", "0"], "--devices: expected 1 or more, got 0"),
        (["--devices", "two"], "--devices"),
        (["--devices", "3"], "--devices: expected --batch-size 32 to be a multiple of"),
        (
            ["--devices", "16", "--accumulate", "4"],
            "to be a multiple of it times --accumulate 4, got 16",
        ),
        (["--devices", "4"], "--devices: expected 2 or less, as many as JAX has (XLA_"),
        (["--overfit", "0"], "--overfit: expected 1 or more, got 0"),
        (["--resume", "yes"], "--resume"),
        (["--valid", "x.txt"], "--valid: expected a text to train on beside it"),
        (["--text", "/nowhere/x.txt"], "No such file"),
        (["--text", "/"], "Is a directory"),
    ],
)
def test_main_refuses_in_one_line(args, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        language_model.main([*args, "--out", str(tmp_path)])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n\t\n\n", "only white space"),
        (b"good\nbad \xff\xfe\n", "invalid UTF-8 at byte 9"),
        (b"one two three\n", "tokens to train on, but one update takes 4 x 8 = 32"),
    ],
)
def test_main_refuses_a_bad_text(content, message, tmp_path, capsys):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as stop:
        language_model.main(["--text", str(path), "--out", str(out), *TINY])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert "bad.txt" in error
    assert error.count("\n") == 1
    assert list((out / "language_model").iterdir()) == []


def test_main_refuses_a_model_that_no_machine_holds(text, tmp_path, capsys):
    args = ["--text", str(text), "--out", str(tmp_path), *TINY]
    with pytest.raises(SystemExit) as stop:
        language_model.main([*args, "--num-hidden", "900000"])
    assert stop.value.code == 2
    error = capsys.readouterr().err.splitlines()
    assert "3.2e+12 weights" in error[-1]
    assert sum("error" in line for line in error) == 1


@pytest.mark.parametrize("is_enough", [True, False])
def test_a_model_needs_the_memory_of_its_training(config, is_enough, monkeypatch):
    known = len(language_model.read(config).vocab.tokens)
    # An LSTM of 16 cells reads 8 numbers; a table and an output layer, with biases.
    num_weights = known * 8 + 4 * 16 * (8 + 16 + 1) + known * (16 + 1)
    free = 16 * num_weights - (not is_enough)
    monkeypatch.setattr(language_training.programs, "num_free", lambda: free)
    cells = language_config.make_cells(config)
    refusal = pytest.raises(TooLarge, match=r"^\d\.\de\+03 weights, .* are free; give")
    with contextlib.nullcontext() if is_enough else refusal:
        language_training._check_size(config, cells, known)


@pytest.mark.parametrize(
    "raised",
    [MemoryError(), jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 bytes")],
    ids=repr,
)
def test_main_ends_in_one_line_without_memory(raised, text, tmp_path, monkeypatch):
    def fit(*args):
        raise raised

    monkeypatch.setattr(language_model, "fit", fit)
    with pytest.raises(SystemExit, match="^error: not enough memory; try") as stop:
        language_model.main(["--text", str(text), "--out", str(tmp_path), *TINY])
    assert "\n" not in stop.value.code


def test_main_hides_no_other_error_of_the_runtime(text, tmp_path, monkeypatch):
    def fit(*args):
        raise jax.errors.JaxRuntimeError("INTERNAL: a fault")

    monkeypatch.setattr(language_model, "fit", fit)
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        language_model.main(["--text", str(text), "--out", str(tmp_path), *TINY])


@pytest.mark.parametrize("name", ["lstm.json", "lstm.png", "lstm.jsonl"])
def test_main_asks_before_training_whether_it_can_write(
    name, text, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(language_model, "train", None)  # never called
    (tmp_path / "language_model" / name).mkdir(parents=True)
    with pytest.raises(SystemExit) as stop:
        language_model.main(["--text", str(text), "--out", str(tmp_path), *TINY])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: cannot write")
    assert f"{name}: it is a folder" in error
    assert error.count("\n") == 1


def test_main_says_in_one_line_that_the_disk_is_full(text, tmp_path, monkeypatch):
    def write(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(language_model, "fit", _fit_little)
    monkeypatch.setattr(language_model.results, "write_json", write)
    with pytest.raises(SystemExit, match="^error: .*No space left on device$"):
        language_model.main(["--text", str(text), "--out", str(tmp_path), *TINY])


def test_a_full_disk_ends_it_in_one_line_and_the_checkpoint_stays(
    config, tmp_path, monkeypatch
):
    config = dataclasses.replace(config, num_updates=6, num_evaluations=1)
    folder = cli.results_folder(tmp_path, "language_model")
    with pytest.raises(Stopped):
        language_model.train(config, stopped_at(2), folder)
    before = disks.contents(folder / "checkpoints")
    assert before
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=0))
        with pytest.raises(SystemExit) as stop:
            language_model.run(config)
    place = folder / "checkpoints" / "lstm" / "step_0000000006"
    message = f"error: cannot write the checkpoint '{place}': No space left on device"
    assert stop.value.code == message
    assert disks.contents(folder / "checkpoints") == before
    language_model.run(config)
    result = json.loads((folder / "lstm.json").read_text("utf-8"))
    assert result["num_updates"] == 6


@pytest.mark.parametrize("is_there", [True, False])
def test_main_refuses_a_folder_without_permission(is_there, capsys):
    with disks.shared_folder() as out:
        if is_there:
            (out / "language_model").mkdir()
        with disks.closed(out) as reason, pytest.raises(SystemExit) as stop:
            language_model.main(["--out", str(out), *TINY])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.endswith(f": {reason}\n")
    assert error.count("\n") == 1


def _fit_little(config, *args):
    return language_training.fit(dataclasses.replace(config, num_updates=1), *args)


def test_main_stops_when_the_loss_is_no_number(text, tmp_path, capsys):
    args = ["--text", str(text), "--out", str(tmp_path), *TINY]
    with pytest.raises(SystemExit) as stop:
        language_model.main([*args, "--learning-rate", "1e38"])
    assert "update 2" in str(stop.value.code) or "update 3" in stop.value.code
    assert "not finite" in stop.value.code
    assert "\n" not in stop.value.code
    assert not (tmp_path / "language_model" / "lstm.json").exists()


def test_main_stops_when_what_it_writes_is_no_number(text, tmp_path, monkeypatch):
    """Weights of a large rate are finite, and what comes of them may not be."""

    def fit(*args):
        fitted = _fit_little(*args)
        huge = jax.tree.map(lambda leaf: np.full_like(leaf, 1e38), fitted.params)
        return fitted._replace(params=huge)

    monkeypatch.setattr(language_model, "fit", fit)
    with pytest.raises(SystemExit) as stop:
        language_model.main(["--text", str(text), "--out", str(tmp_path), *TINY])
    assert stop.value.code == (
        "error: the model's logits are not finite, so it writes nothing; try a smaller "
        "learning rate"
    )
    assert not (tmp_path / "language_model" / "lstm.json").exists()


def test_main_ends_cleanly_when_interrupted(text, tmp_path, capsys, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(language_model, "fit", interrupt)
    with pytest.raises(SystemExit) as stop:
        language_model.main(["--text", str(text), "--out", str(tmp_path), *TINY])
    assert stop.value.code == 130
    assert capsys.readouterr().err == "stopped by the keyboard\n"
    assert list((tmp_path / "language_model").iterdir()) == []


SMALL = dict(num_updates=24, num_evaluations=3, dropout=0.2)


def stopped_at(number):
    """A report that has a signal come when so many updates are done."""
    calls = itertools.count(1)

    def report(*args):
        if next(calls) == number:
            signal.raise_signal(signal.SIGTERM)

    return report


def bits(folder, config):
    """Reads what the newest checkpoint says of its weights, moments and states."""
    newest = max((folder / "checkpoints" / config.cell).glob("step_*"))
    text = digests.unsealed((newest / "checkpoint.json").read_bytes())
    return {name: leaf["sha256"] for name, leaf in json.loads(text)["leaves"].items()}


@pytest.mark.parametrize(
    ("changes", "num_stops"),
    [
        ({}, 1),
        *(
            pytest.param(changes, num_stops, marks=pytest.mark.slow)
            for changes, num_stops in (
                ({"accumulate": 2}, 20),
                ({"precision": "bfloat16"}, 1),
                ({"cell": "gru"}, 1),
            )
        ),
    ],
)
def test_train_goes_on_where_it_was_stopped(
    config, changes, num_stops, tmp_path, capsys
):
    config = dataclasses.replace(config, **SMALL, **changes)
    expected = language_model.train(config, folder=tmp_path)
    wanted = bits(tmp_path, config)
    again = language_model.train(config, folder=tmp_path)
    assert again == expected  # over, it says what it said
    afresh = dataclasses.replace(config, resume="none")
    for number in np.random.default_rng(3).integers(2, 24, num_stops).tolist():
        with pytest.raises(Stopped) as stop:
            language_model.train(afresh, stopped_at(number - 1), tmp_path)
        assert (stop.value.code, stop.value.number) == (143, number)
        assert language_model.train(config, folder=tmp_path) == expected
        assert bits(tmp_path, config) == wanted
        assert f"going on after update {number}\n" in capsys.readouterr().err
        lines = (tmp_path / f"{config.cell}.jsonl").read_text("utf-8").splitlines()
        numbers = [json.loads(line)["number"] for line in lines]
        assert sorted(numbers) == sorted([*range(1, 25), 8, 16, 24])


def test_train_refuses_the_checkpoint_of_another_training(config, tmp_path, capsys):
    config = dataclasses.replace(config, num_updates=2, out=tmp_path)
    folder = tmp_path / "language_model"
    folder.mkdir()
    language_model.train(config, folder=folder)
    with pytest.raises(SystemExit) as stop:
        language_model.run(dataclasses.replace(config, learning_rate=0.1))
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert "another training: learning_rate differ; --resume none starts" in error
    language_model.run(dataclasses.replace(config, learning_rate=0.1, resume="none"))
    assert list((folder / "checkpoints").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("which", ["text", "valid"])
def test_train_refuses_the_checkpoint_of_another_text(config, which):
    ids = {"text": np.arange(9), "valid": np.arange(5)}
    others = ids | {which: ids[which][::-1]}
    mine, other = (
        language_training._settings(config, 9, each["text"], each["valid"])
        for each in (ids, others)
    )
    assert {name for name in mine if mine[name] != other[name]} == {which}


def test_parts_of_a_batch_give_what_the_whole_gives(config):
    config = dataclasses.replace(config, num_updates=12, num_evaluations=1)
    whole = language_model.train(config)["valid"]
    parts = language_model.train(dataclasses.replace(config, accumulate=4))["valid"]
    np.testing.assert_allclose(parts, whole, rtol=1e-4)


def test_two_devices_give_what_one_gives_and_go_on_from_it(config, tmp_path):
    config = dataclasses.replace(config, num_updates=6, num_evaluations=1, accumulate=2)
    expected = language_model.train(config)
    moved = dataclasses.replace(config, devices=2)
    assert language_training.make_layout(moved).mesh.size == 2
    with pytest.raises(Stopped):
        language_model.train(config, stopped_at(2), tmp_path)
    found = language_model.train(moved, folder=tmp_path)
    np.testing.assert_allclose(found["train"], expected["train"], rtol=1e-6)
    np.testing.assert_allclose(found["valid"], expected["valid"], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("num_devices", [2, 4, 8])
def test_many_devices_give_what_one_gives(text, tmp_path, num_devices):
    tiny = ["--text", str(text), *TINY, "--batch-size", "8", "--num-updates", "20"]

    def trained(number):
        force = f"--xla_force_host_platform_device_count={number}"
        out = tmp_path / str(number)
        run = subprocess.run(
            [sys.executable, "-m", "experiments.language_model", *tiny]
            + ["--devices", str(number), "--out", str(out)],
            env=os.environ | {"XLA_FLAGS": force, "JAX_PLATFORMS": "cpu"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return json.loads((out / "language_model" / "lstm.json").read_text("utf-8"))

    found, expected = trained(num_devices), trained(1)
    np.testing.assert_allclose(found["train"], expected["train"], atol=1e-5)


@pytest.mark.slow
def test_two_processes_give_what_one_gives(text, tmp_path):
    command = ("-m", "experiments.language_model", "--text", text, *TINY)

    def start(name, *options):
        return started(*command, "--num-updates", 6, "--out", tmp_path / name, *options)

    meet = ("--devices", 2, "--address", free_address(), "--num-processes", 2)
    with contextlib.ExitStack() as stack:
        starts = [start("two", *meet, "--process", number) for number in (0, 1)]
        runs = [stack.enter_context(each) for each in (*starts, start("one"))]
        said = [run.communicate(timeout=300) for run in runs]
        assert [run.returncode for run in runs] == [0, 0, 0], said
    two, one = (
        json.loads((tmp_path / name / "language_model" / "lstm.json").read_text())
        for name in ("two", "one")
    )
    for curve in ("train", "valid"):
        np.testing.assert_allclose(two[curve], one[curve], rtol=1e-5)
    assert "bigram" in said[0][0]
    assert "bigram" not in said[1][0]  # only the first speaks


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"minutes": 0.1}, "--minutes"),
        ({"debug": True}, "--debug"),
        ({"resume": "none"}, "--resume"),
        ({"num_evaluations": 3}, "--num-evaluations"),
        ({"out": pathlib.Path("elsewhere"), "seed": 1}, "--seed, --out"),
        ({"text": pathlib.Path("the same text")}, None),
    ],
)
def test_processes_of_other_options_are_refused(
    other, named, config, monkeypatch, capsys
):
    monkeypatch.chdir(config.out)
    of_two(monkeypatch)
    others = dataclasses.replace(config, **other)
    # A folder may be named from anywhere.
    mine = dataclasses.replace(config, out=pathlib.Path())
    for each in (others, mine):
        with pytest.raises(SystemExit, match="2"):
            language_model.run(each)
    _, error = capsys.readouterr().err.splitlines()
    if named is None:  # it is the next that is wrong: two processes, and one device
        assert error.startswith("error: --devices")
    else:
        assert error == (
            f"error: processes of one training differ in {named}; give all the same "
            "command, and a folder that they share"
        )


@pytest.mark.slow
def test_processes_of_other_times_end_at_once(text, tmp_path):
    options = ("-m", "experiments.language_model", "--text", text, *TINY)
    meet = ("--devices", 2, "--address", free_address(), "--num-processes", 2)
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                started(
                    *(*options, *meet, "--out", tmp_path),
                    *("--process", number, "--minutes", minutes),
                )
            )
            for number, minutes in enumerate((0.05, 5))
        ]
        said = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [2, 2], said
    for error in said:
        assert "error: processes of one training differ in --minutes; give" in error


SLOW_TO_WRITE = """
import sys, time
from experiments import language_model, results
from jaxseq.train import processes

write = results.write_json
processes.LEAVING_SECONDS = 2
results.write_json = lambda *args: (time.sleep(6), write(*args))[1]
language_model.main(sys.argv[1:])
"""


@pytest.mark.slow
def test_processes_wait_for_the_one_that_writes_the_results(text, tmp_path):
    options = ("--text", text, *TINY, "--num-updates", 2, "--out", tmp_path)
    meet = ("--devices", 2, "--address", free_address(), "--num-processes", 2)
    with contextlib.ExitStack() as stack:
        runs = [
            stack.enter_context(
                started("-c", SLOW_TO_WRITE, *options, *meet, "--process", number)
            )
            for number in (0, 1)
        ]
        said = [run.communicate(timeout=300) for run in runs]
        assert [run.returncode for run in runs] == [0, 0], said
    assert (tmp_path / "language_model" / "lstm.json").exists()


# Opened by the leader of a session, a terminal is the session's.
AT_A_TERMINAL = """
import os, sys
from jaxseq.__main__ import main

os.close(os.open(os.ttyname(0), os.O_RDWR))
sys.exit(main())
"""


@pytest.mark.slow
def test_a_closed_terminal_leaves_a_checkpoint(text, tmp_path):
    options = ("--text", text, *TINY, "--num-updates", 10**6, "--out", tmp_path)
    ours, its = pty.openpty()
    streams = {"stdin": its, "stream": its, "start_new_session": True}
    with started("-c", AT_A_TERMINAL, "lm", *options, **streams) as process:
        os.close(its)
        shown = b""
        while b"tokens/s" not in shown:
            shown += os.read(ours, 4096)
        os.close(ours)
        assert process.wait(timeout=30) == 129
    assert len(list((tmp_path / "language_model/checkpoints/lstm").iterdir())) == 1


@pytest.mark.parametrize("is_first", [True, False])
def test_main_leaves_when_the_results_are_written(
    is_first, text, tmp_path, monkeypatch
):
    seen = []
    numbers = tmp_path / "language_model" / "lstm.json"
    monkeypatch.setattr(language_model, "fit", _fit_little)
    monkeypatch.setattr(
        language_model.runs, "of_the_first", lambda what: what if is_first else None
    )
    monkeypatch.setattr(
        language_model.processes, "wait", lambda: seen.append(numbers.exists())
    )
    language_model.main(["--text", str(text), "--out", str(tmp_path), *TINY])
    # After the checkpoint, then at the end.
    assert seen == [False, is_first]


@pytest.mark.parametrize(
    "options",
    [
        ("--num-processes", "2"),
        ("--address", "auto", "--process", "1"),
        ("--address", "nowhere"),
    ],
)
def test_main_refuses_processes_that_cannot_meet(options, text, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        language_model.main(["--text", str(text), "--out", str(tmp_path), *options])
    (line,) = capsys.readouterr().err.splitlines()
    assert "--address" in line


def test_given_less_time_than_it_has_had_it_measures_where_it_is(config, tmp_path):
    config = dataclasses.replace(config, num_evaluations=1)
    with pytest.raises(Stopped) as stop:
        language_model.train(config, stopped_at(3), tmp_path)
    shorter = dataclasses.replace(config, minutes=1e-6)
    found = language_model.train(shorter, folder=tmp_path)
    assert found["num_updates"] == stop.value.number
    assert [number for number, _ in found["valid"]] == [stop.value.number]
    assert found["valid_perplexity"] == found["valid"][0][1]


def test_one_chunk_is_learnt_by_heart(config):
    config = dataclasses.replace(config, overfit=1, num_evaluations=1)
    assert language_model.train(config)["train"][-1][1] < 1.5


def test_smoke_is_two_updates(config):
    result = language_model.train(dataclasses.replace(config, smoke=True))
    assert result["num_updates"] == 2
    assert len(result["valid"]) == 1


def test_debug_stops_at_once(config, text, tmp_path):
    args = ["--text", str(text), "--out", str(tmp_path), *TINY, "--debug"]
    with pytest.raises(SystemExit) as stop:
        language_model.main([*args, "--learning-rate", "1e38"])
    assert "\n" not in str(stop.value.code)
    assert str(stop.value.code).startswith("error: ")


@pytest.mark.slow
def test_narrow_products_cost_less_than_a_hundredth(config):
    """bfloat16 against float32, 5 seeds: the final loss within 1 %."""
    for seed in range(5):
        wide = dataclasses.replace(config, seed=seed, num_updates=200)
        narrow = dataclasses.replace(wide, precision="bfloat16")
        costs = [
            np.log(language_model.train(c)["valid"][-1][1]) for c in (wide, narrow)
        ]
        assert abs(costs[1] / costs[0] - 1) < 0.01


def test_the_names_of_the_command_line_are_those_of_the_tables():
    assert typing.get_args(language_config.CellName) == tuple(CELLS)
    assert typing.get_args(language_config.TokenName) == tuple(TOKENIZERS)
    assert {demo_config(cell).cell for cell in CELLS} == set(CELLS)
