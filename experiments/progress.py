"""Progress of a long run: a bar with the time left, or plain lines in a log.

    with progress.show("lstm") as report:
        for step in ...:
            report(fraction, num_tokens, "loss 5.01")

On a terminal it is one bar that moves; elsewhere a line every few seconds, so that a
log stays readable. All of it goes to stderr: stdout is for results.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

import rich.console
import rich.progress


SECONDS_BETWEEN_LINES = 5.0

Report = Callable[[float, int, str], None]
"""`(fraction done, tokens done, what else to say)`, to be called at every step."""


def silent(fraction: float, num_tokens: int, note: str) -> None:
    """A `Report` that says nothing."""


@contextlib.contextmanager
def show(
    title: str,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Report]:
    """Shows progress until the block ends.

    Args:
        title: what is running.
        stream: where to; None for stderr.
        clock: the time in seconds.

    Yields:
        The `Report` to call.
    """
    console = rich.console.Console(file=stream or sys.stderr)
    if console.is_terminal:
        with _bar(title, console, clock) as report:
            yield report
    else:
        yield _lines(title, console.file, clock)


@contextlib.contextmanager
def _bar(title: str, console: rich.console.Console, clock) -> Iterator[Report]:
    columns = (
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TextColumn("{task.fields[note]}", markup=False),
    )
    with rich.progress.Progress(*columns, console=console) as bars:
        task = bars.add_task(title, total=1.0, note="compiling")
        state = _describe(clock)

        def report(fraction: float, num_tokens: int, note: str) -> None:
            bars.update(
                task, completed=fraction, note=state(fraction, num_tokens, note)
            )

        yield report


def _lines(title: str, stream, clock) -> Report:
    state = _describe(clock)
    last = clock()

    def report(fraction: float, num_tokens: int, note: str) -> None:
        nonlocal last
        text = state(fraction, num_tokens, note)
        if clock() - last >= SECONDS_BETWEEN_LINES or fraction >= 1:
            last = clock()
            print(f"{title} {fraction:4.0%}  {text}", file=stream, flush=True)

    return report


def _describe(clock) -> Callable[[float, int, str], str]:
    """Adds speed and time left, since the first report: compiling is no progress."""
    first: tuple[float, float, int] | None = None

    def describe(fraction: float, num_tokens: int, note: str) -> str:
        nonlocal first
        now = clock()
        if first is None:
            first = (now, fraction, num_tokens)
        seconds = now - first[0]
        if seconds <= 0 or fraction <= first[1]:
            return note
        left = (1 - fraction) * seconds / (fraction - first[1])
        speed = (num_tokens - first[2]) / seconds
        return f"{note}  {speed:,.0f} tokens/s  {_minutes(left)} left"

    return describe


def _minutes(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
