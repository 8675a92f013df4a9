"""What it costs to attend again to what has been attended to, and its delta by hand.

With α_tj the attention over a document's places j as word t is written:

    c_tj = Σ_{t'<t} α_t'j                                  coverage, 0 at first    (1)
    L_t = Σ_j min(α_tj, c_tj)                                                      (2)

L_t is in [0, 1]: 0 if all attention is where there was none, 1 if none is. The minimum
has a corner where both are equal, and there the mean of the two slopes is taken, as JAX
does. With s_tj the slope of (2) in α_tj, 1 - s_tj is that in c_tj, and by (1) every
earlier α has a part in it:

    s_tj = 1 if α_tj < c_tj, ½ if equal, 0 if α_tj > c_tj                          (3)
    ∂L/∂α_tj = d_t s_tj + Σ_{t'>t} d_t' (1 - s_t'j)             d_t = ∂L/∂L_t      (4)

A place that is masked has α = c = 0 at all steps: it costs nothing, and what (4) gives
it ends at the mask. Steps after the last come last in (1) and have d_t = 0 in (4).

References:
    See, Liu, Manning, Get to the point: summarization with pointer-generator networks,
    ACL 2017, eqs. (10) and (12). Their score of attention reads c_t too, eq. (11): not
    here, where attention is computed for all steps at once.
"""

import jax
import jax.numpy as jnp

from jaxseq.axes import alike
from jaxseq.checks import check_floats, describe, expect
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array


def coverage_loss(weights: Array) -> Array:
    """Returns L_t, eqs. (1) and (2); gradients by (3) and (4).

    Args:
        weights: `[T, ..., M]` α, time first.

    Returns:
        `[T, ...]`.

    Raises:
        ValueError: naming the argument.
    """
    _check(weights)
    name = "jaxseq.summarize.coverage.coverage_loss"
    (weights,) = alike(weights)
    return _coverage_loss(reverse_only(name, f"{name}_plain", weights))


def coverage_loss_plain(weights: Array) -> Array:
    """Returns L_t as `coverage_loss` does, step by step; gradients by JAX."""
    _check(weights)

    def step(coverage, weights_t):
        cost = jnp.sum(jnp.minimum(weights_t, coverage), axis=-1)  # (2)
        return coverage + weights_t, cost  # (1)

    return jax.lax.scan(step, jnp.zeros_like(weights[0]), weights)[1]


def _coverage(weights: Array) -> Array:
    """Sums over the steps before, eq. (1)."""
    # Shifted, not the sum less the last: a difference would leave a rest.
    before = jnp.cumsum(weights[:-1], axis=0)
    return jnp.concatenate([jnp.zeros_like(weights[:1]), before])


@jax.custom_vjp
def _coverage_loss(weights):
    return jnp.sum(jnp.minimum(weights, _coverage(weights)), axis=-1)  # (2)


def _forward(weights):
    return _coverage_loss(weights), weights


def _backward(weights, d_losses):
    coverage = _coverage(weights)
    slopes = (jnp.sign(coverage - weights) + 1) / 2  # (3)
    scale = jnp.broadcast_to(d_losses[..., None], weights.shape)
    pull = scale * (1 - slopes)
    later = jnp.cumsum(pull[:0:-1], axis=0)[::-1]
    later = jnp.concatenate([later, jnp.zeros_like(pull[:1])])
    return (scale * slopes + later,)  # (4)


_coverage_loss.defvjp(_forward, _backward)


def _check(weights: Array) -> None:
    check_floats("weights", weights)
    fits = weights.ndim >= 2 and weights.shape[0] >= 1
    expect(fits, "weights", "shape [T, ..., M] with T ≥ 1", describe(weights))
