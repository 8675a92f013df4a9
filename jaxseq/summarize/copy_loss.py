"""The loss of a word that is written or copied, and its delta by hand.

With a_t the pre-activations of the V words, g_t that of the switch, α_tj the attention
over the document's places and y_t the word that comes:

    q_t = softmax(a_t)_y                           0 if y is outside the vocabulary (1)
    r_t = Σ_{j: x_j = y} α_tj                      0 if the document lacks y        (2)
    p_t = σ(g_t) q_t + (1 - σ(g_t)) r_t                                            (3)
    L_t = -log p_t                                                                 (4)

All of it in logarithms, so that nothing is lost however small q_t and p_t are; a sum of
weights in (2) below the smallest normal number counts as that. With γ_t the share of
p_t that is written, the posterior of the switch:

    γ_t = σ(g_t) q_t / p_t                                                         (5)
    ∂L/∂a_tk = γ_t (softmax(a_t)_k - [k = y])                                      (6)
    ∂L/∂g_t = σ(g_t) - γ_t                                                         (7)
    ∂L/∂α_tj = -(1 - γ_t) / r_t where x_j = y, else 0                              (8)

(6) is BP1 weighted by how far the word was written; where y is outside, γ_t = 0.

References:
    See, Liu, Manning, Get to the point: summarization with pointer-generator networks,
    ACL 2017, eqs. (8) and (9). Its switch p_gen is σ(g_t).
"""

import jax
import jax.numpy as jnp

from jaxseq.axes import alike
from jaxseq.checks import check_floats, check_integers, check_mask, describe, expect
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array


def copy_loss(
    logits: Array, gates: Array, weights: Array, matches: Array, ids: Array
) -> Array:
    """Returns L_t, eqs. (1) to (4); gradients by (5) to (8).

    Args:
        logits: `[..., V]` a_t.
        gates: `[...]` g_t, pre-activations.
        weights: `[..., M]` α_t.
        matches: `[..., M]` bool, the places where the document has y_t.
        ids: `[...]` integers y_t in the extended numbering: V or more is outside the
            vocabulary. A negative one, or one outside that matches nothing, gives NaN.

    Returns:
        `[...]` in nats.

    Raises:
        ValueError: naming the argument.
    """
    args = _checked(logits, gates, weights, matches, ids)
    marked = reverse_only(
        "jaxseq.summarize.copy_loss.copy_loss",
        "jaxseq.summarize.copy_loss.copy_loss_plain, with the same arguments",
        alike(*args),
    )
    return _copy_loss(*marked)


def copy_loss_plain(
    logits: Array, gates: Array, weights: Array, matches: Array, ids: Array
) -> Array:
    """Returns L_t as `copy_loss` does, as the equations have it; gradients by JAX.

    Not in logarithms: a p_t below the smallest number is an infinite loss.
    """
    args = _checked(logits, gates, weights, matches, ids)
    logits, gates, weights, matches, ids = args
    num_ids = logits.shape[-1]
    inside = (ids >= 0) & (ids < num_ids)
    row = jnp.clip(ids, 0, num_ids - 1)[..., None]
    q = jnp.take_along_axis(jax.nn.softmax(logits), row, axis=-1)[..., 0]  # (1)
    q = jnp.where(inside, q, jnp.zeros_like(q))
    r = jnp.sum(jnp.where(matches, weights, jnp.zeros_like(weights)), axis=-1)  # (2)
    p = jax.nn.sigmoid(gates) * q + (1 - jax.nn.sigmoid(gates)) * r  # (3)
    return -jnp.log(p)  # (4)


def _parts(logits, gates, weights, matches, ids):
    """Returns log Σ exp a, log σ(g) q, log (1 - σ(g)) r and log p, each `[...]`."""
    num_ids = logits.shape[-1]
    log_total = jax.nn.logsumexp(logits, axis=-1)
    row = jnp.clip(ids, 0, num_ids - 1)[..., None]
    log_q = jnp.take_along_axis(logits, row, axis=-1)[..., 0] - log_total  # (1)
    never = jnp.full_like(log_q, -jnp.inf)
    inside = (ids >= 0) & (ids < num_ids)
    log_written = jnp.where(inside, jax.nn.log_sigmoid(gates) + log_q, never)
    r = jnp.sum(jnp.where(matches, weights, jnp.zeros_like(weights)), axis=-1)  # (2)
    r = jnp.maximum(r, float(jnp.finfo(r.dtype).tiny))
    log_copied = jnp.where(
        jnp.any(matches, axis=-1), jax.nn.log_sigmoid(-gates) + jnp.log(r), never
    )
    log_p = jnp.logaddexp(log_written, log_copied)  # (3)
    is_word = (ids >= 0) & (log_p > -jnp.inf)
    log_p = jnp.where(is_word, log_p, jnp.full_like(log_p, jnp.nan))
    return log_total, log_written, r, log_p


@jax.custom_vjp
def _copy_loss(*args):
    return -_parts(*args)[3]  # (4)


def _forward(*args):
    log_total, log_written, r, log_p = _parts(*args)
    return -log_p, (args, log_total, log_written, r, log_p)


def _backward(residuals, d_losses):
    (logits, gates, _, matches, ids), log_total, log_written, r, log_p = residuals
    written = jnp.exp(log_written - log_p)  # (5)
    at_word = jax.lax.broadcasted_iota(ids.dtype, logits.shape, logits.ndim - 1)
    y = (at_word == ids[..., None]).astype(logits.dtype)
    outputs = jnp.exp(logits - jnp.broadcast_to(log_total[..., None], logits.shape))
    scale = jnp.broadcast_to((d_losses * written)[..., None], logits.shape)
    d_logits = scale * (outputs - y)  # (6)
    d_gates = d_losses * (jax.nn.sigmoid(gates) - written)  # (7)
    pull = (-d_losses * (1 - written) / r)[..., None]
    pull = jnp.broadcast_to(pull, matches.shape)
    d_weights = jnp.where(matches, pull, jnp.zeros_like(pull))  # (8)
    return d_logits, d_gates, d_weights, None, None


_copy_loss.defvjp(_forward, _backward)


def _checked(logits, gates, weights, matches, ids):
    """Checks the arguments; returns them as JAX's arrays."""
    check_floats("logits", logits)
    fits = logits.ndim >= 1 and logits.shape[-1] >= 1
    expect(fits, "logits", "shape [..., V] with V ≥ 1", describe(logits))
    steps = logits.shape[:-1]
    for name, array, num_axes in (("gates", gates, 0), ("weights", weights, 1)):
        check_floats(name, array)
        shape = array.shape[: array.ndim - num_axes]
        fits = shape == steps and array.dtype == logits.dtype
        axes = ", ".join([*map(str, steps), *["M"] * num_axes])
        expect(fits, name, f"{logits.dtype}[{axes}]", describe(array))
    check_mask("matches", matches, weights.shape)
    check_integers("ids", ids, steps)
    return tuple(map(jnp.asarray, (logits, gates, weights, matches, ids)))
