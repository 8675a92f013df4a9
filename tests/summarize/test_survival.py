"""A summarizer that is killed, stopped, and gone on with: the same bits."""

import signal
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxseq.train import folders, signals, stores
from jaxseq.train.signals import Stopped
from tests.summarize import tiny
from tests.summarize.tiny import NUM_BATCHES, SETTING, run
from tests.train.kills import check_kills


@pytest.fixture
def as_users_run_it():
    # Optax raises a float to an integer power, which strict promotion refuses.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            yield


def curve(now):
    kept = ("number", "mean", "count", "norm", "held_out")
    return [{k: r[k] for k in kept if k in r} for r in now.position.records]


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("changes", [{}, {"accumulate": 2}, {"num_shards": 2}], ids=str)
@pytest.mark.slow
def test_stopped_anywhere_it_goes_on_to_the_same_bits(tmp_path, changes):
    setting = SETTING._replace(**changes)
    *_, whole = run(setting)
    draws = np.random.default_rng(20)
    for trial in range(20):
        number = int(draws.integers(1, 3 * NUM_BATCHES))
        folder = tmp_path / str(trial)
        stop = signals.Stop()
        with stores.opened(folder, {}) as store:
            part = run(setting, store=store, stop=stop)
            for _ in range(number - 1):
                next(part)
            stop.hear(signal.SIGTERM, None)
            with pytest.raises(Stopped, match="143"):
                list(part)
        assert folders.numbers(folder)[-1] == number
        with stores.opened(folder, {}) as store:
            *_, found = run(setting, store=store)
        assert curve(found) == curve(whole)
        jax.tree.map(np.testing.assert_array_equal, found.state, whole.state)


@pytest.mark.slow
def test_killed_at_any_instant_it_ends_in_the_same_bits(tmp_path):
    num_kills = 20
    options = ("--num-epochs", 4 * num_kills, "--accumulate", 2)
    program = Path(tiny.__file__)
    num_in_saves = check_kills(tmp_path, num_kills, *options, program=program)
    assert num_in_saves >= num_kills // 10
