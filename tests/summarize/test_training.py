"""Training: it learns to copy, on any devices alike."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import setting as settings, summarizer, training
from jaxseq.summarize.constraints import Options
from jaxseq.summarize.setting import Setting
from jaxseq.train import loop
from jaxseq.train.loop import Diverged
from tests.summarize.tiny import KNOWN, MODEL, NUM_BATCHES, SETTING, TRAIN, run


@pytest.fixture(autouse=True)
def as_users_run_it():
    # Optax raises a float to an integer power, which strict promotion refuses.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            yield


@pytest.mark.slow
def test_it_learns_to_copy_words_that_it_has_never_seen():
    *_, end = run(SETTING._replace(num_epochs=20))
    assert end.position.number == 20 * NUM_BATCHES
    assert end.position.best < 0.3
    written = list(
        summarizer.summarize(
            MODEL,
            end.state.params,
            KNOWN,
            [["w3", "w0", "zebra", "w5"], [], ["w2", "w0", "w6"] + ["w5"] * 30],
            Options(beam_size=2, max_length=3),
            max_words=6,
        )
    )
    assert [summary.words for summary in written] == [["zebra"], [], ["w6"]]
    assert [(s.num_read, s.num_left) for s in written] == [(4, 0), (0, 0), (6, 27)]
    assert written[0].weights.shape == (1, 4)
    assert written[0].weights[0].argmax() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"num_shards": 2},
        pytest.param({"accumulate": 2}, marks=pytest.mark.slow),
        pytest.param({"num_shards": 2, "accumulate": 4}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_parts_of_a_batch_do_what_the_whole_does(changes):
    setting = SETTING._replace(num_epochs=1, dropout=0.0)
    whole = [made.mean for made in list(run(setting))[:-1]]
    *parts, end = run(setting._replace(**changes))
    assert len(whole) == len(parts) == NUM_BATCHES
    np.testing.assert_allclose([made.mean for made in parts], whole, rtol=1e-4)
    # Every target once: a word and the end of each summary.
    assert end.position.num_counted == 2 * len(TRAIN)


def test_each_update_drops_others():
    setting = SETTING._replace(learning_rate=1e-30, num_epochs=2)
    *made, _ = run(setting, [TRAIN[0]] * 64)
    assert len({each.mean for each in made}) == 8


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.55, 1.0])
def test_the_rate_rises_and_falls(fraction):
    setting = Setting(learning_rate=2.0, warmup=0.1)
    expected = {0.05: 1.0, 0.1: 2.0, 0.55: 1.0, 1.0: 0.0}[fraction]
    found = training.rate(setting, 100, round(100 * fraction) - 1)
    assert found == pytest.approx(expected, abs=1e-6)
    flat = training.rate(setting._replace(warmup=0.0), 10**6, 0)
    assert flat == pytest.approx(2.0)


def test_the_rate_is_that_of_the_updates_number():
    """Adam's first step is as long as the rate; moved on, as long as the later one."""
    setting = Setting(learning_rate=0.1, warmup=0.5)
    optimizer = training.make_optimizer(
        1.0, functools.partial(training.rate, setting, 8)
    )
    params = jnp.float32(0)
    moments = optimizer.init(params)
    for number, expected in ((0, 0.025), (2, 0.075)):
        moved = training.moved_to(moments, number)
        step, _ = optimizer.update(jnp.float32(0.5), moved, params)
        assert -step == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("is_spoiled", [False, True])
def test_weights_are_renormalized_at_the_end_of_an_epoch_alone(is_spoiled):
    def renormalize(params):
        return params._replace(bias=jnp.full_like(params.bias, 7.0))

    def score(params, batch, *, dropout=0.0, key=None):
        nats = MODEL.score(params, batch, dropout=dropout, key=key)
        return jnp.nan * nats if is_spoiled and key is not None else nats

    model = MODEL._replace(renormalize=renormalize, score=score)
    is_new = []
    for made in run(SETTING._replace(num_epochs=2), model=model):
        if isinstance(made, loop.Progress):
            assert made.is_applied == (not is_spoiled)
            bias = np.asarray(made.training.state.params.bias)
            is_new.append(bool((bias == 7).all()))
    # What is not applied leaves the weights, to the bit.
    ends = [(n + 1) % NUM_BATCHES == 0 for n in range(2 * NUM_BATCHES)]
    assert is_new == [is_end and not is_spoiled for is_end in ends]


def test_a_cost_that_is_not_finite_ends_it():
    setting = SETTING._replace(learning_rate=1e30)
    with pytest.raises(Diverged, match="(not finite|cost is nan) .* smaller learning"):
        list(run(setting))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_epochs": 0}, "setting.num_epochs: expected an integer ≥ 1, got 0"),
        ({"dropout": 1.0}, "setting.dropout: expected a number in"),
        ({"clip_norm": 0.0}, "setting.clip_norm: expected a number above 0"),
        ({"num_shards": 3}, "setting.batch_size: expected a multiple of num_shards"),
        ({"accumulate": 3}, "setting.batch_size: expected a multiple of num_shards"),
        ({"num_shards": 16}, "num_devices: expected at most 2"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        settings.layout_of(SETTING._replace(**change))
