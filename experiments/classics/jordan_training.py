"""Teacher forcing of Jordan's network, as in 1986: the target comes back.

    s_t = μ s_{t-1} + d_{t-1}

The current step alone is back-propagated (`jordan.one_step`), and every step updates
the weights. A target that is NaN is "don't care": no error comes from there, and what
comes back is the output.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.cells import Cell, jordan
from jaxseq.cells.jordan import Params
from jaxseq.losses import squared_error
from jaxseq.types import Array, Key, Tree
from jaxseq.unroll import unroll


class Lessons(NamedTuple):
    """What a network is shown and what it should answer, step by step."""

    plans: Array  # [K, I]
    targets: Array  # [K, O], NaN for "don't care"
    is_first: Array  # [K] bool, where the state starts from zeros


def lessons(plan: Array, targets: Array) -> Lessons:
    """Makes a sequence that starts from zeros, of a plan `[I]` and targets `[T, O]`."""
    is_first = jnp.arange(len(targets)) == 0
    return Lessons(jordan.plan(plan, len(targets)), targets, is_first)


def endless(given: Lessons) -> Lessons:
    """Has a sequence go round without a break."""
    return given._replace(is_first=jnp.zeros_like(given.is_first))


def together(*each: Lessons) -> Lessons:
    """Puts sequences one after the other."""
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *each)


@functools.partial(jax.jit, static_argnums=(1, 3, 5))
def learn(
    keys: Key, cell: Cell, given: Lessons, num_hidden: int, rate: float, num_steps: int
) -> Params:
    """Trains a network for each key: plain gradient descent, an update a step.

    Args:
        keys: `[S]`, consumed.
        cell: of `jaxseq.cells.jordan`.
        given: the steps, taken in turn.
        num_hidden: H.
        rate: the learning rate.
        num_steps: updates in all.

    Returns:
        The weights, leaves `[S, ...]`.
    """
    num_inputs = given.plans.shape[1]

    def loss(params, state_tm1, plan, target):
        y_t, state_t = unroll(cell, params, state_tm1, plan[None])
        is_free = jnp.isnan(target)
        d_t = jnp.where(is_free, jax.lax.stop_gradient(y_t[0]), target)
        return squared_error(y_t[0], d_t), state_t._replace(y=d_t)

    def update(carry, number):
        params, state_tm1 = carry
        plan, target, is_first = (leaf[number % len(given.plans)] for leaf in given)
        state_tm1 = jax.tree.map(
            lambda leaf: jnp.where(is_first, jnp.zeros_like(leaf), leaf), state_tm1
        )
        gradient, state_t = jax.grad(loss, has_aux=True)(
            params, state_tm1, plan, target
        )
        params = jax.tree.map(lambda p, d: p - rate * d, params, gradient)
        return (params, state_t), None

    def network(key):
        params = cell.init(key, num_inputs, num_hidden, given.plans.dtype)
        carry = (params, cell.zero_state(params, ()))
        return jax.lax.scan(update, carry, jnp.arange(num_steps))[0][0]

    return jax.vmap(network)(keys)


@functools.partial(jax.jit, static_argnums=(0, 3))
def run_free(
    cell: Cell, params: Params, plan: Array, num_steps: int, state_0: Tree | None = None
) -> Array:
    """Lets networks run on their own outputs.

    Args:
        cell: as in `learn`.
        params: of `learn`, leaves `[S, ...]`.
        plan: `[..., I]`.
        num_steps: T.
        state_0: leaves `[..., O]`; None for zeros.

    Returns:
        `[S, T, ..., O]`.
    """
    xs = jordan.plan(plan, num_steps)
    return jax.vmap(lambda p: unroll(cell, p, state_0, xs).ys)(params)
