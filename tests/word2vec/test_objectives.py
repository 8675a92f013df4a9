"""Each block form equals its plain form, and that one jax.grad, in float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.word2vec import (
    examples,
    full_softmax,
    hierarchical_softmax,
    huffman,
    negative_sampling,
    paths,
    paths_of_windows,
    paths_of_words,
)
from jaxseq.word2vec.objective import exact, whole
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.windows import Block


NUM_WORDS, NUM_COLUMNS, NUM_CHUNKS, SIZE, REACH, NUM_SHARED = 11, 4, 3, 5, 3, 4
COUNTS = np.array([40, 23, 20, 9, 9, 7, 4, 3, 2, 1, 1])
CODES = huffman.build(COUNTS)
EXACT = functools.partial(examples.cbow, backward=exact, dtype=jnp.float64)
WHOLE = functools.partial(examples.cbow, backward=whole, dtype=jnp.float64)
SKIP_GRAM = functools.partial(examples.skip_gram, dtype=jnp.float64)
NEGATIVE = negative_sampling.loss(3), negative_sampling.delta(3)
AROUND = functools.partial(examples.words_around, dtype=jnp.float64)
TREE = hierarchical_softmax.loss(CODES), hierarchical_softmax.delta(CODES)
FULL = full_softmax.loss, full_softmax.delta

FORMS = {
    "negative skip_gram": (
        negative_sampling.skip_gram(NUM_WORDS, 3),
        SKIP_GRAM,
        *NEGATIVE,
    ),
    "negative cbow": (negative_sampling.cbow(NUM_WORDS, 3, exact), EXACT, *NEGATIVE),
    "negative cbow whole": (negative_sampling.cbow(NUM_WORDS, 3), WHOLE, *NEGATIVE),
    "full skip_gram": (full_softmax.skip_gram(NUM_WORDS), SKIP_GRAM, *FULL),
    "full cbow": (full_softmax.cbow(NUM_WORDS, exact), EXACT, *FULL),
    "full cbow whole": (full_softmax.cbow(NUM_WORDS), WHOLE, *FULL),
} | {
    f"tree {name} {num_near}": (make(CODES, num_near), form, *TREE)
    for name, make, form in (
        ("skip_gram", hierarchical_softmax.skip_gram, AROUND),
        ("cbow whole", hierarchical_softmax.cbow, WHOLE),
    )
    for num_near in (0, 1, 4, 127)
}
FORMS["tree cbow exact"] = (hierarchical_softmax.cbow(CODES, 4, exact), EXACT, *TREE)


QUICK = (
    "negative skip_gram",
    "negative cbow whole",
    "full skip_gram",
    "tree skip_gram 4",
    "tree cbow whole 4",
)


def named(names):
    """One of each kind is quick; the others take as long, and are slow together."""
    return [
        pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
        for name in names
    ]


def make_block(seed, num_chunks=NUM_CHUNKS):
    """Sentences of all lengths, places without a word, draws that are targets."""
    rng = np.random.default_rng(seed)
    length = num_chunks * SIZE + 2 * REACH
    ids = rng.integers(-1, NUM_WORDS, length)
    sentences = np.cumsum(rng.random(length) < 0.2)
    reaches = rng.integers(1, REACH + 1, (num_chunks, SIZE))
    negatives = rng.integers(0, NUM_WORDS, (num_chunks, NUM_SHARED))
    return Block(
        *(jnp.asarray(a, jnp.int32) for a in (ids, sentences, reaches, negatives))
    )


def make_params(objective, seed=0):
    rng = np.random.default_rng(seed)
    return Params(
        jnp.asarray(rng.normal(size=(NUM_WORDS, NUM_COLUMNS))),
        jnp.asarray(rng.normal(size=(objective.num_outputs, NUM_COLUMNS))),
    )


def descend(objective, params, block, rate, cap=1e9):
    """One step, as it is trained."""
    places = Params(*(jnp.zeros(len(table), jnp.int32) for table in params))
    rate, cap = jnp.asarray(rate), jnp.asarray(cap)
    return jax.jit(objective.descend)(params, places, block, rate, cap)


def gradient_of(objective, params, block, rate=1.0):
    """What a step without the cap went along."""
    new = descend(objective, params, block, rate).params
    return jax.tree.map(lambda old, new: (old - new) / rate, params, new)


@pytest.mark.parametrize("name", named(FORMS))
def test_block_form_is_the_plain_form(name):
    objective, list_examples, loss, delta = FORMS[name]
    params, block = make_params(objective), make_block(seed=1)
    plain = examples.gradient(delta, params, list_examples(block))
    # The tree's nodes move within a block: only a small step goes along one gradient.
    rate, atol = (1e-8, 1e-5) if "tree" in name else (1.0, 1e-12)
    gradient = gradient_of(objective, params, block, rate)
    tally = descend(objective, params, block, rate).tally
    assert np.abs(plain.inputs).max() > 0.1
    np.testing.assert_allclose(gradient.inputs, plain.inputs, atol=atol)
    np.testing.assert_allclose(gradient.outputs, plain.outputs, atol=atol)

    first = jax.tree.map(
        lambda a: a[:1] if a.ndim > 1 else a[: SIZE + 2 * REACH], block
    )
    of_first = list_examples(first)
    expected = examples.loss(loss, params, of_first)
    np.testing.assert_allclose(
        tally.loss, expected, rtol=1e-6 if "tree" in name else 1e-12
    )
    assert int(tally.num_predictions) == float(of_first.counts.sum())


@pytest.mark.parametrize("name", named(n for n in FORMS if "whole" not in n))
def test_plain_gradient_by_hand_is_that_of_jax(name):
    objective, list_examples, loss, delta = FORMS[name]
    params, plain = make_params(objective), list_examples(make_block(seed=2))
    by_hand = examples.gradient(delta, params, plain)
    by_jax = jax.grad(lambda params: examples.loss(loss, params, plain))(params)
    np.testing.assert_allclose(by_hand.inputs, by_jax.inputs, atol=1e-12)
    np.testing.assert_allclose(by_hand.outputs, by_jax.outputs, atol=1e-12)


def test_whole_gives_each_word_of_a_window_the_gradient_of_its_mean():
    """Twice the words in a window: each one's gradient stays as large."""
    objective = negative_sampling.cbow(NUM_WORDS, 3)
    params = make_params(objective)
    ids = jnp.asarray([-1, 2, 2, 5, 2, 2, -1, -1], jnp.int32)
    for reach, num_contexts in ((1, 2), (2, 4)):
        block = Block(
            ids=ids,
            sentences=jnp.zeros_like(ids),
            reaches=jnp.asarray([[reach, 0]], jnp.int32),
            negatives=jnp.asarray([[7, 8, 9]], jnp.int32),
        )
        one = gradient_of(objective, params, block).inputs[2] / num_contexts
        if reach == 1:
            expected = one
    np.testing.assert_allclose(one, expected, rtol=1e-12)


def test_shared_negatives_have_the_expectation_of_exact_draws():
    """Averaged over all draws, K shared negatives weigh like n drawn for each pair."""
    params = make_params(negative_sampling.skip_gram(NUM_WORDS, 3))
    block = make_block(seed=3, num_chunks=1)
    objective = negative_sampling.skip_gram(NUM_WORDS, 3)

    def of_words(words):
        drawn = block._replace(negatives=words[None])
        return gradient_of(objective, params, drawn).outputs

    singles = [of_words(jnp.asarray([w], jnp.int32)) for w in range(NUM_WORDS)]
    pairs = [
        of_words(jnp.asarray([v, w], jnp.int32))
        for v in range(NUM_WORDS)
        for w in range(NUM_WORDS)
    ]
    np.testing.assert_allclose(np.mean(singles, 0), np.mean(pairs, 0), atol=1e-12)


def num_terms(name, pairs):
    """In how many terms of E each prediction's h is, by weight."""
    targets = np.asarray(pairs.targets)
    if "tree" in name:
        return CODES.lengths[targets]
    if "full" in name:
        return np.full(len(targets), 4)
    differs = np.asarray(pairs.negatives) != targets[:, None]
    return 1 + 3 / NUM_SHARED * differs.sum(1)


@pytest.mark.parametrize(
    "name",
    [
        "tree skip_gram 0",
        "tree skip_gram 4",
        "tree cbow whole 0",
        "negative skip_gram",
        pytest.param("negative cbow whole", marks=pytest.mark.slow),
        "full skip_gram",
        pytest.param("full cbow whole", marks=pytest.mark.slow),
    ],
)
def test_input_rows_are_capped_by_the_terms_that_pull_at_them(name, monkeypatch):
    # In one pass: the next one's gradient would be that of moved nodes.
    monkeypatch.setattr(paths_of_words, "SLOTS_A_WORD", int(CODES.lengths.max()))
    objective, list_examples, _, delta = FORMS[name]
    params, block = make_params(objective), make_block(seed=8)
    rate, cap = 0.1, 0.6
    pairs = list_examples(block)
    terms = np.zeros(NUM_WORDS)
    of_each = np.asarray(pairs.counts) * num_terms(name, pairs)
    np.add.at(terms, pairs.inputs, np.asarray(pairs.weights) * of_each[:, None])
    assert terms.max() > cap / rate > terms[terms > 0].min()
    along = examples.gradient(delta, params, pairs).inputs
    step = np.minimum(rate, cap / np.maximum(terms, 1e-9))[:, None]
    new = descend(objective, params, block, rate, cap).params.inputs
    np.testing.assert_allclose(new, params.inputs - step * along, rtol=1e-10)


@pytest.mark.parametrize("num_near", [0, NUM_WORDS - 1])
@pytest.mark.parametrize(
    ("make", "list_examples", "cap"),
    [
        (hierarchical_softmax.skip_gram, AROUND, 2.0),
        (hierarchical_softmax.cbow, WHOLE, 0.6),
    ],
    ids=["skip_gram", "cbow"],
)
def test_nodes_are_capped_by_the_terms_that_pull_at_them(
    make, list_examples, cap, num_near, monkeypatch
):
    """All below the root, in one pass; or all near it, in one piece of three chunks."""
    monkeypatch.setattr(paths_of_words, "SLOTS_A_WORD", int(CODES.lengths.max()))
    objective = make(CODES, num_near)
    params, block = make_params(objective), make_block(seed=9)
    rate = 0.1
    pairs = list_examples(block)
    terms = np.zeros(NUM_WORDS - 1)
    for word, count in zip(np.asarray(pairs.targets), pairs.counts, strict=True):
        terms[CODES.nodes[word, : CODES.lengths[word]]] += float(count)
    assert terms.max() > cap / rate > terms[terms > 0].min()
    along = examples.gradient(TREE[1], params, pairs).outputs
    step = np.minimum(rate, cap / np.maximum(terms, 1e-9))[:, None]
    new = descend(objective, params, block, rate, cap).params.outputs
    np.testing.assert_allclose(new, params.outputs - step * along, rtol=1e-10)


@pytest.mark.parametrize("name", ["full skip_gram", "full cbow whole"])
def test_rows_of_the_full_softmax_are_capped_by_what_is_expected_of_them(name):
    objective, list_examples, *_ = FORMS[name]
    params, block = make_params(objective), make_block(seed=8)
    pairs = list_examples(block)
    terms = np.zeros(NUM_WORDS)
    for inputs, weights, target, count in zip(
        pairs.inputs, pairs.weights, pairs.targets, pairs.counts, strict=True
    ):
        h = np.asarray(weights) @ np.asarray(params.inputs)[np.asarray(inputs)]
        likely = np.exp(np.asarray(params.outputs) @ h)
        terms += 4 * float(count) * likely / likely.sum()
        terms[int(target)] += 4 * float(count)
    rate, cap = 0.1, 0.1 * np.median(terms)  # half of the rows are held back
    along = examples.gradient(FULL[1], params, pairs).outputs
    step = np.minimum(rate, cap / terms)[:, None]
    new = descend(objective, params, block, rate, cap).params.outputs
    np.testing.assert_allclose(new, params.outputs - step * along, rtol=1e-10)


def test_a_block_without_negatives_has_its_pairs():
    block = make_block(seed=10)
    pairs = AROUND(block._replace(negatives=block.negatives[:, :0]))
    np.testing.assert_array_equal(pairs.targets, AROUND(block).targets)


def test_probabilities_of_the_tree_sum_to_one():
    rng = np.random.default_rng(4)
    outputs, h = rng.normal(size=(NUM_WORDS - 1, 3)), rng.normal(size=3)
    energies = [
        float(TREE[0](jnp.asarray(outputs), jnp.asarray(h), jnp.asarray(w), None))
        for w in range(NUM_WORDS)
    ]
    np.testing.assert_allclose(np.exp(-np.array(energies)).sum(), 1, rtol=1e-12)


@pytest.mark.parametrize("num_words", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_smallest_vocabularies_have_a_finite_gradient(num_words):
    codes = huffman.build(np.ones(num_words, np.int64))
    block = make_block(seed=5)
    block = block._replace(ids=jnp.minimum(block.ids, num_words - 1))
    block = block._replace(negatives=block.negatives % num_words)
    for objective in (
        hierarchical_softmax.skip_gram(codes),
        hierarchical_softmax.cbow(codes),
        negative_sampling.skip_gram(num_words),
        full_softmax.cbow(num_words),
    ):
        params = Params(jnp.ones((num_words, 2)), jnp.ones((objective.num_outputs, 2)))
        for table in descend(objective, params, block, 0.1, 3.0).params:
            assert np.isfinite(table).all()


@pytest.mark.parametrize("slots", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("make", "list_examples"),
    [(hierarchical_softmax.skip_gram, AROUND), (hierarchical_softmax.cbow, WHOLE)],
    ids=["skip_gram", "cbow"],
)
def test_a_path_is_walked_whole_however_few_the_slots(
    make, list_examples, slots, monkeypatch
):
    """Words of the longest code only: more nodes than slots, in several passes."""
    monkeypatch.setattr(paths_of_windows, "SLOTS_A_WORD", slots)
    monkeypatch.setattr(paths_of_words, "SLOTS_A_WORD", slots)
    monkeypatch.setattr(paths_of_words, "GROUP_SIZE", NUM_CHUNKS)  # some groups
    objective = make(CODES, 1)
    block = make_block(seed=6)
    longest = int(CODES.lengths.argmax())
    block = block._replace(ids=jnp.where(block.ids >= 4, longest, block.ids))
    params = make_params(objective)
    plain = examples.gradient(TREE[1], params, list_examples(block))
    assert CODES.lengths.max() > 1 + slots
    gradient = gradient_of(objective, params, block, 1e-8)
    np.testing.assert_allclose(gradient.inputs, plain.inputs, atol=1e-5)
    np.testing.assert_allclose(gradient.outputs, plain.outputs, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "list_examples", "cap"),
    [
        (hierarchical_softmax.skip_gram, AROUND, 1.5),
        (hierarchical_softmax.cbow, WHOLE, 1.0),
    ],
    ids=["skip_gram", "cbow"],
)
def test_nodes_near_the_root_take_a_capped_step_a_piece(
    make, list_examples, cap, monkeypatch
):
    """The layer near the root against a loop over chunks of the plain form."""
    monkeypatch.setattr(paths, "PIECE_SIZE", 1)
    objective = make(CODES, NUM_WORDS - 1)
    params, block = make_params(objective), make_block(seed=7)
    rate = 0.5
    new = descend(objective, params, block, rate, cap).params.outputs

    outputs = params.outputs
    for chunk in range(NUM_CHUNKS):
        start = chunk * SIZE
        piece = Block(
            ids=block.ids[start : start + SIZE + 2 * REACH],
            sentences=block.sentences[start : start + SIZE + 2 * REACH],
            reaches=block.reaches[chunk : chunk + 1],
            negatives=block.negatives[chunk : chunk + 1],
        )
        pairs = list_examples(piece)
        along = examples.gradient(TREE[1], Params(params.inputs, outputs), pairs)
        terms = np.zeros(NUM_WORDS - 1)
        for word, count in zip(pairs.targets, pairs.counts, strict=True):
            length = CODES.lengths[word]
            terms[CODES.nodes[word, :length]] += float(count)
        assert terms.max() > cap / rate > terms.min()
        step = np.minimum(rate, cap / np.maximum(terms, 1))
        outputs = outputs - step[:, None] * along.outputs
    np.testing.assert_allclose(new, outputs, rtol=1e-10, atol=1e-12)


def test_wrong_numbers_are_named():
    with pytest.raises(ValueError, match="num_negatives"):
        negative_sampling.skip_gram(10, 0)
    with pytest.raises(ValueError, match="num_words"):
        full_softmax.skip_gram(0)
    with pytest.raises(ValueError, match="num_near"):
        hierarchical_softmax.cbow(CODES, -1)
