"""ABS+: its features word by word, its search, and the tuning of its weights."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import abs_encoders, abs_model, abs_plus, beam, constraints
from jaxseq.summarize.abs_plus import Weights
from jaxseq.summarize.batches import Documents
from jaxseq.text.vocab import BOS, PAD, UNK


NUM_IDS = 10
BASE = abs_model.model(abs_encoders.attentive(3), NUM_IDS, 3, 4, 2)
MODEL = abs_plus.model(BASE)
PARAMS = MODEL.init(jax.random.key(0))
ALPHA = Weights(0.5, 1.0, 10.0, 100.0, -1000.0)


def features(document, summary, word):
    """f_2 to f_4 as the paper has them, f_5 by NAMAS's walk over pairs of places."""
    x, i = list(document), len(summary)
    pairs = [tuple(x[j : j + 2]) for j in range(len(x) - 1)]
    triples = [tuple(x[j : j + 3]) for j in range(len(x) - 2)]
    last = summary[-1] if summary else None
    ordered, reordered = set(), set()
    for j, later in enumerate(x):
        for earlier in x[: j + 1]:
            ordered.add((earlier, later))
            if (later, earlier) not in ordered:
                reordered.add((later, earlier))
    return [
        word in x,
        i >= 1 and (summary[-1], word) in pairs,
        i >= 2 and (*summary[-2:], word) in triples,
        (last, word) in reordered,
    ]


def oracle(weights, document, summary, log_probs):
    return [
        weights[0] * log_p
        + sum(
            w
            for w, f in zip(weights[1:], features(document, summary, y), strict=True)
            if f
        )
        for y, log_p in enumerate(log_probs)
    ]


def read(documents, num_words=None):
    most = max(map(len, documents)) if num_words is None else num_words
    ids = np.full((most, len(documents)), PAD, np.int32)
    for column, words in enumerate(documents):
        ids[: len(words), column] = words
    lengths = np.array(list(map(len, documents)), np.int32)
    return MODEL.read(PARAMS, Documents(ids, lengths), 0)


rescore = jax.jit(abs_plus.rescore)


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_the_features_counted_word_by_word(seed):
    rng = np.random.default_rng(seed)
    # Few words, so that all occur often; 10 and 11 are outside the vocabulary.
    documents = [rng.choice([4, 5, 6, 7, 8, 10, 11], n).tolist() for n in (5, 1, 0)]
    documents = [[4, 5, 6, 4, 5, 6, 7, 8], *documents]
    memory = read(documents)
    params = PARAMS._replace(weights=ALPHA)
    found = {number: 0 for number in range(4)}
    for t in range(5):
        tokens = np.full((4, 3, 5), PAD, np.int32)
        tokens[..., :t] = rng.choice([UNK, 4, 5, 6, 7, 8, 9], (4, 3, t))
        for b, document in enumerate(documents):  # one hypothesis as the document goes
            span = [w for w in document[1 : 1 + t] if w < NUM_IDS]
            tokens[b, 0, t - len(span) : t] = span
        log_probs = np.log(rng.uniform(size=(4, 3, NUM_IDS)))
        scores = rescore(params, memory, tokens, jnp.int32(t), log_probs)
        for b, document in enumerate(documents):
            for k in range(3):
                summary = tokens[b, k, :t].tolist()
                wanted = oracle(ALPHA, document, summary, log_probs[b, k])
                np.testing.assert_allclose(scores[b, k], wanted, rtol=1e-12)
                for w in range(NUM_IDS):
                    for number, f in enumerate(features(document, summary, w)):
                        found[number] += f
    assert min(found.values()) >= 2


def test_a_search_of_one_word_has_no_word_before_it():
    memory = read([[4, 4, 5]])
    tokens = np.full((1, 1, 1), 4, np.int32)
    log_probs = np.zeros((1, 1, NUM_IDS))
    params = PARAMS._replace(weights=ALPHA)
    for t, summary in ((0, []), (1, [4])):
        scores = rescore(params, memory, tokens, jnp.int32(t), log_probs)
        wanted = oracle(ALPHA, [4, 4, 5], summary, log_probs[0, 0])
        np.testing.assert_allclose(scores[0, 0], wanted)


def test_what_cannot_be_written_stays_so_and_padding_is_no_word():
    memory = read([[4, 5]], num_words=6)
    log_probs = np.full((1, 1, NUM_IDS), -np.inf)
    tokens = np.zeros((1, 1, 3), np.int32)
    params = PARAMS._replace(weights=ALPHA)
    scores = rescore(params, memory, tokens, jnp.int32(0), log_probs)
    np.testing.assert_array_equal(scores, -np.inf)
    flat = rescore(params, memory, tokens, jnp.int32(0), np.zeros_like(log_probs))
    assert np.flatnonzero(flat).tolist() == [4, 5]


def test_a_search_without_weights_is_the_one_of_the_base():
    ids = np.array([[4, 5], [6, 10], [7, 0]], np.int32)
    documents = Documents(ids, np.array([3, 2], np.int32))
    options = constraints.Options(beam_size=3, max_length=4, forbidden=(BOS,))
    memory = MODEL.read(PARAMS, documents, 0)
    traced = []

    def once(*args):
        traced.append(args)
        return beam.search(*args)

    search = jax.jit(once, static_argnums=(0, 3, 4))
    plus = lambda params: search(
        MODEL.decoder, params, memory, options, abs_plus.rescore
    )
    wanted = search(BASE.decoder, PARAMS.base, memory.base, options, None)
    for ours, theirs in zip(plus(PARAMS), wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    num_programs = len(traced)
    weights = Weights(*map(jnp.float32, (1, 0, 50, 0, 0)))
    drawn = plus(PARAMS._replace(weights=weights))
    # The same program, drawn to what comes next in the document.
    assert len(traced) == num_programs
    first = drawn.tokens[0, 0].tolist()
    assert [4, 6] in [first[j : j + 2] for j in range(3)]
    assert [6, 7] in [first[j : j + 2] for j in range(3)]


def test_it_is_trained_as_its_base():
    key = jax.random.key(3)
    params = MODEL.init(key)
    jax.tree.map(np.testing.assert_array_equal, params.base, BASE.init(key))
    assert Weights(*map(float, params.weights)) == Weights()
    long = params._replace(base=jax.tree.map(lambda a: a + 1, params.base))
    jax.tree.map(
        np.testing.assert_array_equal,
        MODEL.renormalize(long),
        long._replace(base=BASE.renormalize(long.base)),
    )


def test_tuning_finds_the_best_of_its_candidates():
    def measure(weights):
        return -abs(math.log(weights.bigram or 1e-9) - math.log(0.7))

    tuned = abs_plus.tune(measure, 40, seed=1)
    assert len(tuned.tried) == 40
    assert tuned.tried[0][0] == Weights()
    assert tuned.value == max(value for _, value in tuned.tried)
    assert tuned.value == measure(tuned.weights) > -0.3
    drawn = np.array([weights for weights, _ in tuned.tried[1:]])
    np.testing.assert_array_equal(drawn[:, 0], 1)
    assert (drawn[:, 1:4] > 0).all()
    assert (drawn[:, 4] < 0).all()
    assert np.abs(drawn[:, 1:]).min() < 0.1 < 2 < np.abs(drawn[:, 1:]).max()
    assert abs_plus.tune(measure, 40, seed=1) == tuned
    assert abs_plus.tune(measure, 40, seed=2).weights != tuned.weights


def test_tuning_keeps_no_features_if_they_do_not_help():
    assert abs_plus.tune(lambda weights: -weights.unigram, 5).weights == Weights()
    late = abs_plus.tune(lambda w: w.unigram if w.unigram else math.nan, 5)
    assert late.value == late.weights.unigram > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: abs_plus.tune(lambda w: 0.0, 0), "num_candidates: expected"),
        (lambda: abs_plus.tune(lambda w: 0.0, 2, seed=-1), "seed: expected"),
        (lambda: abs_plus.tune(lambda w: math.nan, 2), "measure: expected a number"),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
