"""Training: it learns to copy, on one device as on two, and resumes to the bit."""

import jax
import numpy as np
import pytest

from jaxseq.summarize import batches, checkpoint, copy_model, summarizer, training
from jaxseq.summarize.constraints import Options
from jaxseq.summarize.examples import Document, Example
from jaxseq.summarize.training import Setting
from jaxseq.text import vocab
from jaxseq.text.vocab import EOS


WORDS = [f"w{k}" for k in range(8)]
KNOWN = vocab.build([WORDS])
NUM_IDS = len(KNOWN.tokens)
MODEL = copy_model.model(NUM_IDS, 8, 12)
SETTING = Setting(batch_size=16, num_epochs=3, learning_rate=0.02, dropout=0.1)


@pytest.fixture(autouse=True)
def as_users_run_it():
    # Optax raises a float to an integer power, which strict promotion refuses.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            yield


def draw(num, seed):
    """The summary is the word after "w0"; half of the words are outside."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(num):
        ids = rng.integers(5, NUM_IDS, rng.integers(3, 7))
        place = rng.integers(0, len(ids) - 1)
        ids[place], ids[place + 1] = 4, rng.choice([NUM_IDS, rng.integers(5, NUM_IDS)])
        outside = ("new",) if NUM_IDS in ids else ()
        document = Document(ids.astype(np.int32), outside)
        made.append(Example(document, np.array([ids[place + 1], EOS], np.int32)))
    return made


TRAIN, VALID = draw(160, 0), draw(40, 1)


def start(setting):
    params = MODEL.init(jax.random.key(0))
    size = setting.batch_size // setting.num_shards
    return training.init(params, setting), batches.shapes_of(TRAIN + VALID, size, 1)


def run(setting, state=None, stop=None):
    first, shapes = start(setting)
    steps = training.train(MODEL, TRAIN, VALID, shapes, state or first, setting)
    made = []
    for now in steps:
        made.append(now)
        if len(made) == stop:
            break
    return made


@pytest.mark.slow
def test_it_learns_to_copy_words_that_it_has_never_seen():
    made = run(SETTING._replace(num_epochs=20))
    assert made[-1].fraction == 1
    assert made[-1].state.best_nats < 0.3
    written = list(
        summarizer.summarize(
            MODEL,
            made[-1].state.best,
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


@pytest.mark.slow
def test_a_run_that_goes_on_gives_the_bits_of_one_that_never_stopped(tmp_path):
    setting = SETTING._replace(num_epochs=2)
    whole = run(setting)
    about = checkpoint.about(KNOWN, {})
    num_batches = len(whole) // 2
    for stop in (3, num_batches, num_batches + 2):
        part = run(setting, stop=stop)
        checkpoint.save(tmp_path / "a.npz", part[-1].state, about)
        state = checkpoint.load(tmp_path / "a.npz", start(setting)[0], about)
        rest = run(setting, state)
        assert len(rest) == len(whole) - stop
        assert [now.nats for now in rest] == [now.nats for now in whole[stop:]]
        jax.tree.map(
            np.testing.assert_array_equal, rest[-1].state.best, whole[-1].state.best
        )


@pytest.mark.slow
def test_two_devices_do_what_one_does():
    one = run(SETTING._replace(num_epochs=1))
    _, shapes = start(SETTING._replace(num_shards=2))
    setting = SETTING._replace(num_epochs=1, num_shards=2)
    two = run(setting)
    assert len(two) == len(one)
    # The same examples, cut otherwise: the same cost at the first weights.
    first = [sum(now.num_examples for now in made) for made in (one, two)]
    assert first == [160, 160]
    assert two[-1].valid_nats == pytest.approx(one[-1].valid_nats, rel=0.2)


@pytest.mark.slow
def test_a_batch_costs_the_same_on_two_devices():
    setting = SETTING._replace(num_shards=2, dropout=0.0)
    state, shapes = start(setting)
    planned = batches.plan(TRAIN, 8, shapes, seed=0, epoch=0, num_shards=2)
    halves = batches.build(TRAIN, 8, planned[0])
    update, _ = training.programs(MODEL, 2, setting.clip_norm, 0.0)
    key, rate = jax.random.key(0), np.float32(0.01)
    given = jax.tree.map(np.asarray, (state.params, state.optimizer_state))
    both, _, nats = update(*given, halves, rate, key)
    parts = [jax.tree.map(lambda a, k=k: a[k], halves) for k in range(2)]
    count = sum((part.packing.steps < part.targets.size).sum() for part in parts)

    def loss(params):
        return sum(copy_model.score(params, part).sum() for part in parts) / count

    wanted, d_params = jax.jit(jax.value_and_grad(loss))(state.params)
    assert nats == pytest.approx(float(wanted), rel=1e-5)
    optimizer = training._optimizer(setting.clip_norm)
    steps, _ = optimizer.update(d_params, state.optimizer_state)
    jax.tree.map(
        lambda new, old, step: np.testing.assert_allclose(
            new, old - rate * step, rtol=1e-3, atol=1e-4
        ),
        both,
        state.params,
        steps,
    )


def test_it_stops_when_nothing_is_gained_and_keeps_the_best():
    setting = SETTING._replace(num_epochs=30, learning_rate=0.3, patience=1)
    made = run(setting)
    held_out = [now.valid_nats for now in made if now.valid_nats is not None]
    assert 1 < len(held_out) < 30
    assert held_out[-1] >= min(held_out) == made[-1].state.best_nats
    assert held_out[-1] > held_out[-2] or len(held_out) == 2


def test_each_batch_drops_others():
    state, shapes = start(SETTING)
    setting = SETTING._replace(learning_rate=1e-30, num_epochs=2)
    steps = training.train(MODEL, [TRAIN[0]] * 64, VALID, shapes, state, setting)
    assert len({now.nats for now in steps}) == 8


def test_the_rate_rises_and_falls():
    setting = Setting(learning_rate=2.0, warmup=0.1)
    for done, expected in ((0.05, 1.0), (0.1, 2.0), (0.55, 1.0), (1.0, 0.0)):
        assert training.rate(setting, done) == pytest.approx(expected, abs=1e-12)
    assert training.rate(setting._replace(warmup=0.0), 0.0) == 2.0


def test_a_cost_that_is_not_finite_says_where():
    with pytest.raises(FloatingPointError, match=r"at batch \d+ of epoch 0: a smaller"):
        run(SETTING._replace(learning_rate=1e30))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_epochs": 0}, "setting.num_epochs: expected an integer ≥ 1, got 0"),
        ({"dropout": 1.0}, "setting.dropout: expected a number in"),
        ({"clip_norm": 0.0}, "setting.clip_norm: expected a number above 0"),
        ({"num_shards": 3}, "setting.batch_size: expected a multiple of num_shards"),
        ({"num_shards": 16}, "setting.num_shards: expected at most 2"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    state, shapes = start(SETTING)
    with pytest.raises(ValueError, match=f"^{message}"):
        next(
            training.train(
                MODEL, TRAIN, VALID, shapes, state, SETTING._replace(**change)
            )
        )
