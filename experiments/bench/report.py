"""The benchmark's tables: one for each point, and a summary over the points."""

import collections
import io
from collections.abc import Sequence

import rich.box
import rich.console
import rich.table

from . import goals, machine
from .peers import BASE
from .problem import Point
from .ratios import (
    geometric_mean,
    gflops,
    percent_of_gemm,
    ratio,
    ratios,
    timed,
)
from .records import Record, point_of


WIDTH = 120


def heading(about: dict, share: float) -> str:
    """Says what is measured on.

    Args:
        about: machine and commit.
        share: of the cores, that this process gets.
    """
    host, commit = about["machine"], about["commit"]
    changed = ", changed" if commit["is_changed"] else ""
    versions = ", ".join(f"{k} {v}" for k, v in host["versions"].items())
    device = "" if host["platform"] == "cpu" else f"{host['device']}; "
    lines = [
        f"{device}{host['cpu']}, {host['num_cores']} cores, {host['system']}, "
        f"Python {host['python']}",
        f"{versions}; commit {(commit['commit'] or 'unknown')[:9]}{changed}"
        + (f"; XLA_FLAGS {host['XLA_FLAGS']}" if host["XLA_FLAGS"] else "")
        + "".join(f"; {k}={v}" for k, v in host["compiler_options"].items()),
    ]
    if host["platform"] == "cpu" and not host["keeps_freed_memory"]:
        lines.append("freed memory is not kept here: large layers fault it in again")
    if share < machine.IDLE_SHARE:
        lines.append(
            f"BUSY: this process gets {share:.0%} of the cores. Stop what else runs, "
            "or take no ratio for true"
        )
    return "\n".join(lines)


def name(point: Point) -> str:
    """Names a point in one line."""
    return (
        f"{point.cell}, B {point.batch}, T {point.steps}, I = H {point.hidden}, "
        f"{point.dtype}"
    )


def table(record: Record) -> str:
    """Writes the table of one point."""
    title = name(point_of(record))
    if "left_out" in record:
        return f"\n{title}: left out, {record['left_out']}"
    gemm = record["gemm"]
    rates = ", ".join(f"{k} {v:.0f}" for k, v in gemm.items() if k != "size")
    busy = "   BUSY: not to be trusted" if record["busy"] else ""
    rows = new_table("")
    for column in (
        *("fwd+bwd ms", "quartiles", "ratio", "fwd ms", "ratio", "GFLOP/s", "% GEMM"),
        *("ktok/s", "MB", "compile s", "error"),
    ):
        rows.add_column(column, justify="right", no_wrap=True)
    for contender in timed(record):
        rows.add_row(contender, *_cells(record, contender))
    lines = [
        f"\n{title}   GEMM {gemm['size']}³ GFLOP/s: {rates}{busy}",
        text_of(rows),
    ]
    return "\n".join(lines + _untimed(record))


def summary(results: Sequence[Record]) -> str:
    """Writes the ratios over all points, and which goals are reached."""
    measured = [record for record in results if "left_out" not in record]
    left_out = len(results) - len(measured)
    idle = [record for record in measured if not record["busy"]]
    num_busy = len(measured) - len(idle)
    lines = [f"\n{len(measured)} points measured, {left_out} left out as too long"]
    if num_busy:
        lines.append(f"{num_busy} of them on a busy machine: not to be trusted")
    lines += ["", "Time / time of jaxseq, forward and backward: above 1, jaxseq leads"]
    lines.append(text_of(_ratio_table(measured)))
    lines += _uncounted(measured)
    lines.append("\nGoals, meant for the full grid, by the points of an idle machine:")
    lines.append(verdicts(goals.judge(idle)))
    return "\n".join(lines)


def verdicts(judged: Sequence[goals.Goal]) -> str:
    """Writes which goals are reached."""
    words = {True: "reached", False: "MISSED", None: "-"}
    return "\n".join(
        f"  {words[goal.is_reached]:<8} {goal.text}: {goal.found}" for goal in judged
    )


def _cells(record: Record, contender: str) -> list[str]:
    entry = record["contenders"][contender]
    both, forward = entry["backward"], entry["forward"]
    point = point_of(record)
    tokens = point.batch * point.steps / both["median"]
    memory = "-"
    if "temp" in both:
        memory = f"{(both['temp'] + both['output']) / 1e6:.1f}"
    compiling = both["compile_seconds"]
    return [
        ms(both["median"]),
        f"{ms(both['lower'])}-{ms(both['upper'])}",
        f"{ratio(record, contender):.2f}",
        ms(forward["median"]),
        f"{ratio(record, contender, 'forward'):.2f}",
        f"{gflops(record, contender):.1f}",
        f"{percent_of_gemm(record, contender):.0f}",
        f"{tokens / 1e3:.0f}",
        memory,
        "-" if compiling is None else f"{compiling:.2f}",
        f"{entry['error']:.0e}",
    ]


def _untimed(record: Record) -> list[str]:
    """Names those that were not timed, with the reason; and whose form differs."""
    lines = []
    for contender, entry in record["contenders"].items():
        for key in ("missing", "failed", "wrong"):
            if key in entry:
                word = {"wrong": "wrong numbers"}.get(key, key)
                lines.append(f"  {contender}: {word}: {entry[key]}")
        if "backward" in entry and entry["against"] not in (BASE.name, contender):
            against = f"its ratio is to “{entry['against']}”"
            lines.append(f"  {contender} is {entry['form']}: {against}")
    return lines


def _ratio_table(results: Sequence[Record]) -> rich.table.Table:
    cells = list(dict.fromkeys(record["point"]["cell"] for record in results))
    names = list(dict.fromkeys(n for record in results for n in record["contenders"]))
    rows = new_table("geometric mean (smallest - largest)")
    for cell in cells:
        rows.add_column(cell, justify="right")
    for contender in names:
        values = [[r.value for r in ratios(results, contender, c)] for c in cells]
        if any(values):
            rows.add_row(contender, *map(_spread, values))
    return rows


def _uncounted(results: Sequence[Record]) -> list[str]:
    """Names those whose points are not all in the table, with the reason."""
    reasons = collections.Counter(
        f"{name}, {record['point']['cell']}: {key}"
        for record in results
        for name, entry in record["contenders"].items()
        for key in ("failed", "wrong")
        if key in entry
    )
    return [f"  not counted: {why} at {num} points" for why, num in reasons.items()]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean = geometric_mean(values)
    return f"{mean:.2f} ({min(values):.2f} - {max(values):.2f})"


def ms(seconds: float) -> str:
    """Writes a time in milliseconds."""
    ms = 1e3 * seconds
    return f"{ms:.3f}" if ms < 1 else f"{ms:.2f}" if ms < 100 else f"{ms:.0f}"


def new_table(first: str) -> rich.table.Table:
    """Makes a table without rows, its first column under this heading."""
    rows = rich.table.Table(
        box=rich.box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False
    )
    rows.add_column(first, no_wrap=True)
    return rows


def text_of(rows: rich.table.Table) -> str:
    """Writes a table as text."""
    stream = io.StringIO()
    rich.console.Console(file=stream, width=WIDTH).print(rows)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())
