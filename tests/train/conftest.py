"""Training as users run it: in float32, and optax raises floats to integer powers."""

import jax
import pytest


@pytest.fixture
def as_users_run_it():
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield
