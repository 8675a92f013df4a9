"""The same vectors in gensim and here: the same answers, the same files.

The tables hold random numbers, or small whole ones, of which many rows are equal: then
the order of gensim's answers depends on how it selects them, and is the same here.
"""

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, strategies as st

from jaxseq.word2vec import nearest, similarity, vectors
from jaxseq.word2vec.evaluate import evaluate_word_analogies, evaluate_word_pairs
from jaxseq.word2vec.vector_files import load_word2vec_format, save_word2vec_format


def pair(seed, whole, num_words=40, size=6):
    """Vectors here and in gensim."""
    rng = np.random.default_rng(seed)
    shape = (num_words, size)
    rows = rng.integers(1, 4, shape) if whole else rng.normal(size=shape)
    words = [f"w{i}" if i % 3 else f"词{i}" for i in range(num_words)]
    rows = rows.astype(np.float32)
    theirs = KeyedVectors(size)
    theirs.add_vectors(words, rows.copy())
    for i, word in enumerate(words):
        theirs.set_vecattr(word, "count", 2 * num_words - i)
    counts = 2 * num_words - np.arange(num_words)
    return vectors.make(words, rows, counts), theirs


# gensim's own use of names that it gives up, and of those that tests ask for.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")

seeds = st.integers(0, 2**32 - 1)
some = st.lists(st.integers(0, 39), min_size=1, max_size=4)


def assert_same(ours, theirs):
    if isinstance(theirs, np.ndarray):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
        return
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    values = [value for _, value in ours], [value for _, value in theirs]
    np.testing.assert_allclose(*values, rtol=1e-6, atol=1e-7)


limits = {
    "topn": st.sampled_from([0, 1, 5, 10, 39, 60, None]),
    "restrict_vocab": st.sampled_from([None, 7, 30, 100]),
}


@given(st.data(), seeds, st.booleans(), some, some | st.none())
def test_most_similar_is_gensims(data, seed, whole, positive, negative):
    ours, theirs = pair(seed, whole)
    options = data.draw(st.fixed_dictionaries(limits))
    terms = [[ours.words[i] for i in ids or []] for ids in (positive, negative)]
    try:
        got = nearest.most_similar(ours, *terms, **options)
    except ValueError:  # a mean without a direction: zeros in gensim
        assert not theirs.most_similar(*terms, topn=None).any()
        return
    assert_same(got, theirs.most_similar(*terms, **options))


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_most_similar_takes_what_gensim_takes(seed, whole):
    ours, theirs = pair(seed, whole)
    vector = np.random.default_rng(seed).uniform(0.1, 1, 6)
    one = vector.astype(np.float32)
    for terms in (
        ("w1", "w2"),
        ("w1", None),
        (None, "w1"),
        (["w1", ("w2", 0.3)], [("词0", -2.0), "w4"]),
        ([("w1", 2), ("w1", 3)], ["w2", "w2"]),
        ([5, np.int64(7), "w1"], [0]),
        (vector, None),
        (one, "w1"),
        (np.stack([vector, 2 * vector]), [(one, -0.3)]),
        ([vector, "w1", (one, 0.5)], np.stack([one, one])),
        (np.array([1, 2, 3, 4, 5, 6]), None),
    ):
        for topn in 3, None:
            assert_same(
                nearest.most_similar(ours, *terms, topn=topn),
                theirs.most_similar(*terms, topn=topn),
            )


@given(st.data(), seeds, st.booleans(), some, some | st.none())
def test_most_similar_cosmul_is_gensims(data, seed, whole, positive, negative):
    ours, theirs = pair(seed, whole)
    topn = data.draw(limits["topn"])
    terms = [[ours.words[i] for i in ids or []] for ids in (positive, negative)]
    assert_same(
        nearest.most_similar_cosmul(ours, *terms, topn=topn),
        theirs.most_similar_cosmul(*terms, topn=topn),
    )
    unit = (ours.rows[3] / ours.norms[3]).astype(np.float32)
    assert_same(
        nearest.most_similar_cosmul(ours, [unit, "w1"], unit, topn=topn),
        theirs.most_similar_cosmul([unit, "w1"], unit, topn=topn),
    )


@given(st.data(), seeds, st.booleans())
def test_similar_by_word_and_by_vector_are_gensims(data, seed, whole):
    ours, theirs = pair(seed, whole)
    options = data.draw(st.fixed_dictionaries(limits))
    assert_same(
        nearest.similar_by_word(ours, "w1", **options),
        theirs.similar_by_word("w1", **options),
    )
    vector = np.random.default_rng(seed).uniform(0.1, 1, 6)
    assert_same(
        nearest.similar_by_vector(ours, vector, **options),
        theirs.similar_by_vector(vector, **options),
    )


@given(seeds, st.booleans(), some, some)
def test_comparisons_are_gensims(seed, whole, ids1, ids2):
    ours, theirs = pair(seed, whole)
    words1, words2 = ([ours.words[i] for i in ids] for ids in (ids1, ids2))
    w1, w2 = words1[0], words2[0]
    assert similarity.similarity(ours, w1, w2) == theirs.similarity(w1, w2)
    expected = pytest.approx(theirs.distance(w1, w2), abs=1e-7)
    assert similarity.distance(ours, w1, w2) == expected
    expected = pytest.approx(theirs.n_similarity(words1, words2), abs=1e-6)
    assert similarity.n_similarity(ours, words1, words2) == expected
    for word in words2:
        assert similarity.rank(ours, w1, word) == theirs.rank(w1, word)
        closer = similarity.closer_than(ours, w1, word)
        assert closer == theirs.closer_than(w1, word)
    words = [*words1, *words2]
    assert similarity.doesnt_match(ours, words) == theirs.doesnt_match(words)
    normed = theirs.get_normed_vectors()
    assert np.array_equal(vectors.normed(ours), normed)


@pytest.mark.parametrize("whole", [False, True])
def test_large_tables_are_selected_from_as_in_gensim(whole):
    # NumPy sorts few numbers and selects among many: another order of equals.
    ours, theirs = pair(4, whole, num_words=3000, size=4)
    rng = np.random.default_rng(4)
    for topn in 1, 2, 5, 10, 100:
        for _ in range(5):
            a, b, c = (ours.words[i] for i in rng.integers(0, 3000, 3))
            for terms in (
                ([a, b], [c]),
                ([a, a, b, b], [b, c]),
                (ours.rows[7] * 3, None),
            ):
                assert_same(
                    nearest.most_similar(ours, *terms, topn=topn),
                    theirs.most_similar(*terms, topn=topn),
                )
                assert_same(
                    nearest.most_similar_cosmul(ours, *terms, topn=topn),
                    theirs.most_similar_cosmul(*terms, topn=topn),
                )
            assert similarity.closer_than(ours, a, b) == theirs.closer_than(a, b)


def test_ranks_of_rows_that_only_rounding_tells_apart_are_gensims():
    rng = np.random.default_rng(6)
    rows = np.repeat(rng.normal(size=(10, 30)), 4, axis=0) * rng.uniform(1, 2, (40, 1))
    words = [f"w{i}" for i in range(40)]
    theirs = KeyedVectors(30)
    theirs.add_vectors(words, rows.astype(np.float32))
    ours = vectors.make(words, rows.astype(np.float32))
    for a in words:
        for b in words:
            assert similarity.closer_than(ours, a, b) == theirs.closer_than(a, b)


def test_ties_of_the_word_that_does_not_match_are_gensims():
    ours, theirs = pair(5, whole=True, num_words=300, size=3)
    rng = np.random.default_rng(5)
    for _ in range(1000):
        words = [ours.words[i] for i in rng.integers(0, 300, rng.integers(2, 8))]
        assert similarity.doesnt_match(ours, words) == theirs.doesnt_match(words)


def test_unknown_words_are_gensims():
    ours, theirs = pair(0, whole=False)
    words = ["w1", "none", "w2", "w4"]
    with pytest.warns(UserWarning, match="left out"):
        got = similarity.doesnt_match(ours, words)
    assert got == theirs.doesnt_match(words)
    with pytest.warns(UserWarning, match="left out"):
        got = similarity.n_similarity(ours, words, ["w1"])
    assert got == pytest.approx(theirs.n_similarity(words, ["w1"]), abs=1e-6)
    with pytest.raises(KeyError, match="Key 'none' not present"):
        nearest.most_similar(ours, "none")
    with pytest.raises(KeyError, match="Key 'none' not present"):
        theirs.most_similar("none")


# Many spellings of few words, and one that no table has.
SPELLINGS = [a + b + c for a in "aA" for b in "bB" for c in "cCdDeE国"]
spelt = st.sampled_from([*SPELLINGS, "none"])
options = st.fixed_dictionaries(
    {
        "case_insensitive": st.booleans(),
        "dummy4unknown": st.booleans(),
        "restrict_vocab": st.sampled_from([9, 20, 300000, None]),
    }
)


def spelt_pair(seed, whole):
    ours, theirs = pair(seed, whole, len(SPELLINGS))
    theirs.index_to_key = list(np.random.default_rng(seed).permutation(SPELLINGS))
    theirs.index_to_key = [str(word) for word in theirs.index_to_key]
    theirs.key_to_index = {word: i for i, word in enumerate(theirs.index_to_key)}
    return vectors.make(theirs.index_to_key, ours.rows), theirs


@pytest.mark.filterwarnings("ignore:.* lines skipped:UserWarning")
@given(
    seeds, st.booleans(), st.lists(st.tuples(spelt, spelt, spelt), max_size=5), options
)
def test_analogies_are_gensims(tmp_path_factory, seed, whole, triples, options):
    ours, theirs = spelt_pair(seed, whole)
    # With every word as the expected one the answer is known, and not only whether.
    questions = [" ".join([*abc, d]) for abc in triples for d in [*SPELLINGS, "none"]]
    lines = [": one", *questions, "a b c", ": two ", "", "abc  abd\tabe abc", ": three"]
    path = tmp_path_factory.mktemp("files") / "questions.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    expected = theirs.evaluate_word_analogies(str(path), **options)
    assert evaluate_word_analogies(ours, path, **options) == expected
    assert evaluate_word_analogies(ours, lines, **options) == expected


@pytest.mark.filterwarnings("ignore:An input array is constant:RuntimeWarning")
@given(seeds, st.booleans(), st.lists(st.tuples(spelt, spelt), min_size=8), options)
def test_word_pairs_are_gensims(tmp_path_factory, seed, whole, pairs, options):
    ours, theirs = spelt_pair(seed, whole)
    rng = np.random.default_rng(seed)
    lines = ["# all", *(f"{a}\t{b}\t{rng.integers(10) / 2}" for a, b in pairs)]
    path = tmp_path_factory.mktemp("files") / "pairs.tsv"
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        pearson, spearman, oov_ratio = theirs.evaluate_word_pairs(str(path), **options)
    except ValueError:
        pearson = spearman = oov_ratio = np.nan
    if np.isfinite([pearson, spearman]).all():  # test_evaluate has the others
        found = evaluate_word_pairs(ours, path, **options)
        assert found.pearson == pytest.approx(tuple(pearson), abs=1e-6)
        assert found.spearman == pytest.approx(tuple(spearman), abs=1e-6)
        assert found.oov_ratio == pytest.approx(oov_ratio)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz"])
def test_gensim_reads_what_is_written_here(tmp_path, binary, suffix):
    ours, _ = pair(0, whole=False)
    path, counts = str(tmp_path / f"vectors{suffix}"), str(tmp_path / f"counts{suffix}")
    save_word2vec_format(ours, path, counts, binary)
    theirs = KeyedVectors.load_word2vec_format(path, counts, binary)
    assert tuple(theirs.index_to_key) == ours.words
    assert theirs.vectors.tobytes() == ours.rows.tobytes()
    assert [theirs.get_vecattr(word, "count") for word in ours.words] == list(
        ours.counts
    )


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz"])
def test_what_gensim_writes_is_read_here(tmp_path, binary, suffix):
    ours, theirs = pair(0, whole=False)
    path, counts = str(tmp_path / f"vectors{suffix}"), str(tmp_path / f"counts{suffix}")
    theirs.save_word2vec_format(path, counts, binary)
    for limit in None, 7:
        found = load_word2vec_format(path, counts, binary, limit=limit)
        assert found.words == ours.words[:limit]
        assert found.rows.tobytes() == ours.rows[:limit].tobytes()
        assert found.counts is not None
        assert found.counts.tolist() == ours.counts[:limit].tolist()


@pytest.mark.parametrize("binary", [False, True])
def test_both_write_the_same_bytes(tmp_path, binary):
    ours, theirs = pair(1, whole=False)
    save_word2vec_format(ours, tmp_path / "ours", tmp_path / "counts", binary)
    theirs.save_word2vec_format(
        str(tmp_path / "theirs"), str(tmp_path / "their"), binary
    )
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    assert (tmp_path / "counts").read_bytes() == (tmp_path / "their").read_bytes()
