"""Strictness for every test: float64, no silent promotion, repeatable examples."""

import gc
import itertools
import os
import random

import hypothesis
import jax
import pytest


# JAX's traces are many small objects that live long: looking through all of them for
# cycles as often as Python does by default takes a tenth of the time.
gc.set_threshold(100_000, 10, 100)

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
# Must come before anything starts the back-end: shard_map's tests need two devices.
jax.config.update("jax_num_cpu_devices", 2)
# Started at once: a program under test that wants one device would settle it for all.
if jax.devices()[0].platform == "gpu":
    # There float32 is multiplied as TF32 unless told otherwise: 10 bits.
    jax.config.update("jax_default_matmul_precision", "highest")

# No deadline: an example that meets a new shape pays for its compilation.
hypothesis.settings.register_profile(
    "jaxseq", deadline=None, derandomize=True, database=None, max_examples=25
)
hypothesis.settings.load_profile("jaxseq")


def pytest_collection_modifyitems(items):
    """Shuffles the tests by a seed, if one is given: none may need another."""
    if seed := os.environ.get("JAXSEQ_TEST_ORDER"):
        random.Random(seed).shuffle(items)


_tests_run = itertools.count(1)


@pytest.fixture(autouse=True)
def _forget_old_programs():
    # XLA:CPU maps each program into memory, and Linux allows a process 65,530 mappings:
    # with thousands of programs the next compilation aborts the process.
    yield
    if next(_tests_run) % 500 == 0:
        jax.clear_caches()
