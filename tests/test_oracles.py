"""`unroll` and its gradients against NumPy loops that share no code with it."""

import functools

import hypothesis
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

from jaxseq import cells, losses, readout, unroll
from tests import oracles, textbook
from tests.cases import BY_NAME, CASES, draw, unroll_oracle


FORWARD = [case.name for case in CASES if not case.make(cells).is_truncated]
# The direction is no affair of the cell's: three are enough.
REVERSED = [("elman_tanh", True), ("jordan", True), ("lstm", True)]
each_direction = pytest.mark.parametrize("reverse", [False, True])
each_forward = pytest.mark.parametrize(
    ("name", "reverse"), [(name, False) for name in FORWARD] + REVERSED
)
each_case = pytest.mark.parametrize(
    ("name", "reverse"), [(name, False) for name in BY_NAME] + REVERSED
)
NUM_STEPS, BATCH = 5, (3,)


@functools.cache
def _compiled(name, reverse):
    """One program a cell and direction, for any weights, inputs and masks."""
    return jax.jit(functools.partial(_run, name, reverse))


def _run(name, reverse, inputs):
    params, state_0, reset_state, xs, lengths, resets = inputs
    return unroll.unroll(
        BY_NAME[name].make(cells),
        params,
        state_0,
        xs,
        lengths=lengths,
        resets=resets,
        reset_state=reset_state,
        reverse=reverse,
    )


def _assert_equal(unrolled, expected, rtol=1e-12, atol=1e-14):
    ys, state = expected
    np.testing.assert_allclose(unrolled.ys, ys.real, rtol, atol)
    for leaf, wanted in zip(jax.tree.leaves(unrolled.state), state, strict=True):
        np.testing.assert_allclose(leaf, wanted.real, rtol, atol)


@each_forward
@hypothesis.given(seed=st.integers(0, 2**32))
def test_unroll_equals_each_sequence_alone(name, reverse, seed):
    case = BY_NAME[name]
    inputs = draw(case.make(cells), seed, NUM_STEPS, BATCH)
    unrolled = _compiled(name, reverse)(inputs)
    _assert_equal(unrolled, unroll_oracle(case, inputs, reverse))


@hypothesis.given(
    st.sampled_from(FORWARD),
    st.integers(0, 2**32),
    st.sampled_from([0, 1, 4]),
    st.sampled_from([(), (2,), (2, 1)]),
    st.sampled_from([np.float32, np.float64]),
    st.booleans(),
)
def test_unroll_equals_oracle_at_every_shape(
    name, seed, num_steps, batch, dtype, reverse
):
    case = BY_NAME[name]
    inputs = draw(case.make(cells), seed, num_steps, batch, dtype)
    unrolled = _compiled(name, reverse)(inputs)
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    assert unrolled.ys.dtype == dtype
    expected = unroll_oracle(case, inputs, reverse)
    _assert_equal(unrolled, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_unroll_takes_lengths_of_any_integers(dtype):
    case = BY_NAME["lstm"]
    inputs = draw(case.make(cells), 4, NUM_STEPS, BATCH)
    narrow = inputs._replace(lengths=inputs.lengths.astype(dtype))
    _assert_equal(_run("lstm", False, narrow), unroll_oracle(case, inputs))


@each_direction
def test_unroll_ignores_resets_beyond_the_end(reverse):
    case = BY_NAME["lstm"]
    inputs = draw(case.make(cells), 3, NUM_STEPS, BATCH)
    inputs = inputs._replace(lengths=np.array([2, 0, 4]))
    beyond = np.arange(NUM_STEPS)[:, None] >= inputs.lengths
    with_resets = inputs._replace(resets=inputs.resets | beyond)
    unrolled = _compiled("lstm", reverse)(with_resets)
    _assert_equal(unrolled, unroll_oracle(case, inputs, reverse))


@each_case
def test_deltas_equal_complex_step_gradients(name, reverse):
    case = BY_NAME[name]
    inputs = draw(case.make(cells), 1, NUM_STEPS, BATCH)
    inputs = inputs._replace(lengths=np.array([NUM_STEPS, 3, 0]))
    resets = np.zeros((NUM_STEPS, *BATCH), bool)
    resets[[0, 2, 3], [1, 0, 0]] = True
    inputs = inputs._replace(resets=resets)

    def unrolled(params, state_0, reset_state, xs):
        replaced = dict(params=params, state_0=state_0, reset_state=reset_state, xs=xs)
        return _run(name, reverse, inputs._replace(**replaced))

    with jax.disable_jit():
        outputs, pull = jax.vjp(unrolled, *inputs[:4])
        cotangents = _cotangents(outputs)
        hand = jax.tree.leaves(pull(cotangents))

    structure = jax.tree.structure(inputs[:4])
    leaves = jax.tree.leaves(inputs[:4])
    arguments = {str(number): leaf for number, leaf in enumerate(leaves)}

    def loss(arguments):
        moved = jax.tree.unflatten(structure, arguments.values())
        ys, state = unroll_oracle(case, (*moved, *inputs[4:]), reverse)
        weights = jax.tree.leaves(cotangents)
        return sum(np.sum(w * y) for w, y in zip(weights, (ys, *state), strict=True))

    for d_leaf, wanted in zip(
        hand, oracles.gradients(loss, arguments).values(), strict=True
    ):
        np.testing.assert_allclose(d_leaf, wanted, rtol=1e-11, atol=1e-13)


def test_elman_bptt_gives_the_lectures_numbers():
    """Inputs, loss, ∇V, ∇W, ∇U as the lecture's example has them, to 5 digits."""
    U, W, V = _lecture_weights()
    loss, d, out, hidden = textbook.elman_bptt(
        U, W, np.zeros(2), V, np.zeros(3), np.zeros(2), LECTURE_XS, LECTURE_YS
    )
    printed = functools.partial(np.testing.assert_allclose, rtol=0, atol=5.1e-6)
    printed(loss, 3.42692)
    printed(out[0], [-0.78166, 0.31813, 0.46353])
    printed(hidden[0], [0.05370, 0.00164])
    printed(d["V"], [[-0.27229, -0.35369], [-0.08774, -0.05002], [0.36003, 0.40372]])
    printed(d["W"], [[-0.00469, -0.00535], [-0.00001, -0.00001]])
    printed(d["U"], [[0.04359, 0.09193, 0.14026], [0.00162, 0.00325, 0.00487]])
    printed(d["b"], [0.04833, 0.00163])
    printed(d["b_o"], [-0.35628, -0.04895, 0.40523])


def test_network_equals_textbook_bptt_of_elman():
    U, W, V = _lecture_weights()
    b, b_o = np.array([0.1, -0.2]), np.array([0.3, 0.0, -0.1])
    s_0, xs = np.array([0.4, -0.3]), LECTURE_XS / 5
    loss, d, _, _ = textbook.elman_bptt(U, W, b, V, b_o, s_0, xs, LECTURE_YS)

    def network(params, output, s_0, xs):
        ys, _ = unroll.unroll(cells.elman.cell(), params, s_0, xs)
        logits = readout.readout(output, ys)
        return losses.cross_entropy(logits, np.argmax(LECTURE_YS, axis=1)).sum()

    arguments = (cells.elman.Params(U, W, b), readout.Params(V, b_o), s_0, xs)
    with jax.disable_jit():
        value, grads = jax.value_and_grad(network, (0, 1, 2, 3))(*arguments)
    np.testing.assert_allclose(value, loss, rtol=1e-13)
    wanted = [d[name] for name in ("U", "W", "b", "V", "b_o", "s_0", "xs")]
    for d_leaf, d_wanted in zip(jax.tree.leaves(grads), wanted, strict=True):
        np.testing.assert_allclose(d_leaf, d_wanted, rtol=1e-12, atol=1e-15)


def test_unroll_equals_textbook_bptt_of_lstm():
    case = BY_NAME["lstm"]
    inputs = draw(case.make(cells), 5, NUM_STEPS, ())

    def unrolled(params, state_0, xs):
        return unroll.unroll(case.make(cells), params, state_0, xs)

    arguments = (inputs.params, inputs.state_0, inputs.xs)
    with jax.disable_jit():
        outputs, pull = jax.vjp(unrolled, *arguments)
        d_outputs = _cotangents(outputs)
        d_params, d_state_0, d_xs = pull(d_outputs)
    w = case.weights(inputs.params._asdict())
    wanted = textbook.lstm_bptt(
        w, *inputs.state_0, inputs.xs, d_outputs.ys, *d_outputs.state
    )
    hand = case.weights({k: np.asarray(v) for k, v in d_params._asdict().items()})
    hand |= {"h_0": d_state_0.h, "c_0": d_state_0.c, "xs": d_xs}
    assert hand.keys() == wanted.keys()
    for name, d_wanted in wanted.items():
        np.testing.assert_allclose(hand[name], d_wanted, rtol=1e-12, atol=1e-15)


LECTURE_XS = np.array([[1.0, 2, 3], [2, 3, 4], [3, 4, 5]])
LECTURE_YS = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])


def _lecture_weights():
    U = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    W = np.array([[0.1, 0.2], [0.3, 0.4]])
    V = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    return U, W, V


def _cotangents(outputs):
    rng = np.random.default_rng(7)
    return jax.tree.map(lambda y: rng.normal(size=y.shape), outputs)
