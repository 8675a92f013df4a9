"""Greedy decoding, written plainly: what beam search is with K = 1.

    y_t = argmax_w ℓ(w), ℓ of eq. (1) of `jaxseq.summarize.beam`                   (1)
    s = Σ_t ℓ(y_t), EOS included; the score is s / n^α, of the n terms             (2)

Sizes, constraints and what happens to NaN: as in `jaxseq.summarize.beam`.

Reference: as `jaxseq.summarize.beam`.
"""

import jax
import jax.numpy as jnp

from jaxseq.summarize.beam import Hypotheses, Rescore
from jaxseq.summarize.calls import check_calls
from jaxseq.summarize.constraints import Options, constrain
from jaxseq.summarize.decoder import Decoder, Memory, Params
from jaxseq.text.vocab import BOS, EOS, PAD
from jaxseq.types import accumulator


def greedy(
    decoder: Decoder,
    params: Params,
    memory: Memory,
    options: Options,
    rescore: Rescore | None = None,
) -> Hypotheses:
    """Writes the summaries of a batch of documents, word by word.

    Arguments and errors as in `jaxseq.summarize.beam.search`; `options.beam_size` is
    not read.

    Returns:
        One summary a document, without the axis K: tokens `[B, T]`.
    """
    step = check_calls(decoder, params, memory, options, 1)
    batch, num_steps = step.log_probs.shape[0], options.max_length
    dtype = accumulator(step.log_probs.dtype)

    def write(carry, t):
        state, y_tm1, tokens, total, is_open = carry
        step = decoder.step(params, memory, state, y_tm1[:, None])
        scores = step.log_probs.astype(dtype)
        if rescore is not None:
            scores = rescore(params, memory, tokens[:, None], t, scores)
        scores = jnp.where(jnp.isnan(scores), jnp.inf, scores)
        scores = constrain(options, tokens[:, None], t, scores)[:, 0]
        y_t = jnp.argmax(scores, axis=-1).astype(jnp.int32)  # (1)
        gained = jnp.max(scores, axis=-1)
        is_written = is_open & (gained > -jnp.inf)
        total = total + jnp.where(is_written, gained, 0)  # (2)
        is_open = is_written & (y_t != EOS)
        y_t = jnp.where(is_written, y_t, PAD)
        is_here = (jnp.arange(num_steps, dtype=jnp.int32)[None] == t) & is_open[:, None]
        tokens = jnp.where(is_here, y_t[:, None], tokens)
        weights = jnp.where(is_open[:, None], step.weights[:, 0], 0)
        return (step.state, y_t, tokens, total, is_open), (y_t, weights)

    tokens = jnp.full((batch, num_steps), PAD, jnp.int32)
    total, is_open = jnp.zeros(batch, dtype), jnp.ones(batch, bool)
    state = decoder.start(params, memory)
    start = (state, jnp.full(batch, BOS, jnp.int32), tokens, total, is_open)
    steps = jnp.arange(num_steps + 1, dtype=jnp.int32)
    (_, _, tokens, total, _), (words, weights) = jax.lax.scan(write, start, steps)
    lengths = jnp.sum(tokens != PAD, axis=-1, dtype=jnp.int32)
    is_complete = jnp.any(words == EOS, axis=0)
    num_terms = jnp.maximum(lengths + is_complete.astype(jnp.int32), 1).astype(dtype)
    scores = total / num_terms**options.length_norm  # (2)
    return Hypotheses(
        tokens=tokens,
        lengths=lengths,
        scores=jnp.where(scores == jnp.inf, jnp.nan, scores),
        is_complete=is_complete,
        weights=jnp.moveaxis(weights[:-1], 0, 1),
    )
