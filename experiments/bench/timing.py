"""Timing of several programs side by side: rounds of short blocks, in turning order.

A round runs each program once, as a block: one call that is not timed, then as many as
fill about 20 ms, timed together; a call of over 0.1 s is a block by itself. The order
turns from round to round and is reversed in every other one, so that nobody always
comes first, or always after the same one. What drifts (clock rate, a neighbour) then
meets all alike; the median over the rounds is what counts, the quartiles say how sure
it is.

Before each block the process must have come to rest. PyTorch's OpenMP threads go on
spinning for some 10 ms after its last call, to be quick at the next one, and would take
a core from whoever comes next; JAX's threads sleep when idle. Nothing is set to prevent
the spinning, PyTorch runs as it comes: it is waited for.
"""

import gc
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np


BLOCK_SECONDS = 0.02
LONG_SECONDS = 0.1
SHORTEST_SECONDS = 1e-5
NAP_SECONDS = 0.01  # some ticks of the kernel: it books a thread's time at a tick

Key = TypeVar("Key", bound=Hashable)
Clock = Callable[[], float]


class Times(NamedTuple):
    """Seconds a call, over the rounds."""

    lower: float  # quartile
    median: float
    upper: float  # quartile
    num_rounds: int
    num_calls: int  # timed together in each round


class _Block(NamedTuple):
    num_untimed: int
    num_calls: int


def interleaved(
    calls: Mapping[Key, Callable[[], Any]],
    num_rounds: int,
    clock: Clock = time.perf_counter,
    settle: Callable[[], None] | None = None,
) -> dict[Key, Times]:
    """Times programs side by side.

    Args:
        calls: by name, what runs a program once and waits for its result.
        num_rounds: how often each block is repeated.
        clock: the time in seconds.
        settle: waits until the process is at rest; None for `at_rest`.
    """
    settle = settle or at_rest
    blocks = {name: _block(call, clock) for name, call in calls.items()}
    seconds: dict[Key, list[float]] = {name: [] for name in calls}
    collects = gc.isenabled()
    # It would run at the expense of whoever's turn it is.
    gc.disable()
    try:
        for number in range(num_rounds):
            for name in order(tuple(calls), number):
                settle()
                seconds[name].append(_run(calls[name], blocks[name], clock))
    finally:
        if collects:
            gc.enable()
    return {
        name: Times(
            *map(float, np.percentile(seconds[name], (25, 50, 75))),
            num_rounds=num_rounds,
            num_calls=blocks[name].num_calls,
        )
        for name in calls
    }


def once(call: Callable[[], Any], clock: Clock = time.perf_counter) -> float:
    """Returns the seconds of one call, after one that is not timed."""
    return _run(call, _Block(1, 1), clock)


def order(names: tuple[Key, ...], number: int) -> tuple[Key, ...]:
    """Returns the order of a round: turned by its number, odd ones reversed."""
    start = number % max(len(names), 1)
    turned = names[start:] + names[:start]
    return turned[::-1] if number % 2 else turned


def at_rest() -> None:
    """Sleeps until the process uses under a tenth of a core, half a second at most."""
    for _ in range(int(0.5 / NAP_SECONDS)):
        used = time.process_time()
        start = time.perf_counter()
        time.sleep(NAP_SECONDS)
        used = time.process_time() - used
        if used < 0.1 * (time.perf_counter() - start):
            return


def _block(call: Callable[[], Any], clock: Clock) -> _Block:
    """Finds how many calls fill a block."""
    seconds = once(call, clock)
    if seconds >= LONG_SECONDS:
        return _Block(0, 1)
    seconds = _run(call, _Block(0, 3), clock)
    return _Block(1, max(1, round(BLOCK_SECONDS / max(seconds, SHORTEST_SECONDS))))


def _run(call: Callable[[], Any], block: _Block, clock: Clock) -> float:
    """Returns the seconds of one call, averaged over a block."""
    for _ in range(block.num_untimed):
        call()
    start = clock()
    for _ in range(block.num_calls):
        call()
    return (clock() - start) / block.num_calls
