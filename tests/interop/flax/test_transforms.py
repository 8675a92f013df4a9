"""The layers under Flax's transforms, and what runs in Flax's own scan instead."""

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx as flax_nnx

from jaxseq.interop.flax import linen, nnx
from tests.interop.flax.layers import assert_equal, draw_inputs, random_like


INPUTS = draw_inputs((3, 4))
DOUBLE = {"param_dtype": jnp.float64}


def linen_results(library, wrap):
    """Outputs and gradients of a wrapped layer, all of it jitted."""
    layer = wrap(library)
    params = jax.eval_shape(layer.init, jax.random.key(0), INPUTS)
    params = random_like(params)

    def loss(params, inputs):
        ys = layer.apply(params, inputs)
        return jnp.sum(jnp.sin(ys)), ys

    return jax.jit(jax.grad(loss, (0, 1), has_aux=True))(params, INPUTS)


def plain(library):
    return library.RNN(library.LSTMCell(4, **DOUBLE))


def remat(library):
    return flax.linen.remat(library.RNN)(library.LSTMCell(4, **DOUBLE))


def jit(library):
    return flax.linen.jit(library.RNN)(library.LSTMCell(4, **DOUBLE))


def partitioned(library):
    init = flax.linen.with_partitioning(flax.linen.initializers.zeros, (None, None))
    return library.RNN(library.GRUCell(4, kernel_init=init, **DOUBLE))


def bidirectional(library):
    cells = (library.GRUCell(4, **DOUBLE) for _ in range(2))
    return library.Bidirectional(*map(library.RNN, cells))


def inside_flaxs_rnn(library):
    return flax.linen.RNN(library.LSTMCell(4, **DOUBLE))


def relu(library):
    return library.RNN(library.SimpleCell(4, activation_fn=library.relu, **DOUBLE))


class Ensemble(flax.linen.Module):
    library: object

    @flax.linen.compact
    def __call__(self, inputs):
        """Runs two layers with weights of their own, by `nn.vmap`."""
        many = flax.linen.vmap(
            self.library.RNN,
            in_axes=None,
            axis_size=2,
            variable_axes={"params": 0},
            split_rngs={"params": True},
        )
        return many(self.library.GRUCell(4, **DOUBLE))(inputs)


def slowly(cases):
    return [pytest.param(case, marks=pytest.mark.slow) for case in cases]


def ensemble(library):
    return Ensemble(library)


SLOW = [remat, jit, inside_flaxs_rnn, ensemble]
WRAPS = [bidirectional, *slowly([partitioned, relu, *SLOW])]


@pytest.mark.parametrize("wrap", WRAPS)
def test_linen(wrap):
    results = [linen_results(library, wrap) for library in (linen, flax.linen)]
    assert_equal(*results, tolerance=1e-12)


def other_gate(library):
    cell = library.LSTMCell(4, gate_fn=jax.nn.hard_sigmoid, **DOUBLE)
    return library.RNN(cell)


def residual(library):
    return library.RNN(library.SimpleCell(4, residual=True, **DOUBLE))


def other_cell(library):
    return library.RNN(library.MGUCell(4, **DOUBLE))


def weights_of_each_step(library):
    return library.RNN(
        library.GRUCell(4, **DOUBLE),
        variable_axes={"params": 0},
        variable_broadcast=False,
        split_rngs={"params": True},
    )


@pytest.mark.parametrize(
    "wrap", [residual, *slowly([other_gate, other_cell, weights_of_each_step])]
)
def test_the_rest_of_linen_runs_in_flaxs_scan(wrap):
    assert not wrap(linen).is_by_hand
    assert plain(linen).is_by_hand
    results = [linen_results(library, wrap) for library in (linen, flax.linen)]
    assert_equal(*results, tolerance=0)


def test_missing_parameters_are_flaxs_error():
    with pytest.raises(flax.errors.ScopeCollectionNotFound, match='"kernel"'):
        plain(linen).apply({"params": {}}, INPUTS)


# nnx.


def nnx_cell(library, **options):
    options = {"dtype": jnp.float64, "param_dtype": jnp.float64} | options
    return library.SimpleCell(2, 4, rngs=library.Rngs(0), **options)


def nnx_results(library, cell):
    layer = library.RNN(cell(library))

    @library.jit
    def gradients(layer, inputs):
        def loss(layer, inputs):
            return jnp.sum(jnp.sin(layer(inputs)))

        return library.grad(loss, argnums=(0, 1))(layer, inputs)

    d_layer, d_inputs = gradients(layer, INPUTS)
    return library.to_pure_dict(d_layer), d_inputs


def nnx_residual(library):
    return nnx_cell(library, residual=True)


def nnx_promoted(library):
    return nnx_cell(library, promote_dtype=lambda arrays, dtype: arrays)


def nnx_lora(library):
    cell = nnx_cell(library)
    cell.dense_i = library.LoRA(
        *(2, 1, 4),
        base_module=cell.dense_i,
        rngs=library.Rngs(1),
        dtype=jnp.float64,
        param_dtype=jnp.float64,
    )
    return cell


@pytest.mark.parametrize("cell", [nnx_promoted, *slowly([nnx_residual, nnx_lora])])
def test_the_rest_of_nnx_runs_in_flaxs_scan(cell):
    assert not nnx.RNN(cell(nnx)).is_by_hand
    results = [nnx_results(library, cell) for library in (nnx, flax_nnx)]
    assert_equal(*results, tolerance=0)


@pytest.mark.parametrize("part", ["dense_i", "dense_h"])
@pytest.mark.parametrize(
    "changed",
    [
        {"dot_general": lambda *args, **options: jax.lax.dot_general(*args, **options)},
        {"precision": jax.lax.Precision.HIGHEST},
        {"preferred_element_type": jnp.float32},
        {"dtype": jnp.float32},
        {"promote_dtype": lambda arrays, dtype: arrays},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_nnx_cells_whose_products_are_of_another_kind_run_in_flaxs_scan(part, changed):
    cell = nnx_cell(nnx)
    for name, value in changed.items():
        setattr(getattr(cell, part), name, value)
    assert not nnx.RNN(cell).is_by_hand


def test_nnx_under_its_transforms():
    assert nnx.RNN(nnx_cell(nnx)).is_by_hand
    results = [nnx_results(library, nnx_cell) for library in (nnx, flax_nnx)]
    assert_equal(*results, tolerance=1e-12)


def test_nnx_scan_options_of_ones_own_run_in_flaxs_scan():
    axes = nnx.StateAxes({"other": None, ...: nnx.Carry})
    assert not nnx.RNN(nnx_cell(nnx), state_axes=axes).is_by_hand
    assert not nnx.RNN(nnx_cell(nnx), broadcast_rngs="dropout").is_by_hand


def test_nnx_takes_the_carrys_random_numbers_as_flax_does():
    def draw(key, shape, dtype):
        return jax.random.normal(key, shape, dtype)

    def outputs(library):
        with pytest.warns(UserWarning, match="carry_init is provided"):
            cell = nnx_cell(library, carry_init=draw)
        layer = library.RNN(cell, return_carry=True)
        return layer(INPUTS), layer(INPUTS), layer(INPUTS, rngs=library.Rngs(7))

    ours, flaxs = outputs(nnx), outputs(flax_nnx)
    assert_equal(ours, flaxs, tolerance=1e-12)
    assert np.abs(ours[0][1] - ours[1][1]).max() > 1e-3  # each call draws anew
