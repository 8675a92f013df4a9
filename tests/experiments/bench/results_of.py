"""Made-up results for the tests of what reads them."""

from experiments.bench.problem import Point


def entry(name, milliseconds, against="jaxseq", form="lstm", **costs):
    costs = {"compile_seconds": 1.0, "temp": 600, "output": 400} | costs
    both = {
        "lower": 0.9e-3 * milliseconds,
        "median": 1e-3 * milliseconds,
        "upper": 1.2e-3 * milliseconds,
        "num_rounds": 20,
        "num_calls": 3,
    } | costs
    forward = both | {"median": 0.4e-3 * milliseconds}
    return {
        "form": form,
        "against": against,
        "error": 1e-7,
        "forward": forward,
        "backward": both,
    }


def record(times, point=None, busy=False, gemm=100.0, **others):
    """Returns a record of contenders that take so many milliseconds."""
    point = point or Point("lstm", 32, 256, 128, "float32")
    contenders = {
        name: milliseconds
        if isinstance(milliseconds, dict)
        else entry(name, milliseconds)
        for name, milliseconds in times.items()
    }
    return {
        "point": point._asdict(),
        "contenders": contenders,
        "num_flops": {"forward": 10**8, "backward": 3 * 10**8},
        "gemm": {"size": 2048, "jax": gemm},
        "busy": busy,
        "machine": {
            "platform": "cpu",
            "device": "cpu",
            "cpu": "Test CPU",
            "num_cores": 2,
            "system": "Linux x86_64",
            "python": "3.11.0",
            "versions": {"jax": "0.10.2"},
            "XLA_FLAGS": "",
            "keeps_freed_memory": True,
            "compiler_options": {},
        },
        "commit": {"commit": "abc", "is_changed": False},
    } | others
