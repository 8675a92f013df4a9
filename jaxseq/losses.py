"""Losses with their deltas by hand: one value per step, never a mean.

With a_t the readout's pre-activation, o_t = g(a_t) the output and y_t the target:

    cross_entropy        g softmax    L_t = -Σ_k y_tk log o_tk                     (1)
    squared_error        g identity   L_t = ½ Σ_k (o_tk - y_tk)²                   (2)
    bernoulli            g logistic   L_t = -Σ_k (y_tk log o_tk
                                             + (1 - y_tk) log(1 - o_tk))           (3)

Each loss is the one that belongs to its g, so that all three have the same delta:

    δ_t = ∂L_t/∂a_t = o_t - y_t                                                   (BP1)

(2) with a squashed output is `squared_error(activation.value(a), y)`: JAX multiplies by
the slope. A masked entry has value 0 and delta exactly 0, whatever stands there, NaN
too. The sum or mean over steps is the caller's, as it decides the gradient's scale.

References:
    Rumelhart, Hinton, Williams 1986 (2); Bishop, Neural Networks for Pattern
    Recognition, 1995, section 6.9 (the matching of loss and g).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.axes import alike
from jaxseq.checks import (
    check_floats,
    check_ids,
    check_integers,
    check_mask,
    describe,
    expect,
    widened,
)
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array


def cross_entropy(logits: Array, ids: Array, mask: Array | None = None) -> Array:
    """Softmax cross-entropy against classes, (1) with y_t one-hot.

    Four classes that are equally likely, and two of which one is sure:

        >>> print(np.asarray(cross_entropy(jnp.zeros((1, 4)), jnp.array([2]))).round(4))
        [1.3863]
        >>> print(cross_entropy(jnp.array([[9.0, -9.0]]), jnp.array([1])))
        [18.]

    Args:
        logits: `[..., O]` a_t.
        ids: `[...]` integers, the class of each step, 0 to O - 1.
        mask: `[...]` bool, which steps count; the others may hold any id.

    Returns:
        `[...]` in nats. Inside `jit`, where an id cannot be refused, one that is out of
        range gives NaN.

    Raises:
        ValueError: naming the argument; for an id out of range, its place.
    """
    _check_outputs("logits", logits, mask)
    check_integers("ids", ids, logits.shape[:-1])
    if mask is None:
        check_ids("ids", ids, logits.shape[-1])
    ids = _as_int32(ids, logits.shape[-1])
    if mask is not None:
        ids = jnp.where(mask, ids, jnp.zeros_like(ids))
        check_ids("ids", ids, logits.shape[-1])
    return _masked(_cross_entropy, logits, ids, mask)


def cross_entropy_soft(logits: Array, probs: Array, mask: Array | None = None) -> Array:
    """Softmax cross-entropy against distributions, (1).

    Args:
        logits: `[..., O]` a_t.
        probs: `[..., O]` y_t, each step's sum 1.
        mask: `[...]` bool, which steps count.

    Returns:
        `[...]` in nats.

    Raises:
        ValueError: naming the argument.
    """
    _check_outputs("logits", logits, mask)
    _check_targets("probs", probs, logits)
    return _masked(_cross_entropy_soft, logits, probs, mask)


def squared_error(outputs: Array, targets: Array, mask: Array | None = None) -> Array:
    """Half the squared distance, (2).

    Args:
        outputs: `[..., O]` o_t.
        targets: `[..., O]` y_t.
        mask: `[...]` bool, which steps count. For single outputs that do not matter
            (Jordan's don't-care targets) put the output itself there as the target.

    Returns:
        `[...]`.

    Raises:
        ValueError: naming the argument.
    """
    _check_outputs("outputs", outputs, mask)
    _check_targets("targets", targets, outputs)
    return _masked(_squared_error, outputs, targets, mask)


def bernoulli(logits: Array, targets: Array, mask: Array | None = None) -> Array:
    """Cross-entropy of independent yes-or-no outputs, (3).

    Args:
        logits: `[..., O]` a_t.
        targets: `[..., O]` y_t in [0, 1].
        mask: `[...]` bool, which steps count.

    Returns:
        `[...]` in nats, finite for any finite logits.

    Raises:
        ValueError: naming the argument.
    """
    _check_outputs("logits", logits, mask)
    _check_targets("targets", targets, logits)
    return _masked(_bernoulli, logits, targets, mask)


def _as_int32(ids: Array, num_ids: int) -> Array:
    """Writes NumPy's ids as int32; what is no id does not become one.

    JAX would cut 64 bits down to 32.
    """
    if isinstance(ids, np.ndarray):
        inside = np.clip(ids.astype(np.int64), -1, num_ids)
        return jnp.asarray(inside.astype(np.int32))
    return widened(ids)


def _with_deltas(value: Callable, deltas: Callable) -> Callable:
    """Ties a loss to its deltas: those of its first and of its second argument."""
    loss = jax.custom_vjp(value)

    def forward(a, y):
        return value(a, y), (a, y)

    def backward(residuals, d_loss):
        # Each step's value may be weighted: ∂L/∂L_t comes in from outside.
        return tuple(
            jnp.broadcast_to(d_loss[..., None], delta.shape) * delta
            for delta in deltas(*residuals)
        )

    loss.defvjp(forward, backward)
    return loss


def _cross_entropy_forward(logits, ids):
    """Returns L, and o as numerators and denominators, with the ids."""
    largest = jnp.max(logits, axis=-1, keepdims=True)
    largest = jnp.where(jnp.isfinite(largest), largest, jnp.zeros_like(largest))
    largest = jax.lax.stop_gradient(largest)
    # Written down, by the barrier, and kept in the logits' place: else XLA would
    # exponentiate again wherever they are read.
    numerators = jax.lax.optimization_barrier(jnp.exp(logits - largest))
    denominators = jnp.sum(numerators, axis=-1, keepdims=True)
    picked = jnp.take_along_axis(logits, jnp.maximum(ids, 0)[..., None], axis=-1)
    value = (jnp.log(denominators) + largest - picked)[..., 0]  # (1)
    value = jnp.where(_in_range(ids, logits), value, jnp.nan)
    return value, (numerators, denominators, ids)


def _cross_entropy_backward(kept, d_loss):
    numerators, denominators, ids = kept
    classes = jax.lax.broadcasted_iota(ids.dtype, numerators.shape, numerators.ndim - 1)
    y = (classes == ids[..., None]).astype(numerators.dtype)
    delta = numerators / denominators - y  # (BP1)
    delta = jnp.where(_in_range(ids, numerators)[..., None], delta, jnp.nan)
    return jnp.broadcast_to(d_loss[..., None], delta.shape) * delta, None


def _in_range(ids, logits):
    return (ids >= 0) & (ids < logits.shape[-1])


def _cross_entropy_soft_value(logits, probs):
    return -jnp.sum(probs * jax.nn.log_softmax(logits), axis=-1)  # (1)


def _cross_entropy_soft_deltas(logits, probs):
    # Probabilities that do not sum to 1 scale the softmax: then BP1 has Σ y before o.
    total = jnp.sum(probs, axis=-1, keepdims=True)
    delta = total * jax.nn.softmax(logits) - probs  # (BP1)
    return delta, -jax.nn.log_softmax(logits)


def _squared_error_value(outputs, targets):
    return jnp.sum((outputs - targets) ** 2, axis=-1) / 2  # (2)


def _squared_error_deltas(outputs, targets):
    delta = outputs - targets  # (BP1)
    return delta, -delta


def _bernoulli_value(logits, targets):
    # log(1 + eᵃ) - y a is (3) without its cancellation at large |a|.
    return jnp.sum(jax.nn.softplus(logits) - targets * logits, axis=-1)  # (3)


def _bernoulli_deltas(logits, targets):
    return jax.nn.sigmoid(logits) - targets, -logits  # (BP1)


_cross_entropy = jax.custom_vjp(
    lambda logits, ids: _cross_entropy_forward(logits, ids)[0]
)
_cross_entropy.defvjp(_cross_entropy_forward, _cross_entropy_backward)
_cross_entropy_soft = _with_deltas(
    _cross_entropy_soft_value, _cross_entropy_soft_deltas
)
_squared_error = _with_deltas(_squared_error_value, _squared_error_deltas)
_bernoulli = _with_deltas(_bernoulli_value, _bernoulli_deltas)


def _masked(loss, a, y, mask):
    """Evaluates a loss; masked steps are blanked before and after.

    Before, so that the derivative at the blank is finite; after, so that it is not
    counted.
    """
    a, y, mask = alike(a, y, mask)
    a = reverse_only("a loss of jaxseq.losses", "its twin in optax.losses", a)
    if mask is None:
        return loss(a, y)
    a = jnp.where(mask[..., None], a, jnp.zeros_like(a))
    if y.ndim == a.ndim:
        y = jnp.where(mask[..., None], y, jnp.zeros_like(y))
    value = loss(a, y)
    return jnp.where(mask, value, jnp.zeros_like(value))


def _check_outputs(argument, a, mask):
    check_floats(argument, a)
    fits = a.ndim >= 1 and a.shape[-1] >= 1
    expect(fits, argument, "shape [..., O] with O ≥ 1", describe(a))
    if mask is not None:
        check_mask("mask", mask, a.shape[:-1])


def _check_targets(argument, y, a):
    check_floats(argument, y)
    fits = y.shape == a.shape and y.dtype == a.dtype
    expect(fits, argument, describe(a), describe(y))
