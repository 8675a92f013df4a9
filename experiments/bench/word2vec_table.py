"""What word2vec's benchmark prints: a line a training, and a table of both programs."""

from typing import NamedTuple

import numpy as np
import rich.box
import rich.console
import rich.table


class Result(NamedTuple):
    """One training of one of the two."""

    peer: str
    seed: int
    words_per_second: float
    seconds: float
    seconds_before: float
    scores: dict


def line(result: Result) -> str:
    """Says in a line what came of a training."""
    scored = "  ".join(
        f"{kind} {value:.3f}"
        for kind, values in result.scores.items()
        for value in list(values.values())[:1]
    )
    return (
        f"{result.peer:7} seed {result.seed}  {result.seconds:7.1f} s "
        f"{result.words_per_second:12,.0f} effective words/s  {scored}"
    )


def table(done: list[Result]) -> str:
    """Makes a table of medians and means, with their ratio or difference if of two."""
    names = [name for name in ("gensim", "jaxseq") if any(r.peer == name for r in done)]
    of = {name: [result for result in done if result.peer == name] for name in names}
    compared = ("jaxseq / gensim", "jaxseq - gensim") if len(names) == 2 else ()
    shown = rich.table.Table(box=rich.box.SIMPLE)
    for column in ("", *names, *compared):
        shown.add_column(column, justify="left" if not column else "right")
    speeds = [[result.words_per_second for result in of[name]] for name in names]
    medians = [f"{np.median(found):,.0f}" for found in speeds]
    cells = []
    if compared:
        ratios = np.divide(speeds[1], speeds[0])
        cells = [f"{np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"]
    shown.add_row("effective words/s, median", *medians, *cells)
    for kind in done[0].scores:
        means = [
            np.mean([next(iter(result.scores[kind].values())) for result in of[name]])
            for name in names
        ]
        cells = ["", f"{means[1] - means[0]:+.3f}"] if compared else []
        shown.add_row(f"{kind}, mean", *(f"{m:.3f}" for m in means), *cells)
    console = rich.console.Console(width=120, file=None)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()
