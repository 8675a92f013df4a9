"""How many operations a function's matrix products take, counted before it runs.

Two for a multiply-add; what a loop does is counted once a step, of branches the
costliest. What a function says is counted, even if nobody needs it and XLA leaves it
out: so count forward passes, of which backward passes are twice as much. Loops whose
number of steps is not known beforehand are refused.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn


def num_flops(function: Callable, *args) -> int:
    """Counts the products' operations.

    Args:
        function: what JAX can trace.
        args: what it is given; arrays or their shapes.

    Raises:
        ValueError: if products are in a loop that ends by a condition, or if there are
            convolutions, which are not counted.
    """
    return _of(jax.make_jaxpr(function)(*args).jaxpr)


def _of(jaxpr: Jaxpr) -> int:
    return sum(map(_of_equation, jaxpr.eqns))


def _of_equation(equation: JaxprEqn) -> int:
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = params["dimension_numbers"]
        factor, result = _shape(equation.invars[0]), _shape(equation.outvars[0])
        num_terms = math.prod(factor[axis] for axis in contracted)
        return 2 * num_terms * math.prod(result)
    if name == "conv_general_dilated":
        raise ValueError("function: expected products of matrices, got a convolution")
    inner = [_of(each) for value in params.values() for each in _jaxprs(value)]
    if name == "cond":
        return max(inner)
    if name == "while" and any(inner):
        raise ValueError("function: expected loops of known length, got `while`")
    return sum(inner) * params.get("length", 1) if name == "scan" else sum(inner)


def _shape(variable: Any) -> tuple[int, ...]:
    return variable.aval.shape


def _jaxprs(value: object) -> list[Jaxpr]:
    """Finds the programs in a parameter of an equation."""
    if isinstance(value, ClosedJaxpr):
        return [value.jaxpr]
    if isinstance(value, Jaxpr):
        return [value]
    if isinstance(value, tuple | list):
        return [jaxpr for each in value for jaxpr in _jaxprs(each)]
    return []
