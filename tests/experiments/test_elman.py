"""Elman's experiments: the training by hand, and the texts that they learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.classics import (
    elman_letters,
    elman_sentences,
    elman_training,
    elman_words,
    elman_xor,
)
from experiments.classics.elman_training import FULL, ONE_STEP, Setting


STREAM = jax.random.bernoulli(jax.random.key(1), 0.5, (7, 2)).astype(jnp.float32)
KEYS = jax.random.split(jax.random.key(0), 2)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def learn_by_hand(params, stream, rate, num_passes):
    """One network in NumPy, a weight change at every step, errors one step back."""
    (U, W, b), (V, c) = ([np.array(a, np.float64) for a in part] for part in params)
    s = np.full(len(b), 0.5)
    for t in range(num_passes * len(stream)):
        x, target = stream[t % len(stream)], stream[(t + 1) % len(stream)]
        before, s = s, sigmoid(U @ x + W @ s + b)
        out = sigmoid(V @ s + c)
        delta_out = (out - target) * out * (1 - out)
        delta = V.T @ delta_out * s * (1 - s)
        V, c = V - rate * np.outer(delta_out, s), c - rate * delta_out
        U, W = U - rate * np.outer(delta, x), W - rate * np.outer(delta, before)
        b = b - rate * delta
    return U, W, b, V, c


def test_learn_is_elmans_procedure():
    setting = Setting(ONE_STEP, 3, 0.5, 0.4, num_passes=2)
    learned = elman_training.learn(KEYS, setting, STREAM)
    for number, key in enumerate(KEYS):
        start = elman_training.init(key, 2, 3, 0.5)
        by_hand = learn_by_hand(start, np.asarray(STREAM), 0.4, 2)
        for leaf, expected in zip(jax.tree.leaves(learned), by_hand, strict=True):
            np.testing.assert_allclose(leaf[number], expected, rtol=1e-4, atol=1e-6)


def test_full_gradient_is_another_one():
    by_step = elman_training.learn(KEYS, Setting(ONE_STEP, 3, 0.5, 0.4, 1, 3), STREAM)
    in_full = elman_training.learn(KEYS, Setting(FULL, 3, 0.5, 0.4, 1, 3), STREAM)
    assert (by_step.hidden.W != in_full.hidden.W).any()


def test_third_bit_is_the_xor_of_the_last_two():
    bits = elman_xor._bits(300, 0)[:, 0].reshape(-1, 3)
    np.testing.assert_array_equal(bits[:, 2], bits[:, 0] ^ bits[:, 1])
    assert set(map(tuple, bits[:, :2])) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_network_that_takes_xor_everywhere_is_found(monkeypatch):
    bits = elman_xor._bits(1200, 0)
    xor = np.r_[0, bits[1:, 0] ^ bits[:-1, 0]].astype(float)
    monkeypatch.setattr(elman_xor, "read", lambda *args: (xor[None, :, None],))
    tested = elman_xor._tested(None, bits)
    assert tested["rule"] == [1.0]
    errors = np.array(tested["error"][0]).reshape(-1, 3)
    assert errors[1:, elman_xor.PREDICTABLE].max() == 0
    assert 0.4 < errors[:, [0, 2]].mean() < 0.6


def test_letters_are_elmans():
    text = elman_letters._text(200, 0)
    assert set(text) == set("bdgaiu")
    assert text.replace("ba", "").replace("dii", "").replace("guuu", "") == ""
    assert elman_letters.CODES["d"] == (1, 0, 1, 1, 0, 1)


def test_letters_are_their_numbers_in_binary():
    codes = elman_words._codes("mazy").astype(int).tolist()
    assert codes == [[0, 1, 1, 0, 1], [0, 0, 0, 0, 1], [1, 1, 0, 1, 0], [1, 1, 0, 0, 1]]


@pytest.mark.parametrize(
    ("first", "others", "expected"),
    [
        ([3, 2], [1, 0], 1),
        ([0], [2, 1], 0),
        ([1], [1, 1], 0.5),
        ([2], [3, 1, 4], 1 / 3),
    ],
)
def test_auc_is_how_often_a_first_letter_is_above(first, others, expected):
    is_first = np.arange(len(first) + len(others)) < len(first)
    found = elman_words._auc(np.array([*first, *others]), is_first)
    np.testing.assert_allclose(found, expected)


def test_sentences_follow_their_templates():
    templates = set(elman_sentences.TEMPLATES.strip().splitlines())
    assert len(templates) == 16
    assert len(elman_sentences.WORDS) == 29
    possible = set()
    for template in templates:
        sentences = [()]
        for name in template.split():
            words = elman_sentences.CLASSES[name].split()
            sentences = [(*s, w) for s in sentences for w in words]
        possible |= set(sentences)
    drawn = elman_sentences.draw(500, 0)
    for sentence in drawn:
        assert tuple(elman_sentences.WORDS[n] for n in sentence) in possible
    assert elman_sentences.IS_NOUN.sum() == 18


def test_likelihoods_count_what_follows():
    shares = elman_sentences.likelihoods([[0, 1], [0, 2], [0, 1, 3]])
    assert shares.shape == (7, 29)
    assert shares[0][1] == shares[4][1] == 2 / 3  # after 0: 1, 2, 1
    assert shares[1][0] == shares[5][3] == 1 / 2  # after 0 1: the next sentence, or 3
    assert shares[6][0] == 1  # the first sentence again
    np.testing.assert_allclose(shares.sum(-1), 1)
