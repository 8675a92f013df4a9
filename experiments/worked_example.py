"""The lecture's worked example: two hidden units, three steps, solved step by step.

Forward, with o_t the output and L the loss:

    s_t = tanh(U x_t + W s_{t-1} + b_s)                                            (1)
    o_t = softmax(V s_t + b_o)                                                     (2)
    L = Σ_t L_t,  L_t = -Σ_k y_tk log o_tk                                         (3)

Backward, with δᵒ_t = ∂L/∂(V s_t + b_o) and δ_t = ∂L/∂(U x_t + W s_{t-1} + b_s):

    δᵒ_t = o_t - y_t                                                             (BP1)
    ∂L/∂s_t = Vᵀ δᵒ_t + Wᵀ δ_{t+1}                                              (BP2T)
    δ_t = ∂L/∂s_t ⊙ (1 - s_t²)                                                   (BP2)
    ∇b_o = Σ_t δᵒ_t,  ∇b_s = Σ_t δ_t                                             (BP3)
    ∇V = Σ_t δᵒ_t s_tᵀ                                                          (BP4V)
    ∇W = Σ_t δ_t s_{t-1}ᵀ                                                       (BP4W)
    ∇U = Σ_t δ_t x_tᵀ                                                           (BP4U)

The arithmetic is jaxseq's: `elman.cell()` one step at a time, `readout`, and the loss
with its delta. `loss_plain` is the other road to the same gradients: a scan that JAX
differentiates, without one of jaxseq's rules.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxseq import readout
from jaxseq.cells import elman
from jaxseq.cells.activations import tanh
from jaxseq.cells.cell import Trace, affine
from jaxseq.losses import cross_entropy_soft
from jaxseq.types import Array
from jaxseq.unroll import unroll, unroll_plain


class Weights(NamedTuple):
    """All weights of the network, or their gradients, or each step's part of these."""

    cell: elman.Params  # U [H, I], W [H, H], b [H], the lecture's b_s
    readout: readout.Params  # V [O, H], b [O], the lecture's b_o


class Example(NamedTuple):
    """The exercise."""

    weights: Weights
    s_0: Array  # [H]
    xs: Array  # [T, I]
    ys: Array  # [T, O] one-hot


class Forward(NamedTuple):
    """Every value of the forward pass."""

    projected: Array  # [T, H] U x_t + b_s
    recurrent: Array  # [T, H] W s_{t-1}
    states_tm1: Array  # [T, H] s_{t-1}
    states: Array  # [T, H] s_t
    logits: Array  # [T, O] V s_t + b_o
    outputs: Array  # [T, O] o_t
    losses: Array  # [T] L_t


class Backward(NamedTuple):
    """Every value of the backward pass."""

    output_deltas: Array  # [T, O] δᵒ_t
    d_from_output: Array  # [T, H] Vᵀ δᵒ_t
    d_from_next: Array  # [T, H] Wᵀ δ_{t+1}, 0 at the last step
    d_states: Array  # [T, H] ∂L/∂s_t, the sum of these two
    slopes: Array  # [T, H] 1 - s_t²
    state_deltas: Array  # [T, H] δ_t
    parts: Weights  # leaves [T, ...]: what each step adds to the gradients
    gradients: Weights  # the sums over all steps


def lecture_example() -> Example:
    """Returns the lecture's numbers, in float64 where that is enabled."""
    weights = Weights(
        elman.Params(
            U=jnp.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
            W=jnp.array([[0.1, 0.2], [0.3, 0.4]]),
            b=jnp.zeros(2),
        ),
        readout.Params(
            V=jnp.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]), b=jnp.zeros(3)
        ),
    )
    return Example(
        weights,
        s_0=jnp.zeros(2),
        xs=jnp.array([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [3.0, 4.0, 5.0]]),
        ys=jnp.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]),
    )


def forward(example: Example) -> Forward:
    """Takes the steps (1) to (3), one after the other."""
    cell, params = elman.cell(), example.weights.cell
    zs = cell.project(params, example.xs)
    states = [example.s_0]
    for z_t in zs:
        s_t, _ = cell.step(cell.prepare(params), states[-1], z_t)  # (1)
        states.append(s_t)
    states_tm1 = jnp.stack(states[:-1])
    logits = readout.readout(example.weights.readout, jnp.stack(states[1:]))
    return Forward(
        projected=affine(params.U, example.xs, params.b),
        recurrent=affine(params.W, states_tm1, jnp.zeros_like(params.b)),
        states_tm1=states_tm1,
        states=jnp.stack(states[1:]),
        logits=logits,
        outputs=jax.nn.softmax(logits),  # (2)
        losses=cross_entropy_soft(logits, example.ys),  # (3)
    )


def backward(example: Example, values: Forward) -> Backward:
    """Sends the error from the last step to the first, then sums the parts."""
    cell, weights, xs = elman.cell(), example.weights, example.xs
    _, loss_vjp = jax.vjp(cross_entropy_soft, values.logits, example.ys)
    output_deltas, _ = loss_vjp(jnp.ones_like(values.losses))  # (BP1)
    _, readout_vjp = jax.vjp(readout.readout, weights.readout, values.states)
    _, d_from_output = readout_vjp(output_deltas)

    rows = cell.prepare_delta(weights.cell)
    d_from_next = [jnp.zeros_like(example.s_0)]
    d_states, state_deltas, parts = [], [], []
    for t in reversed(range(len(xs))):
        trace_t = jax.tree.map(lambda leaf, t=t: leaf[t], _trace(values))
        d_states.insert(0, d_from_output[t] + d_from_next[0])  # (BP2T)
        d_s_tm1, delta_t = cell.delta(rows, trace_t, d_states[0])  # (BP2)
        d_from_next.insert(0, d_s_tm1)
        state_deltas.insert(0, delta_t)
        parts.insert(0, _part(example, values, output_deltas, delta_t, t))
    deltas = jnp.stack(state_deltas)
    d_cell, _ = cell.collect(weights.cell, xs, _trace(values), deltas)  # (BP3, 4U, 4W)
    d_readout, _ = readout_vjp(output_deltas)  # (BP3), (BP4V)
    return Backward(
        output_deltas=output_deltas,
        d_from_output=d_from_output,
        d_from_next=jnp.stack(d_from_next[1:]),
        d_states=jnp.stack(d_states),
        slopes=tanh.slope(values.states),
        state_deltas=deltas,
        parts=jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts),
        gradients=Weights(d_cell, d_readout),
    )


def loss(weights: Weights, example: Example) -> Array:
    """Returns L by jaxseq as it is used: its gradient is the hand-written one."""
    states = unroll(elman.cell(), weights.cell, example.s_0, example.xs).ys
    logits = readout.readout(weights.readout, states)
    return jnp.sum(cross_entropy_soft(logits, example.ys))


def loss_plain(weights: Weights, example: Example) -> Array:
    """Returns L by a plain scan and JAX's own functions: JAX finds the gradient."""
    states = unroll_plain(elman.cell(), weights.cell, example.s_0, example.xs).ys
    logits = jax.vmap(lambda s_t: weights.readout.V @ s_t + weights.readout.b)(states)
    return -jnp.sum(example.ys * jax.nn.log_softmax(logits))


def central_differences(
    function: Callable[[Weights], Array], weights: Weights, distance: float = 1e-5
) -> Weights:
    """Returns (f(w + h) - f(w - h)) / 2h for every single weight.

    Args:
        function: f, a number for each set of weights.
        weights: w.
        distance: h; the error is of order h² + 1e-16 / h.
    """
    flat, unravel = ravel_pytree(weights)

    def slope(direction):
        above = function(unravel(flat + distance * direction))
        below = function(unravel(flat - distance * direction))
        return (above - below) / (2 * distance)

    return unravel(jax.vmap(slope)(jnp.eye(flat.size)))


def max_difference(gradients: Weights, others: Weights) -> float:
    """Returns the largest absolute difference between any two entries."""
    leaves = jax.tree.map(lambda a, b: jnp.max(jnp.abs(a - b)), gradients, others)
    return max(float(leaf) for leaf in jax.tree.leaves(leaves))


def _part(example, values, output_deltas, delta_t, t):
    """Collects the gradients of step t alone: one term of BP3, BP4U, BP4W, BP4V."""
    only_t = slice(t, t + 1)
    trace = jax.tree.map(lambda leaf: leaf[only_t], _trace(values))
    d_cell, _ = elman.collect(
        example.weights.cell, example.xs[only_t], trace, delta_t[None]
    )
    _, vjp = jax.vjp(readout.readout, example.weights.readout, values.states[only_t])
    d_readout, _ = vjp(output_deltas[only_t])
    return Weights(d_cell, d_readout)


def _trace(values):
    return Trace((), values.states_tm1, values.states, tape=())
