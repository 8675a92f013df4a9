"""The operations of matrix products, counted in programs whose count is known."""

import jax
import jax.numpy as jnp
import pytest

from experiments.bench import forms, products
from experiments.bench.problem import Point, make
from jaxseq.unroll import unroll


A, B = jax.ShapeDtypeStruct((3, 4), "float32"), jax.ShapeDtypeStruct((4, 5), "float32")


def test_a_product_and_its_gradients():
    def total(a, b):
        return jnp.sum(a @ b)

    assert products.num_flops(total, A, B) == 2 * 3 * 4 * 5
    both = jax.value_and_grad(total, argnums=(0, 1))
    assert products.num_flops(both, A, B) == 3 * 2 * 3 * 4 * 5


def test_a_batch_of_products_and_elementwise_work():
    def batch(a, b):
        return jnp.tanh(jnp.einsum("bij,bjk->bik", a, b) + 1)

    shapes = (jax.ShapeDtypeStruct((7, *each.shape), "float32") for each in (A, B))
    assert products.num_flops(batch, *shapes) == 7 * 2 * 3 * 4 * 5


def test_loops_count_each_step_and_branches_the_costliest():
    square = jax.ShapeDtypeStruct((4, 4), "float32")

    def loop(a):
        return jax.lax.scan(lambda s, _: (s @ a, None), a, None, length=6)[0]

    def branch(a):
        return jax.lax.cond(a[0, 0] > 0, lambda a: a @ a @ a, lambda a: a @ a, a)

    assert products.num_flops(jax.jit(loop), square) == 6 * 2 * 4**3
    assert products.num_flops(branch, square) == 2 * 2 * 4**3


def test_a_loop_of_unknown_length_is_refused_where_it_multiplies():
    def until(a, step):
        return jax.lax.while_loop(lambda a: a[0, 0] < 1, step, a)

    square = jax.ShapeDtypeStruct((4, 4), "float32")
    assert products.num_flops(lambda a: until(a, lambda a: a + 1), square) == 0
    with pytest.raises(ValueError, match="function: expected loops of known length"):
        products.num_flops(lambda a: until(a, lambda a: a @ a), square)


def test_a_convolution_is_refused():
    signal = jax.ShapeDtypeStruct((1, 1, 9), "float32")
    window = jax.ShapeDtypeStruct((1, 1, 3), "float32")
    convolve = lambda x, w: jax.lax.conv_general_dilated(x, w, (1,), "SAME")
    with pytest.raises(ValueError, match="got a convolution"):
        products.num_flops(convolve, signal, window)


def test_a_layer_has_the_textbooks_count():
    problem = make(Point("lstm", 2, 8, 5, "float32"), forms.LSTM)
    params = forms.params(forms.LSTM, problem.weights)

    def layer(params, xs):
        return unroll(forms.LSTM.cell, params, None, xs).ys

    counted = products.num_flops(layer, params, problem.xs)
    assert counted == forms.num_flops(forms.LSTM, 2, 5, 8, 8)
