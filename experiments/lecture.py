"""The lecture on recurrent networks, its worked example computed and its slips named.

The lecture derives back-propagation through time (BP1, BP2, BP2T, BP3, BP4U, BP4V,
BP4W) for Elman's network and works it through on paper: 3 inputs, 2 hidden units,
3 outputs, 3 steps. This program prints every number of that example to 5 digits,
forward and backward, with the equation it comes from; it says where the slides slip and
what is right; it lists the word2vec pairs of the lecture's Chinese sentence; it draws
the unrolled network with all values.

    python -m experiments.lecture --out out        about 10 seconds on two CPU cores

    lecture: loss 3.42692, ∇b_s (0.04833, 0.00163)      here: the same, to every digit

Files under `out/lecture/`: `unrolled.png`, `unrolled.svg` (the figure) and
`lecture.json` (every number at full precision).
"""

import dataclasses
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp

from jaxseq import commands, readout
from jaxseq.cells.activations import tanh
from jaxseq.cells.cell import sum_outer

from . import cli, results, worked_example, worked_steps
from .worked_example import Backward, Example, Forward
from .worked_steps import entry, heading, matrix, number, vector


SENTENCE = "我爱学习爱劳动，是个好青年"


@dataclasses.dataclass(frozen=True)
class Config:
    """Print the lecture's worked example, name the slips, draw the unrolled network."""

    out: Path = Path("out")
    """Folder of the results: the figure and the numbers go to OUT/lecture/."""


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment.

    Args:
        args: the command line; None for this program's.
    """
    config = commands.parse(Config, args, __doc__)
    folder = cli.results_folder(config.out, "lecture")
    # Float64 here alone: whoever imports this module keeps the precision they chose.
    with jax.enable_x64(True):
        example = worked_example.lecture_example()
        values = worked_example.forward(example)
        errors = worked_example.backward(example, values)
        differences = compare(example, errors)
        print(report(example, values, errors, differences))
        files = [write_json(folder, example, values, errors, differences)]
        files += draw(folder, example, values, errors)
    print("\n".join([heading("Files"), "", *(f"  {path}" for path in files)]))


def report(
    example: Example, values: Forward, errors: Backward, differences: dict[str, float]
) -> str:
    """Returns all that the experiment prints but the names of the files."""
    sections = [
        "The lecture's recurrent network, worked through by hand",
        worked_steps.exercise(example),
        worked_steps.forward_steps(example, values),
        worked_steps.backward_steps(errors),
        worked_steps.gradient_sums(errors),
        worked_steps.comparison(differences),
        slips(example, values, errors),
        word_pairs(SENTENCE, window=2),
    ]
    return "\n".join(sections)


def compare(example: Example, errors: Backward) -> dict[str, float]:
    """Returns the largest difference of any gradient, for three other ways to it."""

    def plain(weights):
        return worked_example.loss_plain(weights, example)

    weights = example.weights
    others = {
        "jaxseq.unroll: BP2T as one loop, the sums as matrix products": jax.grad(
            worked_example.loss
        )(weights, example),
        "jax.grad of the plain scan, without any of jaxseq's rules": jax.grad(plain)(
            weights
        ),
        "central differences of the plain scan's loss, h = 1e-5": (
            worked_example.central_differences(plain, weights, distance=1e-5)
        ),
    }
    return {
        way: worked_example.max_difference(errors.gradients, gradients)
        for way, gradients in others.items()
    }


def slips(example: Example, values: Forward, errors: Backward) -> str:
    """Writes where the slides differ from their own numbers, and what is right."""
    y_1, y_2, y_3 = example.ys
    swapped = example._replace(ys=jnp.stack([y_1, y_3, y_2]))
    wrong_values = worked_example.forward(swapped)
    wrong = worked_example.backward(swapped, wrong_values)
    states, gradients = values.states, errors.gradients
    lines = [
        heading("Where the slides slip"),
        "\n  (a) ∇U is printed as a copy of ∇V. ∇U has the shape of U, 2 x 3:",
        *entry("", "slide: ∇V", matrix(gradients.readout.V)),
        *entry("BP4U", "right: ∇U = Σ_t δ_t x_tᵀ", matrix(gradients.cell.U)),
        "\n  (b) The backward slides swap the targets of steps 2 and 3. Their printed",
        "      deltas are those of y_2 = (0, 0, 1) and y_3 = (0, 1, 0), as above:",
        *entry("BP1", "swapped: δᵒ_2 = o_2 - y_3", vector(wrong.output_deltas[1])),
        *entry("BP1", "right:   δᵒ_2 = o_2 - y_2", vector(errors.output_deltas[1])),
        *entry("BP1", "swapped: δᵒ_3 = o_3 - y_2", vector(wrong.output_deltas[2])),
        *entry("BP1", "right:   δᵒ_3 = o_3 - y_3", vector(errors.output_deltas[2])),
        *entry("(3)", "swapped: L", number(jnp.sum(wrong_values.losses))),
        *entry("(3)", "right:   L", number(jnp.sum(values.losses))),
        "\n  (c) BP4V is once written with s_{t-1}. The output sees s_t:",
        *entry(
            "",
            "slide: Σ_t δᵒ_t s_{t-1}ᵀ",
            matrix(sum_outer(errors.output_deltas, values.states_tm1)),
        ),
        *entry("BP4V", "right: Σ_t δᵒ_t s_tᵀ", matrix(gradients.readout.V)),
        "\n  (d) BP2T writes σ'(s_t) for σ'(logit_t). As σ is tanh, s_t = σ(logit_t),",
        "      it is 1 - s_t², not 1 - tanh²(s_t):",
    ]
    for t, s_t in enumerate(states, start=1):
        literal = tanh.slope(tanh.value(s_t))
        lines += entry("", f"slide: 1 - tanh²(s_{t})", vector(literal))
        lines += entry("BP2", f"right: 1 - s_{t}²", vector(tanh.slope(s_t)))
    lines += [
        "\n  (e) b_o is first shown with 2 entries. It has one for each output, 3:",
        "      jaxseq.readout refuses 2:",
        f"      {_refusal(example, states)}",
        *entry("", "right: b_o", vector(example.weights.readout.b)),
    ]
    return "\n".join(lines)


def word_pairs(sentence: str, window: int) -> str:
    """Writes the skip-gram pairs of a sentence, one line for each centre."""
    tokens = characters(sentence)
    lines = [
        heading("Word2vec: the pairs (centre, context) of the Chinese sentence"),
        f"\n  {sentence}",
        f"  {len(tokens)} tokens, one a character, no punctuation; window {window}",
        "",
    ]
    for centre, contexts in skip_grams(tokens, window):
        pairs = " ".join(f"({centre},{context})" for context in contexts)
        lines.append(f"    {pairs}")
    return "\n".join(lines)


def characters(sentence: str) -> list[str]:
    """Splits a Chinese sentence into characters; drops punctuation and spaces."""
    return [c for c in sentence if unicodedata.category(c)[0] not in "PZ"]


def skip_grams(tokens: Sequence[str], window: int) -> list[tuple[str, list[str]]]:
    """Returns each token with its neighbours: word2vec's centre and contexts.

    Args:
        tokens: the words of a sentence.
        window: how many words count as neighbours to either side, 1 or more.

    Returns:
        For each token, in order, (token, the tokens at most `window` places away).

    Raises:
        ValueError: if the window is smaller than 1.
    """
    if window < 1:
        raise ValueError(f"window: expected 1 or more, got {window}")
    return [
        (centre, [*tokens[max(i - window, 0) : i], *tokens[i + 1 : i + 1 + window]])
        for i, centre in enumerate(tokens)
    ]


def write_json(
    folder: Path,
    example: Example,
    values: Forward,
    errors: Backward,
    differences: dict[str, float],
) -> Path:
    """Writes every number at full precision; returns the file's path."""
    path = folder / "lecture.json"
    numbers = {
        "example": _plain(example),
        "forward": _plain(values),
        "loss": float(jnp.sum(values.losses)),
        "backward": _plain(errors),
        "max_difference": differences,
    }
    return results.write_json(path, numbers)


def draw(
    folder: Path, example: Example, values: Forward, errors: Backward
) -> list[Path]:
    """Draws the unrolled network; returns the paths of the figure's files."""
    if not results.can_draw():
        return []
    from . import unrolled_graph

    return unrolled_graph.draw(folder, example, values, errors)


def _refusal(example: Example, states: jax.Array) -> str:
    """Returns what jaxseq says to the slide's b_o."""
    params = example.weights.readout._replace(b=jnp.zeros(2))
    try:
        readout.readout(params, states)
    except ValueError as error:
        return str(error)
    raise AssertionError("a b_o with 2 entries was accepted for 3 outputs")


def _plain(tree):
    """Turns nested records of arrays into what JSON can hold."""
    if hasattr(tree, "_asdict"):
        return {name: _plain(value) for name, value in tree._asdict().items()}
    return tree.tolist()


if __name__ == "__main__":
    main()
