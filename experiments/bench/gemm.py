"""The machine's own rate of matrix products, which recurrent layers are held against.

Measured beside the layers, in the same run: `jnp.dot` of two square matrices in the
dtype of the point, and PyTorch's product of the same for information.
"""

import importlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from . import on_jax, timing
from .problem import NO_OPTIONS, DTypeName


NUM_ROUNDS = 5


def rates(dtype: DTypeName, with_torch: bool, size: int | None = None) -> dict:
    """Measures products of `[size, size]` matrices.

    Args:
        dtype: of the matrices.
        with_torch: whether PyTorch is there to be measured as well.
        size: None for 2048 on a CPU, 8192 elsewhere.

    Returns:
        `size`, and GFLOP/s by library: medians, two operations for a multiply-add.
    """
    size = size or (2048 if jax.default_backend() == "cpu" else 8192)
    calls: dict[str, Callable[[], Any]] = {"jax": _by_jax(dtype, size)}
    if with_torch:
        calls["torch"] = _by_torch(dtype, size)
    times = timing.interleaved(calls, NUM_ROUNDS)
    gflops = {name: 2e-9 * size**3 / times[name].median for name in calls}
    return {"size": size, **gflops}


def _by_jax(dtype: DTypeName, size: int) -> Callable[[], Any]:
    keys = jax.random.split(jax.random.key(0), 2)
    a, b = (jax.random.normal(key, (size, size), jnp.dtype(dtype)) for key in keys)
    return on_jax.compiled(jnp.dot, NO_OPTIONS, a, b).run


def _by_torch(dtype: DTypeName, size: int) -> Callable[[], Any]:
    torch = importlib.import_module("torch")
    device = "cpu" if jax.default_backend() == "cpu" else "cuda"
    a, b = (
        torch.randn(size, size, device=device).to(getattr(torch, dtype))
        for _ in range(2)
    )

    def run():
        product = torch.mm(a, b)
        if device == "cuda":
            torch.cuda.synchronize()
        return product

    return run
