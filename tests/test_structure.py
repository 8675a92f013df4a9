"""What the programs hold: the claim that the textbook's deltas are the fast path.

The backward loop of every cell has the products of its recurrence and no more, and
carries errors of states only: weight gradients are formed outside, as single products.
"""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from jaxseq import losses, readout
from jaxseq.cells import derived, gru
from jaxseq.truncate import unroll_truncated
from jaxseq.unroll import unroll, unroll_plain
from tests.devices import two_devices
from tests.models import (
    CELLS,
    NUM_PRODUCTS,
    every_cell,
    every_cell_in_time,
    in_time,
    inputs,
    relative_error,
)
from tests.programs import equations


def jaxpr_of_gradient(unroll, cell, batch=(5,), **mode):
    def loss(*args):
        result = unroll(cell, *args, **mode)
        return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(result))

    args = inputs(cell, 6, batch)
    jaxpr = jax.make_jaxpr(jax.grad(loss, (0, 1, 2)))(*args)
    return jaxpr.jaxpr, args


def outside_loops(jaxpr):
    return equations(jaxpr, except_in=("scan",))


def scans(jaxpr):
    return [e for e in outside_loops(jaxpr) if e.primitive.name == "scan"]


def num_products(scan):
    body = scan.params["jaxpr"].jaxpr
    return sum(e.primitive.name == "dot_general" for e in used(body))


def used(jaxpr):
    """Lists the equations whose results are used, as XLA keeps them."""
    wanted = set(map(id, jaxpr.outvars))
    kept = []
    for equation in reversed(jaxpr.eqns):
        if wanted & set(map(id, equation.outvars)):
            wanted |= set(map(id, equation.invars))
            kept.append(equation)
    return kept


def carried_shapes(scan):
    # What is carried comes out of the loop as it is, what is emitted comes out stacked.
    body = scan.params["jaxpr"].jaxpr
    pairs = zip(body.outvars, scan.outvars, strict=True)
    return [v.aval.shape for v, out in pairs if v.aval.shape == out.aval.shape]


@every_cell
@pytest.mark.parametrize("mode", ["plain", "reverse"])
def test_backward_loop_holds_the_recurrent_products_only(cell, mode):
    jaxpr, (params, _, _) = jaxpr_of_gradient(unroll, cell, reverse=mode == "reverse")
    forward, backward = scans(jaxpr)
    name = next(name for name, c in CELLS.items() if c is cell)
    expected = NUM_PRODUCTS[name]
    if name == "derived_from_step":
        # Given by its step alone: the step's two products again (U x_t is not apart),
        # to have the values, and the transpose of the recurrent one.
        assert (num_products(forward), num_products(backward)) == (2, 3)
    elif cell.is_truncated:
        assert num_products(forward) == expected
        assert num_products(backward) <= expected
    else:
        assert num_products(forward) == num_products(backward) == expected
    weights = [leaf.shape for leaf in jax.tree.leaves(params)]
    assert not set(carried_shapes(backward)) & set(weights)


@every_cell
def test_no_loop_cuts_weights_at_each_step(cell):
    """XLA would copy the rows out of the matrix again at every step."""
    jaxpr, _ = jaxpr_of_gradient(unroll, cell)
    for scan in scans(jaxpr):
        body = scan.params["jaxpr"].jaxpr
        fixed = {id(v) for v in body.invars[: scan.params["num_consts"]]}
        cut = [
            e.primitive.name
            for e in used(body)
            if e.primitive.name in ("slice", "split")
            and any(v.aval.ndim == 2 and id(v) in fixed for v in e.invars)
        ]
        assert cut == []


def test_the_test_above_sees_weights_that_are_cut():
    def step(params, h_tm1, z_t):
        return gru.before.step(gru.before.cut_transposed(params), h_tm1, z_t)

    cell = gru.reset_before()._replace(prepare=lambda params: params, step=step)
    with pytest.raises(AssertionError, match="'slice', 'slice'"):
        test_no_loop_cuts_weights_at_each_step(cell)


@every_cell
def test_weight_gradients_are_single_products_outside(cell):
    jaxpr, (params, _, _) = jaxpr_of_gradient(unroll, cell)
    outside = [
        e.outvars[0].aval.shape
        for e in outside_loops(jaxpr)
        if e.primitive.name == "dot_general"
    ]
    matrices = [leaf.shape for leaf in jax.tree.leaves(params) if leaf.ndim == 2]
    num_hidden = params.W.shape[1]
    for rows, columns in matrices:
        # Transposed where JAX forms it; in blocks where the GRU uses them apart.
        blocks = {(rows, columns), (columns, rows), (num_hidden, columns)}
        assert blocks & set(outside)


def test_plain_scan_carries_the_weight_gradient():
    """The test above can fail: `jax.grad` of the plain scan does what it forbids."""
    jaxpr, (params, _, _) = jaxpr_of_gradient(unroll_plain, CELLS["elman"])
    _, backward = scans(jaxpr)
    assert num_products(backward) > 1
    assert params.W.shape in carried_shapes(backward)


@every_cell_in_time
@pytest.mark.parametrize("mode", ["plain", "masks"])
def test_no_sequence_is_copied_inside_a_loop(cell, mode):
    # The arrays that are written over must be one buffer each in the compiled program.
    num_steps = 23
    args = inputs(cell, num_steps, (5,))
    masks = {
        "lengths": jnp.array([23, 0, 5, 7, 9]),
        "resets": jnp.zeros((num_steps, 5), bool).at[4, 2].set(True),
    }

    def loss(*args):
        result = unroll(cell, *args, **(masks if mode == "masks" else {}))
        return jnp.sum(jnp.sin(result.ys))

    text = compiled(jax.grad(loss, (0, 1, 2)), *args)
    assert len(loop_bodies(text)) == 2
    assert not copied_in_loops(text, num_steps)


def test_reading_what_is_written_copies_it_at_each_step():
    """The test above can fail: so does a body that reads at t what it writes at t."""

    def body(carry, t):
        buffer, total = carry
        a_t = buffer[t]
        new = jnp.concatenate([a_t[1:] * total, a_t[:1]])
        return (buffer.at[t].set(new), total + jnp.sum(jnp.tanh(a_t))), None

    def function(buffer):
        return jax.lax.scan(body, (buffer, 0.0), jnp.arange(23))[0]

    assert copied_in_loops(compiled(function, jnp.ones((23, 5))), 23)


def compiled(function, *args):
    return jax.jit(function).lower(*args).compile().as_text()


def loop_bodies(text):
    """Cuts the bodies of its loops out of a compiled program's text."""
    parts = re.finditer(r"^(?:ENTRY )?%([\w.\-]+) \(.*?^\}", text, re.M | re.S)
    computations = {part[1]: part[0] for part in parts}
    return [computations[name] for name in re.findall(r"body=%([\w.\-]+)", text)]


def copied_in_loops(text, num_steps):
    copy = re.compile(rf"= \w+\[{num_steps},[^\]]*\]\S* copy\(")
    return [line for body in loop_bodies(text) for line in copy.findall(body)]


@every_cell
def test_gradient_lowers_for_every_platform(cell):
    args = jax.tree.map(
        lambda a: jax.ShapeDtypeStruct(a.shape, jnp.float32), inputs(cell, 4)
    )
    gradient = jax.jit(
        jax.grad(lambda *a: jnp.sum(unroll(cell, *a).ys), argnums=(0, 1, 2))
    )
    exported = jax.export.export(gradient, platforms=("cpu", "cuda", "tpu"))(*args)
    assert set(exported.platforms) == {"cpu", "cuda", "tpu"}


@pytest.mark.parametrize("name", ["elman", "lstm", "gru_reset_after", "jordan_decay"])
def test_exported_program_computes_the_same(name):
    cell = CELLS[name]
    args = inputs(cell, 4)
    gradient = jax.jit(jax.grad(lambda p, s, xs: jnp.sum(unroll(cell, p, s, xs).ys)))
    exported = jax.export.export(gradient, platforms=("cpu", "cuda", "tpu"))(*args)
    for found, expected in zip(
        jax.tree.leaves(exported.call(*args)),
        jax.tree.leaves(gradient(*args)),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def two_in_a_row():
    axis = (jax.sharding.AxisType.Auto,)
    return jax.make_mesh((2,), ("data",), axis_types=axis)


def spread_over_two(total, args):
    """Sums over two devices, each with half of the batch: parameters are shared."""
    everywhere, by_row = PartitionSpec(), PartitionSpec("data")
    return jax.shard_map(
        lambda *args: jax.lax.psum(total(*args), "data"),
        mesh=two_in_a_row(),
        in_specs=(everywhere, by_row, PartitionSpec(None, "data")),
        out_specs=everywhere,
    )(*args)


@two_devices
@in_time(CELLS, quick=("lstm", "derived_from_parts"))
def test_shard_map_takes_every_cell(cell):
    args = inputs(cell, 4, (4,))

    def total(params, state_0, xs):
        result = unroll(cell, params, state_0, xs)
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(result))

    spread = jax.jit(jax.grad(lambda *a: spread_over_two(total, a), (0, 1, 2)))
    assert relative_error(spread(*args), jax.grad(total, (0, 1, 2))(*args)) <= 1e-12


def assert_reduces_after_loops(jaxpr):
    """No all-reduce waits in a loop: weight gradients are summed once, at the end."""
    bodies = [scan.params["jaxpr"].jaxpr for scan in scans(jaxpr)]
    inside = {e.primitive.name for body in bodies for e in equations(body)}
    outside = {e.primitive.name for e in outside_loops(jaxpr)}
    assert not any("psum" in name for name in inside)
    assert any("psum" in name for name in outside)


@two_devices
@pytest.mark.slow
def test_shard_map_takes_chunks_from_zeros():
    cell = CELLS["lstm"]
    args = inputs(cell, 5, (4,))

    def total(params, _, xs):
        return jnp.sum(unroll_truncated(cell, params, None, xs, 2).ys)

    spread = jax.grad(lambda *a: spread_over_two(total, a))
    assert relative_error(spread(*args), jax.grad(total)(*args)) <= 1e-12
    assert_reduces_after_loops(jax.make_jaxpr(spread)(*args).jaxpr)


@two_devices
def test_shard_map_takes_a_step_of_ones_own_with_a_loop():
    def step(params, state_tm1, x_t):
        def once(_, h):
            return jnp.tanh(h + state_tm1)

        return jax.lax.fori_loop(0, 2, once, x_t @ params["U"])

    cell = derived.from_step(step)
    args = ({"U": jnp.ones((3, 4))}, jnp.zeros((4, 4)), jnp.ones((5, 4, 3)))

    def total(*args):
        return jnp.sum(unroll(cell, *args).ys)

    assert relative_error(spread_over_two(total, args), total(*args)) <= 1e-12


@two_devices
def test_shard_map_over_the_batch_gives_the_same_gradient():
    cell = CELLS["lstm"]
    params, state_0, xs = inputs(cell, 5, batch=(4,))
    out = readout.init(jax.random.key(1), 4, 6, jnp.float64)
    ids = jnp.arange(20).reshape(5, 4) % 6
    lengths = jnp.array([5, 0, 3, 2])
    everywhere, by_row = PartitionSpec(), PartitionSpec("data")
    by_column = PartitionSpec(None, "data")

    def total(unroll, params, out, state_0, xs, ids, lengths):
        result = unroll(cell, params, state_0, xs, lengths=lengths)
        logits = readout.readout(out, result.ys)
        return jnp.sum(losses.cross_entropy(logits, ids)) + jnp.sum(result.state.c)

    def sharded(*args):
        return jax.lax.psum(total(unroll, *args), "data")

    in_specs = (everywhere, everywhere, by_row, by_column, by_column, by_row)
    spread = jax.shard_map(
        sharded, mesh=two_in_a_row(), in_specs=in_specs, out_specs=everywhere
    )
    args = (params, out, state_0, xs, ids, lengths)
    gradient = jax.jit(jax.grad(spread, (0, 1, 2, 3)))
    expected = jax.grad(functools.partial(total, unroll_plain), (0, 1, 2, 3))(*args)
    assert relative_error(gradient(*args), expected) <= 1e-12
    assert_reduces_after_loops(jax.make_jaxpr(gradient)(*args).jaxpr)
