"""The summarizer's benchmark: its tables, and which goals it reaches."""

from collections.abc import Sequence

from . import report
from .goals import Goal


LEAST_RATIO = 1.2
LEAST_A_SECOND = 300
MOST_SHAPES = 4


def ratio(shape: dict, name: str) -> float | None:
    """Divides a contender's time by jaxseq's as it is trained; None: one is missing."""
    times = [
        shape["contenders"].get(who, {}).get("median")
        for who in (name, shape["as_trained"])
    ]
    return None if None in times else times[0] / times[1]


def table(shape: dict) -> str:
    """Writes what was found at one shape."""
    title = (
        f"\nM {shape['num_words']}, T {shape['num_targets']}, N {shape['num_packed']}, "
        f"{shape['num_pairs']} pairs"
    )
    rows = report.new_table("")
    for column in ("ms", "quartiles", "pairs/s", "ratio", "compile s", "error"):
        rows.add_column(column, justify="right", no_wrap=True)
    lines = []
    for name, entry in shape["contenders"].items():
        if "median" in entry:
            compiling, error = entry["compile_seconds"], entry.get("error")
            relative = ratio(shape, name)
            rows.add_row(
                name,
                report.ms(entry["median"]),
                f"{report.ms(entry['lower'])}-{report.ms(entry['upper'])}",
                f"{shape['num_pairs'] / entry['median']:.0f}",
                "-" if relative is None else f"{relative:.2f}",
                "-" if compiling is None else f"{compiling:.1f}",
                "-" if error is None else f"{error:.0e}",
            )
        for key in ("missing", "failed", "wrong"):
            if key in entry:
                lines.append(f"  {name}: {key}: {entry[key]}")
    return "\n".join([title, report.text_of(rows), *lines])


def judge(record: dict) -> list[Goal]:
    """Judges a run."""
    shapes, found = record["shapes"], record["search"]
    a_second = found["num_summaries"] / found["seconds"]
    beam, num_different = f"beam {found['beam_size']}", found["num_different"]
    return [
        _faster([ratio(shape, "torch") for shape in shapes]),
        Goal(
            f"at most {MOST_SHAPES} compiled shapes",
            str(len(shapes)),
            len(shapes) <= MOST_SHAPES,
        ),
        Goal(
            f"{beam}: at least {LEAST_A_SECOND} summaries/s",
            f"{a_second:.0f}",
            a_second >= LEAST_A_SECOND,
        ),
        Goal(
            f"{beam}: equal to reading one by one",
            f"{num_different} of {found['num_one_by_one']} differ",
            num_different == 0,
        ),
    ]


def _faster(ratios: Sequence[float | None]) -> Goal:
    known = [value for value in ratios if value is not None]
    is_judged = bool(known) and len(known) == len(ratios)
    return Goal(
        f"at least {LEAST_RATIO} of eager PyTorch on all shapes",
        ", ".join("-" if value is None else f"{value:.2f}" for value in ratios),
        min(known) >= LEAST_RATIO if is_judged else None,
    )


def summary(record: dict) -> str:
    """Writes what the search took, and which goals are reached."""
    found = record["search"]
    num, again, first = (
        found[key] for key in ("num_summaries", "seconds", "first_seconds")
    )
    busy = ", on a busy machine: not to be trusted" if record["busy"] else ""
    lines = [
        f"\nbeam {found['beam_size']}: {num:,} summaries in {again:.2f} s, "
        f"{num / again:.0f} a second; the first time, with compilation, {first:.2f} s, "
        f"{num / first:.0f} a second",
        f"\nGoals{busy}:",
        report.verdicts(judge(record)),
    ]
    return "\n".join(lines)
