"""A mark for functions that have a rule for reverse mode only.

`jax.custom_vjp` refuses forward mode with a message that cannot know what to call
instead. `reverse_only` is the identity, put on the arguments of such a function; its
tangent may be transposed, as reverse mode does, but not computed, as forward mode does:
there it raises an error that names the function and the form that works. Reverse mode
of any order and forward over reverse never compute it, so they pass.
"""

import functools

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from jaxseq.types import Array, Tree


def reverse_only(function: str, instead: str, args: Tree) -> Tree:
    """Returns the arguments; forward-mode differentiation through them raises.

    Args:
        function: the name of the function that has a rule for reverse mode only.
        instead: what to call for forward mode.
        args: its arguments, a tree of arrays; masks and ids have no tangents.

    Returns:
        The arguments.

    Raises:
        TypeError: under `jax.jvp`, here or, inside `jit`, when it is compiled.
    """
    message = (
        f"{function} has a hand-written rule for reverse mode only; "
        f"for jax.jvp and jax.jacfwd call {instead}"
    )
    return jax.tree.map(
        lambda x: _mark(message, x) if jnp.issubdtype(x.dtype, jnp.floating) else x,
        args,
    )


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _mark(message: str, x: Array) -> Array:
    del message
    return x


@_mark.defjvp
def _mark_jvp(message, primals, tangents):
    (x,), (d_x,) = primals, tangents
    # x itself, not its mark: an outer differentiation, of the gradient, is welcome.
    return x, _tangent.bind(d_x, message=message)


def _refuse(*args, message):
    del args
    raise TypeError(message)


_tangent = Primitive("reverse_only_tangent")
_tangent.def_impl(_refuse)
_tangent.def_abstract_eval(lambda d_x, *, message: d_x)
mlir.register_lowering(_tangent, _refuse)
ad.primitive_transposes[_tangent] = lambda d_out, d_x, *, message: [d_out]
batching.primitive_batchers[_tangent] = lambda args, axes, *, message: (
    _tangent.bind(*args, message=message),
    axes[0],
)
