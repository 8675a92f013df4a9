"""The copying model: teacher forcing by steps, gradients, padding, unknown words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.attention import attend, general
from jaxseq.cells import lstm
from jaxseq.summarize import batches, copy_loss, copy_model, packing
from jaxseq.summarize.batches import Batch, Documents
from jaxseq.summarize.packing import Packing
from jaxseq.text.vocab import BOS, EOS, PAD, UNK
from jaxseq.unroll import unroll_plain


NUM_IDS, NUM_OUTSIDE = 9, 3
PARAMS = copy_model.init(jax.random.key(0), NUM_IDS, 4, 5, "float64")
IDS = np.array([[4, 9, 5], [9, 6, 0], [7, 10, 0], [10, 9, 0]], np.int32)
DOCUMENTS = Documents(IDS, np.array([4, 4, 1], np.int32))
# Written and copied, outside and copied, in neither.
TARGETS = np.array([[4, 10, 5], [9, 6, UNK], [8, EOS, EOS], [EOS, 0, 0]], np.int32)
PACKING = packing.of(np.array([4, 3, 3]), 4, 12)
BATCH = Batch(DOCUMENTS, TARGETS, PACKING)


# Compiled once for all tests: op by op takes ten times as long.
score = jax.jit(copy_model.score, static_argnames=("dropout", "coverage_weight"))
read = jax.jit(copy_model.read, static_argnums=2)
take_step = jax.jit(copy_model.step)


def by_steps(params, documents, targets, num_outside=NUM_OUTSIDE):
    """-log P of the targets by the decoder, `[T, B]`."""
    memory = read(params, documents, num_outside)
    state, y_tm1 = (
        copy_model.model(NUM_IDS, 4, 5).decoder.start(params, memory),
        np.full_like(targets[0], BOS),
    )
    nats = []
    for y_t in targets:
        step = take_step(params, memory, state, jnp.asarray(y_tm1)[:, None])
        state, y_tm1 = step.state, y_t
        nats.append(-step.log_probs[np.arange(len(y_t)), 0, y_t])
    return np.array(nats)


def unpacked(nats):
    places = np.asarray(PACKING.places)
    return np.append(nats, np.nan)[np.minimum(places, len(nats))]


def test_steps_are_teacher_forcing():
    taught = unpacked(score(PARAMS, BATCH))
    stepped = by_steps(PARAMS, DOCUMENTS, TARGETS)
    counts = np.asarray(PACKING.places) < 12
    np.testing.assert_allclose(taught[counts], stepped[counts], rtol=1e-12)


def test_the_probabilities_of_a_step_are_a_distribution_over_what_is_there():
    memory = read(PARAMS, DOCUMENTS, NUM_OUTSIDE)
    start = copy_model.start(PARAMS, memory)
    state = jax.tree.map(lambda leaf: jnp.repeat(leaf, 2, axis=1), start)
    step = take_step(PARAMS, memory, state, jnp.asarray([[BOS, 4], [9, 5], [6, 11]]))
    assert step.log_probs.shape == (3, 2, NUM_IDS + NUM_OUTSIDE)
    np.testing.assert_allclose(jnp.exp(step.log_probs).sum(-1), 1, rtol=1e-12)
    np.testing.assert_allclose(step.weights.sum(-1), 1, rtol=1e-12)
    # Two words of the first documents are outside, none of the last.
    is_there = np.isfinite(step.log_probs[:, 0, NUM_IDS:])
    np.testing.assert_array_equal(is_there, [[1, 1, 0], [1, 1, 0], [0, 0, 0]])


def test_a_word_outside_is_read_as_unknown():
    memory = read(PARAMS, DOCUMENTS, NUM_OUTSIDE)
    state = copy_model.start(PARAMS, memory)
    steps = [
        take_step(PARAMS, memory, state, jnp.full((3, 1), y)).log_probs
        for y in (UNK, 9, 11, 4)
    ]
    np.testing.assert_array_equal(steps[0], steps[1])
    np.testing.assert_array_equal(steps[0], steps[2])
    assert not np.allclose(steps[0], steps[3])


def plain(params):
    """The same costs with everything by JAX, and without packing."""
    lookup = lambda ids: params.embedding[jnp.where(ids < NUM_IDS, ids, UNK)] * 2.0
    xs = lookup(IDS)
    cell = lstm.cell()
    lengths = jnp.asarray(DOCUMENTS.lengths)
    runs = [
        unroll_plain(cell, p, None, xs, lengths=lengths, reverse=reverse)
        for p, reverse in zip(params.encoder, (False, True), strict=True)
    ]
    encoded = jnp.concatenate([run.ys for run in runs], -1)
    last_h, last_c = (
        jnp.concatenate([getattr(run.state, name) for run in runs], -1)
        for name in ("h", "c")
    )
    affine = lambda p, x: x @ p.V.T + jnp.broadcast_to(p.b, (*x.shape[:-1], len(p.b)))
    state = lstm.State(
        jnp.tanh(affine(params.bridge_h, last_h)), affine(params.bridge_c, last_c)
    )
    inputs = np.concatenate([np.full_like(TARGETS[:1], BOS), TARGETS[:-1]])
    xs = lookup(inputs)
    hs = unroll_plain(cell, params.decoder, state, xs).ys
    is_word = np.arange(4)[:, None] < DOCUMENTS.lengths[None]
    scores = jnp.einsum("tbh,hd,mbd->tbm", hs, params.attention.W, encoded)
    scores = jnp.where(is_word.T[None], scores, -jnp.inf)
    weights = jax.nn.softmax(scores)
    seen = jnp.concatenate([jnp.einsum("tbm,mbd->tbd", weights, encoded), hs], -1)
    mixed = jnp.tanh(affine(params.mix, seen))
    logits = mixed @ params.embedding.T
    logits += jnp.broadcast_to(params.bias, logits.shape)
    gates = affine(params.switch, jnp.concatenate([seen, xs], -1))[..., 0]
    matches = (IDS.T[None] == TARGETS[..., None]) & is_word.T[None]
    nats = copy_loss.copy_loss_plain(
        logits, gates, weights, jnp.asarray(matches), jnp.asarray(TARGETS)
    )
    return jnp.where(jnp.asarray(PACKING.places) < 12, nats, 0)


def test_value_and_gradient_equal_those_of_the_plain_equations():
    value, gradient = jax.jit(
        jax.value_and_grad(lambda p: jnp.sum(jnp.sin(score(p, BATCH))))
    )(PARAMS)
    wanted, plain_gradient = jax.jit(
        jax.value_and_grad(lambda p: jnp.sum(jnp.sin(plain(p))))
    )(PARAMS)
    assert value == pytest.approx(float(wanted), rel=1e-12)
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(
            ours, theirs, rtol=1e-9, atol=1e-12
        ),
        gradient,
        plain_gradient,
    )


def test_padding_changes_nothing_and_a_filling_column_costs_nothing():
    ids = np.pad(IDS, [(0, 2), (0, 1)], constant_values=PAD)
    targets = np.pad(TARGETS, [(0, 1), (0, 1)], constant_values=PAD)
    wide = Batch(
        Documents(ids, np.append(DOCUMENTS.lengths, np.int32(0))),
        targets,
        packing.of(np.array([4, 3, 3, 0]), 5, 13),
    )
    ours, wanted = score(PARAMS, wide), score(PARAMS, BATCH)
    np.testing.assert_allclose(ours[:12], wanted, rtol=1e-12)
    assert ours[12] == 0
    total = lambda batch: lambda p: jnp.sum(score(p, batch))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-14),
        jax.jit(jax.grad(total(wide)))(PARAMS),
        jax.jit(jax.grad(total(BATCH)))(PARAMS),
    )


def test_pad_in_the_target_is_no_match_of_padding_in_the_document():
    """What stands after a document's end cannot be copied, whatever its id."""
    memory = read(PARAMS, DOCUMENTS, 0)
    step = take_step(
        PARAMS, memory, copy_model.start(PARAMS, memory), jnp.full((3, 1), BOS)
    )
    found = attend.attend(
        general.score(), PARAMS.attention, step.state.h[:, 0], memory.attended
    )
    np.testing.assert_allclose(found.weights[2], [1, 0, 0, 0], atol=1e-15)
    logits = readout_of(step.state.h[:, 0], found.contexts)
    switch = jnp.concatenate(
        [
            found.contexts,
            step.state.h[:, 0],
            jnp.tile(PARAMS.embedding[BOS] * 2, (3, 1)),
        ],
        -1,
    )
    gate = jax.nn.sigmoid(switch @ PARAMS.switch.V[0])
    wanted = jnp.log(gate * jax.nn.softmax(logits)[:, PAD])
    np.testing.assert_allclose(step.log_probs[:, 0, PAD], wanted, rtol=1e-12)


def readout_of(hs, contexts):
    seen = jnp.concatenate([contexts, hs], -1)
    mixed = jnp.tanh(seen @ PARAMS.mix.V.T)
    return mixed @ PARAMS.embedding.T


def test_dropout_is_one_mask_a_sequence_and_none_without_a_key():
    key = jax.random.key(3)
    dropped = score(PARAMS, BATCH, dropout=0.5, key=key)
    again = score(PARAMS, BATCH, dropout=0.5, key=key)
    np.testing.assert_array_equal(dropped, again)
    assert not np.allclose(dropped, score(PARAMS, BATCH))
    np.testing.assert_array_equal(
        score(PARAMS, BATCH, dropout=0.5), score(PARAMS, BATCH)
    )


def test_coverage_is_paid_for_in_training_alone():
    key, weight = jax.random.key(3), 0.7
    taught = score(PARAMS, BATCH, key=key, coverage_weight=weight)
    np.testing.assert_array_equal(
        score(PARAMS, BATCH), score(PARAMS, BATCH, coverage_weight=weight)
    )
    memory, covered = read(PARAMS, DOCUMENTS, NUM_OUTSIDE), np.zeros((3, 4))
    state, y_tm1 = copy_model.start(PARAMS, memory), np.full(3, BOS)
    costs = []
    for y_t in TARGETS:
        step = take_step(PARAMS, memory, state, jnp.asarray(y_tm1)[:, None])
        weights = np.asarray(step.weights[:, 0])
        costs.append(np.minimum(weights, covered).sum(-1))
        state, y_tm1, covered = step.state, y_t, covered + weights
    counts = np.asarray(PACKING.places) < 12
    added = unpacked(taught - score(PARAMS, BATCH))
    np.testing.assert_allclose(
        added[counts], weight * np.array(costs)[counts], rtol=1e-9, atol=1e-12
    )
    assert np.all(taught[10:] == 0)


def test_equal_sizes_give_one_model():
    assert copy_model.model(9, 4, 5) is copy_model.model(9, 4, 5, coverage_weight=0)
    assert copy_model.model(9, 4, 5) is not copy_model.model(9, 4, 5, 1.0)


def test_packing_of_another_order_gives_the_same_sum():
    steps = np.asarray(PACKING.steps)[::-1].copy()
    places = np.full((4, 3), 12, np.int32)
    for place, step in enumerate(steps):
        if step < 12:
            places.flat[step] = place
    other = BATCH._replace(packing=Packing(steps, places))
    ours, wanted = score(PARAMS, other), score(PARAMS, BATCH)
    np.testing.assert_allclose(ours[::-1], wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: copy_model.init(jax.random.key(0), 9, 0, 5), "num_inputs: expected"),
        (
            lambda: read(PARAMS, Documents(IDS[0], IDS[0]), 1),
            r"documents.ids: expected shape \[M, B\]",
        ),
        (
            lambda: score(PARAMS, BATCH, dropout=1.0),
            r"dropout: expected a number in \[0, 1\)",
        ),
        (
            lambda: copy_model.model(9, 4, 5, coverage_weight=-1.0),
            "coverage_weight: expected a number of 0 or more, got -1.0",
        ),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


def test_a_batch_of_documents_without_words_is_finite():
    empty = Documents(np.zeros((2, 1), np.int32), np.zeros(1, np.int32))
    made = batches.documents([], 4)
    assert made.ids.shape == (4, 0)
    nats = by_steps(PARAMS, empty, np.array([[4], [EOS]], np.int32), 1)
    assert np.isfinite(nats).all()


def test_of_a_document_without_words_nothing_is_copied():
    """What is written is a distribution, in training too, and the switch learns not."""
    empty = Documents(np.zeros((2, 1), np.int32), np.zeros(1, np.int32))
    memory = read(PARAMS, empty, NUM_OUTSIDE)
    start = copy_model.start(PARAMS, memory)
    step = take_step(PARAMS, memory, start, jnp.asarray([[BOS]]))
    np.testing.assert_allclose(jnp.exp(step.log_probs).sum(), 1, rtol=1e-12)
    targets = np.array([[4], [EOS]], np.int32)
    batch = Batch(empty, targets, packing.of(np.array([2]), 2, 2))
    costs = by_steps(PARAMS, empty, targets)[:, 0]
    np.testing.assert_allclose(score(PARAMS, batch), costs, rtol=1e-12)
    gradient = jax.jit(jax.grad(lambda p: jnp.sum(score(p, batch))))(PARAMS)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert not np.any(gradient.switch.V)
