"""The benchmark's tests run as its users do, and leave other tests' programs alone."""

import jax
import pytest

from experiments.bench import machine, measure, on_jax


@pytest.fixture(autouse=True)
def as_users_run_it(monkeypatch):
    # A run clears JAX's caches before each compilation, to see it cold. Here that would
    # only make the tests that follow compile again.
    monkeypatch.setattr(on_jax.jax, "clear_caches", lambda: None)
    # The libraries promote dtypes and ranks as JAX does by itself.
    with (
        jax.enable_x64(False),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
    ):
        yield


@pytest.fixture
def idle(monkeypatch):
    """An idle machine whose product of matrices takes no time to measure."""
    rates = {"size": 8, "jax": 100.0}
    monkeypatch.setattr(measure.gemm, "rates", lambda dtype, with_torch: dict(rates))
    monkeypatch.setattr(machine, "idle_share", lambda: 0.95)
    monkeypatch.setattr(machine, "seconds_of_others", lambda: 3.0)
