"""The memory menu: the same gradients, from less."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import memory
from jaxseq.cells import lstm
from jaxseq.unroll import unroll, unroll_plain
from tests.models import CELLS, inputs, relative_error


SLOW = pytest.mark.slow
CHUNKED = memory.chunked(3)
MENU = {m.name: m for m in (memory.states, memory.outputs, memory.sqrt, CHUNKED)}
WITH_PARTS = [
    name
    for name in CELLS
    if name.startswith(("elman", "lstm", "gru_reset_after"))
    and "one_step" not in name
    and "truncated" not in name
    and "blocks" not in name
]
ORDERS = [
    pytest.param(
        name,
        cell,
        id=f"{name}-{cell}",
        marks=() if cell == "lstm" else SLOW,
    )
    for name in MENU
    for cell in (WITH_PARTS if name == "outputs" else CELLS)
]


def gradients(form, cell, args, **mode):
    def loss(*args):
        result = form(cell, *args, **mode)
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(result))

    return jax.jit(jax.value_and_grad(loss, (0, 1, 2)))(*args)


@functools.cache
def expected_gradients(cell, num_steps, masked):
    mode = masks(num_steps) | {"reverse": True} if masked else {}
    return gradients(unroll_plain, CELLS[cell], inputs(CELLS[cell], num_steps), **mode)


def masks(num_steps):
    lengths = jnp.array([num_steps, 0, num_steps // 2])
    resets = jnp.zeros((num_steps, 3), bool).at[num_steps // 3, 0].set(True)
    return {"lengths": lengths, "resets": resets}


@pytest.mark.parametrize("name", ["lstm", "gru_reset_after"])
def test_who_does_not_differentiate_keeps_nothing(name):
    """One program, whatever would be kept, with the outputs of one that keeps it."""
    cell = CELLS[name]
    params, state_0, xs = inputs(cell, 5)
    texts = [
        jax.jit(functools.partial(unroll, cell, memory=each))
        .lower(params, state_0, xs)
        .as_text()
        for each in (memory.gates, memory.states, memory.outputs)
    ]
    assert len(set(texts)) == 1
    unrolled, _ = jax.vjp(functools.partial(unroll, cell), params, state_0, xs)
    alone = unroll(cell, params, state_0, xs)
    jax.tree.map(np.testing.assert_array_equal, alone, unrolled)


@pytest.mark.parametrize(("name", "cell"), ORDERS)
def test_every_order_gives_the_gradient_of_the_plain_scan(name, cell):
    args = inputs(CELLS[cell], 7)
    mode = masks(7) | {"reverse": True}
    found = gradients(unroll, CELLS[cell], args, memory=MENU[name], **mode)
    assert relative_error(found, expected_gradients(cell, 7, True)) <= 1e-12


@pytest.mark.parametrize("name", MENU)
@pytest.mark.parametrize("num_steps", [pytest.param(0, marks=SLOW), 17])
def test_any_number_of_steps(name, num_steps):
    args = inputs(CELLS["lstm"], num_steps)
    found = gradients(unroll, CELLS["lstm"], args, memory=MENU[name])
    assert relative_error(found, expected_gradients("lstm", num_steps, False)) <= 1e-12


@pytest.mark.parametrize("name", ["gates", "states", "outputs"])
@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("lstm", {"gates": 5, "states": 1, "outputs": 0}),
        ("lstm_peephole", {"gates": 5, "states": 1, "outputs": 0}),
        ("gru_reset_after", {"gates": 4, "states": 0, "outputs": 0}),
        ("elman", {"gates": 0, "states": 0, "outputs": 0}),
    ],
)
def test_arrays_kept_beyond_inputs_and_outputs(name, cell, kept):
    num_steps, batch, num_hidden = 50, 3, 4
    params, state_0, xs = inputs(CELLS[cell], num_steps, (batch,))

    def residuals(params, state_0, xs):
        menu = getattr(memory, name)
        _, pull = jax.vjp(
            lambda *args: unroll(CELLS[cell], *args, memory=menu).ys,
            params,
            state_0,
            xs,
        )
        return pull

    leaves = jax.tree.leaves(jax.eval_shape(residuals, params, state_0, xs))
    stacked = [leaf for leaf in leaves if leaf.shape[:2] == (num_steps, batch)]
    floats = sum(leaf.size for leaf in stacked) - xs.size
    # One of them is the outputs, which the caller holds anyway.
    assert floats == (kept[name] + 1) * num_steps * batch * num_hidden


def test_chunked_holds_the_gates_of_a_chunk_only():
    def temporaries(kept):
        cell = lstm.cell()
        like = jax.eval_shape(lambda: cell.init(jax.random.key(0), 16, 16))
        xs = jax.ShapeDtypeStruct((1000, 4, 16), jnp.float32)

        def loss(params, xs):
            return jnp.sum(unroll(cell, params, None, xs, memory=kept).ys)

        program = jax.jit(jax.grad(loss, (0, 1))).lower(like, xs).compile()
        return program.memory_analysis().temp_size_in_bytes / (1000 * 4 * 16 * 4)

    # In arrays of T·B·H: h and c, their chunks, and the errors of the outputs.
    assert temporaries(memory.chunked(20)) < 5
    assert temporaries(memory.gates) > 6


def test_chunked_is_one_memory_a_number_of_steps():
    assert memory.chunked(4) is memory.chunked(4)
    with pytest.raises(ValueError, match="^num_steps: expected an integer ≥ 1, got 0"):
        memory.chunked(0)


def test_sqrt_keeps_states_of_chunks_only():
    num_steps, batch = 100, 3
    params, state_0, xs = inputs(CELLS["lstm"], num_steps, (batch,))

    def residuals(*args):
        _, pull = jax.vjp(
            lambda *args: unroll(CELLS["lstm"], *args, memory=memory.sqrt).ys, *args
        )
        return pull

    leaves = jax.tree.leaves(jax.eval_shape(residuals, params, state_0, xs))
    floats = sum(leaf.size for leaf in leaves if leaf.shape[:1] == (10,)) - xs.size
    assert floats == 10 * 2 * batch * 4


@pytest.mark.parametrize("name", ["gates", "sqrt"])
def test_hundred_thousand_steps_fit_into_two_gigabytes(name):
    cell = lstm.cell()
    like = jax.eval_shape(lambda: cell.init(jax.random.key(0), 128, 128))
    xs = jax.ShapeDtypeStruct((100_000, 1, 128), jnp.float32)

    def loss(params, xs):
        return jnp.sum(unroll(cell, params, None, xs, memory=getattr(memory, name)).ys)

    size = jax.jit(jax.grad(loss, (0, 1))).lower(like, xs).compile().memory_analysis()
    total = size.temp_size_in_bytes + size.output_size_in_bytes
    assert total + size.argument_size_in_bytes < (2e9 if name == "gates" else 0.4e9)


def test_backward_loop_of_outputs_holds_no_more_products():
    args = inputs(CELLS["lstm"], 6, (5,))

    def loss(*args):
        return jnp.sum(unroll(CELLS["lstm"], *args, memory=memory.outputs).ys)

    text = str(jax.make_jaxpr(jax.grad(loss, (0, 1, 2)))(*args))
    # Forward and backward loop one each; U x and W h of all t, again; dU, dW, dx.
    assert text.count("dot_general[") == 2 + 3 + 3


def test_outputs_refuses_a_cell_without_parts():
    params, state_0, xs = inputs(CELLS["jordan"], 3)
    message = "memory: expected gates, states, chunked or sqrt.*got outputs with jordan"
    with pytest.raises(ValueError, match=message):
        unroll(CELLS["jordan"], params, state_0, xs, memory=memory.outputs)


def test_memory_is_checked():
    params = lstm.init(jax.random.key(0), 3, 4)
    xs = np.ones((2, 1, 3), np.float32)
    with pytest.raises(ValueError, match="memory: expected one of jaxseq.memory"):
        unroll(lstm.cell(), params, None, xs, memory="gates")
