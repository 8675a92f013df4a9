"""One point measured: everybody built, checked against the answer, then timed together.

The record of a point:

    point, machine, commit, date
    busy                    whether the machine was, by the next two
    idle_shares             of its cores that the process got, before and afterwards
    others_share            of its cores that others used meanwhile
    gemm                    GFLOP/s of the machine's own products, beside the layers
    num_flops               of forward and backward, the textbook's count
    left_out                why nothing was timed, if so
    seconds                 of one call of jaxseq then, forward and backward
    contenders, by name:
        form                the equations, as jaxseq calls them
        against             the contender that ratios are taken to: jaxseq, same form
        missing | failed | wrong        why it was not timed, if so
        error               the largest relative error, outputs and all gradients
        forward, backward   lower, median, upper: seconds; num_rounds, num_calls;
                            compile_seconds; temp, output, argument: bytes
"""

import datetime
import math
import sys
import time
from collections.abc import Sequence
from typing import Any

import jax

from . import forms, gemm, machine, problem as problems, timing
from .contender import Contender, Peer, Program
from .forms import Form
from .problem import NO_OPTIONS, Answer, Options, Point
from .records import Record


PASSES = ("forward", "backward")


def measure(
    point: Point,
    base: Peer,
    peers: Sequence[Peer],
    num_rounds: int,
    max_seconds: float,
    max_error: float | None = None,
    options: Options = NO_OPTIONS,
) -> Record:
    """Measures a point.

    Args:
        point: where.
        base: whom ratios are taken to; always measured, in each form that is needed.
        peers: the others, and `base` itself or not.
        num_rounds: how often each block is repeated.
        max_seconds: a point at which `base` takes longer forward and backward is left
            out.
        max_error: the largest relative error that counts as equal; None for that of
            the dtype.
        options: of XLA, for all that it compiles.

    Returns:
        The record, without machine and commit.
    """
    record = {
        "point": point._asdict(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "contenders": {},
    }
    own = base.forms[point.cell]
    first = base.build(problems.make(point, own, options))
    seconds = timing.once(first.backward.run)
    if seconds > max_seconds:
        reason = f"{base.name} takes {seconds:.1f} s forward and backward"
        left_out = f"{reason}, more than {max_seconds:g}"
        return record | {"left_out": left_out, "seconds": seconds}
    entrants = _entrants(point, base, peers)
    entries, ready = _prepare(
        point, entrants, {base.name: first}, base, max_error, options
    )
    shares = [_idle_share()]
    with_torch = "torch" in ready
    record["gemm"] = gemm.rates(point.dtype, with_torch)
    programs: dict[tuple[str, str], Program] = {
        (name, which): getattr(contender, which)
        for name, contender in ready.items()
        for which in PASSES
    }
    calls = {key: program.run for key, program in programs.items()}
    start, others = time.perf_counter(), machine.seconds_of_others()
    on_cpu = jax.default_backend() == "cpu"
    timed = timing.interleaved(
        calls, num_rounds, settle=timing.at_rest if on_cpu else nothing_to_wait_for
    )
    for (name, which), times in timed.items():
        entries[name][which] = times._asdict() | _costs(programs[name, which])
    others = _share_of_others(start, others)
    shares.append(_idle_share())
    flops = forms.num_flops(own, point.batch, point.steps, point.hidden, point.hidden)
    return record | {
        "contenders": entries,
        "num_flops": {"forward": flops, "backward": 3 * flops},
        "idle_shares": shares,
        "others_share": others,
        "busy": min(shares) < machine.IDLE_SHARE or others > machine.OTHERS_SHARE,
    }


def nothing_to_wait_for() -> None:
    """Stands for `timing.at_rest` where threads of the CPU do not count."""


def _idle_share() -> float:
    """Asks the machine, once nobody's threads are spinning any more."""
    timing.at_rest()
    return machine.idle_share()


def _share_of_others(start: float, seconds: float | None) -> float:
    """Returns how much of all cores others have used since then; 0 if unknown."""
    now = machine.seconds_of_others()
    if seconds is None or now is None:
        return 0.0
    wall = time.perf_counter() - start
    return max(0.0, (now - seconds) / (wall * machine.num_cores()))


def _prepare(
    point: Point,
    entrants: Sequence[tuple[str, Peer, Form | None]],
    built: dict[str, Contender],
    base: Peer,
    max_error: float | None,
    options: Options,
) -> tuple[dict[str, dict], dict[str, Contender]]:
    """Builds and checks everybody; returns their entries, and those fit to be timed."""
    limit = max_error or problems.tolerance(point.dtype)
    entries: dict[str, dict] = {}
    ready: dict[str, Contender] = {}
    answers: dict[Form, Answer] = {}
    for name, peer, form in entrants:
        entry: dict[str, Any] = {"form": form.name if form else None}
        entries[name] = entry
        if form is None:
            entry["missing"] = "no such cell"
            continue
        entry["against"] = _name(base, form)
        if reason := peer.missing(point):
            entry["missing"] = reason
            continue
        # Compiling takes minutes on some devices: who looks on, sees how far it is.
        print(f"  {name}", file=sys.stderr, flush=True)
        problem = problems.make(point, form, options)
        if form not in answers:
            answers[form] = problems.solve(problem)
        try:
            contender = built[name] if name in built else peer.build(problem)
            errors = problems.errors(problem, contender.answer(), answers[form])
        except Exception as error:
            # A library's failure is a result of its own, no reason to lose the rest.
            first_line = str(error).partition("\n")[0][:200]
            entry["failed"] = f"{type(error).__name__}: {first_line}"
            continue
        # No number is greater or smaller than a NaN: `max` alone would pass over it.
        worst = max(errors, key=lambda name: (math.isnan(errors[name]), errors[name]))
        entry["error"] = errors[worst]
        if errors[worst] <= limit:
            ready[name] = contender
        else:
            entry["wrong"] = f"{worst} off by {errors[worst]:.1e}, over {limit:g}"
    return entries, ready


def _entrants(
    point: Point, base: Peer, peers: Sequence[Peer]
) -> list[tuple[str, Peer, Form | None]]:
    """Lists who takes part: the base in each form that another one computes."""
    others = [peer for peer in peers if peer is not base]
    own = base.forms[point.cell]
    used = [peer.forms.get(point.cell) for peer in others if not peer.missing(point)]
    by_cell = {own.cell: own}
    for form in used:
        if form is not None:
            by_cell.setdefault(form.cell, form)
    entrants = [(_name(base, form), base, form) for form in by_cell.values()]
    return entrants + [(p.name, p, p.forms.get(point.cell)) for p in others]


def _name(base: Peer, form: Form) -> str:
    """Names the base in the form of somebody else."""
    is_own = any(form.cell is own.cell for own in base.forms.values())
    return base.name if is_own else f"{base.name}, {form.cell.name}"


def _costs(program: Program) -> dict:
    memory = program.memory._asdict() if program.memory else {}
    return {"compile_seconds": program.compile_seconds, **memory}
