"""A decoder that attends with its last state: loops, JAX's gradients, what it holds."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.attention import additive, dot, general
from jaxseq.attention.memory import Memory, remember, remember_plain
from jaxseq.attention.score import Score
from jaxseq.cells import Cell, activations, derived, elman, gru, lstm, lstm_linear
from jaxseq.summarize import attentive
from tests.programs import equations


NUM_STEPS, BATCH, NUM_WORDS = 5, 3, 4
NUM_INPUTS, NUM_VALUES, NUM_HIDDEN, NUM_ENCODED = 2, 3, 4, 4
SCORES = {
    "dot": dot.score(0.7),
    "general": general.score(),
    "additive": additive.score(6),
}
CELLS = {
    "elman": elman.cell(activations.logistic),
    "lstm": lstm.cell(),
    "lstm_linear": lstm_linear.cell(),
    "gru_reset_after": gru.reset_after(),
    "gru_reset_before": gru.reset_before(),
}
# Every cell and every score, not every pair: they meet in one place only.
PAIRS = [
    ("lstm_linear", "additive"),
    pytest.param("elman", "general", marks=pytest.mark.slow),
    pytest.param("lstm", "dot", marks=pytest.mark.slow),
    pytest.param("gru_reset_after", "dot", marks=pytest.mark.slow),
    pytest.param("gru_reset_before", "additive", marks=pytest.mark.slow),
    pytest.param("elman", "additive", marks=pytest.mark.slow),
    pytest.param("lstm", "general", marks=pytest.mark.slow),
    pytest.param("lstm", "additive", marks=pytest.mark.slow),
]
every_pair = pytest.mark.parametrize(("cell", "score"), PAIRS)
MASK = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], bool)  # the last: nothing


def draw(cell: Cell, score: Score, num_steps=NUM_STEPS, dtype=np.float64):
    """Returns `(params, state_0, xs, encoded, values)`, no entry at its start."""
    rng = np.random.default_rng(0)
    moved = lambda leaf: jnp.asarray(
        np.asarray(leaf, np.float64) + 0.3 * rng.normal(size=leaf.shape), dtype
    )
    key = jax.random.key(0)
    made = attentive.Params(
        cell.init(key, NUM_INPUTS + NUM_VALUES, NUM_HIDDEN, "float64"),
        score.init(key, NUM_HIDDEN, NUM_ENCODED, "float64"),
    )
    params = jax.tree.map(moved, made)
    state_0 = jax.tree.map(moved, cell.zero_state(made.cell, (BATCH,)))
    arrays = (
        moved(np.zeros(shape))
        for shape in (
            (num_steps, BATCH, NUM_INPUTS),
            (NUM_WORDS, BATCH, NUM_ENCODED),
            (NUM_WORDS, BATCH, NUM_VALUES),
        )
    )
    return (params, state_0, *arrays)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def value_and_gradients(unroll, remember, cell, score, args, mask):
    """Returns what is unrolled, and gradients along a random direction."""

    def run(params, state_0, xs, encoded, values):
        memory = remember(score, params.score, encoded, values, mask)
        return unroll(cell, score, params, state_0, xs, memory)

    result, pull = jax.vjp(run, *args)
    rng = np.random.default_rng(1)
    direction = jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(size=leaf.shape), leaf.dtype), result
    )
    return result, pull(direction)


def assert_close(got, wanted, tolerance=1e-12):
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        scale = float(np.max(np.abs(b), initial=1e-3))
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)


@every_pair
def test_value_and_every_gradient_equal_those_of_the_plain_scan(cell, score):
    cell, score = CELLS[cell], SCORES[score]
    args = draw(cell, score)
    forms = (
        (attentive.unroll, remember),
        (attentive.unroll_plain, remember_plain),
    )
    ours, plain = (value_and_gradients(*f, cell, score, args, MASK) for f in forms)
    assert_close(ours, plain)
    # The last document has no word: no weight, no context, no gradient.
    assert not np.any(ours[0].weights[:, 2])
    assert not np.any(ours[0].contexts[:, 2])
    assert not np.any(ours[1][3][:, 2])
    assert not np.any(ours[1][4][:, 2])
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(ours))


def test_steps_equal_loops_over_numbers():
    """With the dot score and Elman's cell, written out for each document and place."""
    cell, score = CELLS["elman"], dot.score()
    params, s_0, xs, encoded, values = draw(cell, score)
    memory = remember(score, (), encoded, values, jnp.asarray(MASK))
    unroll = jax.jit(attentive.unroll, static_argnums=(0, 1))
    ours = unroll(cell, score, params, s_0, xs, memory)
    U, W, b = map(np.asarray, params.cell)
    for n in range(BATCH):
        h, places = np.asarray(s_0[n]), np.flatnonzero(MASK[:, n])
        for t in range(NUM_STEPS):
            powers = {j: np.exp(np.dot(h, encoded[j, n])) for j in places}
            total = sum(powers.values())
            c = sum(
                (p / total * np.asarray(values[j, n]) for j, p in powers.items()),
                np.zeros(NUM_VALUES),
            )
            h = 1 / (1 + np.exp(-(U @ np.append(xs[t, n], c) + W @ h + b)))
            np.testing.assert_allclose(ours.contexts[t, n], c, atol=1e-14)
            np.testing.assert_allclose(ours.ys[t, n], h, rtol=1e-13)
    np.testing.assert_array_equal(ours.state, ours.ys[-1])


@pytest.mark.slow
def test_padding_of_the_memory_is_never_read():
    cell, score = CELLS["lstm"], SCORES["general"]
    args = draw(cell, score)
    padded = list(args)
    for place in (3, 4):
        padded[place] = jnp.where(MASK[..., None], args[place], jnp.nan)
    form = (attentive.unroll, remember, cell, score)
    assert_close(
        value_and_gradients(*form, tuple(padded), MASK),
        value_and_gradients(*form, args, MASK),
    )


@pytest.mark.slow
def test_no_steps_leave_the_state():
    cell, score = CELLS["lstm"], SCORES["dot"]
    args = draw(cell, score, num_steps=0)
    result, gradients = value_and_gradients(
        attentive.unroll, remember, cell, score, args, MASK
    )
    assert result.ys.shape == (0, BATCH, NUM_HIDDEN)
    assert_close(result.state, args[1])
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(gradients[0]))


@pytest.mark.slow
def test_narrow_weights_go_round_with_a_float32_state():
    cell, score = CELLS["lstm"], SCORES["general"]
    narrow = draw(cell, score, dtype=jnp.bfloat16)
    state_0 = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), narrow[1])
    args = (narrow[0], state_0, *narrow[2:])
    exact = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), args)
    form = (attentive.unroll, remember, cell, score)
    ours = value_and_gradients(*form, args, MASK)
    wanted = value_and_gradients(*form, exact, MASK)
    assert ours[0].ys.dtype == jnp.bfloat16
    assert ours[0].state.h.dtype == jnp.float32
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(wanted), strict=True):
        scale = np.max(np.abs(b), initial=1e-1)
        np.testing.assert_allclose(a.astype(np.float64), b, rtol=0, atol=0.06 * scale)


def loops_of_gradient(unroll, cell, score):
    params, state_0, xs, encoded, values = draw(cell, score)

    def loss(params, state_0, xs, keys, values):
        memory = Memory(keys, values, jnp.asarray(MASK.T))
        result = unroll(cell, score, params, state_0, xs, memory)
        return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(result))

    keys = score.project(params.score, encoded).swapaxes(0, 1)
    args = (params, state_0, xs, keys, values.swapaxes(0, 1))
    jaxpr = jax.make_jaxpr(jax.grad(loss, (0, 1, 2, 3, 4)))(*args).jaxpr
    found = equations(jaxpr, except_in=("scan",))
    scans = [e for e in found if e.primitive.name == "scan"]
    sizes = [leaf.shape for leaf in jax.tree.leaves((params, keys, args[-1]))]
    return scans, sizes


def used(jaxpr):
    """Lists the equations whose results are used, as XLA keeps them."""
    wanted = set(map(id, jaxpr.outvars))
    kept = []
    for equation in reversed(jaxpr.eqns):
        if wanted & set(map(id, equation.outvars)):
            wanted |= set(map(id, equation.invars))
            kept.append(equation)
    return kept


def products(scan):
    body = scan.params["jaxpr"].jaxpr
    return [
        tuple(v.aval.shape for v in e.outvars)[0]
        for e in used(body)
        if e.primitive.name == "dot_general"
    ]


def carried(scan):
    body = scan.params["jaxpr"].jaxpr
    pairs = zip(body.outvars, scan.outvars, strict=True)
    return [v.aval.shape for v, out in pairs if v.aval.shape == out.aval.shape]


@pytest.mark.parametrize("cell", ["elman", "lstm"])
def test_the_backward_loop_holds_no_sum_of_weights_or_memory(cell):
    cell = CELLS[cell]
    scans, sizes = loops_of_gradient(attentive.unroll, cell, SCORES["dot"])
    forward, backward = scans
    # W h, P c, the scores and the sum of values; the transposes of the four.
    assert len(products(forward)) == len(products(backward)) == 4
    assert not set(carried(backward)) & set(sizes)
    # Pᵀ δ is that of the context alone, not of [x, c].
    assert (1, BATCH, NUM_VALUES) in products(backward)


def test_the_plain_scan_sums_weights_and_memory_in_its_loop():
    """The test above can fail: `jax.grad` of the plain scan does what it forbids."""
    scans, sizes = loops_of_gradient(
        attentive.unroll_plain, CELLS["elman"], SCORES["dot"]
    )
    assert set(carried(scans[-1])) & set(sizes)


def test_forward_mode_is_sent_to_the_plain_form():
    cell, score = CELLS["elman"], SCORES["dot"]
    params, state_0, xs, encoded, values = draw(cell, score)
    memory = remember(score, (), encoded, values)
    run = lambda form: lambda xs: form(cell, score, params, state_0, xs, memory).ys
    with pytest.raises(TypeError, match="attentive.unroll_plain"):
        jax.jvp(run(attentive.unroll), (xs,), (xs,))
    assert jax.jvp(run(attentive.unroll_plain), (xs,), (xs,))[1].shape == (5, 3, 4)


def step_of_elman(params, state_tm1, x_t):
    return jnp.tanh(x_t @ params.U.T + state_tm1 @ params.W.T)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": lstm.cell}, r"cell: expected a jaxseq.cells.Cell, got .*called"),
        ({"score": dot.score}, "score: expected a jaxseq.attention.Score"),
        ({"params": ()}, "params: expected attentive.Params, got tuple"),
        (
            {"xs": jnp.zeros((5, 3, 3))},
            r"xs: expected shape \[T, ..., I\] with I \+ D = 5, got float64\[5, 3, 3\]",
        ),
        ({"xs": jnp.zeros((5, 2, 2))}, r"memory.values: expected float64\[2, M, D\]"),
        ({"memory": ()}, "memory: expected a Memory"),
        ({"state_0": jnp.zeros((3, 5))}, r"state_0: expected float64\[3, 4\]"),
        (
            {
                "cell": derived.from_step(
                    step_of_elman,
                    init=elman.init,
                    sizes=elman.sizes,
                    zero_state=elman.zero_state,
                )
            },
            "cell: expected one whose project sums over its inputs",
        ),
    ],
)
def test_wrong_calls_are_refused(change, message):
    cell, score = CELLS["elman"], SCORES["dot"]
    params, state_0, xs, encoded, values = draw(cell, score)
    memory = remember(score, (), encoded, values)
    names = ("cell", "score", "params", "state_0", "xs", "memory")
    given = dict(zip(names, (cell, score, params, state_0, xs, memory), strict=True))
    with pytest.raises(ValueError, match=f"^{message}"):
        attentive.unroll(**(given | change))
