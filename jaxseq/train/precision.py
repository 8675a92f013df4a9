"""Which numbers are wide and which narrow in an update.

Weights of 8 bits cannot take a step that is a thousandth of them, so the optimizer
works on wide ones; the products, where the time goes, take narrow copies. Gradients of
many parts are added up in wide numbers.

Reference: Micikevicius et al., Mixed precision training, ICLR 2018. There is no loss
scaling: bfloat16 has the range of float32.
"""

from typing import NamedTuple

import jax.numpy as jnp

from jaxseq.checks import check_dtype, check_instance
from jaxseq.types import DTypeLike


class Precision(NamedTuple):
    """The dtypes of an update.

    Attributes:
        params: of the weights that the optimizer keeps.
        compute: of the copies that the cost is computed with.
        accumulate: of sums of costs and of gradients.
    """

    params: DTypeLike
    compute: DTypeLike
    accumulate: DTypeLike


FLOAT32 = Precision(jnp.float32, jnp.float32, jnp.float32)
FLOAT64 = Precision(jnp.float64, jnp.float64, jnp.float64)
BFLOAT16 = Precision(jnp.float32, jnp.bfloat16, jnp.float32)


def check_precision(argument: str, precision: Precision) -> None:
    """Checks that all three are floating-point dtypes.

    Args:
        argument: the name of `precision`, for errors.
        precision: the dtypes.

    Raises:
        ValueError: naming the argument.
    """
    check_instance(argument, precision, Precision)
    for name, dtype in zip(Precision._fields, precision, strict=True):
        check_dtype(f"{argument}.{name}", dtype)
