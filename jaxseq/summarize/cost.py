"""What targets cost a summarizer: of a part of a batch, and of held-out examples.

Batches lie in parts, one a device, each with the shape that its documents need.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from jaxseq.summarize import batches
from jaxseq.summarize.batches import Batch, Shape
from jaxseq.summarize.decoder import Params
from jaxseq.summarize.examples import Example
from jaxseq.summarize.model import Model
from jaxseq.train.sharding import AXIS, PARTS, WHOLE, Layout
from jaxseq.types import Array, Key


def sums(
    model: Model,
    params: Params,
    examples: Batch,
    *,
    dropout: float = 0.0,
    key: Key | None = None,
) -> tuple[Array, Array]:
    """Returns what all targets of one part cost, and how many they are.

    Args:
        model: the summarizer.
        params: its weights.
        examples: leaves `[1, ...]`, the part.
        dropout: rate, as in the model's `score`.
        key: random key of the dropout, consumed; None for no dropout.

    Returns:
        Scalars: a sum in nats, and a number.
    """
    part = jax.tree.map(lambda leaf: leaf[0], examples)
    nats = model.score(params, part, dropout=dropout, key=key)
    return jnp.sum(nats), jnp.sum(part.packing.steps < part.targets.size)


def make_held_out(
    model: Model,
    examples: Sequence[Example],
    part_size: int,
    shapes: Sequence[Shape],
    layout: Layout,
) -> Callable[[Params], float]:
    """Returns a function of the weights: the mean of -log P(target) in nats.

    Args:
        model: the summarizer.
        examples: that are held out, one at least.
        part_size: examples that a device reads at a time.
        shapes: of the parts.
        layout: where they lie.

    Raises:
        ValueError: naming the argument.
    """
    num_parts = 1 if layout.mesh is None else layout.mesh.size
    dealt = batches.deal(examples, num_parts * part_size, shapes, num_parts)
    measure = _compiled(model, layout)

    def mean_cost(params: Params) -> float:
        total = count = 0.0
        for index in range(dealt.num_batches):
            planned = batches.plan(dealt, 0, 0, index)
            found = measure(params, batches.build(examples, part_size, planned))
            total, count = total + float(found[0]), count + float(found[1])
        return total / count

    return mean_cost


# Compiled once for all that differ in neither.
@functools.cache
def _compiled(model: Model, layout: Layout) -> Callable:
    of_part = functools.partial(sums, model)
    if layout.mesh is None:
        return jax.jit(of_part)

    def of_device(params: Params, examples: Batch) -> tuple[Array, Array]:
        return jax.lax.psum(of_part(params, examples), AXIS)

    by_part = (WHOLE, PARTS)
    return jax.jit(
        jax.shard_map(of_device, mesh=layout.mesh, in_specs=by_part, out_specs=WHOLE)
    )
