"""Strictness for every test: float64, no silent promotion, repeatable examples."""

import gc
import itertools
import os
import random
import tempfile

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

# Many tests train the same small models: what takes long to compile is kept until the
# process ends. Nobody else reads it, as JAX does not write a file in one piece.
_programs = tempfile.TemporaryDirectory()
jax.config.update("jax_compilation_cache_dir", _programs.name)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)

# No deadline: an example that meets a new shape pays for its compilation.
hypothesis.settings.register_profile(
    "jaxseq", deadline=None, derandomize=True, database=None, max_examples=25
)
hypothesis.settings.load_profile("jaxseq")


def pytest_collection_modifyitems(items):
    """Shuffles the tests by a seed, if one is given: none may need another.

    The files are shuffled, and the tests in each: what these share is made once.
    """
    if seed := os.environ.get("JAXSEQ_TEST_ORDER"):
        random.Random(seed).shuffle(items)
        files = list(dict.fromkeys(item.path for item in items))
        items.sort(key=lambda item: files.index(item.path))


_tests_run = itertools.count(1)


@pytest.fixture(autouse=True)
def _forget_old_programs():
    # XLA:CPU maps each program into memory, and Linux allows a process 65,530 mappings:
    # with thousands of programs the next compilation aborts the process.
    yield
    if next(_tests_run) % 500 == 0:
        jax.clear_caches()
