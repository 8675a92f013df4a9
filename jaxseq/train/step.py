"""One update of the weights: gradient, mean, check, optimizer.

A batch may be cut into A parts that are computed one after the other, to save memory,
and lie on D devices, to save time. With the cost L summed over the n_p targets of part
p, the gradient is that of the mean over all targets, whatever A and D:

    g = (Σ_p ∂L_p/∂w) / (Σ_p n_p)                                                  (1)

and not the mean of means, in which the targets of a part with few of them count more.
If a number of these, or of what the update would leave, is not finite, it is skipped:
weights, optimizer, carry stay as they are, bit for bit, and the skip is counted:

    w, s, c ← w', s', c'       if L, Σ n_p, g, w', s', c' are finite, n_p ≥ 0      (2)

with w', s' of the optimizer and c' of the cost. A finite g is not enough: its square
may overflow in the moments, or a step in the weights, and nothing would bring them
back. So they are read once more before they replace the old ones, and XLA may keep both
until then; beside a network that reads its weights at each time step that is little.
`optax.apply_if_finite` applies the NaN in the end; here nothing does.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from jaxseq.checks import check_count, check_function, expect
from jaxseq.precision import cast
from jaxseq.train import sharding
from jaxseq.train.clip import global_norm
from jaxseq.train.precision import FLOAT32, Precision, check_precision
from jaxseq.train.sharding import AXIS, ONE_DEVICE, PARTS, WHOLE, Layout
from jaxseq.train.state import Skips, State, check_optimizer
from jaxseq.types import Array, Key, Tree


class Cost(NamedTuple):
    """What a part of a batch costs.

    Attributes:
        total: scalar, L, a sum over targets.
        num_targets: scalar, n, 0 or more.
        carry: what the next batch starts from; finite.
    """

    total: Array
    num_targets: Array
    carry: Tree


class Report(NamedTuple):
    """What an update says of itself.

    Attributes:
        total: scalar, Σ L; NaN if a part's count or carry are not as (2) asks.
        num_targets: scalar, Σ n.
        norm: scalar, of g before it is cut; may be infinite where g is not.
        is_applied: scalar bool, whether the update was, or was skipped.
        num_skipped: scalar int32, in a row, this one included.
    """

    total: Array
    num_targets: Array
    norm: Array
    is_applied: Array
    num_skipped: Array


CostFunction = Callable[[Tree, Tree, Tree, Key], Cost]
"""`(params, carry, batch, key) -> Cost`; the key is that of the update and part."""

Update = Callable[[State, Tree, Key], tuple[State, Report]]
"""`(state, batch, key) -> (state, report)`, to be jitted, its state donated."""


def make(
    cost: CostFunction,
    optimizer: optax.GradientTransformation,
    *,
    num_parts: int = 1,
    precision: Precision = FLOAT32,
    layout: Layout = ONE_DEVICE,
) -> Update:
    """Returns an update.

    Args:
        cost: of a part of a batch.
        optimizer: what makes steps of gradients.
        num_parts: A, of each device; must divide its rows.
        precision: which numbers are narrow.
        layout: D devices, and which axes count rows.

    Raises:
        ValueError: naming the argument; also when it is called.
    """
    check_function("cost", cost)
    check_optimizer("optimizer", optimizer)
    sharding.check_layout("layout", layout)
    check_count("num_parts", num_parts)
    check_precision("precision", precision)
    sums = functools.partial(_sums, cost, num_parts, precision, layout)
    if layout.mesh is not None:
        sums = functools.partial(_spread, layout, layout.mesh, sums)

    def update(state: State, batch: Tree, key: Key) -> tuple[State, Report]:
        total, count, d_params, carry = sums(state.params, state.carry, batch, key)
        # A product, which XLA does again wherever g is read: a quotient it would write
        # down. In wide numbers, then as wide as the weights that it is added to.
        share = 1 / jnp.where(count > 0, count, jnp.ones_like(count))
        gradient = jax.tree.map(
            lambda g, p: (g * share).astype(p.dtype), d_params, state.params
        )  # (1)
        norm = global_norm(gradient)
        steps, optimizer_state = optimizer.update(
            gradient, state.optimizer_state, state.params
        )
        params = optax.apply_updates(state.params, steps)
        is_finite = _is_finite((total, count, norm, params, optimizer_state))
        params, optimizer_state, carry = jax.tree.map(
            lambda new, old: jnp.where(is_finite, new, old),
            (params, optimizer_state, carry),
            (state.params, state.optimizer_state, state.carry),
        )  # (2)
        skips = _counted(state.skips, is_finite)
        report = Report(
            total, count, norm.power * norm.relative, is_finite, skips.in_a_row
        )
        return State(params, optimizer_state, carry, skips), report

    return update


def _is_finite(tree: Tree) -> Array:
    """Returns whether all numbers are; keys and integers always are."""
    leaves = jax.tree.leaves(tree)
    floats = [leaf for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    each = [jnp.all(jnp.isfinite(leaf)) for leaf in floats]
    return functools.reduce(jnp.logical_and, each, jnp.asarray(True))


def _counted(skips: Skips, is_applied: Array) -> Skips:
    is_skipped = (~is_applied).astype(jnp.int32)
    in_a_row = jnp.where(is_applied, jnp.zeros_like(skips.in_a_row), skips.in_a_row + 1)
    return Skips(skips.total + is_skipped, in_a_row)


def _sums(cost, num_parts, precision, layout: Layout, params, carry, batch, key):
    """Returns Σ L, Σ n, Σ ∂L/∂w and the new carry, over the parts of one device."""
    wide = precision.accumulate

    def of_part(carry, batch, key):
        def loss(params):
            found = cost(cast(precision.compute, params), carry, batch, key)
            total, count = (jnp.asarray(a).astype(wide) for a in found[:2])
            return total, (count, found.carry)

        (total, (count, carry)), d_params = jax.value_and_grad(loss, has_aux=True)(
            params
        )
        # Told by the cost, as a sum over parts and devices keeps a NaN.
        is_sound = (count >= 0) & _is_finite(carry)
        total = jnp.where(is_sound, total, jnp.nan)  # (2)
        return (total, count, cast(wide, d_params)), carry

    if num_parts == 1:
        (total, count, d_params), carry = of_part(carry, batch, key)
        return total, count, d_params, carry

    def body(so_far, part):
        sums, carry = of_part(*part)
        return jax.tree.map(jnp.add, so_far, sums), carry

    parts = (
        jax.tree.map(lambda a: _split("carry", num_parts, layout.carry_axis, a), carry),
        jax.tree.map(lambda a: _split("batch", num_parts, layout.batch_axis, a), batch),
        jax.random.split(key, num_parts),
    )
    shapes = jax.eval_shape(of_part, *jax.tree.map(lambda a: a[0], parts))[0]
    zeros = jax.tree.map(functools.partial(_zeros, layout), shapes)
    (total, count, d_params), carries = jax.lax.scan(body, zeros, parts)
    carry = jax.tree.map(lambda a: _merge(layout.carry_axis, a), carries)
    return total, count, d_params, carry


def _zeros(layout: Layout, shape: jax.ShapeDtypeStruct) -> Array:
    """Returns zeros to add to: on many devices, each device's own."""
    zeros = jnp.zeros(shape.shape, shape.dtype)
    return zeros if layout.mesh is None else jax.lax.pcast(zeros, AXIS, to="varying")


def _split(argument: str, num_parts: int, axis: int, leaf: Array) -> Array:
    """Cuts the rows of an array in A parts: `[.., B, ..]` to `[A, .., B / A, ..]`."""
    fits = leaf.ndim > axis and leaf.shape[axis] % num_parts == 0
    expected = f"a multiple of {num_parts} rows along axis {axis} on each device"
    expect(fits, argument, expected, list(leaf.shape))
    before, after = leaf.shape[:axis], leaf.shape[axis + 1 :]
    parts = leaf.reshape(*before, num_parts, leaf.shape[axis] // num_parts, *after)
    return jnp.moveaxis(parts, axis, 0)


def _merge(axis: int, parts: Array) -> Array:
    """Undoes `_split`."""
    parts = jnp.moveaxis(parts, 0, axis)
    shape = parts.shape
    return parts.reshape(*shape[:axis], -1, *shape[axis + 2 :])


def _spread(layout: Layout, mesh: Mesh, sums, params, carry, batch, key: Any):
    """Does `sums` on every device, and adds up: one all-reduce."""
    specs = sharding.of_params(layout, mesh.size, params)
    keys = jax.random.split(key, mesh.size)

    def local(params, carry, batch, keys):
        # Its own to each device, so that a gradient is of its rows alone.
        whole = jax.tree.map(_gathered, params, specs)
        total, count, d_params, carry = sums(whole, carry, batch, keys[0])
        leaves, structure = jax.tree.flatten(d_params)
        kinds = jax.tree.leaves(specs)
        kept = [g for g, spec in zip(leaves, kinds, strict=True) if spec == WHOLE]
        total, count, kept = jax.lax.psum((total, count, kept), AXIS)
        added = iter(kept)
        leaves = [
            next(added)
            if spec == WHOLE
            else jax.lax.psum_scatter(g, AXIS, scatter_dimension=0, tiled=True)
            for g, spec in zip(leaves, kinds, strict=True)
        ]
        return total, count, structure.unflatten(leaves), carry

    by_row = tuple(map(sharding.rows, (layout.carry_axis, layout.batch_axis)))
    return jax.shard_map(
        local,
        mesh=mesh,
        in_specs=(specs, *by_row, PARTS),
        out_specs=(WHOLE, WHOLE, specs, by_row[0]),
    )(params, carry, batch, keys)


def _gathered(leaf: Array, spec) -> Array:
    if spec == WHOLE:
        return jax.lax.pcast(leaf, AXIS, to="varying")
    return jax.lax.all_gather(leaf, AXIS, axis=0, tiled=True)
