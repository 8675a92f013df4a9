"""Compiled updates: what they need is counted, and what they get is on the devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.train import loop, programs, sharding, step
from jaxseq.train.state import Skips, State
from tests.train import tiny


pytestmark = pytest.mark.usefixtures("as_users_run_it")
NUM_LARGE = 10**9


def needed(update, monkeypatch):
    """What is said that an update needs, whose weights have 10^9 entries, in GB."""
    where = jax.sharding.SingleDeviceSharding(jax.devices()[0])

    def shape(*sizes, dtype=jnp.float32):
        return jax.ShapeDtypeStruct(sizes, dtype, sharding=where)

    count = shape(dtype=jnp.int32)
    state = State(shape(NUM_LARGE), (), (), Skips(count, count))
    monkeypatch.setattr(programs, "num_free", lambda: 10)
    # Nothing runs, so that nothing needs to be there.
    with pytest.raises(programs.TooLarge) as error:
        programs.Programs(update, state, 1, "").find(state, shape())
    return float(str(error.value).split(" GB ")[0].rpartition(" ")[2])


def test_weights_that_are_given_away_need_nothing_more(monkeypatch):
    def update(state, row):
        return state._replace(params=state.params + row), jnp.zeros((3,)) + row

    assert needed(update, monkeypatch) == 0.0


def test_what_an_update_returns_is_counted(monkeypatch):
    def update(state, row):
        return state, jnp.broadcast_to(row, (2 * NUM_LARGE,))

    assert needed(update, monkeypatch) == 8.0


def test_what_an_update_keeps_on_the_way_is_counted(monkeypatch):
    def update(state, row):
        return state, jax.lax.sort(state.params * row)[0]

    assert needed(update, monkeypatch) >= 4.0


def test_what_is_on_the_host_does_not_slip_into_an_update(monkeypatch):
    monkeypatch.setattr(sharding, "place_batch", lambda where, batch: batch)
    training = tiny.begin(tiny.adam())
    update = step.make(tiny.cost, tiny.adam())
    progress = loop.train(update, tiny.batch_at, training, tiny.SETTING)
    assert isinstance(tiny.batch_at(0)["xs"], np.ndarray)
    with pytest.raises(Exception, match="Disallowed host-to-device transfer"):
        next(progress)
