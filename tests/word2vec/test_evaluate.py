"""Correlations against SciPy, test sets against questions asked one at a time."""

import gzip

import numpy as np
import pytest
import scipy.stats

from jaxseq.word2vec import analogies, nearest, vectors
from jaxseq.word2vec.correlation import Correlation, pearson, spearman
from jaxseq.word2vec.evaluate import evaluate_word_analogies, evaluate_word_pairs
from jaxseq.word2vec.similarity import similarity


@pytest.mark.parametrize("ours", [pearson, spearman])
@pytest.mark.parametrize("num", [3, 4, 10, 353, 3000])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.7, 0.99])
def test_correlation_is_scipys(ours, num, share):
    rng = np.random.default_rng(num)
    x = np.round(rng.normal(size=num), 2 if num > 4 else 8)  # ties
    y = share * x + (1 - share) * rng.normal(size=num)
    theirs = {pearson: scipy.stats.pearsonr, spearman: scipy.stats.spearmanr}[ours](
        x, y
    )
    found = ours(x, y)
    assert found.statistic == pytest.approx(theirs.statistic, abs=1e-14)
    if abs(found.statistic) < 1 - 1e-9:  # where 1 - r² is more than rounding
        assert found.pvalue == pytest.approx(theirs.pvalue, rel=1e-8, abs=1e-300)


def test_correlation_stays_within_bounds_and_finds_next_to_none():
    for seed in range(50):
        x = np.random.default_rng(seed).normal(size=20)
        assert 1 - 1e-12 < pearson(x, 3 * x + 1)[0] <= 1
        assert -1 <= pearson(x, 1 - 3 * x)[0] < 1e-12 - 1
    x, y = [1.0, 2.0, 3.0], [1.0, 2.0, 1 + 1e-6]
    expected = scipy.stats.pearsonr(x, y)
    assert pearson(x, y) == pytest.approx(tuple(expected), rel=1e-9)


def test_correlation_of_a_line_and_of_two_pairs():
    assert pearson([1, 2, 3, 4], [2, 4, 6, 8]) == Correlation(1.0, 0.0)
    assert spearman([1, 2, 3, 4], [4, 3, 2, 0])[0] == pytest.approx(-1, abs=1e-15)
    assert pearson([1, 2], [5, 4])[1] == 1
    assert spearman([1.0, 1.0, 2.0], [1.0, 2.0, 3.0])[0] == pytest.approx(0.75**0.5)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 1, 1], [1, 2, 3], "x: .* not all equal.* got 1.0 3 times"),
        ([1, 2, 3], [0, 0, 0], "y: .* not all equal.* got 0.0 3 times"),
        ([1], [2], r"x: expected \[n\] values, at least two, got float64\[1\]"),
        ([1, 2, 3], [1, 2], "y: expected 3 values, as x has, got 2"),
        ([1, float("nan")], [1, 2], "x: expected finite values"),
    ],
)
def test_correlation_names_what_is_wrong(x, y, message):
    for correlate in pearson, spearman:
        with pytest.raises(ValueError, match=message):
            correlate(x, y)


WORDS = ("King", "king", "queen", "Man", "man", "woman", "国王", "女王", "男人", "女人")


def made(words=WORDS, seed=1):
    rows = np.random.default_rng(seed).normal(size=(len(words), 8))
    return vectors.make(words, rows.astype(np.float32))


PAIRS = (
    "# a comment\n",
    "king\tqueen\t8.5\n",
    "MAN\twoman\t8.5\r\n",
    "国王\t女王\t9\n",
    "king\tcabbage\t0.2\n",
    "man\t女人\t1e0\n",
)


def test_word_pairs_correlate_similarities_with_judgements():
    found = made()
    asked = [("King", "queen"), ("Man", "woman"), ("国王", "女王"), ("Man", "女人")]
    similarities = [similarity(found, *pair) for pair in asked]
    judged = [8.5, 8.5, 9, 1]
    result = evaluate_word_pairs(found, PAIRS)
    expected = scipy.stats.pearsonr(judged, similarities)
    assert result.pearson == pytest.approx(tuple(expected), rel=1e-6)
    expected = scipy.stats.spearmanr(judged, similarities)
    assert result.spearman == pytest.approx(tuple(expected), rel=1e-6)
    assert result.oov_ratio == 20


def test_word_pairs_count_unknown_words_as_zero_if_told_so():
    found = made()
    asked = [("King", "queen"), ("Man", "woman"), ("国王", "女王"), ("Man", "女人")]
    similarities = [similarity(found, *pair) for pair in asked]
    similarities.insert(3, 0.0)
    result = evaluate_word_pairs(found, PAIRS, dummy4unknown=True)
    expected = scipy.stats.pearsonr([8.5, 8.5, 9, 0.2, 1], similarities)
    assert result.pearson == pytest.approx(tuple(expected), rel=1e-6)
    assert result.oov_ratio == 20


def test_word_pairs_obey_case_and_restrict_vocab():
    found = made()
    exact = evaluate_word_pairs(found, PAIRS, case_insensitive=False)
    similarities = [
        similarity(found, "king", "queen"),
        similarity(found, "国王", "女王"),
    ]
    similarities.append(similarity(found, "man", "女人"))
    expected = scipy.stats.pearsonr([8.5, 9, 1], similarities)
    assert exact.pearson == pytest.approx(tuple(expected), rel=1e-6)
    assert exact.oov_ratio == 40
    few = evaluate_word_pairs(found, PAIRS, restrict_vocab=8)
    assert few.oov_ratio == 40  # 女人 is the tenth word


def test_word_pairs_read_files_and_delimiters(tmp_path):
    lines = [line.replace("\t", " ; ") for line in PAIRS]
    path = tmp_path / "pairs.csv.gz"
    path.write_bytes(gzip.compress("".join(lines).encode()))
    expected = evaluate_word_pairs(made(), PAIRS)
    assert evaluate_word_pairs(made(), path, delimiter=" ; ") == expected
    assert evaluate_word_pairs(made(), str(path), delimiter=" ; ") == expected


def test_word_pairs_warn_once_of_lines_that_are_none():
    lines = ["Word 1\tWord 2\tHuman\n", *PAIRS, "\n", "king queen 3\n", "a\tb\tnan\n"]
    message = "path_or_lines: 3 lines skipped, the first of them line 1: expected 'word"
    with pytest.warns(UserWarning, match=message):
        result = evaluate_word_pairs(made(), lines)
    assert result == evaluate_word_pairs(made(), PAIRS)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "path_or_lines: expected at least two pairs of known words, got 0, and 0"),
        (["a\tb\t1"] * 3, "got 0, and 3 with an unknown word"),
        (["king\tman\t1"], "got 1, and 0 with"),
        (["king\tman\t1", "king\tqueen\t1"], "judgements x .* x: .* not all equal"),
        (["king\tman\t1", "man\tking\t2"], "similarities y: y: .* not all equal"),
    ],
)
def test_word_pairs_name_what_is_wrong(lines, message):
    with pytest.raises(ValueError, match=message):
        evaluate_word_pairs(made(), lines)


def test_evaluations_name_a_missing_file_and_a_wrong_argument(tmp_path):
    for evaluate in evaluate_word_pairs, evaluate_word_analogies:
        with pytest.raises(ValueError, match="none.txt': No such file"):
            evaluate(made(), tmp_path / "none.txt")
        with pytest.raises(ValueError, match="restrict_vocab: expected an integer ≥ 1"):
            evaluate(made(), [], restrict_vocab=0)


NAMES = [f"{kind}{i}" for i in range(12) for kind in ("land", "Town", "town")]


def atlas(seed=0, noise=0.25):
    """Towns that lie at their land plus a common offset, more or less."""
    rng = np.random.default_rng(seed)
    lands, offset = np.eye(12, 13), np.eye(13)[12]
    rows = np.stack([lands, lands + offset, lands + offset], axis=1).reshape(36, 13)
    rows += noise * rng.normal(size=rows.shape)
    return vectors.make(NAMES, rows.astype(np.float32))


def questions():
    lines = [": towns\n"]
    for i in range(12):
        lines += [f"land{i} town{i} land{j} Town{j}\n" for j in range(12) if i != j]
    lines += [": others\n", "land1 town1 land2 atlantis\n", "land1 land1 land1 land1\n"]
    lines += ["land1 town1 land1 town1\n", "land3 land3 town4 town5\n", ": empty \n"]
    return [*lines, "atlantis town1 land2 town2\n"]


def one_at_a_time(found, lines, fold, stop, dummy, query=nearest.most_similar):
    """Answers as the docstrings have it, each question by a query of its own."""
    usable = list(found.words[:stop])
    first = {fold(word): word for word in reversed(usable)}
    sections, total = [], ("Total accuracy", [], [])
    for line in lines:
        if line.startswith(": "):
            sections.append((line[2:].strip(), [], []))
            continue
        words = tuple(fold(word) for word in line.split())
        is_known = all(word in first for word in words)
        is_correct = False
        if is_known:
            a, b, c, expected = words
            nearby = query(found, [first[b], first[c]], first[a], 5, stop)
            folded = [fold(word) for word, _ in nearby]
            answer = next((w for w in folded if w not in (a, b, c)), folded[-1])
            is_correct = answer == expected
        if is_known or dummy:
            for part in sections[-1], total:
                part[1 if is_correct else 2].append(words)
    sections = [*sections, total]
    score = len(total[1]) / max(1, len(total[1]) + len(total[2]))
    return score, [
        dict(zip(("section", "correct", "incorrect"), s, strict=True)) for s in sections
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("stop", [None, 20, 300000])
@pytest.mark.parametrize("fold", [str, str.upper])
@pytest.mark.parametrize("dummy", [False, True])
def test_analogies_are_answered_as_one_at_a_time(seed, stop, fold, dummy):
    found = atlas(seed)
    options = {"case_insensitive": fold is str.upper, "dummy4unknown": dummy}
    result = evaluate_word_analogies(found, questions(), stop, **options)
    assert result == one_at_a_time(found, questions(), fold, stop, dummy)


def test_analogies_are_right_without_noise():
    score, sections = evaluate_word_analogies(atlas(noise=1e-4), questions()[:133])
    assert score == 1
    assert [len(section["correct"]) for section in sections] == [132, 132]
    assert [section["section"] for section in sections] == ["towns", "Total accuracy"]


@pytest.mark.parametrize("block_cosines", [1, 36 * 7, 2**24])
def test_answers_do_not_depend_on_blocks(monkeypatch, block_cosines):
    monkeypatch.setattr(analogies, "_BLOCK_COSINES", block_cosines)
    result = evaluate_word_analogies(atlas(), questions())
    assert result == one_at_a_time(atlas(), questions(), str.upper, None, False)


def asked_alone(monkeypatch, found, lines, **options):
    """How many questions the block leaves to a query of their own."""
    asked = []

    def query(*args, **kwargs):
        asked.append(args)
        return ask(*args, **kwargs)

    ask = nearest.most_similar
    monkeypatch.setattr(nearest, "most_similar", query)
    evaluate_word_analogies(found, lines, similarity_function=query, **options)
    return len(asked)


def test_clear_answers_are_taken_from_the_block(monkeypatch):
    assert asked_alone(monkeypatch, atlas(), questions()[:133]) < 5


def test_ties_are_asked_alone(monkeypatch):
    rows = np.repeat(atlas().rows, 3, axis=0)
    words = [f"{name}{twin}" for name in NAMES for twin in ("", "twin", "triplet")]
    twins = vectors.make(words, rows)
    assert asked_alone(monkeypatch, twins, questions()[:133]) == 132
    result = evaluate_word_analogies(twins, questions()[:133])
    assert result == one_at_a_time(twins, questions()[:133], str.upper, None, False)


@pytest.mark.parametrize("seed", range(5))
def test_near_ties_are_told_as_gensim_tells_them(seed):
    rng = np.random.default_rng(seed)
    # Rows of one direction and other lengths: only rounding tells their cosines apart.
    rows = np.repeat(rng.normal(size=(12, 100)), 5, axis=0) * rng.uniform(1, 2, (60, 1))
    words = [f"{name}{i}" for name in "abcdefghijkl" for i in range(5)]
    found = vectors.make(words, rows.astype(np.float32))
    triples = [rng.choice(words, 3, replace=False) for _ in range(20)]
    lines = [": s", *(" ".join([*abc, d]) for abc in triples for d in words)]
    result = evaluate_word_analogies(found, lines)
    assert result == one_at_a_time(found, lines, str.upper, None, False)
    assert len(result[1][0]["correct"]) == 20


def test_many_spellings_of_a_word_are_asked_alone(monkeypatch):
    spellings = ["abc", "Abc", "aBc", "abC", "ABc", "aBC", "AbC", "x", "y", "z"]
    rows = np.random.default_rng(3).normal(size=(10, 8)).astype(np.float32)
    rows[:7] = rows[0] + 0.01 * rows[:7]  # all beside each other
    found = vectors.make(spellings, rows)
    lines = [": s", "x x abc y", "x x abc abc", "y x abc z"]
    assert asked_alone(monkeypatch, found, lines) == 2  # x x abc, y x abc
    result = evaluate_word_analogies(found, lines)
    assert result == one_at_a_time(found, lines, str.upper, None, False)
    # The five nearest are spellings of a word that was given: the last of them counts.
    assert result[1][0]["correct"] == [("X", "X", "ABC", "ABC")]


def test_another_similarity_function_is_called():
    found = atlas()
    query = nearest.most_similar_cosmul
    result = evaluate_word_analogies(found, questions(), similarity_function=query)
    assert result == one_at_a_time(found, questions(), str.upper, None, False, query)
    assert result != evaluate_word_analogies(found, questions())


def test_a_question_without_direction_is_answered_wrongly_not_with_nan():
    rows = atlas().rows.copy()
    rows[:6] = 0
    found = vectors.make(NAMES, rows)
    score, sections = evaluate_word_analogies(
        found, [": s", "land0 town0 land1 town1", "land0 town0 land2 town2"]
    )
    assert sections[-1]["incorrect"][0] == ("LAND0", "TOWN0", "LAND1", "TOWN1")
    assert score in (0, 0.5)


def test_analogies_read_chinese_files(tmp_path):
    words = ("国王", "女王", "男人", "女人", "苹果")
    rows = np.array([[1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1], [3, -3, 0]])
    path = tmp_path / "ca.txt.gz"
    text = ": 性别\r\n男人 女人 国王 女王\r\n国王 女王 男人 苹果\r\n"
    path.write_bytes(gzip.compress(text.encode()))
    found = vectors.make(words, rows.astype(np.float32))
    score, sections = evaluate_word_analogies(found, path)
    assert score == 0.5
    assert sections[0] == {
        "section": "性别",
        "correct": [("男人", "女人", "国王", "女王")],
        "incorrect": [("国王", "女王", "男人", "苹果")],
    }


def test_analogies_warn_once_of_lines_that_are_none():
    lines = [*questions(), "three words only\n", "\n", "a b c d e\n"]
    with pytest.warns(
        UserWarning, match="2 lines skipped, .* line 141: expected 'word"
    ):
        result = evaluate_word_analogies(atlas(), lines)
    assert result == evaluate_word_analogies(atlas(), questions())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "path_or_lines: expected questions, got none"),
        ([": s"], "path_or_lines: expected questions, got none"),
        (["a b c d"], "path_or_lines: line 1: expected a header ': name' before"),
    ],
)
def test_analogies_name_what_is_wrong(lines, message):
    with pytest.raises(ValueError, match=message):
        evaluate_word_analogies(atlas(), lines)


def test_nothing_known_scores_zero():
    score, sections = evaluate_word_analogies(atlas(), [": s", "a b c d"])
    assert score == 0
    assert sections[0] == {"section": "s", "correct": [], "incorrect": []}
