"""Phases of a training: where each begins and ends, and what is the best of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import batches, phases, training
from jaxseq.summarize.decoder import Decoder
from jaxseq.summarize.examples import Document, Example
from jaxseq.summarize.model import Model
from jaxseq.summarize.phases import Phase
from jaxseq.summarize.training import Setting
from jaxseq.text.vocab import EOS


def stub(aim):
    """A number that is to become `aim`."""

    def score(params, batch, *, dropout=0.0, key=None):
        del dropout, key
        is_target = batch.packing.steps < batch.targets.size
        return jnp.where(is_target, jnp.square(params - aim), 0.0)

    def init(key):
        del key
        return jnp.float32(0)

    def nothing(*args):
        raise NotImplementedError(args)

    return Model(init, nothing, score, Decoder(nothing, nothing))


FIRST, LAST = stub(1.0), stub(-1.0)
PARTS = [Phase(FIRST, 2), Phase(LAST, 3)]
SETTING = Setting(batch_size=4, num_epochs=3, learning_rate=0.1)
EXAMPLE = Example(Document(np.array([5], np.int32), ()), np.array([EOS], np.int32))
TRAIN, VALID = [EXAMPLE] * 12, [EXAMPLE]
SHAPES = batches.shapes_of(TRAIN, SETTING.batch_size, 1)


@pytest.fixture(autouse=True)
def as_users_run_it():
    # Optax raises a float to an integer power, which strict promotion refuses.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            yield


def run(parts, setting=SETTING, state=None):
    first = training.init(FIRST.init(None), setting)
    steps = phases.train(parts, TRAIN, VALID, SHAPES, state or first, setting)
    made = []
    for now in steps:
        state = jax.tree.map(np.array, now.state)
        state = state._replace(
            **{name: getattr(now.state, name) for name in ("epoch", "batch")}
        )
        made.append(now._replace(state=state))
    return made


@pytest.fixture(scope="module")
def whole():
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            return run(PARTS), run([Phase(FIRST, 3)])


def test_each_phase_has_its_own_aim_in_one_schedule(whole):
    turned, plain = whole
    num_before = 2 * len(plain) // 3
    same = [a.nats == b.nats for a, b in zip(turned, plain, strict=True)]
    assert same == [True] * num_before + [False] * (len(plain) - num_before)
    # The schedule is one: the fractions go on.
    assert [now.fraction for now in turned] == [now.fraction for now in plain]


def test_the_best_is_of_the_last_phase(whole):
    turned, _ = whole
    held_out = [now.valid_nats for now in turned if now.valid_nats is not None]
    assert turned[-1].state.best_nats == held_out[-1]
    # Whatever the phase before came to: here to what no later one can reach.
    unreachable = turned[-1].state._replace(
        best_nats=-1.0, num_worse=SETTING.patience, epoch=1, batch=0
    )
    gone_on = run(PARTS, state=unreachable)
    assert (gone_on[0].state.epoch, gone_on[0].state.batch) == (2, 1)
    assert gone_on[-1].state.best_nats > 0


def test_it_goes_on_from_within_the_last_phase(whole):
    turned, _ = whole
    for place in (-len(turned) // 3 - 1, -3):
        rest = run(PARTS, state=turned[place].state)
        assert [now.nats for now in rest] == [now.nats for now in turned[place + 1 :]]
        assert rest[-1].state.best_nats == turned[-1].state.best_nats
    assert run(PARTS, state=turned[-1].state) == []


@pytest.mark.parametrize("ends", [(), (2,), (0, 3), (2, 2, 3), (4,)])
def test_ends_that_do_not_rise_to_the_last_epoch_are_refused(ends):
    with pytest.raises(ValueError, match="^phases: expected ends that rise to 3"):
        run([Phase(FIRST, end) for end in ends])
