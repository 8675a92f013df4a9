"""Embedded Reber strings: their grammar, their lengths, and how answers are counted."""

import re

import jax
import jax.numpy as jnp
import numpy as np

from experiments.classics import lstm_reber, reber_strings


# The graph of 1997, figure 3, written from its paths: up by T, down by P.
_DOWN = "T*V(?:PXT*V)*(?:PS|V)"  # from state 3 to the end, without E
INNER = f"B(?:TS*X(?:S|X{_DOWN})|P{_DOWN})E"
EMBEDDED = re.compile(f"B([TP]){INNER}\\1E")
STRINGS = reber_strings.draw_many(2_000, 60, 0)


def texts(strings):
    for x, nxt, length in zip(
        strings.xs, strings.next_ids, strings.lengths, strict=True
    ):
        ids = [*x[:length].argmax(-1), nxt[length - 1]]
        yield "".join(reber_strings.SYMBOLS[n] for n in ids)


def test_strings_are_of_the_grammar():
    for text in texts(STRINGS):
        assert EMBEDDED.fullmatch(text), text


def test_lengths_are_those_of_the_paper():
    lengths = np.array([len(text) for text in texts(STRINGS)])
    assert lengths.min() == 9
    assert abs((lengths == 9).mean() - 0.25) < 0.03
    assert abs(lengths.mean() - 12) < 0.25


def test_what_may_follow_holds_what_followed():
    for number in range(200):
        length = STRINGS.lengths[number]
        steps = np.arange(length)
        assert STRINGS.is_legal[number, steps, STRINGS.next_ids[number, :length]].all()
        assert not STRINGS.is_legal[number, length:].any()
        assert not STRINGS.xs[number, length:].any()
        # All that may follow does: two symbols, or one that is certain.
        assert set(STRINGS.is_legal[number, :length].sum(-1)) <= {1, 2}
        outer = STRINGS.outer[number]
        legal = np.flatnonzero(STRINGS.is_legal[number, outer])
        second = STRINGS.xs[number, 1].argmax()
        assert legal.tolist() == [second] == [STRINGS.next_ids[number, outer]]


def test_long_strings_are_drawn_again():
    short = reber_strings.draw_many(300, 12, 0)
    assert short.lengths.max() == 12


def test_counting_knows_right_from_legal(monkeypatch):
    """Who knows all but the second T or P: half of them right, 95.5 % legal."""
    strings = reber_strings.draw_many(2_000, lstm_reber.NUM_STEPS, 1)
    logits = np.swapaxes(strings.is_legal, 0, 1) * 1.0
    always_t = reber_strings.SYMBOLS.index("T")
    numbers = np.arange(len(strings.outer))
    logits[strings.outer, numbers] = np.eye(7)[always_t]
    monkeypatch.setattr(lstm_reber, "_logits", lambda *args: jnp.asarray(logits))
    one = {"params": jnp.zeros(1)}
    with jax.enable_x64(False):
        is_right, is_legal = lstm_reber._test.__wrapped__(None, one, strings)
    assert abs(is_right[0] - 0.5) < 0.04
    assert abs(is_legal[0] - (1 - 0.5 / 11)) < 0.005
