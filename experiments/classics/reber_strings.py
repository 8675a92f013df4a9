"""Embedded Reber strings: Hochreiter and Schmidhuber 1997, task 1, figures 3 and 4.

An inner string goes through the grammar below from state 0, each branch alike likely,
and E ends it. The embedded string is B, T or P, an inner string, the same T or P, E.
A stream is one such string after the other, without anything in between: Gers,
Schmidhuber, Cummins 2000.
"""

from typing import NamedTuple

import numpy as np


SYMBOLS = "BTSXVPE"
GRAMMAR = (
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": None},
)


class Strings(NamedTuple):
    """Strings as inputs and what may follow, cut at a length."""

    xs: np.ndarray  # [n, T, 7] one-hot, zeros after the end
    next_ids: np.ndarray  # [n, T] the symbol that followed, 0 after the end
    is_legal: np.ndarray  # [n, T, 7] which symbols may follow
    lengths: np.ndarray  # [n] steps that have a next symbol
    outer: np.ndarray  # [n] the step whose next symbol is the second T or P


class Stream(NamedTuple):
    """Symbols of strings that follow each other, as inputs and what may come next."""

    ids: np.ndarray  # [T]
    next_ids: np.ndarray  # [T] the symbol that followed
    is_legal: np.ndarray  # [T, 7] which symbols may follow
    is_outer: np.ndarray  # [T] whether the second T or P comes next
    is_start: np.ndarray  # [T] whether a string starts here


def draw(rng: np.random.Generator) -> tuple[str, list[str]]:
    """Draws an embedded string, and for each symbol but the last what may follow it."""
    which = "TP"[rng.integers(2)]
    text, legal = "B" + which, ["TP", "B"]
    state: int | None = 0
    while state is not None:
        branches = GRAMMAR[state]
        symbol = list(branches)[rng.integers(len(branches))]
        text += symbol
        state = branches[symbol]
        legal.append(which if state is None else "".join(GRAMMAR[state]))
    return text + which + "E", [*legal, "E"]


def draw_many(num_strings: int, num_steps: int, seed: int) -> Strings:
    """Draws strings of at most T + 1 symbols; longer ones are drawn again.

    Args:
        num_strings: n.
        num_steps: T.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    shape = (num_strings, num_steps)
    strings = Strings(
        xs=np.zeros((*shape, len(SYMBOLS)), np.float32),
        next_ids=np.zeros(shape, np.int32),
        is_legal=np.zeros((*shape, len(SYMBOLS)), bool),
        lengths=np.zeros(num_strings, np.int32),
        outer=np.zeros(num_strings, np.int32),
    )
    for number in range(num_strings):
        text, legal = draw(rng)
        while len(text) > num_steps + 1:
            text, legal = draw(rng)
        ids = [SYMBOLS.index(symbol) for symbol in text]
        steps = np.arange(len(text) - 1)
        strings.xs[number, steps, ids[:-1]] = 1
        strings.next_ids[number, steps] = ids[1:]
        for step in steps:
            for symbol in legal[step]:
                strings.is_legal[number, step, SYMBOLS.index(symbol)] = True
        strings.lengths[number] = len(steps)
        strings.outer[number] = len(steps) - 2
    return strings


def draw_stream(num_steps: int, rng: np.random.Generator) -> Stream:
    """Draws strings until there are T symbols; the last one may be cut.

    Args:
        num_steps: T.
        rng: what draws; moves on.
    """
    text, legal, outer, starts = "", [], [], []
    while len(text) <= num_steps:
        string, after = draw(rng)
        starts.append(len(text))
        text += string
        outer.append(len(text) - 3)
        legal += [*after, "B"]
    ids = np.array([SYMBOLS.index(symbol) for symbol in text], np.int32)
    rows = {each: [symbol in each for symbol in SYMBOLS] for each in set(legal)}
    steps = np.arange(num_steps)
    return Stream(
        ids=ids[:num_steps],
        next_ids=ids[1 : num_steps + 1],
        is_legal=np.array([rows[each] for each in legal[:num_steps]]),
        is_outer=np.isin(steps, outer),
        is_start=np.isin(steps, starts),
    )
