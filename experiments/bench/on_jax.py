"""Contenders that run on JAX: one jitted program a pass, compiled ahead of time.

A library need only say how the canonical weights become its own: gradients come back
through the transpose of that, and a wrong conversion shows as wrong outputs.
"""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import loop
from jaxseq.types import Array, Tree

from . import problem as problems
from .contender import Contender, Memory, Program
from .forms import Weights
from .problem import Answer, Options, Problem


def time_major(array: Array) -> Array:
    """Leaves `[T, B, ...]` as it is."""
    return array


def batch_major(array: Array) -> Array:
    """Swaps `[T, B, ...]` and `[B, T, ...]`."""
    return jnp.swapaxes(array, 0, 1)


def num_unrolled() -> int:
    """Returns how many steps a library's loop takes at once, where it can be told.

    As many as jaxseq's own: on a GPU that makes every loop faster.
    """
    return loop.NUM_UNROLLED if jax.default_backend() == "gpu" else 1


class Layer(NamedTuple):
    """A recurrent layer of a library on JAX, at the sizes of a problem."""

    convert: Callable[[Weights], Tree]  # canonical weights to the library's
    apply: Callable[[Tree, Array], Any]  # the library's weights, xs -> ys
    layout: Callable[[Array], Array] = time_major  # of xs and ys; undoes itself


def contender(problem: Problem, layer: Layer) -> Contender:
    """Compiles a layer's passes; inputs are laid out beforehand, untimed."""
    weights = jax.jit(layer.convert)(problem.weights)
    xs, d_ys = layer.layout(problem.xs), layer.layout(problem.d_ys)

    def forward_backward(weights, xs, d_ys):
        ys, pull = jax.vjp(layer.apply, weights, xs)
        return ys, *pull(d_ys)

    options = problem.compiler_options
    forward = compiled(layer.apply, options, weights, xs)
    backward = compiled(forward_backward, options, weights, xs, d_ys)

    def answer() -> Answer:
        _, d_weights, d_xs = backward.run()
        (d_canonical,) = jax.vjp(layer.convert, problem.weights)[1](d_weights)
        ys = layer.layout(forward.run())
        return problems.answer(ys, d_canonical, layer.layout(d_xs))

    return Contender(forward, backward, answer)


def compiled(function: Callable, options: Options, *args: Tree) -> Program:
    """Compiles a function for its arguments, cold, and takes the time of that."""
    _warm_the_compiler()
    # What other contenders traced and compiled must not make this one look quick.
    jax.clear_caches()
    start = time.perf_counter()
    program = jax.jit(function).lower(*args).compile(dict(options) or None)
    seconds = time.perf_counter() - start
    return Program(
        run=lambda: jax.block_until_ready(program(*args)),
        compile_seconds=seconds,
        memory=_memory(program),
    )


@functools.cache
def _warm_the_compiler() -> None:
    """Pays once for what the first compilation of a process sets up."""
    total = jax.jit(lambda xs: jax.lax.scan(lambda s, x: (s + x, s), 0.0, xs)[0])
    total.lower(jnp.zeros(2, jnp.float32)).compile()


def _memory(program: jax.stages.Compiled) -> Memory | None:
    stats = program.memory_analysis()
    if stats is None:
        return None
    return Memory(
        temp=stats.temp_size_in_bytes,
        output=stats.output_size_in_bytes,
        argument=stats.argument_size_in_bytes,
    )
