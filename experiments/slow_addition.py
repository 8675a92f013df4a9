"""A GPU's slow addition of rows in two versions of XLA, avoided before JAX starts.

jaxlib 0.10.2 and 0.11.0 add float32 rows to a table on an NVIDIA GPU by a loop that is
hundreds of times too slow (jax issue 38806, xla issue 46225). A flag of LLVM has them
take the processor's own addition again. JAX reads it when it looks for devices: so it
is set by the programs that add rows, before anything else, and only where it is needed,
as an XLA without a GPU would not know it.
"""

import importlib.metadata
import importlib.util
import os


FLAG = "--xla_backend_extra_options=-nvptx-allow-ftz-atomics"
SLOW = ("0.10.2", "0.11.0")
PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")


def avoid() -> bool:
    """Sets the flag where it is needed, unless the user has set its like.

    Returns:
        Whether it was set.
    """
    given = os.environ.get("XLA_FLAGS", "")
    is_slow = importlib.metadata.version("jaxlib") in SLOW
    has_gpu = any(importlib.util.find_spec(name) for name in PLUGINS)
    if not (is_slow and has_gpu) or FLAG.partition("=")[0] in given:
        return False
    os.environ["XLA_FLAGS"] = f"{given} {FLAG}".strip()
    return True
