"""Strictness for every test: float64, no silent promotion, repeatable examples."""

import hypothesis
import jax


jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
# Must come before anything starts the back-end: shard_map's tests need two devices.
jax.config.update("jax_num_cpu_devices", 2)

# No deadline: an example that meets a new shape pays for its compilation.
hypothesis.settings.register_profile(
    "jaxseq", deadline=None, derandomize=True, database=None, max_examples=25
)
hypothesis.settings.load_profile("jaxseq")
