"""What ABS knows of a document: three encoders, and none.

With x_1 … x_M the words of a document, x̃_j = s F_{x_j} and y_c the last C words of the
summary, an encoder gives a vector enc(x, y_c), and where it looked, weights p:

    bag of words   p_j = 1 / M                                                     (1)
                   enc = Σ_j p_j x̃_j                                               (2)

    convolution    x̄⁰_j = x̃_j
                   x̄ˡ_j = f(Kˡ [x̄ˡ⁻¹_{j-Q} … x̄ˡ⁻¹_{j+Q}] + bˡ)    l = 1 … L       (3)
                   after the first layer x̄¹_j = max(x̄¹_{2j-1}, x̄¹_{2j})           (4)
                   enc = max_j x̄ᴸ_j; it has no p and does not see y_c              (5)

    attention      ỹ'_c = s [G_{y_{i-C+1}} … G_{y_i}]                              (6)
                   p_j ∝ exp(x̃_j · (P ỹ'_c + b) / √D)                              (7)
                   x̄_j = Σ_{q=j-Q}^{j+Q} x̃_q / Q                                   (8)
                   enc = Σ_j p_j x̄_j                                               (9)

f is max(0, ·), but for the last layer, which has none. The scores (7) compare words as
they are, the values (8) are of their neighbourhoods: the decoder reads what stands
around the word that it looks at. Beyond the ends of a document a window sees zeros, and
padding is never a maximum. A document without a word has enc = 0 and p = 0. P is on the
side of the summary, that has fewer words.

(3), (7) and (9) have their deltas by hand: `jaxseq.readout` and `jaxseq.attention`.

Sizes: V words, D the embedding and enc, C words of context, M places.

Reference: Rush, Chopra, Weston, A neural attention model for abstractive sentence
summarization, EMNLP 2015, section 3.2.

Departures: the biases of (3) and (7), as the authors' program NAMAS has them; it also
learns scale and bias of (8), and adds a layer after (2), (5) and (9), which we leave
out. In the paper enc is as wide as the hidden layer; here, as there, it has a width of
its own. (3) to (5) are the program's: the paper has tanh, after every layer, and (4)
between all of them. Each K starts as a tenth of a draw and the identity at its middle,
so that enc tells from the start which words are there, as RAS's A_c does. Perplexity of
the held-out Debian pairs after 2 epochs: 57.2, without the identity 69.6, as the paper
has it 93.5: the greatest tanh of some is the one that learns least. NAMAS has no
padding: its batches are of documents of one length. The factor s is ours, see
`jaxseq.summarize.abs_tables`, and so is 1 / √D in (7): entries of x̃ and of the query
are of the size of 1, and without it the softmax is all but one-hot at first: the
largest of 28 p is .64 on the mean, with it .10. Perplexity of the held-out Debian pairs
after 6 epochs: 34.4 with it, 49.6 without.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq import attention, readout
from jaxseq.attention import dot
from jaxseq.attention.attend import Attended, attend
from jaxseq.checks import check_count
from jaxseq.masks import zero_unless
from jaxseq.summarize.abs_tables import capped, draw, lookup
from jaxseq.types import Array, DTypeLike, Key, Tree


class Encoder(NamedTuple):
    """An encoder. Hashable, so that `jit` can take it as static.

    Attributes:
        name: for messages and reports.
        size: entries of enc.
        init: `(key, num_ids, num_context, dtype) -> params`; the key is consumed.
        read: `(params, ids, mask) -> memory`, `[M, B]` int32 below V and `[M, B]` bool
            to leaves `[B, ...]`.
        attend: `(params, memory, contexts) -> Attended`, `[..., B, C]` int32 y_c to enc
            `[..., B, size]` and p `[..., B, M]`, zeros where there is none.
        renormalize: `(params) -> params`, the rows of the tables by `capped`.
    """

    name: str
    size: int
    init: Callable[[Key, int, int, DTypeLike], Tree]
    read: Callable[[Tree, Array, Array], Tree]
    attend: Callable[[Tree, Tree, Array], Attended]
    renormalize: Callable[[Tree], Tree]


class Fixed(NamedTuple):
    """What an encoder that does not see the summary knows of documents.

    Attributes:
        encoded: `[B, D]` enc.
        weights: `[B, M]` p.
    """

    encoded: Array
    weights: Array


class Convolution(NamedTuple):
    """The weights of eqs. (3) to (5).

    Attributes:
        table: `[V, D]` F.
        layers: K `[D, (2Q + 1) D]` and b `[D]`, L of them.
    """

    table: Array
    layers: tuple[readout.Params, ...]


class Attention(NamedTuple):
    """The weights of eqs. (6) to (9).

    Attributes:
        table: `[V, D]` F.
        context: `[V, D]` G.
        projection: P `[D, C D]` and b `[D]`.
    """

    table: Array
    context: Array
    projection: readout.Params


@functools.cache
def none() -> Encoder:
    """Returns the encoder that reads nothing: a feed-forward language model is left.

    Its parameters are a table of no columns.
    """

    def init(key, num_ids, num_context, dtype):
        del key, num_context
        return jnp.zeros((num_ids, 0), dtype)

    def read(table, ids, mask):
        del ids
        encoded = jnp.zeros((mask.shape[1], 0), table.dtype)
        return Fixed(encoded, jnp.zeros(mask.T.shape, table.dtype))

    return Encoder("none", 0, init, read, _same_for_all, lambda table: table)


@functools.cache
def bag_of_words(size: int) -> Encoder:
    """Returns the mean of the words, eqs. (1) and (2); its parameters are F.

    Args:
        size: D.

    Raises:
        ValueError: naming the argument.
    """
    check_count("size", size)

    def init(key, num_ids, num_context, dtype):
        del num_context
        return draw(key, num_ids, size, dtype)

    def read(table, ids, mask):
        xs = zero_unless(mask, lookup(table, ids))
        counts = jnp.sum(mask, axis=0).astype(xs.dtype)
        shares = 1 / jnp.maximum(counts, jnp.ones_like(counts))
        weights = zero_unless(mask.T, jnp.tile(shares[:, None], len(mask)))  # (1)
        return Fixed(jnp.einsum("bm,mbd->bd", weights, xs), weights)  # (2)

    return Encoder("bag_of_words", size, init, read, _same_for_all, capped)


@functools.cache
def convolution(size: int, num_layers: int = 3, radius: int = 2) -> Encoder:
    """Returns the convolutional encoder, eqs. (3) to (5).

    Args:
        size: D.
        num_layers: L.
        radius: Q.

    Raises:
        ValueError: naming the argument.
    """
    check_count("size", size)
    check_count("num_layers", num_layers)
    check_count("radius", radius, least=0)

    def init(key, num_ids, num_context, dtype):
        del num_context
        keys = jax.random.split(key, num_layers + 1)
        width = (2 * radius + 1) * size
        middle = jnp.eye(size, width, radius * size, dtype)
        drawn = (readout.init(k, width, size, dtype) for k in keys[1:])
        layers = tuple(each._replace(V=middle + each.V / 10) for each in drawn)
        return Convolution(draw(keys[0], num_ids, size, dtype), layers)

    def read(params, ids, mask):
        num_places = len(mask)
        xs = lookup(params.table, ids)
        for number, layer in enumerate(params.layers):
            if number == 1:
                xs, mask = _halved(xs, mask)  # (4)
            if number > 0:
                xs = jax.nn.relu(xs)  # f of (3); it and the maximum of (4) commute
            near = jnp.concatenate(_shifted(zero_unless(mask, xs), radius), axis=-1)
            xs = readout.readout(layer, near)  # (3)
        encoded = jnp.max(_lowest_unless(mask, xs), axis=0)  # (5)
        encoded = zero_unless(jnp.any(mask, axis=0), encoded)
        return Fixed(encoded, jnp.zeros((mask.shape[1], num_places), xs.dtype))

    def renormalize(params):
        return params._replace(table=capped(params.table))

    return Encoder("convolution", size, init, read, _same_for_all, renormalize)


@functools.cache
def attentive(size: int, radius: int = 2) -> Encoder:
    """Returns the encoder with attention, eqs. (6) to (9).

    Args:
        size: D.
        radius: Q; with 0 nothing is smoothed, and (8) has no division.

    Raises:
        ValueError: naming the argument.
    """
    check_count("size", size)
    check_count("radius", radius, least=0)
    score = dot.score(size**-0.5)

    def init(key, num_ids, num_context, dtype):
        keys = jax.random.split(key, 3)
        return Attention(
            table=draw(keys[0], num_ids, size, dtype),
            context=draw(keys[1], num_ids, size, dtype),
            projection=readout.init(keys[2], num_context * size, size, dtype),
        )

    def read(params, ids, mask):
        xs = zero_unless(mask, lookup(params.table, ids))
        near = jnp.stack(_shifted(xs, radius))
        smoothed = jnp.sum(near, axis=0) / max(radius, 1)  # (8)
        return attention.memory.remember(score, (), xs, smoothed, mask)

    def look(params, memory, contexts):
        ys = lookup(params.context, contexts)
        ys = ys.reshape(*contexts.shape[:-1], -1)  # (6)
        queries = readout.readout(params.projection, ys)
        return attend(score, (), queries, memory)  # (7), (9)

    def renormalize(params):
        table, context = capped(params.table), capped(params.context)
        return params._replace(table=table, context=context)

    return Encoder("attention", size, init, read, look, renormalize)


def _same_for_all(params: Tree, memory: Fixed, contexts: Array) -> Attended:
    """Returns what does not depend on the summary."""
    del params
    before = contexts.shape[:-2]
    return Attended(*(jnp.broadcast_to(a, (*before, *a.shape)) for a in memory))


def _shifted(xs: Array, radius: int) -> list[Array]:
    """Returns x_{j-Q} … x_{j+Q} for every place, zeros beyond the ends."""
    num_places = len(xs)
    padded = jnp.pad(xs, [(radius, radius), *[(0, 0)] * (xs.ndim - 1)])
    return [padded[first : first + num_places] for first in range(2 * radius + 1)]


def _halved(xs: Array, mask: Array) -> tuple[Array, Array]:
    """Returns the maxima of places two by two, eq. (4), and which count."""
    if len(xs) % 2:
        xs = jnp.pad(xs, [(0, 1), (0, 0), (0, 0)])
        mask = jnp.pad(mask, [(0, 1), (0, 0)])
    pairs = _lowest_unless(mask, xs).reshape(-1, 2, *xs.shape[1:])
    return jnp.max(pairs, axis=1), jnp.any(mask.reshape(-1, 2, mask.shape[1]), axis=1)


def _lowest_unless(mask: Array, xs: Array) -> Array:
    """Puts the least number where the mask is false."""
    mask = jnp.broadcast_to(mask[..., None], xs.shape)
    return jnp.where(mask, xs, jnp.full_like(xs, jnp.finfo(xs.dtype).min))
