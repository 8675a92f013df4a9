"""What a paper claims, what came here, and how an experiment tells of it.

Every experiment of the classics has a frozen `Config`, `train(config) -> dict` whose
entry "claims" lists what was to be shown, `draw(folder, result) -> list[Path]`, and
`main`. `run` is what they share: numbers, figures, a table of the claims.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from .. import cli, results


class Claim(NamedTuple):
    """One statement, with the paper's number and ours."""

    what: str
    paper: str
    """What the paper says; "-" where it gives no number."""
    wanted: str
    """What must come out for the claim to hold."""
    ours: str
    holds: bool | None
    """None for a number that is only reported."""


def reported(what: str, paper: str, value: float) -> Claim:
    """Puts a number beside the paper's, without a bound that it should reach."""
    return Claim(what, paper, "-", _short(value), None)


def between(what: str, paper: str, low: float, value: float, high: float) -> Claim:
    """Claims that a value lies in a range, ends included."""
    wanted = f"{low:,.6g} to {high:,.6g}"
    ours = f"{value:,.6g}"
    return Claim(what, paper, wanted, ours, bool(low <= value <= high))


def at_least(what: str, paper: str, low: float, value: float) -> Claim:
    """Claims that a value reaches a bound."""
    return Claim(what, paper, f"≥ {_short(low)}", _short(value), bool(value >= low))


def at_most(what: str, paper: str, high: float, value: float) -> Claim:
    """Claims that a value stays under a bound, or at it."""
    return Claim(what, paper, f"≤ {_short(high)}", _short(value), bool(value <= high))


def run(
    name: str,
    config: Any,
    train: Callable[[Any], dict],
    draw: Callable[[Path, dict], list[Path]],
) -> dict:
    """Runs an experiment: prints its claims, writes its numbers and figures.

    Args:
        name: of the experiment, and of its folder under `config.out / "classics"`.
        config: what it takes; has `out`.
        train: the experiment itself.
        draw: writes the figures into a folder; returns their paths.

    Returns:
        What `train` returned, with "name", "config", "seconds" and "figures".

    Raises:
        SystemExit: code 2 after one line on stderr, if there is no place for results.
    """
    folder = cli.results_folder(config.out, f"classics/{name}")
    numbers = cli.result_file(folder, "result.json")
    started = time.monotonic()
    result = train(config)
    seconds = time.monotonic() - started
    figures = draw(folder, result) if results.can_draw() else []
    settings = {k: v for k, v in dataclasses.asdict(config).items() if k != "out"}
    result = {"name": name, "config": settings, "seconds": round(seconds, 1)} | result
    result["claims"] = [claim._asdict() for claim in result["claims"]]
    result["figures"] = [figure.name for figure in figures]
    results.write_json(numbers, result)
    print(table(result["claims"]))
    print(f"\n{seconds:.0f} s; " + ", ".join(map(str, [numbers, *figures])))
    return result


def table(claims: list[dict]) -> str:
    """Writes claims as lines of text, one that does not hold marked."""
    rows = [("", "paper", "wanted", "ours", "")]
    for claim in claims:
        verdict = "MISSED" if claim["holds"] is False else ""
        rows.append((*(claim[k] for k in ("what", "paper", "wanted", "ours")), verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
