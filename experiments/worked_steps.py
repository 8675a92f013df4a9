"""The worked example in words and numbers: what a student would write on paper.

One line a quantity: the name of its equation (those of `experiments.worked_example`),
the equation for this step, and its value to 5 digits.
"""

from collections.abc import Sequence

import jax.numpy as jnp

from jaxseq.types import Array

from .worked_example import Backward, Example, Forward


_EQUATION = 37  # columns; with a vector of 3 a line has 80


_FORWARD_WORDS = """
  (1)   the state, from the input and the last state
  (2)   the output, a probability for each class
  (3)   the loss, cross-entropy summed over the steps"""

_BACKWARD_WORDS = """
  BP1   the error at the output, δᵒ_t = ∂L/∂(V s_t + b_o)
  BP2T  the error at the state: from its own output, and back from the next step
  BP2   the error before tanh, δ_t = ∂L/∂(U x_t + W s_{t-1} + b_s)
  The slides write both as one: δ_t = (Vᵀ δᵒ_t + Wᵀ δ_{t+1}) ⊙ (1 - s_t²)."""

_GRADIENT_WORDS = """
  BP3   a bias: the sum of the errors
  BP4   a matrix: the sum of error times what the matrix was multiplied with"""


def exercise(example: Example) -> str:
    """Writes the weights, the inputs and the targets."""
    cell, readout = example.weights
    lines = [
        heading("The exercise"),
        *entry("", "U", matrix(cell.U)),
        *entry("", "W", matrix(cell.W)),
        *entry("", "V", matrix(readout.V)),
        *entry("", "b_s", vector(cell.b)),
        *entry("", "b_o", vector(readout.b)),
        *entry("", "s_0", vector(example.s_0)),
    ]
    for t, x_t in enumerate(example.xs, start=1):
        lines += entry("", f"x_{t}", vector(x_t))
    for t, y_t in enumerate(example.ys, start=1):
        lines += entry("", f"y_{t}", vector(y_t))
    return "\n".join(lines)


def forward_steps(example: Example, values: Forward) -> str:
    """Writes (1), (2) and (3) for every step."""
    lines = [heading("Forward, from the first step to the last"), _FORWARD_WORDS]
    for i, y_t in enumerate(example.ys):
        t, tm1, k = i + 1, i, int(jnp.argmax(y_t)) + 1
        lines += [
            f"\n  t = {t}",
            *entry("", f"U x_{t} + b_s", vector(values.projected[i])),
            *entry("", f"W s_{tm1}", vector(values.recurrent[i])),
            *entry(
                "(1)",
                f"s_{t} = tanh(U x_{t} + W s_{tm1} + b_s)",
                vector(values.states[i]),
            ),
            *entry("", f"V s_{t} + b_o", vector(values.logits[i])),
            *entry("(2)", f"o_{t} = softmax(V s_{t} + b_o)", vector(values.outputs[i])),
            *entry(
                "(3)",
                f"L_{t} = -Σ_k y_{t}k log o_{t}k = -log o_{t}{k}",
                number(values.losses[i]),
            ),
        ]
    terms = " + ".join(number(value).strip() for value in values.losses)
    lines += ["", *entry("(3)", "L = L_1 + L_2 + L_3", f"  {terms}")]
    lines += entry("", "L", number(jnp.sum(values.losses)))
    return "\n".join(lines)


def backward_steps(values: Backward) -> str:
    """Writes BP1, BP2 and BP2T for every step, the last step first."""
    lines = [heading("Backward, from the last step to the first"), _BACKWARD_WORDS]
    num_steps = len(values.state_deltas)
    for i in reversed(range(num_steps)):
        t, is_last = i + 1, i + 1 == num_steps
        came_back = "0: no later step" if is_last else f"Wᵀ δ_{t + 1}"
        lines += [
            f"\n  t = {t}",
            *entry("BP1", f"δᵒ_{t} = o_{t} - y_{t}", vector(values.output_deltas[i])),
            *entry("", f"Vᵀ δᵒ_{t}", vector(values.d_from_output[i])),
            *entry("", came_back, vector(values.d_from_next[i])),
            *entry("BP2T", f"∂L/∂s_{t} = the sum of both", vector(values.d_states[i])),
            *entry("", f"1 - s_{t}²", vector(values.slopes[i])),
            *entry(
                "BP2",
                f"δ_{t} = ∂L/∂s_{t} ⊙ (1 - s_{t}²)",
                vector(values.state_deltas[i]),
            ),
        ]
    return "\n".join(lines)


def gradient_sums(values: Backward) -> str:
    """Writes BP3 and BP4: each step's term, and the sum."""
    parts, total = values.parts, values.gradients
    lines = [heading("Gradients: each step's term, and the sum"), _GRADIENT_WORDS]
    lines += _sum("BP4U", "∇U", "δ_{t} x_{t}ᵀ", parts.cell.U, total.cell.U)
    lines += _sum("BP4W", "∇W", "δ_{t} s_{tm1}ᵀ", parts.cell.W, total.cell.W)
    lines += _sum("BP3", "∇b_s", "δ_{t}", parts.cell.b, total.cell.b)
    lines += _sum("BP4V", "∇V", "δᵒ_{t} s_{t}ᵀ", parts.readout.V, total.readout.V)
    lines += _sum("BP3", "∇b_o", "δᵒ_{t}", parts.readout.b, total.readout.b)
    return "\n".join(lines)


def comparison(differences: dict[str, float]) -> str:
    """Writes how far the gradients above are from those found in other ways."""
    lines = [heading("The same gradients, found in other ways"), ""]
    lines += [f"  {way:<70}  {value:.1e}" for way, value in differences.items()]
    return "\n".join(lines)


def heading(title: str) -> str:
    """Returns a section's title, ruled below."""
    return f"\n\n{title}\n{'-' * len(title)}"


def number(value: Array | float) -> str:
    """Writes a number to 5 digits, never as -0."""
    return f"{float(value):z8.5f}"


def vector(values: Array) -> str:
    """Writes a vector in round brackets."""
    return f"( {'  '.join(map(number, values))} )"


def matrix(rows: Array) -> list[str]:
    """Writes a matrix, one line a row, in square brackets."""
    return [f"[ {'  '.join(map(number, row))} ]" for row in rows]


def entry(name: str, equation: str, value: str | Sequence[str]) -> list[str]:
    """Writes a line "name  equation = value", or several for a matrix."""
    first, *others = [value] if isinstance(value, str) else value
    indent = " " * (len("  BP2T  ") + _EQUATION + len(" = "))
    return [
        f"  {name:<4}  {equation:<{_EQUATION}} = {first}",
        *(indent + row for row in others),
    ]


def _sum(name: str, symbol: str, term: str, parts: Array, total: Array) -> list[str]:
    """Writes the terms of a sum over the steps, and the sum."""
    write = matrix if total.ndim == 2 else vector
    lines = [""]
    for i, part in enumerate(parts):
        term_t = term.format(t=i + 1, tm1=i)
        lines += entry("", f"  t = {i + 1}:  {term_t}", write(part))
    in_general = term.format(t="t", tm1="{t-1}")
    return lines + entry(name, f"{symbol} = Σ_t {in_general}", write(total))
