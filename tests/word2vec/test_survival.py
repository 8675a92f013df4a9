"""Word vectors whose training is killed, stopped, and gone on with: the same bits."""

import signal
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.train import folders, loop, signals
from tests.devices import two_devices
from tests.train import outcome
from tests.train.kills import check_kills, checkpoints, numbers_of, running
from tests.word2vec import tiny


PROGRAM = {"program": Path(tiny.__file__)}
# 6,000 words in 600 sentences: 13 spans of 512 places.
NUM_SPANS = 13
NUM_UPDATES = 4 * NUM_SPANS


@pytest.fixture
def as_users_run_it():
    with jax.enable_x64(False):
        yield


def run(folder, **options):
    folder.mkdir(exist_ok=True)
    *progress, end = tiny.train(folder, **options)
    return end, progress


def stopped(folder, number, **options):
    """Trains until a signal comes after so many updates."""
    folder.mkdir()
    stop = signals.Stop()
    progress = tiny.train(folder, stop=stop, **options)
    for _ in range(number - 1):
        next(progress)
    stop.hear(signal.SIGTERM, None)
    assert next(progress).training.position.number == number
    with pytest.raises(signals.Stopped):
        next(progress)


@two_devices
@pytest.mark.usefixtures("as_users_run_it")
def test_two_devices_go_on_to_the_same_bits(tmp_path):
    of_two = {"setting": tiny.SETTING._replace(num_shards=2)}
    expected, _ = run(tmp_path / "whole", **of_two)
    stopped(tmp_path / "stopped", 21, **of_two)
    found, progress = run(tmp_path / "stopped", **of_two)
    assert len(progress) == NUM_UPDATES - 21
    assert outcome.digest(found) == outcome.digest(expected)
    assert curve(found) == curve(expected)
    on_one, _ = run(tmp_path / "one")
    assert outcome.digest(found) != outcome.digest(on_one)


def curve(end):
    return [(r["number"], r["mean"], r["count"]) for r in end.position.records]


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("num_stops", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_stopped_anywhere_it_goes_on_to_the_same_bits(tmp_path, num_stops):
    expected, _ = run(tmp_path / "whole")
    assert expected.position.number == NUM_UPDATES
    draw = np.random.default_rng(0)
    for trial in range(num_stops):
        folder = tmp_path / str(trial)
        number = int(draw.integers(1, NUM_UPDATES))
        stopped(folder, number)
        assert folders.numbers(folder / "checkpoints") == [number]
        found, progress = run(folder)
        assert len(progress) == NUM_UPDATES - number
        assert outcome.digest(found) == outcome.digest(expected)
        assert curve(found) == curve(expected)
        assert found.position.num_counted == expected.position.num_counted


@pytest.mark.usefixtures("as_users_run_it")
def test_a_flipped_bit_is_refused_and_the_one_before_taken(tmp_path, capsys):
    expected, _ = run(tmp_path, save_every=50)
    newest = folders.place(tmp_path / "checkpoints", NUM_UPDATES)
    files = (path for path in newest.rglob("*") if path.is_file())
    largest = max(files, key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    found, progress = run(tmp_path)
    assert len(progress) == NUM_UPDATES - 50
    assert outcome.digest(found) == outcome.digest(expected)
    error = capsys.readouterr().err
    assert error.startswith("warning: ")
    assert "is damaged" in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("as_users_run_it")
def test_matrices_that_are_not_finite_end_it_at_the_last_good_checkpoint(
    tmp_path, monkeypatch
):
    """Where the sampled loss is finite still, the next checkpoint is not written."""
    train = loop.train

    def spoiled(update, batch_at, training, setting, **options):
        def spoils(state, batch, key):
            state, report = update(state, batch, key)
            outputs = state.params.outputs
            row = jnp.where(batch.rates[0] < 0.05, jnp.inf, outputs[0])
            params = state.params._replace(outputs=outputs.at[0].set(row))
            zeros = jax.tree.map(jnp.zeros_like, report)
            report = zeros._replace(is_applied=jnp.array(True))
            return state._replace(params=params), report

        return train(spoils, batch_at, training, setting, **options)

    monkeypatch.setattr(loop, "train", spoiled)
    with pytest.raises(loop.Diverged, match=r"the last good checkpoint .* update 25\)"):
        run(tmp_path, save_every=5)
    assert checkpoints(tmp_path) == [20, 25]


@pytest.mark.parametrize("num_kills", [1, pytest.param(100, marks=pytest.mark.slow)])
def test_killed_at_any_instant_it_ends_in_the_same_bits(tmp_path, num_kills):
    options = ("--num-epochs", 3 * num_kills)
    num_in_saves = check_kills(tmp_path, num_kills, *options, **PROGRAM)
    assert num_in_saves >= num_kills // 10


@pytest.mark.slow
@pytest.mark.parametrize("signum", signals.SIGNALS)
def test_a_signal_leaves_a_checkpoint(tmp_path, signum):
    options = ("--save-every", 0, "--sleep", 0.01)
    with running(tmp_path, *options, **PROGRAM) as process:
        for _ in range(7):
            process.stdout.readline()
        started = time.monotonic()
        process.send_signal(signum)
        out, error = process.communicate(timeout=60)
        assert time.monotonic() - started < 5
        assert (process.returncode, error) == (128 + signum, "")
    assert checkpoints(tmp_path) == [numbers_of(out.splitlines())[-1]]
