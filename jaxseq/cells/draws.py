"""How weights are drawn.

    uniform       ±1/√fan_in, as PyTorch draws those of `nn.Linear`
    orthogonal    square recurrent ones, which keep the length of what passes through

References: LeCun, Bottou, Orr, Müller, Efficient backprop, 1998, section 4.6, has
variance 1/fan_in; `uniform` has a third of it. Saxe, McClelland, Ganguli, Exact
solutions to the nonlinear dynamics of learning in deep linear neural networks, ICLR
2014.
"""

import jax
import jax.numpy as jnp

from jaxseq.types import Array, DTypeLike, Key, accumulator


def uniform(key: Key, shape: tuple[int, ...], fan_in: int, dtype: DTypeLike) -> Array:
    """Draws weights of this shape from ±1/√fan_in.

    The key is consumed.

    Args:
        key: random key, consumed.
        shape: of the weights, `[to, from]`.
        fan_in: how many inputs a unit has.
        dtype: of the weights.
    """
    bound = max(fan_in, 1) ** -0.5
    return jax.random.uniform(key, shape, dtype, -bound, bound)


def orthogonal(key: Key, num_blocks: int, size: int, dtype: DTypeLike) -> Array:
    """Draws `[num_blocks * size, size]`: square orthogonal blocks, one per gate.

    An orthogonal recurrent matrix keeps the length of the errors that pass through it
    (Saxe, McClelland, Ganguli 2014). The key is consumed.

    Args:
        key: random key, consumed.
        num_blocks: how many blocks, one a gate.
        size: of a block, H.
        dtype: floating-point dtype of the weights.
    """
    draw = jax.nn.initializers.orthogonal()
    keys = jax.random.split(key, num_blocks)
    # The QR decomposition exists in float32 and float64 only.
    blocks = [draw(k, (size, size), accumulator(dtype)) for k in keys]
    return jnp.concatenate(blocks).astype(dtype)
