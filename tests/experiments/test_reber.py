"""Embedded Reber strings: their grammar, their lengths, and how answers are counted."""

import re

import jax
import jax.numpy as jnp
import numpy as np

from experiments.classics import lstm_reber, lstm_reber_stream, reber_strings
from jaxseq import readout
from jaxseq.cells import lstm_1997


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


def test_stream_is_strings_one_after_the_other():
    stream = reber_strings.draw_stream(5_000, np.random.default_rng(0))
    text = "".join(reber_strings.SYMBOLS[n] for n in stream.ids)
    assert text[1:] == "".join(reber_strings.SYMBOLS[n] for n in stream.next_ids)[:-1]
    starts = np.flatnonzero(stream.is_start)
    strings = [text[a:b] for a, b in zip(starts[:-1], starts[1:], strict=True)]
    assert len(strings) > 300
    for string in strings:
        assert EMBEDDED.fullmatch(string), string
    # The symbol before the last of each string is the second T or P.
    outer = np.flatnonzero(stream.is_outer)[: len(strings)]
    assert (outer == starts[1:] - 3).all()
    assert stream.is_legal[np.arange(5_000), stream.next_ids].all()
    ends = np.flatnonzero(stream.ids == reber_strings.SYMBOLS.index("E"))
    legal_after = stream.is_legal[np.intersect1d(ends, starts - 1)]
    assert (legal_after == np.eye(7, dtype=bool)[0]).all()  # B


def test_streams_are_counted_up_to_the_first_mistake(monkeypatch):
    """A network that errs at one symbol, or never: told apart, and by how much."""
    rng = np.random.default_rng(0)
    drawn = [reber_strings.draw_stream(2_000, rng) for _ in range(3)]
    streams = reber_strings.Stream(
        *(np.stack(each, 1) for each in zip(*drawn, strict=True))
    )
    next_ids = streams.next_ids.copy()
    next_ids[70, 1] = reber_strings.SYMBOLS.index("E")  # no string is so short
    assert not streams.is_legal[70, 1, 6]
    # What may follow is no mistake, even if something else did.
    step = np.flatnonzero(streams.is_legal[:, 1].sum(-1) == 2)[4]
    assert step < 70
    next_ids[step, 1] = np.flatnonzero(
        streams.is_legal[step, 1] & (np.arange(7) != next_ids[step, 1])
    )[0]
    answer = jnp.asarray(np.eye(7, dtype=np.float32)[next_ids])
    monkeypatch.setattr(readout, "readout", lambda params, ys: answer)
    kind = lstm_reber_stream.Kind(lstm_1997.cell(), is_told=False)
    hidden = lstm_1997.init(jax.random.key(0), 7, 2)
    params = lstm_reber_stream.Params(hidden, readout.init(jax.random.key(0), 2, 7))
    many = jax.tree.map(lambda leaf: leaf[None], params)
    with jax.enable_x64(False):
        counted = lstm_reber_stream._tested(kind, many, streams)
    assert counted["outer"] == [1.0]
    assert counted["perfect"] == [False]
    assert counted["lengths"] == [(2_000 + 70 + 2_000) / 3]


def test_networks_that_are_told_forget_where_a_string_starts():
    """What was read before a string does not show in it, if the state is reset."""
    stream = reber_strings.draw_stream(1_200, np.random.default_rng(0))
    streams = reber_strings.Stream(*(leaf[:, None] for leaf in stream))
    start = np.flatnonzero(stream.is_start)[1]
    other = streams.ids.copy()
    other[:start] = 0
    hidden = lstm_1997.init(jax.random.key(0), 7, 2, jnp.float32)
    params = lstm_reber_stream.Params(hidden, readout.init(jax.random.key(0), 2, 7))
    for is_told in (True, False):
        kind = lstm_reber_stream.Kind(lstm_1997.cell(), is_told)
        cells = lstm_reber_stream._predict(kind, params, streams)[-1]
        changed = lstm_reber_stream._predict(kind, params, streams._replace(ids=other))[
            -1
        ]
        assert (cells[start:] == changed[start:]).all() == is_told
