import os
import subprocess
import sys

import gensim
import numpy as np
import pytest
from hypothesis import given, strategies as st

from jaxseq.word2vec import vocab


COUNTED = {"b": 7, "é": 2, "a": 7, "rare": 1, "c": 9, "z": 2}


def test_rank_orders_by_count_then_code_points():
    ranked = vocab.rank(COUNTED, min_count=1)
    assert ranked.words == ("c", "a", "b", "z", "é", "rare")
    assert ranked.counts.tolist() == [9, 7, 7, 2, 2, 1]
    assert ranked.counts.dtype == np.int64
    assert [ranked.id_of[word] for word in ranked.words] == [0, 1, 2, 3, 4, 5]
    many = {chr(i): 1 + i % 2 for i in range(1999, 1000, -1)}
    expected = [chr(i) for first in (1001, 1002) for i in range(first, 2000, 2)]
    assert list(vocab.rank(many, min_count=1).words) == expected


def test_rank_leaves_out_what_is_rare_or_beyond_the_largest_number():
    assert vocab.rank(COUNTED).words == ("c", "a", "b")
    assert vocab.rank(COUNTED, min_count=2).words == ("c", "a", "b", "z", "é")
    smaller = vocab.rank(COUNTED, min_count=1, max_vocab=2)
    assert smaller.words == ("c", "a")
    assert smaller.id_of == {"c": 0, "a": 1}
    assert len(vocab.rank(COUNTED, min_count=7, max_vocab=100).words) == 3


def test_rank_takes_counts_past_32_bits():
    ranked = vocab.rank({"a": 2**31, "b": 2**40 + 1, "c": 2**40})
    assert ranked.words == ("b", "c", "a")
    assert ranked.counts.tolist() == [2**40 + 1, 2**40, 2**31]
    shares = np.array([0.4, 0.4, 0.4 * 2**-9]) / (0.8 + 0.4 * 2**-9)
    np.testing.assert_allclose(vocab.noise(ranked.counts, 1.0), shares, rtol=1e-9)
    np.testing.assert_allclose(
        vocab.keep_probability(ranked.counts, 1e-3),
        np.minimum(1, (np.sqrt(shares / 1e-3) + 1) * 1e-3 / shares),
        rtol=1e-9,
    )


def test_rank_gives_the_same_ids_in_a_process_of_another_hash_seed():
    program = (
        "from jaxseq.word2vec import vocab\n"
        "words = {f'w{i % 97}é' for i in range(500)}\n"
        "ranked = vocab.rank({w: len(w) for w in words}, 1, 60).words"
    )
    here: dict = {}
    exec(program, here)
    environment = os.environ | {"PYTHONHASHSEED": "271", "PYTHONIOENCODING": "utf-8"}
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    command = [sys.executable, "-c", program + "; print(*ranked)"]
    there = subprocess.check_output(command, env=environment).decode()
    assert there.split() == list(here["ranked"])


@pytest.mark.parametrize(
    ("counted", "options", "message"),
    [
        ({}, {}, "counted: expected at least one word, got none: an empty corpus"),
        (
            {"a": 2, "b": 4, "c": 1},
            {},
            "min_count: expected a word that was read at least 5 times, "
            "got 3 words, the most frequent of them, 'b', 4 times",
        ),
        (COUNTED, {"min_count": 0}, "min_count: expected an integer ≥ 1, got 0"),
        (COUNTED, {"max_vocab": 0}, "max_vocab: expected an integer ≥ 1, got 0"),
        (COUNTED, {"max_vocab": 2.0}, "max_vocab: expected an integer ≥ 1, got 2.0"),
    ],
)
def test_rank_refuses_what_leaves_no_word(counted, options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        vocab.rank(counted, **options)


def gensim_of(counted, **options):
    model = gensim.models.Word2Vec(**options)
    model.build_vocab_from_freq(counted)
    return model


@given(
    counts=st.lists(st.integers(2, 10**6), min_size=1, max_size=30),
    sample=st.sampled_from([0, 1e-5, 1e-3, 0.1]),
)
def test_keep_probability_is_gensims(counts, sample):
    counted = {f"word{i}": count for i, count in enumerate(counts)}
    counted["rare"] = 1  # the shares are among the words that are kept
    model = gensim_of(counted, min_count=2, sample=sample)
    ranked = vocab.rank(counted, min_count=2)
    found = vocab.keep_probability(ranked.counts, sample)
    expected = [model.wv.get_vecattr(word, "sample_int") for word in ranked.words]
    # gensim's are probabilities times 2^32 - 1, cut down to integers.
    np.testing.assert_allclose(
        found, np.array(expected, np.float64) / (2**32 - 1), atol=1e-9
    )


@given(
    counts=st.lists(st.integers(1, 10**6), min_size=1, max_size=30),
    exponent=st.sampled_from([0.75, 0.5, 1.0, 0.0, -0.5]),
)
def test_noise_is_gensims(counts, exponent):
    counted = {f"word{i}": count for i, count in enumerate(counts)}
    model = gensim_of(counted, min_count=1, ns_exponent=exponent)
    ranked = vocab.rank(counted, min_count=1)
    found = vocab.noise(ranked.counts, exponent)
    assert found.dtype == np.float64
    assert abs(found.sum() - 1) < 1e-12
    # gensim's are cumulated and rounded to 31 bits.
    cumulated = np.array(model.cum_table, np.float64) / (2**31 - 1)
    of_gensim = dict(
        zip(model.wv.index_to_key, np.diff(cumulated, prepend=0), strict=True)
    )
    expected = [of_gensim[word] for word in ranked.words]
    np.testing.assert_allclose(found, expected, atol=2e-9)
    by_default = vocab.noise(ranked.counts, gensim_of(counted, min_count=1).ns_exponent)
    np.testing.assert_array_equal(vocab.noise(ranked.counts), by_default)


def test_keep_probability_thins_frequent_words_only():
    counts = np.array([10**6, 1000, 10])
    found = vocab.keep_probability(counts, 1e-3)
    share = counts / counts.sum()
    assert found[0] == pytest.approx(np.sqrt(1e-3 / share[0]) + 1e-3 / share[0])
    assert found[1:].tolist() == [1, 1]
    assert vocab.keep_probability(counts, 0).tolist() == [1, 1, 1]
    # However small, a share is one: f / t would be infinite.
    assert (vocab.keep_probability(counts, 1e-320) < 1e-150).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vocab.noise([3, 2]), r"an array \[V\] of integers, .*got list"),
        (lambda: vocab.noise(np.array([3.0])), r"of integers, .*got float64\[1\]"),
        (lambda: vocab.noise(np.zeros(0, int)), r"V ≥ 1, got int64\[0\]"),
        (lambda: vocab.noise(np.ones((2, 2), int)), r"\[V\] .*got int64\[2, 2\]"),
        (lambda: vocab.noise(np.array([3, 0])), r"1 to 2\^63 - 1, got 0 at \[1\]"),
        (
            lambda: vocab.noise(np.array([2**63, 1], np.uint64)),
            r"1 to 2\^63 - 1, got 9223372036854775808 at \[0\]",
        ),
        (lambda: vocab.noise(np.array([3]), np.nan), "exponent: expected a finite"),
        (lambda: vocab.noise(np.array([3]), "1"), "exponent: expected a finite"),
        (
            lambda: vocab.keep_probability(np.array([3]), 1.0),
            r"sample: expected a number in \[0, 1\), got 1.0",
        ),
        (
            lambda: vocab.keep_probability(np.array([3]), -1e-3),
            r"sample: expected a number in \[0, 1\), got -0.001",
        ),
        (lambda: vocab.keep_probability(np.array([-3]), 0), "got -3 at"),
    ],
)
def test_probabilities_refuse_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
