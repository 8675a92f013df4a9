"""A problem: weights, inputs and cotangents at one point of the grid, and its answer.

Every contender of a point gets the same numbers. Before it is timed, its outputs and
gradients must be those of `unroll_plain` in float64, to the tolerance of its dtype.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.types import Array
from jaxseq.unroll import unroll_plain

from . import forms
from .forms import CellName, Form, Weights


DTypeName = Literal["float32", "bfloat16"]
Options = Mapping[str, str]  # of XLA, by name
Answer = dict[str, np.ndarray]  # ys, d_xs, and d_U, d_W, … by the weight's name

SEED = 0
NO_OPTIONS: Options = {}


class Point(NamedTuple):
    """A point of the grid; as many inputs as hidden units."""

    cell: CellName
    batch: int
    hidden: int
    steps: int
    dtype: DTypeName


class Problem(NamedTuple):
    """What a contender is given, in the dtype of the point."""

    point: Point
    form: Form
    weights: Weights  # canonical; zeros where the form has none
    xs: Array  # [T, B, I]
    d_ys: Array  # [T, B, H], ∂L/∂ys
    compiler_options: Options  # of whatever XLA compiles for a contender


def make(point: Point, form: Form, options: Options = NO_OPTIONS) -> Problem:
    """Draws a problem: the same numbers at the same point, whatever the form.

    Weights and biases are uniform ±1/√H, as PyTorch starts them; inputs and cotangents
    are normal.
    """
    dtype = jnp.dtype(point.dtype)
    bound = point.hidden**-0.5
    shapes = forms.shapes(form, point.hidden, point.hidden)
    weights = {}
    for number, (name, shape) in enumerate(shapes.items()):
        draw = np.random.default_rng((SEED, number)).uniform(-bound, bound, shape)
        weights[name] = jnp.asarray(draw * (name not in form.without), dtype)
    rng = np.random.default_rng((SEED, len("xs and d_ys")))
    shape = (point.steps, point.batch, point.hidden)
    xs, d_ys = (
        jnp.asarray(rng.standard_normal(shape, np.float32), dtype) for _ in range(2)
    )
    return Problem(point, form, weights, xs, d_ys, options)


def solve(problem: Problem) -> Answer:
    """Computes outputs and all gradients in float64, by the plain scan."""
    with jax.enable_x64(True):
        weights, xs, d_ys = jax.tree.map(
            lambda a: jnp.asarray(np.asarray(a, np.float64)),
            (problem.weights, problem.xs, problem.d_ys),
        )

        @jax.jit
        def outputs_and_gradients(weights, xs, d_ys):
            def layer(weights, xs):
                params = forms.params(problem.form, weights)
                return unroll_plain(problem.form.cell, params, None, xs).ys

            ys, pull = jax.vjp(layer, weights, xs)
            return ys, *pull(d_ys)

        ys, d_weights, d_xs = outputs_and_gradients(weights, xs, d_ys)
        return answer(ys, d_weights, d_xs)


def answer(ys, d_weights: Mapping, d_xs) -> Answer:
    """Names outputs and gradients, in NumPy's float64."""
    named = {"ys": ys, "d_xs": d_xs}
    named |= {f"d_{name}": gradient for name, gradient in d_weights.items()}
    return {name: np.asarray(array, np.float64) for name, array in named.items()}


def errors(problem: Problem, found: Answer, expected: Answer) -> dict[str, float]:
    """Returns the relative error of each array, ‖found - expected‖ / ‖expected‖."""
    lacking = {f"d_{name}" for name in problem.form.without}
    return {
        name: float(
            np.linalg.norm(found[name] - array) / max(np.linalg.norm(array), 1e-300)
        )
        for name, array in expected.items()
        if name not in lacking
    }


def tolerance(dtype: DTypeName) -> float:
    """Returns the largest relative error that counts as equal.

    On a GPU float32 is multiplied as TF32, by JAX and by cuDNN alike: 10 bits.
    """
    if dtype == "bfloat16":
        return 3e-2
    return 5e-3 if jax.default_backend() == "gpu" else 1e-4
