"""Which words a summary may go on with: lengths, forbidden words, repeated n-grams.

After the words y_1 … y_t the score of a next word w is -∞, so that it is never chosen,

    if w is PAD or among the forbidden ids                                         (1)
    if w = EOS and t < min_length                                                  (2)
    if w ≠ EOS and t = max_length                                                  (3)
    if (y_{t-n+2}, …, y_t, w) stands in y_1 … y_t already, n = no_repeat_ngram_size (4)

With min_length = max_length the length is exact: the end is forbidden before it and
forced at it. With n = 1, (4) forbids any word twice; it holds for UNK too, where that
is allowed. EOS is part of no n-gram.

Sizes: as in `jaxseq.summarize.decoder`; T = max_length.

References: Rush, Chopra, Weston 2015, whose program NAMAS has (4) with n = 1,
`-blockRepeatWords`. Paulus, Xiong, Socher, A deep reinforced model for abstractive
summarization, ICLR 2018: with n = 3.
"""

import math
import numbers
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count, expect
from jaxseq.text.vocab import BOS, EOS, PAD, UNK
from jaxseq.types import Array


class Options(NamedTuple):
    """How a summary is searched for. Hashable, so that `jit` can take it as static.

    Attributes:
        beam_size: K, how many hypotheses of a document are kept; `greedy` has one.
        min_length: the least number of words, EOS not counted.
        max_length: T, the largest.
        length_norm: α ≥ 0. Hypotheses are ranked by s / n^α, s the sum of the n
            scores of their words and of EOS: 0 ranks by the sum, 1 by the mean. As
            log p < 0, a larger α favours longer summaries.
        no_repeat_ngram_size: n, no n-gram occurs twice; 0 allows all.
        forbidden: ids that are never written, besides PAD.
    """

    beam_size: int = 5
    min_length: int = 1
    max_length: int = 14
    length_norm: float = 0.0
    no_repeat_ngram_size: int = 0
    forbidden: tuple[int, ...] = (UNK, BOS)


def check_options(options: Options) -> None:
    """Checks the options.

    Args:
        options: the options.

    Raises:
        ValueError: naming the option.
    """
    expect(
        isinstance(options, Options),
        "options",
        "jaxseq.summarize.constraints.Options",
        type(options).__name__,
    )
    check_count("options.beam_size", options.beam_size)
    check_count("options.max_length", options.max_length)
    check_count("options.min_length", options.min_length, least=0)
    expect(
        options.min_length <= options.max_length,
        "options.min_length",
        f"max_length = {options.max_length} or less",
        options.min_length,
    )
    alpha = options.length_norm
    is_number = isinstance(alpha, numbers.Real) and not isinstance(alpha, bool)
    is_number = is_number and math.isfinite(alpha) and alpha >= 0
    expect(is_number, "options.length_norm", "a number of 0 or more", repr(alpha))
    size = options.no_repeat_ngram_size
    check_count("options.no_repeat_ngram_size", size, least=0)
    ids = options.forbidden
    is_tuple = isinstance(ids, tuple) and all(
        isinstance(i, int | np.integer) and i >= 0 for i in ids
    )
    expect(is_tuple, "options.forbidden", "a tuple of ids", repr(ids))
    expect(EOS not in ids, "options.forbidden", f"no EOS, id {EOS}", repr(ids))


def constrain(options: Options, tokens: Array, t: Array, scores: Array) -> Array:
    """Returns the scores of the next words with -∞ by eqs. (1) to (4).

    Args:
        options: the rules, checked.
        tokens: `[B, K, T]` int32, the words so far.
        t: `[]` int32, how many they are.
        scores: `[B, K, R]`.

    Returns:
        `[B, K, R]`.

    Raises:
        ValueError: if an id that is forbidden is no place of the scores.
    """
    num_places = scores.shape[-1]
    largest = max((EOS, *options.forbidden))
    expected = f"EOS and all forbidden ids below R = {num_places}"
    expect(largest < num_places, "options.forbidden", expected, largest)
    is_word = np.ones(num_places, bool)
    is_word[[PAD, EOS, *options.forbidden]] = False  # (1)
    is_end = np.arange(num_places) == EOS
    may_end = t >= options.min_length  # (2)
    may_go_on = t < options.max_length  # (3)
    is_allowed = (is_end & may_end) | (is_word & may_go_on)
    scores = jnp.where(is_allowed[None, None], scores, -jnp.inf)
    if options.no_repeat_ngram_size == 0:
        return scores
    again = repeating(options.no_repeat_ngram_size, tokens, t)  # (4)
    again = jnp.where(again == PAD, num_places, again)
    documents, hypotheses = jnp.indices(again.shape[:2], jnp.int32, sparse=True)
    places = (documents[..., None], hypotheses[..., None], again)
    return scores.at[places].set(-jnp.inf, mode="drop")


def repeating(size: int, tokens: Array, t: Array) -> Array:
    """Returns the words that would repeat an n-gram, of eq. (4).

    Args:
        size: n.
        tokens: `[B, K, T]` int32, the words so far.
        t: `[]` int32, how many they are.

    Returns:
        `[B, K, T]` int32: the word that ended an n-gram at its place, if its other
        words are the last n - 1 ones, else PAD.
    """
    num_steps = tokens.shape[-1]
    places = jnp.arange(num_steps, dtype=jnp.int32)
    is_again = (places >= size - 1) & (places < t)
    is_again = jnp.broadcast_to(is_again, tokens.shape)
    for back in range(1, min(size, num_steps)):
        # The word `back` places before the next one, and before each place.
        last = jax.lax.dynamic_index_in_dim(tokens, t - back, axis=-1)
        is_again &= jnp.roll(tokens, back, axis=-1) == last
    return jnp.where(is_again, tokens, PAD)
