"""The plain formulas in JAX, without a rule by hand: what `jax.grad` makes of them."""

import jax
import jax.numpy as jnp

from jaxseq.unroll import unroll_plain


def cross_entropy(logits, ids, mask=None):
    log_probs = jax.nn.log_softmax(logits)
    one_hot = jax.nn.one_hot(ids, logits.shape[-1], dtype=logits.dtype)
    return _counted(-jnp.sum(one_hot * log_probs, axis=-1), mask)


def cross_entropy_soft(logits, probs, mask=None):
    return _counted(-jnp.sum(probs * jax.nn.log_softmax(logits), axis=-1), mask)


def squared_error(outputs, targets, mask=None):
    return _counted(jnp.sum((outputs - targets) ** 2, axis=-1) / 2, mask)


def bernoulli(logits, targets, mask=None):
    yes = targets * jax.nn.log_sigmoid(logits)
    no = (1 - targets) * jax.nn.log_sigmoid(-logits)
    return _counted(-jnp.sum(yes + no, axis=-1), mask)


def _counted(values, mask):
    return values if mask is None else values * mask.astype(values.dtype)


def readout(params, states):
    return jnp.einsum("oh,...h->...o", params.V, states) + jnp.broadcast_to(
        params.b, (*states.shape[:-1], *params.b.shape)
    )


def unroll_chunks(cell, params, state_0, xs, num_steps, **masks):
    """Chunk after chunk in a Python loop, `stop_gradient` between them."""
    lengths, resets = masks.get("lengths"), masks.get("resets")
    reset_state = masks.get("reset_state", state_0)
    state, ys = state_0, []
    for start in range(0, xs.shape[0], num_steps):
        piece = slice(start, start + num_steps)
        size = xs[piece].shape[0]
        unrolled = unroll_plain(
            cell,
            params,
            state if start == 0 else jax.lax.stop_gradient(state),
            xs[piece],
            lengths=None if lengths is None else (lengths - start).clip(0, size),
            resets=None if resets is None else resets[piece],
            reset_state=reset_state,
        )
        ys.append(unrolled.ys)
        state = unrolled.state
    return jnp.concatenate(ys), state
