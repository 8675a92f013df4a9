"""Differentiation of `unroll` beyond the conformance suite."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import memory
from jaxseq.cells import derived, elman, jordan, lstm, lstm_1997, lstm_lecture
from jaxseq.unroll import unroll, unroll_plain
from tests.models import CELLS, inputs, relative_error


LSTM = CELLS["lstm"]


def loss(unroll, *args):
    result = unroll(LSTM, *args)
    return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(result))


def test_hessian_vector_product_forward_over_reverse():
    args = inputs(LSTM, 5)

    def product(unroll):
        gradient = jax.grad(lambda *a: loss(unroll, *a), argnums=(0, 1, 2))
        return jax.jit(lambda *a: jax.jvp(gradient, a, a)[1])(*args)

    assert relative_error(product(unroll), product(unroll_plain)) <= 1e-12


def test_hessian_vector_product_reverse_over_reverse():
    args = inputs(LSTM, 5)

    def product(unroll):
        gradient = jax.grad(lambda *a: loss(unroll, *a), argnums=0)
        return jax.grad(
            lambda *a: sum(jnp.sum(jnp.cos(g)) for g in jax.tree.leaves(gradient(*a)))
        )(*args)

    assert relative_error(product(unroll), product(unroll_plain)) <= 1e-12


def test_forward_mode_is_refused_naming_the_form_that_works():
    args = inputs(LSTM, 3)
    saved = jax.checkpoint(loss, static_argnums=0)
    for function in (loss, jax.jit(loss, static_argnums=0), saved):
        forward = functools.partial(function, unroll)
        with pytest.raises(TypeError, match="unroll_plain"):
            jax.jvp(forward, args, args)
        with pytest.raises(TypeError, match="unroll_plain"):
            jax.jit(functools.partial(jax.jvp, forward))(args, args)
    with pytest.raises(TypeError, match="unroll_plain"):
        jax.jacfwd(lambda xs: unroll(LSTM, *args[:2], xs).ys)(args[2])
    _, tangent = jax.jvp(lambda *a: loss(unroll_plain, *a), args, args)
    assert jnp.isfinite(tangent)


def test_what_a_users_step_raises_is_told():
    def step(params, state_tm1, x_t):
        raise TypeError("from the step")

    cell = derived.from_step(step)
    with pytest.raises(ValueError, match=r"^state_0, .*TypeError.'from the step"):
        unroll(cell, {"w": jnp.ones(2)}, jnp.ones((3, 2)), jnp.ones((4, 3, 2)))


def test_initial_state_can_be_learned():
    """One state for the whole batch: its gradient is the sum over the batch."""
    params, state_0, xs = inputs(LSTM, 4)
    one = jax.tree.map(lambda s: s[0], state_0)

    def total(one):
        batch = jax.tree.map(lambda s: jnp.broadcast_to(s, (3, *s.shape)), one)
        return jnp.sum(unroll(LSTM, params, batch, xs).ys)

    batch = jax.tree.map(lambda s: jnp.broadcast_to(s, (3, *s.shape)), one)
    each = jax.grad(lambda s: jnp.sum(unroll(LSTM, params, s, xs).ys))(batch)
    expected = jax.tree.map(lambda d: d.sum(0), each)
    assert relative_error(jax.grad(total)(one), expected) <= 1e-13


def test_reset_state_is_told_from_the_carried_state():
    """After a carried chunk a reset goes to reset_state; each gets its gradient."""
    params, carried, xs = inputs(LSTM, 4)
    fresh = jax.tree.map(lambda s: -s, carried)
    resets = jnp.zeros((4, 3), bool).at[2, 0].set(True)

    def run(unroll):
        def total(carried, fresh):
            result = unroll(LSTM, params, carried, xs, resets=resets, reset_state=fresh)
            return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(result))

        return jax.value_and_grad(total, (0, 1))(carried, fresh)

    assert relative_error(run(unroll), run(unroll_plain)) <= 1e-13
    _, (_, d_fresh) = run(unroll)
    assert all(jnp.all(d[0] != 0) and not jnp.any(d[1:]) for d in d_fresh)
    alone = unroll(LSTM, params, jax.tree.map(lambda s: s[:1], fresh), xs[2:, :1])
    together = unroll(LSTM, params, carried, xs, resets=resets, reset_state=fresh)
    assert relative_error(together.ys[2:, :1], alone.ys) <= 1e-14


def test_lstm_weights_of_the_lecture_go_in_and_out():
    params = lstm.init(jax.random.key(0), 3, 4, jnp.float64)
    lecture = lstm_lecture.to_lecture(params)
    assert relative_error(lstm_lecture.from_lecture(lecture), params) == 0
    h, x = jnp.arange(4.0), jnp.arange(3.0)
    joined = lecture.W_f @ jnp.concatenate([h, x]) + lecture.b_f
    stacked = params.U @ x + params.W @ h + params.b
    assert relative_error(stacked[:4], joined) <= 1e-15


@pytest.mark.parametrize("form", [unroll, unroll_plain])
def test_padding_is_never_where_a_users_cell_is_singular(form):
    def step(weights, state_tm1, x_t):
        return jnp.tanh(state_tm1 @ weights + jnp.log(x_t))

    def loss(weights, xs):
        return jnp.sum(form(cell, weights, jnp.zeros((3, 2)), xs, lengths=lengths).ys)

    cell = derived.from_step(step)
    lengths = jnp.array([5, 2, 0])
    xs = jax.random.uniform(jax.random.key(0), (5, 3, 2), minval=0.5)
    weights = jnp.eye(2)
    d_weights, d_xs = jax.grad(loss, (0, 1))(weights, xs.at[2:, 1].set(jnp.nan))
    assert jnp.isfinite(d_weights).all()
    assert jnp.isfinite(d_xs).all()
    assert not d_xs[2:, 1].any()
    assert not d_xs[:, 2].any()


@pytest.mark.parametrize("kept", [memory.gates, memory.chunked(2), memory.sqrt])
def test_a_chunk_of_padding_alone_reads_the_sequences_own_first_input(kept):
    def step(weights, state_tm1, x_t):
        return jnp.tanh(state_tm1 @ weights + jnp.log(x_t - 1))

    def loss(form, weights, xs, **options):
        lengths = jnp.array([5, 2, 1])
        state_0 = jnp.zeros((3, 2))
        return jnp.sum(form(cell, weights, state_0, xs, lengths=lengths, **options).ys)

    cell = derived.from_step(step)  # which is singular on ones
    xs = jax.random.uniform(jax.random.key(0), (5, 3, 2), minval=2.0, maxval=3.0)
    args = jnp.eye(2), xs.at[2:, 1].set(jnp.nan)
    found = jax.grad(functools.partial(loss, unroll, memory=kept), (0, 1))(*args)
    wanted = jax.grad(functools.partial(loss, unroll_plain), (0, 1))(*args)
    assert relative_error(found, wanted) <= 1e-13


def test_lectures_weights_are_not_cut_out_of_three_gates():
    params = lstm_1997.cell().init(jax.random.key(0), 3, 4)
    with pytest.raises(ValueError, match="U: expected 4H = 16 rows"):
        lstm_lecture.to_lecture(params)


def test_float64_is_right_once_it_is_there():
    """What is remembered of shapes must not outlive the setting of 64 bits."""
    cell = elman.cell()
    params = elman.Params(np.ones((7, 2)), np.ones((7, 7)), np.ones(7))
    xs = np.ones((3, 1, 2))
    with (
        jax.enable_x64(False),
        pytest.raises(ValueError, match="^xs: expected 32 bits"),
    ):
        unroll(cell, params, None, xs)
    assert unroll(cell, params, None, xs).ys.dtype == jnp.float64


def test_mu_of_numpy_is_a_plain_number():
    cell = jordan.cell(np.int64(2), np.float64(0.375))
    assert cell is jordan.cell(2, 0.375)
    params, state_0, xs = inputs(cell, 4, dtype=jnp.bfloat16)
    assert unroll(cell, params, state_0, xs).ys.dtype == jnp.bfloat16


@pytest.mark.parametrize("name", ["outputs", "gates"])
def test_the_cell_is_looked_at_before_the_memory(name):
    params, state_0, xs = inputs(LSTM, 4)
    with pytest.raises(ValueError, match="^cell: expected a jaxseq.cells.Cell, got"):
        unroll(None, params, state_0, xs, memory=getattr(memory, name))
