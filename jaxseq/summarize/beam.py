"""Beam search: the K best summaries of each document, all documents at once.

A hypothesis k has words y_1 … y_t and s_k, the sum of their scores. It is open until it
has EOS, or has no word to go on with. At step t, from one hypothesis of no words:

    ℓ_k(w) = log p(w | x, y_1 … y_t), rescored and constrained       each w of R   (1)
    s_k(w) = s_k + ℓ_k(w)                                            k open        (2)
    r_k(w) = s_k(w) / (t + 1)^α                                      k open        (3)
    r_k = s_k / n_k^α, its words and EOS being n_k                   k ended       (4)
    the K largest r: back-pointers π_t, words w_t, new s = s_{π_t}(w_t)            (5)

An ended hypothesis stays, with its score, as long as no K others rank above it. EOS is
scored as any word is, and never cut off: at t = max_length nothing but it is allowed.
When all documents' hypotheses have ended, the search has. Then, from j_T = k back:

    j_{t-1} = π_t(j_t), and the attention of word t is that of step t in j_{t-1}   (6)

so that neither attention nor the documents' memory is copied as hypotheses are chosen.

Where constraints (or a model's -∞) leave a hypothesis no word, it ends there, with the
score it has and `is_complete` False, ranked below all others: no word is drawn that is
not allowed. If there are fewer than K hypotheses at all, the places that are left have
the score -∞ and no words. A NaN or +∞ among the log-probabilities comes out as the
score NaN of its document, in its first place; other documents do not see it.

Sizes: as in `jaxseq.summarize.decoder`; T = max_length.

References: Rush et al. 2015, Algorithm 1, without its merging of hypotheses that agree
in their last C words, which is exact for a decoder that sees no more of them only; Wu
et al. 2016, eq. 14, for the division by a power of the length, theirs ((5 + n) / 6)^α.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.summarize.calls import check_calls, start_all
from jaxseq.summarize.constraints import Options, constrain
from jaxseq.summarize.decoder import Decoder, Memory, Params, State
from jaxseq.summarize.largest import largest
from jaxseq.text.vocab import BOS, EOS, PAD
from jaxseq.types import Array, accumulator


Rescore = Callable[[Params, Memory, Array, Array, Array], Array]


class Hypotheses(NamedTuple):
    """Summaries, best first; of `best` and `greedy` without the axis K.

    Attributes:
        tokens: `[B, K, T]` int32, words without EOS, then PAD.
        lengths: `[B, K]` int32, how many words.
        scores: `[B, K]` s / n^α, by which they are ranked; s in nats.
        is_complete: `[B, K]` bool, whether EOS came.
        weights: `[B, K, T, M]` attention at each word, 0 after the last.
    """

    tokens: Array
    lengths: Array
    scores: Array
    is_complete: Array
    weights: Array


class _Beam(NamedTuple):
    """Hypotheses on the way, and what is written down of each step."""

    t: Array  # []
    state: State  # [B, K, ...]
    y_tm1: Array  # [B, K]
    tokens: Array  # [B, K, T]
    lengths: Array  # [B, K]
    sums: Array  # [B, K] s, -∞ where there is no hypothesis
    is_open: Array  # [B, K]
    is_complete: Array  # [B, K]
    parents: Array  # [T + 1, B, K] π
    weights: Array  # [T + 1, B, K, M], of the parents


def search(
    decoder: Decoder,
    params: Params,
    memory: Memory,
    options: Options,
    rescore: Rescore | None = None,
) -> Hypotheses:
    """Searches the summaries of a batch of documents.

    Under `jit` decoder, options and rescore are static: `jax.jit(search,
    static_argnums=(0, 3, 4))`.

    Args:
        decoder: the model.
        params: its parameters.
        memory: leaves `[B, ...]`.
        options: what is searched for.
        rescore: `(params, memory, tokens [B, K, T], t [], log_probs [B, K, R]) ->
            scores [B, K, R]`, the scores to use for the log-probabilities of the word
            after the first t of `tokens`, such as a sum of weighted features (ABS+).

    Returns:
        All K hypotheses.

    Raises:
        ValueError: naming the argument.
    """
    step = check_calls(decoder, params, memory, options, options.beam_size)
    batch, num_places = step.weights.shape[::2]
    shape = (batch, options.beam_size)
    num_steps = options.max_length
    dtype = accumulator(step.log_probs.dtype)
    is_first = jnp.broadcast_to(jnp.arange(options.beam_size) == 0, shape)
    number = jnp.broadcast_to(jnp.arange(options.beam_size, dtype=jnp.int32), shape)
    beam = _Beam(
        t=jnp.int32(0),
        state=start_all(decoder.start(params, memory), options.beam_size),
        y_tm1=jnp.full(shape, BOS, jnp.int32),
        tokens=jnp.full((*shape, num_steps), PAD, jnp.int32),
        lengths=jnp.zeros(shape, jnp.int32),
        sums=jnp.where(is_first, 0, -jnp.inf).astype(dtype),
        is_open=is_first,
        is_complete=jnp.zeros(shape, bool),
        parents=jnp.tile(number, (num_steps + 1, 1, 1)),
        weights=jnp.zeros((num_steps + 1, *shape, num_places), step.weights.dtype),
    )

    def advance(beam):
        step = decoder.step(params, memory, beam.state, beam.y_tm1)
        scores = step.log_probs.astype(dtype)
        if rescore is not None:
            scores = rescore(params, memory, beam.tokens, beam.t, scores)  # (1)
        # A NaN is the largest here, whatever its sign, and is told by that at the end.
        scores = jnp.where(jnp.isnan(scores), jnp.inf, scores)
        scores = constrain(options, beam.tokens, beam.t, scores)  # (1)
        return _choose(options, beam, scores, step.weights, step.state)

    beam = jax.lax.while_loop(lambda beam: jnp.any(beam.is_open), advance, beam)
    num_terms = beam.lengths + beam.is_complete.astype(jnp.int32)
    scores = beam.sums / _norms(options, dtype)[num_terms]  # (4)
    return Hypotheses(
        tokens=beam.tokens,
        lengths=beam.lengths,
        scores=jnp.where(scores == jnp.inf, jnp.nan, scores),
        is_complete=beam.is_complete,
        weights=_trace(beam),
    )


def best(hypotheses: Hypotheses) -> Hypotheses:
    """Returns the first hypothesis of each document, its fields `[B, ...]`.

    Args:
        hypotheses: the K of each document, fields `[B, K, ...]`.
    """
    return jax.tree.map(lambda leaf: leaf[:, 0], hypotheses)


def _choose(
    options: Options, beam: _Beam, scores: Array, weights: Array, state: State
) -> _Beam:
    """Chooses the next hypotheses, eqs. (2) to (5)."""
    batch, size, num_words = scores.shape
    dtype, t = scores.dtype, beam.t
    # Of one hypothesis no more than its K best words can be among the K best of all.
    size_of_each = min(size, num_words)
    gained, words = largest(scores, size_of_each)
    is_stuck = beam.is_open & ~jnp.any(gained > -jnp.inf, axis=-1)
    is_there = beam.is_open[..., None] & (gained > -jnp.inf)
    sums = jnp.where(is_there, beam.sums[..., None] + gained, -jnp.inf)  # (2)
    norms = _norms(options, dtype)
    ranks = sums / norms[t + 1]  # (3)
    own = jnp.where(
        beam.is_complete, beam.sums / norms[beam.lengths + 1], jnp.finfo(dtype).min
    )  # (4)
    is_going_on = (beam.sums == -jnp.inf) | (beam.is_open & ~is_stuck)
    own = jnp.where(is_going_on, -jnp.inf, own)

    def joined(of_words, of_own):
        of_own = jnp.broadcast_to(of_own[..., None], (batch, size, 1))
        return jnp.concatenate([of_words, of_own], axis=-1).reshape(batch, -1)

    ranks, chosen = largest(joined(ranks, own), size)  # (5)
    parents = chosen // (size_of_each + 1)
    words = _at(joined(words, jnp.int32(PAD)), chosen)
    is_there = ranks > -jnp.inf
    is_word = is_there & (words != PAD) & (words != EOS)
    is_here = (
        jnp.arange(options.max_length, dtype=jnp.int32)[None, None] == t
    ) & is_word[..., None]
    tokens = jnp.where(is_there[..., None], _at(beam.tokens, parents), PAD)
    lengths = _at(beam.lengths, parents) + is_word.astype(jnp.int32)
    return _Beam(
        t=t + 1,
        state=jax.tree.map(lambda leaf: _at(leaf, parents), state),
        y_tm1=words,
        tokens=jnp.where(is_here, words[..., None], tokens),
        lengths=jnp.where(is_there, lengths, 0),
        sums=jnp.where(is_there, _at(joined(sums, beam.sums), chosen), -jnp.inf),
        is_open=is_word,
        is_complete=is_there & ((words == EOS) | _at(beam.is_complete, parents)),
        parents=jax.lax.dynamic_update_index_in_dim(beam.parents, parents, t, 0),
        weights=jax.lax.dynamic_update_index_in_dim(beam.weights, weights, t, 0),
    )


def _trace(beam: _Beam) -> Array:
    """Gathers attention along the back-pointers, eq. (6): `[B, K, T, M]`."""

    def back(j_t, step):
        parents, weights = step
        j_tm1 = _at(parents, j_t)  # (6)
        return j_tm1, _at(weights, j_tm1)

    last = jnp.broadcast_to(jnp.arange(beam.parents.shape[2]), beam.parents.shape[1:])
    steps = (beam.parents, beam.weights)
    _, weights = jax.lax.scan(back, last.astype(jnp.int32), steps, reverse=True)
    weights = jnp.moveaxis(weights[:-1], 0, 2)  # without the step of EOS alone
    is_word = (
        jnp.arange(weights.shape[2], dtype=jnp.int32)[None, None]
        < beam.lengths[..., None]
    )
    return jnp.where(is_word[..., None], weights, 0)


def _at(leaf: Array, places: Array) -> Array:
    """Takes entries of axis 1, `[B, N, ...]` by `[B, K]` to `[B, K, ...]`."""
    return jax.vmap(lambda row, place: row[place])(leaf, places)


def _norms(options: Options, dtype: np.dtype) -> Array:
    """Returns n^α for n = 0 … T + 1; 1 for none, whose sum is 0."""
    lengths = np.maximum(np.arange(options.max_length + 2), 1)
    return jnp.asarray(lengths**options.length_norm, dtype)
