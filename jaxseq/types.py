"""Aliases, and the one table of dimensions that every docstring in jaxseq uses.

| letter | meaning                                                    |
|--------|------------------------------------------------------------|
| T      | time steps                                                 |
| B      | batch; `...` in a shape stands for any number of such axes |
| I      | inputs of a layer                                          |
| H      | hidden units (of an LSTM: cells)                           |
| G      | pre-activations of a step (LSTM 4H, GRU 3H, Elman H)       |
| O      | outputs of a layer or network                              |
| V      | entries of a vocabulary                                    |
| L      | layers of a stack                                          |
| M      | positions of a memory that is attended to                  |
| D      | features of a memory, an encoder's outputs                 |
| A      | features of a memory's keys                                |

Time comes first, then any batch axes, then features: `[T, ..., I]`. A single sequence
is `[T, I]`. Where two arrays share batch axes, these are written `*B`, and `...` are
axes of one of them alone. Weight matrices are `[to, from]`, as the papers write them:
`U x_t` with `U [H, I]` is `xs @ U.T` in code. Names: a stacked sequence is plural
(`xs`), one step carries its time (`x_t`, `s_tm1`), `d_x` is ∂L/∂x, and `delta_t` (δ_t)
is ∂L/∂ of a pre-activation.
"""

from typing import Any

import jax
import jax.numpy as jnp
import jax.typing


Array = jax.Array
Key = jax.Array  # from jax.random.key
Tree = Any  # a pytree of arrays: parameters, states, gradients
DTypeLike = jax.typing.DTypeLike


def accumulator(dtype: DTypeLike) -> jnp.dtype:
    """Returns the dtype in which sums of `dtype` are formed: float32 at least.

    Args:
        dtype: a floating-point dtype.
    """
    wide = jnp.float64 if dtype == jnp.float64 else jnp.float32
    return jnp.dtype(wide)
