"""Vectors and their queries against plain sums; `test_gensim` has the fine print."""

import numpy as np
import pytest

from jaxseq.word2vec import nearest, similarity, vectors


WORDS = ("king", "queen", "man", "woman", "prince", "国王", "x\u3000y", "zero")


def made(seed=0, words=WORDS, size=5):
    rows = np.random.default_rng(seed).normal(size=(len(words), size))
    rows = (
        rows.astype(np.float32)
        * np.arange(1, len(words) + 1, dtype=np.float32)[:, None]
    )
    return vectors.make(words, rows)


def with_zero():
    rows = made().rows.copy()
    rows[-1] = 0
    return vectors.make(WORDS, rows)


def cosines(found, target):
    """All cosines with a direction, in float64, 0 for rows of zeros."""
    rows = found.rows.astype(np.float64)
    lengths = np.sqrt((rows**2).sum(axis=1))
    products = rows @ target / np.sqrt(target @ target)
    return np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)


def unit_of(found, word):
    row = found.rows[WORDS.index(word)].astype(np.float64)
    return row / np.sqrt(row @ row)


def ranked(found, scores, left_out, topn=10):
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    return [found.words[i] for i in order if found.words[i] not in left_out][:topn]


def test_make_keeps_words_rows_and_counts():
    rows = np.eye(3, 2, dtype=np.float32)
    found = vectors.make(iter("abc"), rows, [2**60, 3, 0])
    assert found.words == ("a", "b", "c")
    assert found.id_of == {"a": 0, "b": 1, "c": 2}
    assert found.rows.base is rows
    assert found.counts is not None
    assert (found.counts.dtype, found.counts.tolist()) == (np.int64, [2**60, 3, 0])
    assert found.norms.tolist() == [1, 1, 1]
    assert vectors.make(["a"], rows[:1]).counts is None
    with pytest.raises(ValueError, match="read-only"):
        found.rows[0, 0] = 2
    rows[0, 0] = 1  # the caller's array is not locked


def test_rows_whose_squares_vanish_have_a_length_all_the_same():
    rows = np.array([[3e-30, 4e-30], [0, 0], [0, 2**-149]], np.float32)
    found = vectors.make(["a", "b", "c"], rows)
    np.testing.assert_allclose(found.norms, [5e-30, 1, 2**-149], rtol=1e-6)


def test_norms_do_not_depend_on_blocks(monkeypatch):
    whole = made(size=300)
    monkeypatch.setattr(vectors, "_BLOCK_ROWS", 3)
    assert np.array_equal(made(size=300).norms, whole.norms)
    expected = np.sqrt((whole.rows.astype(np.float64) ** 2).sum(axis=1))
    np.testing.assert_allclose(whole.norms, expected, rtol=1e-6)


ROWS = np.ones((2, 3), np.float32)
NAN = np.array([[1, 2], [3, np.nan]], np.float32)
LONG = np.array([[1, 2], [3e38, 0]], np.float32)


@pytest.mark.parametrize(
    ("words", "rows", "counts", "message"),
    [
        ("ab", ROWS, None, "words: expected a list of words, got 'ab'"),
        ([], ROWS[:0], None, "words: expected at least one word, got none"),
        (["a", 1], ROWS, None, r"words\[1\]: expected a str, got 1"),
        (
            ["a", "a"],
            ROWS,
            None,
            "words: expected every word once, got 'a' at 0 and at 1",
        ),
        (["a"], ROWS, None, r"rows: expected float32\[1, D\], .* got float32\[2, 3\]"),
        (["a", "b"], ROWS[0], None, r"rows: expected .*, got float32\[3\]"),
        (["a", "b"], ROWS[:, :0], None, r"rows: expected .*, got float32\[2, 0\]"),
        (["a", "b"], ROWS.astype(np.float64), None, r"rows: .*, got float64\[2, 3\]"),
        (["a", "b"], [[1.0], [2.0]], None, "rows: expected .*, got list"),
        (["a", "b"], NAN, None, r"rows\[1\] \('b'\): expected finite numbers, got nan"),
        (["a", "b"], LONG, None, r"rows\[1\] \('b'\): .* longer than float32"),
        (["a", "b"], ROWS, [1], r"counts: expected integers \[2\], .*, got int64\[1\]"),
        (["a", "b"], ROWS, [1.0, 2.0], "counts: expected integers"),
        (["a", "b"], ROWS, [1, -1], r"counts: expected 0 to 2\^63 - 1, got -1 to 1"),
        (
            ["a", "b"],
            ROWS,
            np.array([1, 2**63], np.uint64),
            r"counts: expected 0 to 2\^63 - 1",
        ),
    ],
)
def test_make_names_what_is_wrong(words, rows, counts, message):
    with pytest.raises(ValueError, match=message):
        vectors.make(words, rows, counts)


def test_normed_rows_have_length_one_or_zero():
    found = with_zero()
    lengths = np.linalg.norm(vectors.normed(found), axis=1)
    np.testing.assert_allclose(lengths, [1] * 7 + [0], rtol=1e-6)
    np.testing.assert_allclose(
        vectors.normed(found)[1], unit_of(found, "queen"), rtol=1e-6
    )


def test_index_of_knows_words_and_ids():
    found = made()
    assert [vectors.index_of(found, k) for k in ("man", 2, np.int32(2))] == [2, 2, 2]
    for key in ("men", 8, -1):
        with pytest.raises(KeyError, match=f"Key '{key}' not present"):
            vectors.index_of(found, key)


@pytest.mark.parametrize("seed", range(3))
def test_most_similar_ranks_by_cosine_with_the_mean(seed):
    found = made(seed)
    mean = unit_of(found, "king") - 2 * unit_of(found, "man") + unit_of(found, "woman")
    scores = cosines(found, mean)
    pairs = nearest.most_similar(
        found, ["king", ("woman", 1)], [("man", -1.0), (2, -1.0)], topn=4
    )
    assert isinstance(pairs, list)
    assert [w for w, _ in pairs] == ranked(found, scores, ("king", "man", "woman"), 4)
    expected = [scores[WORDS.index(word)] for word, _ in pairs]
    np.testing.assert_allclose([s for _, s in pairs], expected, rtol=1e-5, atol=1e-6)
    every = nearest.most_similar(found, ["king", "woman"], ["man", "man"], topn=None)
    np.testing.assert_allclose(every, scores, rtol=1e-5, atol=1e-6)


def test_most_similar_takes_a_word_an_id_a_vector_or_several():
    found = made()
    expected = nearest.most_similar(found, ["queen"])
    assert nearest.most_similar(found, "queen") == expected
    assert nearest.most_similar(found, 1) == expected
    assert nearest.similar_by_word(found, "queen") == expected
    row = found.rows[1]
    for_vector = nearest.most_similar(found, [row])
    assert isinstance(for_vector, list)
    assert for_vector[0][0] == "queen"  # a vector is no word: nothing is left out
    np.testing.assert_allclose(for_vector[0][1], 1, rtol=1e-6)
    assert nearest.most_similar(found, row) == for_vector
    assert nearest.most_similar(found, row[None]) == for_vector
    assert nearest.most_similar(found, [(row, 1)]) == for_vector
    assert nearest.similar_by_vector(found, row.tolist(), topn=3)[1:] == for_vector[1:3]


def test_topn_and_restrict_vocab_limit_the_answer():
    found = made()
    for query in nearest.most_similar, nearest.most_similar_cosmul:
        assert query(found, "queen", topn=0) == []
        assert query(found, "queen", topn=-1) == []
        assert len(query(found, "queen", topn=100)) == 7
        words = [word for word, _ in query(found, "queen", topn=100, restrict_vocab=4)]
        assert sorted(words) == ["king", "man", "woman"]
        assert query(found, "queen", topn=None, restrict_vocab=4).shape == (4,)


@pytest.mark.parametrize("seed", range(3))
def test_most_similar_cosmul_ranks_by_the_product(seed):
    found = made(seed)
    of = {
        w: (1 + cosines(found, unit_of(found, w))) / 2 for w in ("king", "man", "国王")
    }
    scores = of["king"] * of["国王"] / (of["man"] + 1e-6)
    pairs = nearest.most_similar_cosmul(found, ["king", "国王"], "man")
    assert isinstance(pairs, list)
    assert [w for w, _ in pairs] == ranked(found, scores, of)
    every = nearest.most_similar_cosmul(found, ["king", "国王"], "man", topn=None)
    # where "man" is compared with its opposite the denominator is all rounding
    np.testing.assert_allclose(every, scores, rtol=1e-3)
    alone = nearest.most_similar_cosmul(found, found.rows[0] / found.norms[0])
    expected = nearest.most_similar(found, found.rows[0])
    assert [w for w, _ in alone] == [w for w, _ in expected]


@pytest.mark.parametrize("query", [nearest.most_similar, nearest.most_similar_cosmul])
@pytest.mark.parametrize(
    ("positive", "options", "error", "message"),
    [
        ("emperor", {}, KeyError, "Key 'emperor' not present"),
        (["king", "emperor"], {}, KeyError, "Key 'emperor' not present"),
        ([8], {}, KeyError, "Key '8' not present"),
        (None, {}, ValueError, "positive.*: expected at least one word, got none"),
        ([], {}, ValueError, "positive.*: expected at least one word, got none"),
        ([np.ones(4)], {}, ValueError, r"positive\[0\]: .* \[5\], got float64\[4\]"),
        (np.ones((2, 2, 5)), {}, ValueError, r"positive\[0\]: .*, got float64\[2, 5\]"),
        (np.full(5, np.nan), {}, ValueError, r"positive\[0\]: .*, got one with inf or"),
        (
            np.array(["king"]),
            {},
            ValueError,
            r"positive\[0\]: .*, got <U4\[\]|<U4\[1\]",
        ),
        (["king", 0.5], {}, ValueError, r"positive\[1\]: expected a word, .*, got 0.5"),
        (0.5, {}, ValueError, "positive: expected words, ids or vectors, got 0.5"),
        (b"king", {}, ValueError, "positive: expected words, .*, got b'king'"),
        (np.array(0), {}, ValueError, r"positive\[0\]: .*, got int64\[\]"),
        (np.full(5, 1e300), {}, ValueError, "positive and negative: .* NaN"),
        (
            "king",
            {"topn": 2.5},
            ValueError,
            "topn: expected an integer or None, got 2.5",
        ),
        ("king", {"restrict_vocab": 0}, ValueError, "restrict_vocab: .* got 0"),
    ],
)
def test_queries_name_what_is_wrong(query, positive, options, error, message):
    with pytest.raises(error, match=message):
        query(made(), positive, **options)


def test_only_most_similar_takes_weights():
    message = r"positive\[0\]: expected a word, .*, got \('king', 2.0\)"
    with pytest.raises(ValueError, match=message):
        nearest.most_similar_cosmul(made(), [("king", 2.0)])


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ("king", "king"),
        (["zero"], None),
        ([("king", 0.0)], None),
        ([("king", float("nan"))], None),
        ([("king", 1e300), ("man", 1.0)], None),
    ],
)
def test_a_mean_without_direction_is_an_error(positive, negative):
    with pytest.raises(ValueError, match="a mean that has a direction"):
        nearest.most_similar(with_zero(), positive, negative)


def test_rows_of_zeros_are_similar_to_nothing():
    found = with_zero()
    every = nearest.most_similar(found, "king", topn=None)
    assert isinstance(every, np.ndarray)
    np.testing.assert_allclose(every, cosines(found, unit_of(found, "king")), atol=1e-6)
    assert every[-1] == 0
    assert np.isfinite(
        nearest.most_similar_cosmul(found, "zero", "king", topn=None)
    ).all()
    assert similarity.similarity(found, "king", "zero") == 0
    assert similarity.distance(found, "zero", "zero") == 1
    assert similarity.n_similarity(found, ["zero"], ["king"]) == 0
    assert similarity.rank(found, "zero", "king") == 1
    far = [w for w, s in zip(WORDS, every, strict=True) if s > 0 and w != "king"]
    assert similarity.closer_than(found, "king", "zero") == far
    assert similarity.doesnt_match(found, ["king", "zero", "king"]) == "zero"


@pytest.mark.parametrize("seed", range(3))
def test_similarity_and_distance_are_cosines(seed):
    found = made(seed)
    expected = unit_of(found, "man") @ unit_of(found, "国王")
    assert similarity.similarity(found, "man", "国王") == pytest.approx(
        expected, abs=1e-6
    )
    assert similarity.distance(found, "man", 5) == pytest.approx(1 - expected, abs=1e-6)
    means = [
        found.rows[ids].astype(np.float64).mean(axis=0) for ids in ([0, 1], [2, 5])
    ]
    expected = (
        means[0] @ means[1] / np.sqrt((means[0] @ means[0]) * (means[1] @ means[1]))
    )
    got = similarity.n_similarity(found, ["king", "queen"], ["man", "国王"])
    assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_rank_counts_the_nearer_words(seed):
    found = made(seed)
    scores = cosines(found, unit_of(found, "man"))
    for i, word in enumerate(WORDS):
        closer = [w for w, s in zip(WORDS, scores, strict=True) if s > scores[i]]
        closer = [w for w in closer if w != "man"]
        if word != "man":
            assert similarity.closer_than(found, "man", word) == closer
            assert similarity.rank(found, "man", word) == len(closer) + 1


@pytest.mark.parametrize("seed", range(3))
def test_doesnt_match_finds_the_word_far_from_the_mean(seed):
    found = made(seed)
    words = ["king", "queen", "man", "prince", "x\u3000y"]
    mean = np.sum([unit_of(found, word) for word in words], axis=0)
    scores = {word: cosines(found, mean)[WORDS.index(word)] for word in words}
    assert similarity.doesnt_match(found, words) == min(scores, key=scores.__getitem__)


def test_lists_leave_unknown_words_out_with_a_warning():
    found = made()
    with pytest.warns(
        UserWarning, match=r"words: left out, not present: \['emperor'\]"
    ):
        word = similarity.doesnt_match(found, ["king", "emperor", "man", "queen"])
    assert word == similarity.doesnt_match(found, ["king", "man", "queen"])
    with pytest.warns(UserWarning, match=r"ws2: left out, not present: \['emperor'\]"):
        got = similarity.n_similarity(found, ["king"], ["emperor", "man"])
    assert got == similarity.n_similarity(found, ["king"], ["man"])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda v: similarity.similarity(v, "king", "emperor"), KeyError, "'emperor'"),
        (lambda v: similarity.distance(v, "emperor", "king"), KeyError, "'emperor'"),
        (lambda v: similarity.rank(v, "king", "emperor"), KeyError, "'emperor'"),
        (
            lambda v: similarity.closer_than(v, "emperor", 0),
            KeyError,
            "'emperor'",
        ),
        (lambda v: nearest.similar_by_word(v, "emperor"), KeyError, "'emperor'"),
        (lambda v: similarity.doesnt_match(v, ["emperor"]), KeyError, "'emperor'"),
        (
            lambda v: similarity.n_similarity(v, [0], ["emperor"]),
            KeyError,
            "ws2.*'emperor'",
        ),
        (lambda v: similarity.n_similarity(v, [], [0]), ValueError, "ws1: .* one word"),
        (lambda v: similarity.n_similarity(v, [0], "man"), ValueError, "ws2: .* list"),
        (lambda v: similarity.doesnt_match(v, []), ValueError, "words: .* one word"),
        (lambda v: similarity.doesnt_match(v, "man"), ValueError, "words: .* list"),
    ],
)
def test_comparisons_name_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call(made())
