"""Text that a language model writes: drawn as told, or not at all."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import generate, language_model
from jaxseq.cells import elman, gru, lstm_peephole


NUM_IDS = 7
ELMAN = (elman.cell(),)


@pytest.fixture
def cells():
    return (gru.reset_before(), lstm_peephole.cell())


def draw(cells):
    return language_model.init(
        jax.random.key(0), cells, NUM_IDS, num_inputs=3, num_hidden=4, dtype=jnp.float64
    )


def write(cells, params, seed=0, num_steps=40, allowed=None, **options):
    allowed = np.ones(NUM_IDS, bool) if allowed is None else allowed
    draw_text = functools.partial(
        generate.generate, cells=cells, num_steps=num_steps, **options
    )
    key = jax.random.key(seed)
    return np.asarray(
        jax.jit(draw_text)(key, params=params, first_id=np.int32(0), allowed=allowed)
    )


def test_generate_draws_what_is_allowed_and_depends_on_the_key(cells):
    params = draw(cells)
    allowed = np.arange(NUM_IDS) % 2 == 1
    ids = write(cells, params, allowed=allowed)
    assert set(ids.tolist()) == {1, 3, 5}
    np.testing.assert_array_equal(ids, write(cells, params, allowed=allowed))
    assert np.any(ids != write(cells, params, seed=1, allowed=allowed))


def test_generate_at_low_temperature_takes_the_likeliest(cells):
    params = draw(cells)
    ids = write(cells, params, temperature=1e-6)
    read = np.append(np.int32(0), ids[:-1])
    logits, _ = language_model.predict(cells, params, None, read)
    np.testing.assert_array_equal(ids, np.argmax(logits, axis=-1))


def test_generate_at_any_temperature_writes(cells):
    """Logits over it overflow; less the largest, the likeliest does not."""
    params = draw(cells)
    params = params._replace(readout=jax.tree.map(lambda w: 9 * w, params.readout))
    likeliest = write(cells, params, num_steps=5, temperature=1e-6)
    assert np.all(likeliest >= 0)

    def at(temperature):
        allowed = np.ones(NUM_IDS, bool)
        key = jax.random.key(0)
        return generate.generate(
            key, cells, params, 0, 5, allowed=allowed, temperature=temperature
        )

    np.testing.assert_array_equal(at(3e-308), likeliest)
    np.testing.assert_array_equal(jax.jit(at)(3e-308), likeliest)


@pytest.mark.parametrize("temperature", [1e39, np.inf])
def test_generate_draws_evenly_what_is_allowed_at_the_largest_temperature(temperature):
    params = jax.tree.map(lambda w: w.astype(jnp.float32), draw(ELMAN))
    allowed = np.arange(NUM_IDS) % 2 == 1
    ids = write(ELMAN, params, allowed=allowed, temperature=temperature)
    assert set(ids.tolist()) == {1, 3, 5}


@pytest.mark.parametrize("temperature", [1e-50, 1e-40])
def test_generate_refuses_a_temperature_that_is_0_in_the_models_dtype(temperature):
    params = jax.tree.map(lambda w: w.astype(jnp.float32), draw(ELMAN))
    with pytest.raises(ValueError, match="temperature: .* of float32 1.2e-38 at least"):
        write(ELMAN, params, temperature=temperature)


def test_generate_restarts_where_it_is_told():
    cells = ELMAN
    params = draw(cells)
    params = params._replace(embedding=2 * params.embedding)
    ids = write(cells, params, temperature=1e-6, restart_id=0)
    read = np.append(np.int32(0), ids[:-1])
    assert 0 in ids[:-1]
    logits, _ = language_model.predict(cells, params, None, read, resets=read == 0)
    np.testing.assert_array_equal(ids, np.argmax(logits, axis=-1))
    assert np.any(ids != write(cells, params, temperature=1e-6))


def test_generate_refuses():
    params = draw(ELMAN)
    with pytest.raises(ValueError, match="temperature: expected a number above 0"):
        write(ELMAN, params, temperature=0.0)
    with pytest.raises(ValueError, match="allowed: expected shape"):
        write(ELMAN, params, allowed=np.ones(3, bool))


@pytest.mark.parametrize(
    ("wrong", "num_right"),
    [
        ({}, 6),
        ({"first_id": np.int32(NUM_IDS)}, 0),
        ({"first_id": np.int64(-1)}, 0),
        ({"first_id": np.int64(2**32)}, 0),
        ({"first_id": np.uint8(200)}, 0),
        ({"restart_id": np.int32(NUM_IDS)}, 0),
        ({"restart_id": np.int32(-1)}, 0),
        ({"allowed": np.zeros(NUM_IDS, bool)}, 0),
        ({"temperature": 0.0}, 0),
        ({"temperature": -1.0}, 0),
        ({"temperature": np.nan}, 0),
    ],
    ids=str,
)
def test_generate_of_a_traced_wrong_value_gives_no_id(wrong, num_right):
    cells = ELMAN
    right = {"first_id": np.int32(0), "allowed": np.ones(NUM_IDS, bool)}
    right |= {"temperature": 1.0, "restart_id": np.int32(0)}

    def draw_text(params, traced):
        return generate.generate(
            jax.random.key(0), cells, params, num_steps=6, **traced
        )

    ids = np.asarray(jax.jit(draw_text)(draw(cells), right | wrong))
    assert ids.dtype == np.int32
    assert np.all(ids[:num_right] >= 0)
    assert np.all(ids[num_right:] == generate.NO_ID)


def test_generate_gives_no_id_from_the_first_logits_that_are_no_numbers():
    cells = ELMAN
    params = draw(cells)
    params = params._replace(embedding=params.embedding.at[3].set(jnp.nan))
    ids = write(cells, params, temperature=3.0).tolist()
    end = ids.index(3)  # what is drawn after it would be drawn from NaN
    assert generate.NO_ID not in ids[:end]
    assert set(ids[end + 1 :]) == {generate.NO_ID}
