"""The loop over time of the hand-written forms, as it is fastest where it runs.

On a CPU the loop writes over what it has read: `jaxseq.in_place`. On a GPU a step is a
few kernels of some microseconds, and starting one takes about as long. There
NUM_UNROLLED steps make one body of the loop, so that XLA merges kernels across steps
and stores once what all of them emit. It writes over nothing: XLA would copy the whole
array at each of the unrolled steps (experiments/bench/NOTES.md, trial 24).

On a TPU, where nothing was measured, the loop is a CPU's. What counts is JAX's default
backend: a program exported for another one has the loop of this one.
"""

from collections.abc import Callable

import jax

from jaxseq import in_place
from jaxseq.types import Tree


NUM_UNROLLED = 8


def scan(
    body: Callable[[Tree, Tree, Tree], tuple[Tree, Tree]],
    carry: Tree,
    xs: Tree,
    spent: Tree,
    *,
    reverse: bool = False,
) -> tuple[Tree, Tree]:
    """Runs a loop over time, by the form of JAX's default backend.

    Args:
        body: `(carry, x_t, spent_t) -> (carry, emitted_t)`.
        carry: the first one.
        xs: leaves `[T, ...]`.
        spent: leaves `[T, ...]`, which may be written over.
        reverse: whether to go from the last step to the first.

    Returns:
        The last carry, and what was emitted, stacked `[T, ...]`.
    """
    if jax.default_backend() != "gpu":
        return in_place.scan(body, carry, xs, spent, reverse=reverse)
    return jax.lax.scan(
        lambda carry, inputs: body(carry, *inputs),
        carry,
        (xs, spent),
        reverse=reverse,
        unroll=NUM_UNROLLED,
    )
