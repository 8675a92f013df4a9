"""ABS: teacher forcing by steps, gradients, padding, the tables' norms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import (
    abs_encoders,
    abs_model,
    abs_tables,
    beam,
    constraints,
    packing,
)
from jaxseq.summarize.batches import Batch, Documents
from jaxseq.text.vocab import BOS, EOS, PAD, UNK


NUM_IDS, SIZE, NUM_HIDDEN, NUM_CONTEXT = 9, 3, 4, 2
SCALE = 2.5 * SIZE**0.5
ENCODERS = {
    "none": abs_encoders.none(),
    "bag_of_words": abs_encoders.bag_of_words(SIZE),
    "convolution": abs_encoders.convolution(SIZE, 3, 1),
    "attention": abs_encoders.attentive(SIZE, 2),
}
# An id of 9 or more is of a word outside the vocabulary.
IDS = np.array([[4, 9, 5], [9, 6, 0], [7, 10, 0], [10, 4, 0], [5, 8, 0]], np.int32)
DOCUMENTS = Documents(IDS, np.array([5, 4, 1], np.int32))
TARGETS = np.array([[4, 10, 5], [9, 6, UNK], [8, EOS, EOS], [EOS, 0, 0]], np.int32)
NUM_TARGETS = np.array([4, 3, 3])
PACKING = packing.of(NUM_TARGETS, 4, 12)
BATCH = Batch(DOCUMENTS, TARGETS, PACKING)


every_encoder = pytest.mark.parametrize("name", ENCODERS)


def model_of(name):
    return abs_model.model(ENCODERS[name], NUM_IDS, SIZE, NUM_HIDDEN, NUM_CONTEXT)


def params_of(name):
    key = jax.random.key(1)
    sizes = (NUM_IDS, SIZE, NUM_HIDDEN, NUM_CONTEXT)
    params = abs_model.init(ENCODERS[name], key, *sizes, "float64")
    # Other than drawn: biases, and rows of tables on both sides of norm 1.
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    return structure.unflatten(
        leaf + 0.7 * jax.random.normal(k, leaf.shape, leaf.dtype)
        for k, leaf in zip(keys, leaves, strict=True)
    )


def unpacked(nats):
    places = np.asarray(PACKING.places)
    return np.append(nats, np.nan)[np.minimum(places, len(nats))]


def by_steps(model, params, documents, targets):
    """-log p of the targets by the decoder, `[T, B]`."""
    memory = model.read(params, documents, 3)
    state = model.decoder.start(params, memory)
    take_step = jax.jit(model.decoder.step)
    nats, y_tm1 = [], np.full_like(targets[0], BOS)
    for y_t in targets:
        step = take_step(params, memory, state, jnp.asarray(y_tm1)[:, None])
        state, y_tm1 = step.state, y_t
        known = np.where(y_t < NUM_IDS, y_t, UNK)
        nats.append(-step.log_probs[np.arange(len(y_t)), 0, known])
    return np.array(nats)


def numbers(ids):
    return [i if i < NUM_IDS else UNK for i in ids]


def enc_none(params, words, context):
    del params, words, context
    return jnp.zeros(0)


def enc_bag_of_words(params, words, context):
    del context
    return SCALE * sum(params[w] for w in words) / len(words)  # (1), (2)


def enc_convolution(params, words, context):
    del context
    xs = [SCALE * params.table[w] for w in words]
    for number, layer in enumerate(params.layers):
        if number == 1:  # (4)
            xs = [jnp.max(jnp.stack(xs[i : i + 2]), 0) for i in range(0, len(xs), 2)]
        if number:
            xs = [jnp.where(x > 0, x, 0) for x in xs]
        padded = [jnp.zeros(SIZE), *xs, jnp.zeros(SIZE)]
        near = [jnp.concatenate(padded[i : i + 3]) for i in range(len(xs))]
        xs = [layer.V @ n + layer.b for n in near]  # (3)
    return jnp.max(jnp.stack(xs), 0)  # (5)


def enc_attention(params, words, context):
    xs = SCALE * params.table[np.array(words)]
    y = SCALE * jnp.concatenate([params.context[w] for w in context])  # (6)
    query = params.projection.V @ y + params.projection.b
    p = jax.nn.softmax(xs @ query / SIZE**0.5)  # (7)
    places = np.arange(len(words))
    is_near = np.abs(places[:, None] - places[None]) <= 2
    return p @ (is_near.astype(float) @ xs / 2)  # (8), (9)


PLAIN = {
    "none": enc_none,
    "bag_of_words": enc_bag_of_words,
    "convolution": enc_convolution,
    "attention": enc_attention,
}


def plain(name, params):
    """The costs word by word, as the paper has them: `[T, B]`, 0 after the end."""
    costs = [[jnp.zeros(())] * 3 for _ in TARGETS]
    for b, num_words in enumerate(DOCUMENTS.lengths):
        words = numbers(IDS[:num_words, b])
        summary = [BOS] * NUM_CONTEXT + numbers(TARGETS[:, b])
        for t in range(NUM_TARGETS[b]):
            context = summary[t : t + NUM_CONTEXT]
            y = SCALE * jnp.concatenate([params.embedding[w] for w in context])
            h = jnp.tanh(params.hidden.V @ y + params.hidden.b)
            enc = PLAIN[name](params.encoder, words, context)
            V, W = jnp.split(params.output.V, [NUM_HIDDEN], axis=1)
            logits = V @ h + W @ enc + params.output.b
            log_p = jax.nn.log_softmax(logits)
            costs[t][b] = -log_p[summary[t + NUM_CONTEXT]]
    return jnp.stack([jnp.stack(row) for row in costs])


@pytest.mark.parametrize(
    "name",
    [
        name if name == "attention" else pytest.param(name, marks=pytest.mark.slow)
        for name in ENCODERS
    ],
)
def test_value_and_gradient_equal_those_of_the_plain_equations(name):
    model, params = model_of(name), params_of(name)
    wanted, plain_gradient = jax.jit(
        jax.value_and_grad(lambda p: jnp.sum(jnp.sin(plain(name, p))))
    )(params)
    value, gradient = jax.jit(
        jax.value_and_grad(lambda p: jnp.sum(jnp.sin(model.score(p, BATCH))))
    )(params)
    assert value == pytest.approx(float(wanted), rel=1e-12)
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(
            ours, theirs, rtol=1e-9, atol=1e-12
        ),
        gradient,
        plain_gradient,
    )


@every_encoder
def test_steps_are_teacher_forcing(name):
    model, params = model_of(name), params_of(name)
    taught = unpacked(jax.jit(model.score)(params, BATCH))
    stepped = by_steps(model, params, DOCUMENTS, TARGETS)
    counts = np.asarray(PACKING.places) < 12
    assert counts.sum() == NUM_TARGETS.sum()
    np.testing.assert_allclose(taught[counts], stepped[counts], rtol=1e-12)


@every_encoder
def test_padding_changes_nothing_and_a_filling_column_costs_nothing(name):
    model, params = model_of(name), params_of(name)
    wide = Batch(
        Documents(
            np.pad(IDS, [(0, 4), (0, 1)], constant_values=PAD),
            np.append(DOCUMENTS.lengths, np.int32(0)),
        ),
        np.pad(TARGETS, [(0, 1), (0, 1)], constant_values=PAD),
        packing.of(np.append(NUM_TARGETS, 0), 5, 13),
    )
    total = lambda batch: jax.jit(
        jax.value_and_grad(lambda p: jnp.sum(model.score(p, batch)))
    )(params)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-13),
        total(wide),
        total(BATCH),
    )


@every_encoder
def test_a_document_without_words_is_finite(name):
    model, params = model_of(name), params_of(name)
    empty = DOCUMENTS._replace(lengths=np.array([5, 0, 1], np.int32))
    total = lambda p: jnp.sum(model.score(p, BATCH._replace(documents=empty)))
    value, gradient = jax.jit(jax.value_and_grad(total))(params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((value, gradient)))
    memory = model.read(params, empty, 0)
    contexts = jnp.full((3, NUM_CONTEXT), BOS, jnp.int32)
    found = ENCODERS[name].attend(params.encoder, memory, contexts)
    np.testing.assert_array_equal(found.contexts[1], 0)
    np.testing.assert_array_equal(found.weights[1], 0)


@every_encoder
def test_two_hypotheses_of_a_document_are_two_contexts(name):
    model, params = model_of(name), params_of(name)
    memory = model.read(params, DOCUMENTS, 0)
    state = jnp.asarray([[[4, 5], [6, 7]]] * 3, jnp.int32)
    words = jnp.asarray([[8, 11]] * 3, jnp.int32)
    take_step = jax.jit(model.decoder.step)
    both = take_step(params, memory, state, words)
    np.testing.assert_array_equal(both.state[0], [[5, 8], [7, UNK]])
    assert both.log_probs.shape == (3, 2, NUM_IDS)
    np.testing.assert_allclose(jnp.exp(both.log_probs).sum(-1), 1, rtol=1e-12)
    for k in range(2):
        one = take_step(params, memory, state[:, k : k + 1], words[:, k : k + 1])
        for ours, theirs in zip(both, one, strict=True):
            np.testing.assert_allclose(ours[:, k], theirs[:, 0], rtol=1e-12)


def test_weights_say_where_an_encoder_looks():
    sums = {}
    for name in ENCODERS:
        model, params = model_of(name), params_of(name)
        memory = model.read(params, DOCUMENTS, 0)
        start = model.decoder.start(params, memory)
        step = model.decoder.step(params, memory, start, jnp.full((3, 1), BOS))
        assert step.weights.shape == (3, 1, 5)
        np.testing.assert_array_equal(step.weights[2, 0, 1:], 0)
        sums[name] = step.weights.sum(-1).ravel().tolist()
    one = pytest.approx([1, 1, 1])
    assert sums == {
        **{"none": [0, 0, 0], "bag_of_words": one},
        **{"convolution": [0, 0, 0], "attention": one},
    }


def test_tables_are_renormalized_and_nothing_else_is():
    params = params_of("attention")
    new = model_of("attention").renormalize(params)
    for table, before in (
        (new.embedding, params.embedding),
        (new.encoder.table, params.encoder.table),
        (new.encoder.context, params.encoder.context),
    ):
        norms = np.linalg.norm(before, axis=-1)
        assert norms.min() < 1 < norms.max()
        wanted = before / np.maximum(norms, 1)[:, None]
        np.testing.assert_allclose(table, wanted, rtol=1e-12)
    assert new.hidden is params.hidden
    assert new.output is params.output
    assert new.encoder.projection is params.encoder.projection
    zero = abs_tables.capped(jnp.zeros((2, 3)))
    np.testing.assert_array_equal(zero, 0)
    for name, tables in (("bag_of_words", 1), ("convolution", 1), ("none", 0)):
        leaves = jax.tree.leaves(model_of(name).renormalize(params_of(name)).encoder)
        norms = np.linalg.norm(leaves[0], axis=-1)
        assert norms.max() == pytest.approx(tables, abs=1e-12)


def test_a_convolution_encodes_as_its_plain_equations_do():
    """Values alone, which is quick; the gradient's test is a slow one."""
    params = params_of("convolution").encoder
    ids = jnp.asarray(np.where(IDS < NUM_IDS, IDS, UNK))
    mask = np.arange(len(IDS))[:, None] < DOCUMENTS.lengths
    found = ENCODERS["convolution"].read(params, ids, jnp.asarray(mask)).encoded
    for b, num_words in enumerate(DOCUMENTS.lengths):
        wanted = enc_convolution(params, numbers(IDS[:num_words, b]), None)
        np.testing.assert_allclose(found[b], wanted, rtol=1e-12)


def test_a_convolution_starts_near_the_identity():
    encoder = abs_encoders.convolution(4, 3, 2)
    params = encoder.init(jax.random.key(0), NUM_IDS, NUM_CONTEXT, jnp.float64)
    for layer in params.layers:
        taps = np.array(layer.V).reshape(4, 5, 4)
        taps[:, 2] -= np.eye(4)
        bound = 0.1 / (5 * 4) ** 0.5
        assert 0.8 * bound < np.abs(taps).max() < bound


def test_dropout_needs_a_key():
    model, params = model_of("attention"), params_of("attention")
    key = jax.random.key(3)
    score = jax.jit(model.score, static_argnames="dropout")
    dropped = score(params, BATCH, dropout=0.5, key=key)
    again = score(params, BATCH, dropout=0.5, key=key)
    whole = score(params, BATCH)
    np.testing.assert_array_equal(dropped, again)
    assert not np.allclose(dropped, whole)
    np.testing.assert_array_equal(score(params, BATCH, dropout=0.5), whole)


def test_it_can_be_searched():
    model, params = model_of("attention"), params_of("attention")
    options = constraints.Options(beam_size=2, max_length=3, forbidden=(BOS,))
    memory = model.read(params, DOCUMENTS, 0)
    search = jax.jit(beam.search, static_argnums=(0, 3))
    found = search(model.decoder, params, memory, options)
    assert found.tokens.shape == (3, 2, 3)
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: abs_encoders.bag_of_words(0), "size: expected an integer ≥ 1"),
        (lambda: abs_encoders.convolution(3, 0), "num_layers: expected"),
        (lambda: abs_encoders.attentive(3, -1), "radius: expected an integer ≥ 0"),
        (
            lambda: abs_model.model(abs_encoders.none(), 9, 0, 4).init(
                jax.random.key(0)
            ),
            "num_inputs: expected",
        ),
        (
            lambda: model_of("none").read(
                params_of("none"), Documents(IDS[0], IDS[0]), 1
            ),
            r"documents.ids: expected shape \[M, B\]",
        ),
        (
            lambda: model_of("none").score(params_of("none"), BATCH, dropout=1.0),
            r"dropout: expected a number in \[0, 1\)",
        ),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
