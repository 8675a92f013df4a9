"""The hypothesis of least risk: the one that is most like all that a model would write.

The most probable summary may be unlike most of the probable ones. With the hypotheses
y_1 … y_K of a search, and s_k the log-probability of each, the sum of its scores:

    p_k = exp(τ s_k) / Σ_i exp(τ s_i)                                              (1)
    F(y, y') = 2 LCS(y, y') / (|y| + |y'|)         F1 of ROUGE-L, unstemmed        (2)
    ŷ = argmax_k Σ_i p_i F(y_k, y_i)                                               (3)

τ, the sharpness, says how much the probabilities count: 0 for none. The longest common
subsequence is found for all pairs at once, a word of y at a time, with r_0 = 0:

    r_i[j] = max over j' ≤ j of max(r_{i-1}[j'], r_{i-1}[j'-1] + [y_i = y'_j'])    (4)
    LCS(y, y') = the last entry of the last r

Hypotheses without words are like nothing; one that did not end counts like the others.
Where all K are without words, or their scores are no numbers, the first is chosen.

References:
    Kumar, Byrne, Minimum Bayes-risk decoding for statistical machine translation, NAACL
    2004: (1) and (3), there with other measures. Lin 2004: (2).
"""

import functools
import math
import numbers
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxseq.checks import expect
from jaxseq.summarize.beam import Hypotheses
from jaxseq.types import Array


Choose = Callable[[Hypotheses], Hypotheses]  # one of K: `beam.best` is another


# typed: True is refused, and not taken for 1.0.
@functools.lru_cache(maxsize=None, typed=True)
def least(sharpness: float, length_norm: float) -> Choose:
    """Returns the choice of least risk, for `jaxseq.summarize.summarizer`.

    Equal arguments give one and the same function, so that `jit` knows it again.

    Args:
        sharpness: τ, 0 or more.
        length_norm: α of the search, by which its scores are s / n^α.

    Raises:
        ValueError: naming the argument.
    """
    for name, value in (("sharpness", sharpness), ("length_norm", length_norm)):
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        fits = is_number and math.isfinite(value) and value >= 0
        expect(fits, name, "a number of 0 or more", repr(value))
    return functools.partial(_least, sharpness, length_norm)


def _least(sharpness: float, length_norm: float, hypotheses: Hypotheses) -> Hypotheses:
    """Chooses a hypothesis for each document; fields `[B, ...]`."""
    num_terms = hypotheses.lengths + hypotheses.is_complete.astype(jnp.int32)
    norms = jnp.maximum(num_terms, 1).astype(hypotheses.scores.dtype) ** length_norm
    sums = hypotheses.scores * norms
    # Of a place without a hypothesis the score is -∞, its probability 0.
    is_there = hypotheses.lengths > 0
    logits = jnp.where(is_there & (sums > -jnp.inf), sharpness * sums, -jnp.inf)
    p = jax.nn.softmax(logits, axis=-1)  # (1)
    alike = likeness(hypotheses.tokens, hypotheses.lengths).astype(p.dtype)
    gains = jnp.sum(alike * p[:, None], axis=-1)
    # No gain is a number where no hypothesis has a probability.
    gains = jnp.where(is_there & (gains > 0), gains, 0)
    chosen = jnp.argmax(gains, axis=-1)  # (3); the first where all are 0
    return jax.tree.map(
        lambda leaf: jax.vmap(lambda row, k: row[k])(leaf, chosen), hypotheses
    )


def likeness(tokens: Array, lengths: Array) -> Array:
    """Returns F of all pairs, eq. (2), `[B, K, K]` float32; 0 for a pair without words.

    Args:
        tokens: `[B, K, T]` integers.
        lengths: `[B, K]` integers, of how many words each is.
    """
    num_steps = tokens.shape[-1]
    is_word = (
        jnp.arange(num_steps, dtype=lengths.dtype)[None, None] < lengths[..., None]
    )
    # PAD is like PAD: a place after the end counts for neither.
    same = tokens[:, :, None, :, None] == tokens[:, None, :, None, :]
    same &= is_word[:, :, None, :, None] & is_word[:, None, :, None, :]
    same = jnp.moveaxis(same, 3, 0).astype(jnp.int32)  # [T, B, K, K, T]

    def read(r, same_i):
        before = jnp.pad(r, [(0, 0)] * 3 + [(1, 0)])[..., :-1]
        best = jnp.maximum(r, before + same_i)
        return jax.lax.cummax(best, axis=best.ndim - 1), None  # (4)

    rows, _ = jax.lax.scan(read, jnp.zeros_like(same[0]), same)
    common = rows[..., -1].astype(jnp.float32)
    total = (lengths[:, :, None] + lengths[:, None, :]).astype(jnp.float32)
    return 2 * common / jnp.maximum(total, 1)  # (2)
