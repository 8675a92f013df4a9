"""Both directions in one scan: the same numbers as one by one, and half the loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import memory
from jaxseq.both import Both, in_one_scan, one_by_one
from jaxseq.cells import elman, gru, lstm
from jaxseq.network import init, stack
from jaxseq.unroll import unroll_plain
from tests.models import (
    cotangent_like,
    every_cell_in_time,
    inputs,
    masks,
    relative_error,
)


def of_both(cell, num_steps, **kwargs):
    params, state_0, xs = inputs(cell, num_steps, **kwargs)
    other_params, other_state_0, _ = inputs(cell, num_steps, **kwargs, seed=1)
    return Both(params, other_params), Both(state_0, other_state_0), xs


def gradients(read, cell, args, reset_state, **mode):
    @jax.jit
    def run(*args):
        def layer(params, state_0, xs, reset_state):
            resets = {"reset_state": reset_state}
            return read(Both(cell, cell), params, state_0, xs, **resets, **mode)

        result, pull = jax.vjp(layer, *args)
        return result, pull(cotangent_like(result))

    return run(*args, reset_state)


def mode_of(name, num_steps):
    return {k: v for k, v in masks(num_steps)[name].items() if k != "reverse"}


@every_cell_in_time
@pytest.mark.parametrize("mode", ["plain", "all"])
def test_in_one_scan_equals_one_by_one_differentiated_by_jax(cell, mode):
    args = of_both(cell, 7)
    reset_state = jax.tree.map(lambda s: s + 1, args[1])
    mode = mode_of(mode, 7)
    plain = functools.partial(one_by_one, unroll=unroll_plain)
    together = gradients(in_one_scan, cell, args, reset_state, **mode)
    assert (
        relative_error(together, gradients(plain, cell, args, reset_state, **mode))
        <= 1e-12
    )


@pytest.mark.parametrize("num_steps", [0, 1])
def test_in_one_scan_of_short_sequences(num_steps):
    cell = lstm.cell()
    params, state_0, xs = of_both(cell, num_steps)
    together = in_one_scan(Both(cell, cell), params, state_0, xs)
    apart = one_by_one(Both(cell, cell), params, state_0, xs)
    assert jax.tree.map(jnp.shape, together) == jax.tree.map(jnp.shape, apart)
    assert relative_error(together, apart) <= 1e-14


LESS = (memory.states, memory.outputs, memory.chunked(4), memory.sqrt)


@pytest.mark.parametrize("kept", LESS, ids=lambda kept: kept.name)
def test_in_one_scan_with_less_memory(kept):
    cell = lstm.cell()
    args = of_both(cell, 7)
    mode = mode_of("all", 7)
    less = gradients(in_one_scan, cell, args, args[1], memory=kept, **mode)
    assert (
        relative_error(less, gradients(one_by_one, cell, args, args[1], **mode))
        <= 1e-12
    )


@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_in_one_scan_takes_any_batch_axes(batch):
    cell = lstm.cell()
    args = of_both(cell, 4, batch=batch)
    together = gradients(in_one_scan, cell, args, args[1])
    assert relative_error(together, gradients(one_by_one, cell, args, args[1])) <= 1e-12


def test_in_one_scan_starts_from_zeros_where_no_state_is_given():
    cell = lstm.cell()
    params, state_0, xs = of_both(cell, 4)
    for given in (None, Both(state_0.forward, None), Both(None, state_0.backward)):
        together = in_one_scan(Both(cell, cell), params, given, xs)
        apart = one_by_one(Both(cell, cell), params, given, xs)
        assert relative_error(together, apart) <= 1e-14


def test_in_one_scan_is_one_scan_a_pass():
    cell = lstm.cell()

    def num_loops(read):
        def loss(params, state_0, xs):
            return read(Both(cell, cell), params, state_0, xs).ys.sum()

        program = jax.jit(jax.grad(loss)).lower(*of_both(cell, 20)).as_text()
        return program.count("stablehlo.while")

    assert num_loops(in_one_scan) == 2
    assert num_loops(one_by_one) == 4


def test_in_one_scan_refuses_two_cells_and_two_sizes():
    cell = elman.cell()
    params, state_0, xs = of_both(cell, 4)
    with pytest.raises(ValueError, match=r"^cells: expected one cell for both .* gru"):
        in_one_scan(Both(cell, gru.reset_after()), params, state_0, xs)
    wider = cell.init(jax.random.key(0), xs.shape[-1], 5, jnp.float64)
    with pytest.raises(ValueError, match=r"^params.backward: expected the shapes of"):
        in_one_scan(Both(cell, cell), params._replace(backward=wider), None, xs)


@pytest.mark.parametrize("read", [one_by_one, in_one_scan])
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cells": (1, 2)}, "cells: expected Both, one a direction, got tuple"),
        (
            {"cells": Both(elman, elman.cell())},
            "cells.forward: expected a jaxseq.cells",
        ),
        ({"params": 1.0}, "params: expected Both, one a direction, got float"),
        ({"state_0": 1.0}, "state_0: expected Both, one a direction, got float"),
        ({"reset_state": 1.0}, "reset_state: expected Both, one a direction, got"),
        ({"xs": None}, "xs: expected an array, got NoneType"),
    ],
)
def test_wrong_pairs_are_refused(read, changed, message):
    cell = elman.cell()
    params, state_0, xs = of_both(cell, 4)
    right = {"cells": Both(cell, cell), "params": params, "state_0": state_0, "xs": xs}
    with pytest.raises(ValueError, match=f"^{message}"):
        read(**(right | changed))


def test_one_by_one_refuses_what_does_not_unroll():
    cell = elman.cell()
    params, state_0, xs = of_both(cell, 4)
    with pytest.raises(ValueError, match=r"^unroll: expected a function, got int"):
        one_by_one(Both(cell, cell), params, state_0, xs, unroll=3)


def test_in_one_scan_refuses_a_wide_state_in_one_direction():
    cell = lstm.cell()
    params, state_0, xs = of_both(cell, 4, dtype=jnp.bfloat16)
    wide = jax.tree.map(lambda s: s.astype(jnp.float32), state_0)
    cells = Both(cell, cell)
    for given in (Both(wide.forward, None), Both(state_0.forward, wide.backward)):
        with pytest.raises(ValueError, match=r"^state_0.backward: expected one dtype"):
            in_one_scan(cells, params, given, xs)
        assert one_by_one(cells, params, given, xs).ys.dtype == jnp.bfloat16
    together = in_one_scan(cells, params, wide, xs)
    assert relative_error(together, one_by_one(cells, params, wide, xs)) <= 1e-2


def test_jvp_of_in_one_scan_names_what_works():
    cell = elman.cell()
    params, state_0, xs = of_both(cell, 4)

    def run(xs):
        return in_one_scan(Both(cell, cell), params, state_0, xs).ys

    with pytest.raises(TypeError, match="one_by_one with unroll="):
        jax.jvp(run, (xs,), (xs,))


def test_stack_reads_its_layers_in_one_scan():
    cell = gru.reset_after()
    layers = [Both(cell, cell), cell]
    params = init(jax.random.key(0), layers, 3, 4, jnp.float64)
    xs = np.random.default_rng(0).normal(size=(6, 3, 3))
    mode = mode_of("all", 6)
    together = stack(layers, params, None, xs, both=in_one_scan, **mode)
    assert relative_error(together, stack(layers, params, None, xs, **mode)) <= 1e-12
