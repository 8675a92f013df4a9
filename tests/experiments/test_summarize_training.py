"""A summarizer's training as the program has it: phases, stops, kills, damage."""

import dataclasses
import itertools
import json
import signal
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import (
    summarize,
    summarize_corpus,
    summarize_models,
    summarize_training,
)
from experiments.summarize_config import Config
from experiments.summarize_corpus import Corpus, Part
from experiments.summarize_models import Phase
from experiments.summarize_training import checkpoints, train
from jaxseq.summarize import training
from jaxseq.summarize.decoder import Decoder
from jaxseq.summarize.model import Model
from jaxseq.summarize.pairs import Pair
from jaxseq.text import vocab
from jaxseq.train import folders, state
from jaxseq.train.checkpoint import OtherTraining
from jaxseq.train.loop import Diverged
from jaxseq.train.signals import Stopped
from tests.train.kills import started


@pytest.fixture(autouse=True)
def as_users_run_it():
    # Optax raises a float to an integer power, which strict promotion refuses.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            yield


def stub(aim):
    """A number that is to become `aim`; noise in training."""

    def score(params, batch, *, dropout=0.0, key=None):
        noise = 0.0 if key is None else dropout * jax.random.normal(key, ())
        is_target = batch.packing.steps < batch.targets.size
        return jnp.where(is_target, jnp.square(params - aim + noise), 0.0)

    def init(key):
        del key
        return jnp.float32(0)

    def nothing(*args):
        raise NotImplementedError(args)

    return Model(init, nothing, score, Decoder(nothing, nothing))


FIRST, LAST = stub(1.0), stub(-1.0)
PHASES = [Phase(FIRST, 3), Phase(LAST, 5)]
CONFIG = Config(
    batch_size=4, num_epochs=5, learning_rate=0.1, num_shards=1, dropout=0.2, patience=3
)
NUM_EPOCH = 6


def part(num, first):
    pairs = [Pair(f"a b c w{n % 7}", f"w{n % 7}") for n in range(first, first + num)]
    return Part(
        pairs, [p.document.split() for p in pairs], [p.summary.split() for p in pairs]
    )


def corpus(num_train=24):
    train = part(num_train, 0)
    known = vocab.build([*train.documents, *train.summaries])
    return Corpus("words", known, train, part(5, 100), part(2, 200), 0)


def run(folder, report=lambda *_: None, phases=PHASES, pairs=None, **changes):
    folder.mkdir(exist_ok=True)
    config = dataclasses.replace(CONFIG, **changes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summarize_models, "phases", lambda *_: phases)
        return train(config, pairs or corpus(), folder, report)


def told(trained):
    return trained._replace(seconds=0.0, params=float(trained.params))


def stopped_at(number, signum=signal.SIGTERM):
    """A report that has a signal come when so many updates are done."""
    calls = itertools.count(1)

    def report(*args):
        if next(calls) == number:
            signal.raise_signal(signum)

    return report


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            folder = tmp_path_factory.mktemp("whole")
            fractions = []
            trained = run(folder, lambda fraction, *_: fractions.append(fraction))
            return folder, trained, fractions


def test_each_phase_has_its_own_aim_in_one_schedule(whole, tmp_path):
    folder, trained, fractions = whole
    assert trained.num_updates == 5 * NUM_EPOCH
    assert fractions == pytest.approx(np.arange(1, 31) / 30)
    # Costs that count no penalty fall, then rise with the other aim, and fall again.
    assert len(trained.valid_nats) == 5
    assert trained.valid_nats[2] < trained.valid_nats[0]
    assert trained.valid_nats[3] > trained.valid_nats[2]
    alone = run(tmp_path, phases=[Phase(FIRST, 5)])
    assert alone.nats[: 3 * NUM_EPOCH] == trained.nats[: 3 * NUM_EPOCH]
    assert alone.nats[3 * NUM_EPOCH] != trained.nats[3 * NUM_EPOCH]
    lines = (folder / "training.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 30 + 5


def drifting():
    """What it learns makes its held-out cost, a small one, rise."""

    def score(params, batch, *, dropout=0.0, key=None):
        nats = FIRST.score(params, batch, dropout=dropout, key=key)
        return 1e-3 * LAST.score(params, batch) if key is None else nats

    return FIRST._replace(score=score)


def test_the_best_is_of_the_last_phase(tmp_path):
    trained = run(tmp_path, phases=[Phase(drifting(), 3), PHASES[1]], patience=1)
    # Patience ends the phase before; the last one begins at its own epoch.
    before, last = (folders.numbers(place) for place in checkpoints(tmp_path, 2))
    assert before == [NUM_EPOCH, 2 * NUM_EPOCH]
    assert last[-1] == trained.num_updates == 5 * NUM_EPOCH
    assert len(trained.valid_nats) == 2 + 2
    # Whatever the phase before came to.
    assert trained.valid_nats[0] < min(trained.valid_nats[2:])
    found = (float(trained.params) + 1) ** 2
    assert found == pytest.approx(min(trained.valid_nats[2:]), rel=1e-5)


def test_a_phase_begins_with_its_own_rate_and_nothing_to_beat():
    optimizer = training.make_optimizer(1.0, lambda number: 0.1)
    now = state.begin(jnp.float32(0), optimizer)
    now = now._replace(position=now.position._replace(best=0.5, num_worse=3, number=7))
    begun = summarize_training._begun(now, 18)
    assert begun.position._replace(number=7, best=0.5, num_worse=3) == now.position
    assert begun.position.number == 18
    assert begun.position.best is None
    assert begun.position.num_worse == 0
    assert begun.state.optimizer_state[-1].count == 18


@pytest.mark.parametrize(
    ("num_stops", "accumulate"),
    [(2, 1), *(pytest.param(20, n, marks=pytest.mark.slow) for n in (1, 2))],
)
def test_stopped_anywhere_it_goes_on_to_the_same_bits(
    whole, tmp_path, num_stops, accumulate, capsys
):
    in_parts = {"accumulate": accumulate}
    found = whole[1] if accumulate == 1 else run(tmp_path / "whole", **in_parts)
    expected = told(found)
    draws = np.random.default_rng(num_stops)
    for trial in range(num_stops):
        folder, number = tmp_path / str(trial), int(draws.integers(1, 29))
        signum, code = ((signal.SIGTERM, 143), (signal.SIGINT, 130))[trial % 2]
        with pytest.raises(Stopped) as stop:
            run(folder, stopped_at(number, signum), **in_parts)
        # It was heard after the update before the next one was done.
        assert (stop.value.code, stop.value.number) == (code, number + 1)
        assert told(run(folder, **in_parts)) == expected
        assert f"going on after update {number + 1}\n" in capsys.readouterr().err
    again = run(tmp_path / "0", **in_parts)
    assert told(again) == expected  # over, it says what it said


def test_a_flipped_bit_is_seen_and_the_one_before_gone_back_to(whole, tmp_path, capsys):
    with pytest.raises(Stopped):
        run(tmp_path, stopped_at(15))
    places = checkpoints(tmp_path, 2)
    newest = folders.place(places[0], 16)
    assert folders.numbers(places[0])[-1] == 16
    files = [path for path in newest.rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 4
    largest.write_bytes(content)
    capsys.readouterr()
    assert told(run(tmp_path)) == told(whole[1])
    error = capsys.readouterr().err
    assert error.startswith(f"warning: {str(newest)!r} is damaged")
    assert "going on after update 12\n" in error


def test_without_the_best_weights_the_last_are_taken_with_a_warning(tmp_path, capsys):
    phases = [Phase(drifting(), 3)]
    best = run(tmp_path, phases=phases)
    # The best are those after the first epoch, older than the newest two.
    place = folders.place(checkpoints(tmp_path, 1)[0], NUM_EPOCH)
    (place / "checkpoint.json").write_bytes(b"")
    last = run(tmp_path, phases=phases)
    assert last.num_updates == best.num_updates
    assert float(last.params) > float(best.params)
    error = capsys.readouterr().err
    assert f"warning: {str(place)!r} is damaged" in error
    assert error.endswith("; the last weights are taken instead\n")


def test_afresh_nothing_of_an_old_run_is_left(tmp_path):
    run(tmp_path)
    first = run(tmp_path, seed=1, resume="none")
    assert told(first) == told(run(tmp_path, seed=1))
    with pytest.raises(OtherTraining, match="another training: seed differ"):
        run(tmp_path)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"dropout": 0.1}, "dropout"),
        ({"overfit": 1}, "overfit"),
        ({"pairs": corpus(25)}, "pairs"),
        ({"pairs": corpus()._replace(valid=part(5, 101))}, "valid"),
    ],
    ids=["dropout", "overfit", "pairs", "valid"],
)
def test_another_training_is_refused(tmp_path, changes, named):
    with pytest.raises(Stopped):
        run(tmp_path, stopped_at(1))
    with pytest.raises(OtherTraining, match=f"another training: .*{named}.* differ"):
        run(tmp_path, **changes)


def test_it_goes_on_on_other_devices(whole, tmp_path):
    with pytest.raises(Stopped):
        run(tmp_path, stopped_at(15), dropout=0.0)
    found = run(tmp_path, num_shards=2, dropout=0.0)
    expected = run(tmp_path / "one", dropout=0.0)
    np.testing.assert_allclose(found.nats, expected.nats, rtol=1e-4, atol=1e-6)


def test_some_batches_are_read_again_and_again(tmp_path):
    trained = run(tmp_path, phases=[Phase(drifting(), 5)], overfit=2, patience=1)
    assert trained.num_updates == 5 * NUM_EPOCH  # patience does not end it
    # The weights are the best ones, not the last ones.
    first, *rest = trained.valid_nats
    assert first < min(rest)
    assert 1e-3 * (float(trained.params) + 1) ** 2 == pytest.approx(first, rel=1e-5)
    data = summarize_training._read(CONFIG, corpus())
    config = dataclasses.replace(CONFIG, overfit=2)
    ids = [
        summarize_training._batch_at(config, data, number).examples.documents.ids
        for number in range(2 * NUM_EPOCH)
    ]
    for number, batch in enumerate(ids):
        np.testing.assert_array_equal(batch, ids[number % 2])
    assert (ids[0] != ids[1]).any()


def test_what_is_not_finite_ends_it_at_once_with_debug(tmp_path):
    with pytest.raises(Diverged, match="from update 1 on, 1 in a row"):
        run(tmp_path, phases=[Phase(stub(float("nan")), 5)], debug=True)
    # Else some updates may be skipped, as all are up to the first held-out cost.
    with pytest.raises(Diverged, match=f"cost is nan after update {NUM_EPOCH}"):
        run(tmp_path / "long", phases=[Phase(stub(float("nan")), 5)])


FARM = [
    *("--num-inputs", "6", "--num-hidden", "8", "--batch-size", "16", "--num-epochs"),
    *("60", "--max-length", "4", "--beam-size", "2", "--learning-rate", "0.02"),
    *("--max-words", "8", "--num-shown", "1", "--num-shards", "1", "--patience", "60"),
    *("--accumulate", "2"),
]


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    path = tmp_path_factory.mktemp("farm") / "farm.tsv"
    rows = [f"the cat no{n} sat on a mat\tcat no{n}\n" for n in range(120)]
    path.write_text("".join(rows), "utf-8")
    return path


def summarizing(farm, out):
    command = ("-m", "experiments.summarize", "--pairs", farm, "--out", out)
    return started(*command, *FARM)


def weights_of(out):
    with np.load(out / "summarize" / "model.npz") as arrays:
        return {name: arrays[name] for name in arrays.files if name != "about"}


@pytest.mark.slow
def test_killed_or_stopped_a_program_ends_in_the_same_bits(farm, tmp_path):
    with summarizing(farm, tmp_path / "whole") as whole:
        whole.communicate(timeout=600)
        assert whole.returncode == 0
    log = tmp_path / "killed" / "summarize" / "training.jsonl"
    draws, last = np.random.default_rng(0), 0
    for signum in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
        with summarizing(farm, tmp_path / "killed") as process:
            until = last + int(draws.integers(20, 60))
            deadline = time.monotonic() + 300
            while _last_number(log) < until and time.monotonic() < deadline:
                assert process.poll() is None, process.communicate()
                time.sleep(0.005)
            process.send_signal(signum)
            _, error = process.communicate(timeout=60)
        assert process.returncode == (
            -signal.SIGKILL if signum == signal.SIGKILL else 128 + signum
        ), error
        if signum != signal.SIGKILL:
            assert "goes on after update" in error
        last = _last_number(log)
    with summarizing(farm, tmp_path / "killed") as process:
        _, error = process.communicate(timeout=600)
        assert process.returncode == 0, error
    assert "going on after update" in error
    found, expected = (weights_of(tmp_path / name) for name in ("killed", "whole"))
    assert found.keys() == expected.keys()
    for name, leaf in expected.items():
        np.testing.assert_array_equal(found[name], leaf)
    results = [
        json.loads((tmp_path / name / "summarize/result.json").read_text("utf-8"))
        for name in ("killed", "whole")
    ]
    for name in ("nats", "valid_perplexity", "num_updates", "rouge"):
        assert results[0][name] == results[1][name]
    assert not (tmp_path / "killed" / "summarize" / "checkpoints").exists()


def _last_number(log):
    if not log.exists():
        return 0
    lines = log.read_text("utf-8").splitlines()
    numbers = [json.loads(line)["number"] for line in lines if line.endswith("}")]
    return max(numbers, default=0)


@pytest.mark.slow
def test_smoke_tries_all_in_no_time(tmp_path, capsys):
    summarize.main(["--smoke", "--out", str(tmp_path)])
    text = (tmp_path / "summarize" / "result.json").read_text("utf-8")
    result = json.loads(text)
    assert result["corpus"]["num_train"] == summarize_corpus.NUM_SMOKE
    assert result["num_updates"] <= 4
    assert len(result["valid_perplexity"]) == 1
