"""What the report shows of the lecture's example and of the gradient check."""

import json
from collections.abc import Sequence
from pathlib import Path

from . import pages


def worked_example(folder: Path) -> str | None:
    """Shows the drawing and the numbers of `experiments.lecture`."""
    path = folder / "lecture.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text("utf-8"))
    forward, backward = found["forward"], found["backward"]
    by_step = (
        ("(1)", "s_t", forward["states"]),
        ("", "V s_t + b_o", forward["logits"]),
        ("(2)", "o_t", forward["outputs"]),
        ("(3)", "L_t", [[loss] for loss in forward["losses"]]),
        ("BP1", "δᵒ_t = o_t − y_t", backward["output_deltas"]),
        ("BP2T", "∂L/∂s_t", backward["d_states"]),
        ("BP2", "δ_t", backward["state_deltas"]),
    )
    rows = [
        [name, _unbroken(what), *map(_vector, values)] for name, what, values in by_step
    ]
    num_steps = len(forward["states"])
    cell, readout = (backward["gradients"][key] for key in ("cell", "readout"))
    gradients = (
        ("BP4U", "∇U = Σ_t δ_t x_tᵀ", cell["U"]),
        ("BP4W", "∇W = Σ_t δ_t s_{t−1}ᵀ", cell["W"]),
        ("BP3", "∇b_s = Σ_t δ_t", [cell["b"]]),
        ("BP4V", "∇V = Σ_t δᵒ_t s_tᵀ", readout["V"]),
        ("BP3", "∇b_o = Σ_t δᵒ_t", [readout["b"]]),
    )
    parts = [f"<p>The loss is {found['loss']:.5f}.</p>"]
    drawing = folder / "unrolled.svg"
    if drawing.exists():
        parts.append(pages.figure(drawing, "The network unrolled, with every value"))
    heads = ("", "", *(f"t = {t}" for t in range(1, num_steps + 1)))
    parts.append(pages.table(heads, rows, "Every step, forward and backward"))
    parts.append(
        pages.table(
            ("", "gradient", "rows"),
            [
                [name, _unbroken(what), "; ".join(map(_vector, rows))]
                for name, what, rows in gradients
            ],
            "The gradients, summed over the steps",
        )
    )
    parts.append(
        pages.table(
            ("the same gradients, found in another way", "largest difference"),
            [[way, f"{value:.1e}"] for way, value in found["max_difference"].items()],
            "How far other ways to the gradients are",
        )
    )
    return "\n".join(parts)


def gradient_check(folder: Path) -> str | None:
    """Shows the verdicts of `experiments.gradient_check`."""
    path = folder / "result.json"
    if not path.exists():
        return None
    cells = json.loads(path.read_text("utf-8"))["cells"]
    num_passed = sum(cell["passed"] for cell in cells)
    rows, missed = [], set()
    for cell in cells:
        if not cell["passed"]:
            missed.add(len(rows))
        worst = max((row["relative"] for row in cell["rows"]), default=0.0)
        verdicts = sorted({row["verdict"] for row in cell["rows"]})
        rows.append(
            [cell["name"], len(cell["rows"]), f"{worst:.1e}", ", ".join(verdicts)]
        )
    heads = ("cell", "parameters", "largest relative difference", "verdicts")
    return "\n".join(
        [
            "<p>The deltas written by hand, autodiff and finite differences, at every "
            f"parameter: {num_passed} of {len(cells)} cells pass. A truncated "
            "gradient differs from the full one, as it should.</p>",
            pages.table(heads, rows, "Gradient check", frozenset(missed)),
        ]
    )


def _vector(values: Sequence[float]) -> str:
    numbers = (f"{value:z.5f}".replace("-", "−") for value in values)
    return _unbroken(f"({', '.join(numbers)})")


def _unbroken(text: str) -> str:
    """Keeps an equation or a vector on one line: a table may be wider than a page."""
    no_break_space, word_joiner = "\u00a0", "\u2060"
    return text.replace(" ", no_break_space).replace("}", "}" + word_joiner)
