"""What needs two devices: conftest makes two of a CPU, a machine may have one GPU."""

import jax
import pytest


two_devices = pytest.mark.skipif(
    jax.device_count() < 2, reason="needs two devices, and JAX has one here"
)
