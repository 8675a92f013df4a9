"""Beam search against greedy decoding, one by one, and every string there is."""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from jaxseq.summarize import beam
from jaxseq.summarize.constraints import Options
from jaxseq.summarize.decoder import Decoder, Step
from jaxseq.summarize.greedy import greedy
from jaxseq.text.vocab import BOS, EOS, PAD, UNK
from tests.programs import equations


NUM_STATES, NUM_PLACES, M, B, D = 503, 6, 7, 3, 11
WORDS = range(4, NUM_PLACES)


def start(params, memory):
    del params
    return {"number": jnp.zeros((len(memory["id"]), 1), jnp.int32)}


def step(params, memory, state, y_tm1):
    """A table of states: the number of a state tells all the words before."""
    number = (state["number"] * NUM_PLACES + y_tm1 + 1) % NUM_STATES
    document = memory["id"][:, None]
    rows = (params[name][document, number] for name in ("log_probs", "weights"))
    return Step(*rows, {"number": number})


DECODER = Decoder(start, step)


def draw(seed, num_places=NUM_PLACES, spread=2.0):
    rng = np.random.default_rng(seed)
    logits = spread * rng.normal(size=(B, NUM_STATES, num_places))
    weights = rng.dirichlet(np.ones(M), size=(B, NUM_STATES))
    log_probs = jax.nn.log_softmax(jnp.asarray(logits))
    return {"log_probs": log_probs, "weights": jnp.asarray(weights)}


MEMORY = {"id": jnp.arange(B)}
search = jax.jit(beam.search, static_argnums=(0, 3, 4))
decode = jax.jit(greedy, static_argnums=(0, 3, 4))


def states_of(words):
    """The numbers of the states in which each word, and the end, is chosen."""
    number, numbers = 0, []
    for y_tm1 in (BOS, *words):
        number = (number * NUM_PLACES + y_tm1 + 1) % NUM_STATES
        numbers.append(number)
    return numbers


def score_of(params, document, words, penalty):
    rows = np.asarray(params["log_probs"])[document]
    terms = [rows[s, w] for s, w in zip(states_of(words), (*words, EOS), strict=True)]
    return sum(terms) / len(terms) ** penalty


def repeats(words, size):
    if size == 0:
        return False
    grams = [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]
    return len(set(grams)) < len(grams)


def every_string(params, document, options):
    """All allowed strings of words with their scores, best first."""
    lengths = range(options.min_length, options.max_length + 1)
    strings = itertools.chain.from_iterable(
        itertools.product(WORDS, repeat=length) for length in lengths
    )
    allowed = [s for s in strings if not repeats(s, options.no_repeat_ngram_size)]
    scored = [(score_of(params, document, s, options.length_norm), s) for s in allowed]
    return sorted(scored, reverse=True)


def words_of(found, document, k):
    return tuple(found.tokens[document, k, : found.lengths[document, k]].tolist())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "options",
    [
        Options(40, 0, 4),
        Options(40, 1, 4, 1.0),
        Options(40, 2, 4, 0.7),
        Options(40, 4, 4, 1.0),
        Options(40, 0, 4, 1.0, 2),
        Options(40, 0, 4, 0.5, 1),
    ],
)
def test_a_beam_wide_enough_finds_every_string(options, seed):
    params = draw(seed)
    found = search(DECODER, params, MEMORY, options)
    for document in range(B):
        expected = every_string(params, document, options)
        complete = np.flatnonzero(found.is_complete[document])
        assert complete.tolist() == list(range(len(expected)))
        for k, (score, words) in enumerate(expected):
            assert words_of(found, document, k) == words
            np.testing.assert_allclose(found.scores[document, k], score, rtol=1e-12)


# Few, so that each is compiled once for all the seeds.
OPTIONS = st.sampled_from(
    [
        Options(1, 0, 3),
        Options(2, 0, 4, 0.6),
        Options(3, 3, 3, 1.0),
        Options(3, 1, 4, 1.0, 1),
        Options(4, 3, 5, 0.6, 2),
        Options(4, 2, 5, 1.0, 3),
    ]
)


@given(OPTIONS, st.integers(0, 10**6))
def test_one_hypothesis_is_greedy(options, seed):
    params = draw(seed)
    one = options._replace(beam_size=1)
    found = beam.best(search(DECODER, params, MEMORY, one))
    plain = decode(DECODER, params, MEMORY, options)
    for name, left, right in zip(found._fields, found, plain, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12, err_msg=name)


@pytest.mark.slow
@given(OPTIONS, st.integers(0, 10**6))
def test_what_is_found_keeps_the_rules_and_says_its_own_score(options, seed):
    params = draw(seed)
    found = search(DECODER, params, MEMORY, options)
    for document, k in np.argwhere(found.scores > -np.inf).tolist():
        words = words_of(found, document, k)
        assert set(words) <= set(WORDS)
        assert (np.asarray(found.tokens)[document, k, len(words) :] == PAD).all()
        assert not repeats(words, options.no_repeat_ngram_size)
        weights = np.zeros((options.max_length, M))
        rows = np.asarray(params["weights"])[document]
        weights[: len(words)] = rows[states_of(words)[:-1]]
        np.testing.assert_array_equal(found.weights[document, k], weights)
        if found.is_complete[document, k]:
            assert options.min_length <= len(words) <= options.max_length
            expected = score_of(params, document, words, options.length_norm)
            np.testing.assert_allclose(found.scores[document, k], expected, rtol=1e-12)
    ranks = np.where(found.is_complete, found.scores, -np.inf)
    assert (ranks[:, :-1] >= ranks[:, 1:]).all()


@given(OPTIONS, st.integers(0, 10**6))
def test_a_batch_is_one_by_one(options, seed):
    params = draw(seed)
    found = search(DECODER, params, MEMORY, options)
    for document in range(B):
        one = {"id": jnp.array([document])}
        alone = search(DECODER, params, one, options)
        for name, left, right in zip(found._fields, found, alone, strict=True):
            np.testing.assert_array_equal(left[document], right[0], err_msg=name)


def test_a_finished_hypothesis_keeps_its_score():
    """The end at once is best, and all that is written later is worse."""
    params = draw(0)
    params["log_probs"] = params["log_probs"].at[:, :, EOS].set(-9.0)
    first = states_of(())[0]
    params["log_probs"] = params["log_probs"].at[:, first, EOS].set(-0.25)
    found = search(DECODER, params, MEMORY, Options(2, 0, 5, 1.0))
    assert (found.lengths[:, 0] == 0).all()
    np.testing.assert_array_equal(found.scores[:, 0], -0.25)
    assert (found.lengths[:, 1] > 0).all()


def test_length_norm_favours_longer():
    params = draw(5, spread=0.3)
    means = [
        float(
            jnp.mean(
                search(DECODER, params, MEMORY, Options(40, 0, 4, a)).lengths[:, 0]
            )
        )
        for a in (0.0, 1.0, 3.0)
    ]
    assert means[0] < means[1] <= means[2]
    assert means[2] == 4


def test_a_hypothesis_without_a_word_to_go_on_with_ends_where_it_is():
    """Two words, none twice, at least three of them: there is no such string."""
    found = search(DECODER, draw(0), MEMORY, Options(4, 3, 4, 1.0, 1))
    assert not found.is_complete.any()
    assert (found.lengths[:, :2] == 2).all()
    assert (found.scores[:, :2] > -np.inf).all()
    assert (found.scores[:, 2:] == -np.inf).all()
    assert (found.tokens[:, 2:] == PAD).all()


def test_a_complete_hypothesis_ranks_above_one_that_is_stuck():
    params = draw(0)
    rows = jnp.full((B, NUM_STATES, NUM_PLACES), -jnp.inf)
    rows = rows.at[:, states_of(())[0], 4:6].set(jnp.log(jnp.array([0.9, 0.1])))
    rows = rows.at[:, states_of((5,))[1], EOS].set(-3.0)
    params["log_probs"] = rows
    found = search(DECODER, params, MEMORY, Options(2, 0, 4))
    assert found.tokens[:, :, 0].tolist() == [[5, 4]] * B
    assert found.is_complete.tolist() == [[True, False]] * B
    np.testing.assert_allclose(found.scores[0], [math.log(0.1) - 3, math.log(0.9)])


@pytest.mark.parametrize("wrong", [np.nan, -np.float64(np.nan), np.inf])
def test_nan_is_seen_and_stays_in_its_document(wrong):
    params = draw(0)
    options = Options(3, 1, 4, 1.0)
    expected = search(DECODER, params, MEMORY, options)
    broken = params["log_probs"].at[1, :, 4].set(wrong)
    found = search(DECODER, {**params, "log_probs": broken}, MEMORY, options)
    assert np.isnan(found.scores[1, 0])
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(left[::2], right[::2])
    assert np.isnan(
        decode(DECODER, {**params, "log_probs": broken}, MEMORY, options).scores[1]
    )


def test_rescore_gives_the_scores_to_search_by():
    """Twice log p, and 5 less for the word before."""

    def rescore(params, memory, tokens, t, log_probs):
        del params, memory
        last = jnp.take(tokens, jnp.maximum(t - 1, 0), axis=-1)
        ids = jnp.arange(log_probs.shape[-1], dtype=jnp.int32)[None, None]
        return 2.0 * log_probs - jnp.where((ids == last[..., None]) & (t > 0), 5.0, 0)

    params, options = draw(3), Options(40, 1, 4, 1.0)
    found = search(DECODER, params, MEMORY, options, rescore)
    for document in range(B):
        scored = []
        for score, words in every_string(params, document, options):
            same = sum(a == b for a, b in itertools.pairwise(words))
            scored.append((2 * score - 5.0 * same / (len(words) + 1), words))
        for k, (score, words) in enumerate(sorted(scored, reverse=True)):
            assert words_of(found, document, k) == words
            np.testing.assert_allclose(found.scores[document, k], score, rtol=1e-12)
    one = options._replace(beam_size=1)
    alone = beam.best(search(DECODER, params, MEMORY, one, rescore))
    plain = decode(DECODER, params, MEMORY, options, rescore)
    np.testing.assert_array_equal(alone.tokens, plain.tokens)


def attend(params, memory, state, y_tm1):
    """A decoder that attends to the document, padded where it is short."""
    s = jnp.tanh(state @ params["W"] + params["E"][y_tm1])
    e = jnp.einsum("bkd,bmd->bkm", s, memory["x"])
    weights = jax.nn.softmax(jnp.where(memory["mask"][:, None], e, -1e30))
    c = jnp.einsum("bkm,bmd->bkd", weights, memory["x"])
    return Step(jax.nn.log_softmax((s + c) @ params["V"]), weights, s)


ATTENDING = Decoder(lambda params, memory: memory["x"][:, :1] * 0, attend)


def attending(seed, lengths):
    rng = np.random.default_rng(seed)
    sizes = {"W": (D, D), "E": (9, D), "V": (D, 9)}
    params = {name: jnp.asarray(rng.normal(size=size)) for name, size in sizes.items()}
    mask = np.arange(M) < np.array(lengths)[:, None]
    x = rng.normal(size=(len(lengths), M, D)) * mask[..., None]
    return params, {"x": jnp.asarray(x), "mask": jnp.asarray(mask)}


def test_ragged_documents_are_the_same_alone_without_padding():
    lengths, options = [7, 2, 5], Options(4, 1, 5, 1.0, 1)
    params, memory = attending(0, lengths)
    found = search(ATTENDING, params, memory, options)
    for document, length in enumerate(lengths):
        cut = jax.tree.map(lambda leaf: leaf[document][None, :length], memory)  # noqa: B023
        alone = search(ATTENDING, params, cut, options)
        np.testing.assert_array_equal(found.tokens[document], alone.tokens[0])
        np.testing.assert_allclose(found.scores[document], alone.scores[0], rtol=1e-12)
        weights = found.weights[document]
        np.testing.assert_allclose(weights[..., :length], alone.weights[0], atol=1e-14)
        assert (weights[..., length:] == 0).all()


def test_memory_is_not_repeated_over_hypotheses():
    params, memory = attending(0, [7, 2, 5])
    K = 5
    traced = jax.make_jaxpr(functools.partial(beam.search, ATTENDING), static_argnums=2)
    jaxpr = traced(params, memory, Options(K, 1, 13)).jaxpr
    shapes = [v.aval.shape for e in equations(jaxpr) for v in e.outvars]
    assert any(K in shape and D in shape for shape in shapes)  # the state is
    assert not [s for s in shapes if M in s and D in s and (K in s or B * K in s)]


def test_second_call_does_not_trace_again():
    params, num_traces = draw(0), 0

    def counted(*args):
        nonlocal num_traces
        num_traces += 1
        return step(*args)

    decoder, options = Decoder(start, counted), Options(3, 1, 4)
    search(decoder, params, MEMORY, options)
    once = num_traces
    assert once > 0
    search(decoder, draw(1), MEMORY, Options(3, 1, 4))
    assert num_traces == once


def test_it_stops_when_all_have_ended():
    params = draw(0)
    params["log_probs"] = params["log_probs"].at[..., EOS].set(5.0)
    calls = []

    def told(params, memory, state, y_tm1):
        jax.debug.callback(lambda: calls.append(1))
        return step(params, memory, state, y_tm1)

    search(Decoder(start, told), params, MEMORY, Options(1, 1, 50))
    jax.effects_barrier()
    assert len(calls) == 2


def test_a_word_outside_the_vocabulary_and_bfloat16():
    params = draw(0, num_places=NUM_PLACES + 2, spread=4.0)
    narrow = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params)
    found = search(DECODER, narrow, MEMORY, Options(6, 1, 4, 1.0))
    assert (found.tokens >= NUM_PLACES).any()
    assert found.scores.dtype == jnp.float32
    assert found.weights.dtype == jnp.bfloat16


def test_unknown_words_may_be_allowed():
    allowed = Options(6, 1, 4, 1.0, forbidden=(BOS,))
    assert (search(DECODER, draw(0), MEMORY, allowed).tokens == UNK).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beam_size": 0}, "options.beam_size: expected an integer ≥ 1, got 0"),
        ({"max_length": 2.5}, "options.max_length: expected an integer ≥ 1, got 2.5"),
        ({"min_length": -1}, "options.min_length: expected an integer ≥ 0, got -1"),
        ({"min_length": 99}, "options.min_length: expected max_length = 14 or less"),
        ({"length_norm": -1.0}, "options.length_norm: expected a number of 0"),
        ({"length_norm": math.nan}, "options.length_norm: expected a number"),
        ({"no_repeat_ngram_size": True}, "options.no_repeat_ngram_size: expected an"),
        ({"forbidden": [1]}, "options.forbidden: expected a tuple of ids"),
        ({"forbidden": (EOS,)}, "options.forbidden: expected no EOS, id 3"),
        ({"forbidden": (99,)}, "options.forbidden: expected EOS and all forbidden ids"),
    ],
)
def test_wrong_options_are_named(change, message):
    for call in (beam.search, greedy):
        with pytest.raises(ValueError, match=f"^{message}"):
            call(DECODER, draw(0), MEMORY, Options()._replace(**change))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ((start, step), MEMORY), "decoder: expected a jaxseq"),
        (lambda: (DECODER, {}), "memory: expected leaves .* got no arrays"),
        (lambda: (DECODER, {"id": jnp.int32(1)}), "memory: expected leaves"),
        (
            lambda: (DECODER, {"id": jnp.arange(2), "x": jnp.ones((3, 1))}),
            "memory: expected leaves .* got int64\\[2\\], float64\\[3, 1\\]",
        ),
        (
            lambda: (Decoder(lambda p, m: jnp.zeros((B, 2)), step), MEMORY),
            "decoder.start's state: expected shape .3, 1, ...., got float64.3, 2.",
        ),
        (
            lambda: (Decoder(start, lambda *args: step(*args)[:2]), MEMORY),
            "decoder.step: expected to return a jaxseq.* got tuple",
        ),
        (
            lambda: (_wrong(log_probs=lambda a: a[:, 0]), MEMORY),
            "decoder.step's log_probs: expected floats .3, 5, R., got float64.3, 6.",
        ),
        (
            lambda: (_wrong(weights=lambda a: a > 0), MEMORY),
            "decoder.step's weights: expected floats .3, 5, M., got bool.3, 5, 7.",
        ),
        (
            lambda: (
                _wrong(state=lambda s: {"number": s["number"].astype(float)}),
                MEMORY,
            ),
            "decoder.step's state..number..: expected int32.3, 5., as its first",
        ),
        (
            lambda: (_wrong(state=lambda s: s["number"]), MEMORY),
            "decoder.step's state: expected PyTreeDef",
        ),
    ],
)
def test_wrong_decoders_are_named(call, message):
    decoder, memory = call()
    with pytest.raises(ValueError, match=f"^{message}"):
        beam.search(decoder, draw(0), memory, Options())


def _wrong(**change):
    def changed(*args):
        right = step(*args)
        return right._replace(**{n: f(getattr(right, n)) for n, f in change.items()})

    return Decoder(start, changed)
