"""RAS: teacher forcing by steps, gradients, padding, unknown words, no attention."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.cells import activations, elman, lstm_linear
from jaxseq.summarize import packing, ras_encoder, ras_model
from jaxseq.summarize.batches import Batch, Documents
from jaxseq.text.vocab import BOS, EOS, PAD, UNK


NUM_IDS, NUM_INPUTS, NUM_HIDDEN = 9, 3, 4
CELLS = {"lstm": lstm_linear.cell(), "elman": elman.cell(activations.logistic)}
CONVOLUTION = ras_encoder.convolution(max_words=6)
IDS = np.array([[4, 9, 5, 0], [9, 6, 0, 0], [7, 10, 0, 0], [10, 9, 0, 0]], np.int32)
DOCUMENTS = Documents(IDS, np.array([4, 4, 1, 0], np.int32))  # the last has no word
# Inside the vocabulary and outside, and none at all.
TARGETS = np.array([[4, 10, 5, 6], [9, 6, UNK, EOS], [8, EOS, EOS, 0]], np.int32)
PACKING = packing.of(np.array([3, 3, 3, 2]), 3, 13)
BATCH = Batch(DOCUMENTS, TARGETS, PACKING)
every_cell = pytest.mark.parametrize(
    "cell",
    [
        pytest.param(CELLS["lstm"], id="lstm"),
        pytest.param(CELLS["elman"], id="elman", marks=pytest.mark.slow),
    ],
)


def made(cell, encoder=CONVOLUTION):
    model = ras_model.model(cell, encoder, NUM_IDS, NUM_INPUTS, NUM_HIDDEN)
    sizes = (NUM_IDS, NUM_INPUTS, NUM_HIDDEN)
    key = jax.random.key(0)
    return model, moved(ras_model.init(cell, encoder, *sizes, key, "float64"))


def moved(tree):
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda a: a + 0.2 * rng.normal(size=a.shape), tree)


@functools.partial(jax.jit, static_argnums=0, static_argnames="dropout")
def score(model, params, batch, **dropout):
    return model.score(params, batch, **dropout)


@functools.partial(jax.jit, static_argnums=0)
def take_step(model, params, memory, state, y_tm1):
    return model.decoder.step(params, memory, state, y_tm1)


def unpacked(nats, packed=PACKING):
    return np.append(nats, 0)[np.minimum(np.asarray(packed.places), len(nats))]


@every_cell
def test_steps_are_teacher_forcing(cell):
    model, params = made(cell)
    memory = model.read(params, DOCUMENTS, 3)
    state = model.decoder.start(params, memory)
    y_tm1, nats = np.full_like(TARGETS[0], BOS), []
    for y_t in TARGETS:
        step = take_step(model, params, memory, state, jnp.asarray(y_tm1)[:, None])
        np.testing.assert_allclose(jnp.exp(step.log_probs).sum(-1), 1, rtol=1e-12)
        written = np.where(y_t < NUM_IDS, y_t, UNK)
        nats.append(-step.log_probs[np.arange(4), 0, written])
        state, y_tm1 = step.state, y_t
    counts = np.asarray(PACKING.places) < 13
    taught = unpacked(score(model, params, BATCH))
    np.testing.assert_allclose(taught[counts], np.array(nats)[counts], rtol=1e-12)


def test_hypotheses_are_stepped_side_by_side():
    model, params = made(CELLS["lstm"])
    memory = model.read(params, DOCUMENTS, 0)
    start = model.decoder.start(params, memory)
    words = jnp.asarray([[BOS, 4], [9, 5], [6, 11], [4, 4]])
    two = jax.tree.map(lambda leaf: jnp.repeat(leaf, 2, axis=1), start)
    both = take_step(model, params, memory, two, words)
    assert both.log_probs.shape == (4, 2, NUM_IDS)
    assert both.weights.shape == (4, 2, 4)
    for k in range(2):
        one = take_step(model, params, memory, start, words[:, k : k + 1])
        jax.tree.map(
            lambda a, b, k=k: np.testing.assert_allclose(a[:, k], b[:, 0], rtol=1e-12),
            both,
            one,
        )


def plain(cell, params):
    """The same costs written out for single documents, without packing."""
    known = lambda ids: jnp.asarray(np.where(ids < NUM_IDS, ids, UNK))
    lookup = lambda ids: params.embedding[known(ids)] * NUM_INPUTS**0.5
    filters = params.encoder.B.reshape(NUM_HIDDEN, 5, NUM_INPUTS)
    total = 0.0
    for n, length in enumerate(DOCUMENTS.lengths):
        xs = lookup(IDS[:length, n])
        a = jnp.pad(xs + params.encoder.positions[:length], [(2, 2), (0, 0)])
        keys = [jnp.einsum("kqi,qi->k", filters, a[i : i + 5]) for i in range(length)]
        state, y_tm1 = cell.zero_state(params.cell, ()), np.array(BOS)
        for t in range(3):
            c = jnp.zeros(NUM_INPUTS)
            if length:
                scores = jnp.stack(keys) @ cell.output(state) / NUM_HIDDEN**0.5
                c = jax.nn.softmax(scores) @ xs
            z = cell.project(params.cell, jnp.concatenate([lookup(y_tm1), c]))
            state, _ = cell.step(cell.prepare(params.cell), state, z)
            seen = jnp.concatenate([c, cell.output(state)])
            u = params.mix.V @ seen + params.mix.b
            logits = params.embedding @ u + params.bias
            if PACKING.places[t, n] < 13:
                nats = -jax.nn.log_softmax(logits)[known(TARGETS[t, n])]
                total += jnp.sin(nats)
            y_tm1 = TARGETS[t, n]
    return total


@every_cell
def test_value_and_gradient_equal_those_of_the_plain_equations(cell):
    model, params = made(cell)
    ours = jax.jit(
        jax.value_and_grad(lambda p: jnp.sum(jnp.sin(model.score(p, BATCH))))
    )(params)
    wanted = jax.jit(jax.value_and_grad(functools.partial(plain, cell)))(params)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12),
        ours,
        wanted,
    )


def test_padding_changes_nothing_and_a_filling_column_costs_nothing():
    model, params = made(CELLS["lstm"])
    wide = Batch(
        Documents(
            np.pad(IDS, [(0, 2), (0, 1)], constant_values=PAD),
            np.append(DOCUMENTS.lengths, np.int32(0)),
        ),
        np.pad(TARGETS, [(0, 1), (0, 1)], constant_values=PAD),
        packing.of(np.array([3, 3, 3, 2, 0]), 4, 14),
    )
    ours = jax.jit(jax.value_and_grad(lambda p: jnp.sum(model.score(p, wide))))
    wanted = jax.jit(jax.value_and_grad(lambda p: jnp.sum(model.score(p, BATCH))))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-14),
        ours(params),
        wanted(params),
    )
    nats = unpacked(score(model, params, wide), wide.packing)
    np.testing.assert_array_equal(nats[:, 4], 0)


def test_a_word_outside_is_read_and_written_as_unknown():
    model, params = made(CELLS["lstm"])
    unknown = lambda ids: np.where(ids < NUM_IDS, ids, UNK)
    other = Batch(DOCUMENTS._replace(ids=unknown(IDS)), unknown(TARGETS), PACKING)
    assert not np.array_equal(other.targets, TARGETS)
    np.testing.assert_array_equal(
        score(model, params, other), score(model, params, BATCH)
    )


def test_the_first_attention_is_even():
    model, params = made(CELLS["lstm"])
    memory = model.read(params, DOCUMENTS, 0)
    state = model.decoder.start(params, memory)
    step = take_step(model, params, memory, state, jnp.full((4, 1), BOS))
    wanted = [[0.25] * 4, [0.25] * 4, [1, 0, 0, 0], [0] * 4]
    np.testing.assert_allclose(step.weights[:, 0], wanted, rtol=1e-15)


def test_without_attention_the_document_does_not_matter():
    model, params = made(CELLS["lstm"], ras_encoder.nothing())
    other = BATCH._replace(documents=DOCUMENTS._replace(ids=IDS[::-1].copy()))
    np.testing.assert_array_equal(
        score(model, params, other), score(model, params, BATCH)
    )
    memory = model.read(params, DOCUMENTS, 0)
    state = model.decoder.start(params, memory)
    step = take_step(model, params, memory, state, jnp.full((4, 1), BOS))
    assert step.weights.shape == (4, 1, 4)
    assert not np.any(step.weights)
    attending, params = made(CELLS["lstm"])
    assert not np.allclose(
        score(attending, params, other), score(attending, params, BATCH)
    )


def test_contexts_are_written_as_they_are_read_from_the_start():
    sizes = (NUM_IDS, NUM_INPUTS, NUM_HIDDEN)
    params = ras_model.init(CELLS["lstm"], CONVOLUTION, *sizes, jax.random.key(0))
    np.testing.assert_array_equal(params.mix.V[:, :NUM_INPUTS], np.eye(NUM_INPUTS))


def test_dropout_needs_a_key():
    model, params = made(CELLS["lstm"])
    key = jax.random.key(3)
    dropped = score(model, params, BATCH, dropout=0.5, key=key)
    again = score(model, params, BATCH, dropout=0.5, key=key)
    np.testing.assert_array_equal(dropped, again)
    whole = score(model, params, BATCH)
    assert not np.allclose(dropped, whole)
    np.testing.assert_array_equal(score(model, params, BATCH, dropout=0.5), whole)


def test_equal_arguments_are_one_model():
    assert made(CELLS["lstm"])[0] is made(CELLS["lstm"])[0]
    assert hash(made(CELLS["lstm"])[0]) != hash(made(CELLS["elman"])[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ras_model.model(CELLS["lstm"], CONVOLUTION, 9, 0, 4).init(
                jax.random.key(0)
            ),
            "num_inputs: expected an integer ≥ 1",
        ),
        (
            lambda: ras_model.model(lstm_linear.cell, CONVOLUTION, 9, 3, 4).init(
                jax.random.key(0)
            ),
            "cell: expected a jaxseq.cells.Cell",
        ),
        (
            lambda: made(CELLS["lstm"])[0].read(
                made(CELLS["lstm"])[1], Documents(IDS[0], IDS[0]), 0
            ),
            r"documents.ids: expected shape \[M, B\]",
        ),
        (
            lambda: made(CELLS["lstm"])[0].score(
                made(CELLS["lstm"])[1], BATCH, dropout=1.0
            ),
            r"dropout: expected a number in \[0, 1\)",
        ),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
