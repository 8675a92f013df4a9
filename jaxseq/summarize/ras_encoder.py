"""What a recurrent decoder attends by: a convolution that knows positions, or nothing.

With x_1 … x_M the embeddings of a document's words, l_i those of the positions, and q
words to a window, q odd, Q = (q - 1) / 2:

    a_i = x_i + l_i, and 0 for the dummy words before the first and after the last (1)
    w_i = [a_{i-Q} … a_{i+Q}]                                                      (2)
    z_i = B w_i                                                                    (3)

The windows lie side by side, so that (3) is one product for all. With δ_i = ∂L/∂z_i:

    ∇B = Σ_i δ_i w_iᵀ                                         one product          (4)
    d_a_i = Σ_h B_hᵀ δ_{i-h} = B' [δ_{i-Q} … δ_{i+Q}]         one product          (5)

where B_h is the part of B that a_{i+h} meets: (5) is a convolution of the errors with
the filters turned around, B'.

The z_i are the keys; what is summed by the attention are the x_i themselves.

Sizes: I the embedding, H filters, as many as the decoder has hidden units, so that a
key's product with its output is a score.

Reference: Chopra, Auli, Rush, NAACL 2016, section 3.2. Its dummy words' embedding is
not said; it has as many filters as the embedding has entries.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxseq.axes import alike
from jaxseq.cells.cell import sum_outer
from jaxseq.cells.draws import uniform
from jaxseq.checks import check_count, check_draw, describe, expect
from jaxseq.masks import zero_unless
from jaxseq.precision import product
from jaxseq.reverse_only import reverse_only
from jaxseq.types import Array, DTypeLike, Key, Tree


class Keys(NamedTuple):
    """What words are attended to by.

    Attributes:
        keys: `[M, B, H]` z.
        mask: `[M, B]` bool, which of them can be attended to.
    """

    keys: Array
    mask: Array


class Encoder(NamedTuple):
    """A reader of documents. Hashable.

    Attributes:
        name: for messages.
        init: `(key, num_inputs, num_hidden, dtype) -> params`; the key is consumed.
        encode: `(params, xs [M, B, I], mask [M, B], num_hidden) -> Keys`, where the
            mask says which words there are.
    """

    name: str
    init: Callable[[Key, int, int, DTypeLike], Tree]
    encode: Callable[[Tree, Array, Array, int], Keys]


class Params(NamedTuple):
    """The weights of eqs. (1) and (3).

    Attributes:
        positions: `[P, I]` l, of the first P positions.
        B: `[H, q I]` the filters.
    """

    positions: Array
    B: Array


def convolution(max_words: int, width: int = 5) -> Encoder:
    """Returns the position-aware convolution.

    Args:
        max_words: P, words of the longest document.
        width: q.

    Raises:
        ValueError: naming the argument.
    """
    check_count("max_words", max_words)
    check_count("width", width)
    expect(width % 2 == 1, "width", "an odd number", width)
    return _convolution(max_words, width)


@functools.cache
def _convolution(max_words: int, width: int) -> Encoder:
    return Encoder(
        name=f"convolution({max_words}, {width})",
        init=functools.partial(init, max_words, width),
        encode=encode,
    )


@functools.cache
def nothing() -> Encoder:
    """Returns the encoder by which nothing is attended to: all contexts are 0."""
    return Encoder("nothing", _init_nothing, _encode_nothing)


def init(
    max_words: int,
    width: int,
    key: Key,
    num_inputs: int,
    num_hidden: int,
    dtype: DTypeLike = "float32",
) -> Params:
    """Draws l normal with deviation 0.1, B uniform ±1/√(q I); consumes the key.

    Args:
        max_words: P.
        width: q.
        key: random key.
        num_inputs: I.
        num_hidden: H.
        dtype: of the weights.

    Raises:
        ValueError: naming the argument.
    """
    check_draw(key, num_inputs, num_hidden, dtype)
    key_l, key_b = jax.random.split(key)
    size = width * num_inputs
    return Params(
        positions=0.1 * jax.random.normal(key_l, (max_words, num_inputs), dtype),
        B=uniform(key_b, (num_hidden, size), size, dtype),
    )


def encode(params: Params, xs: Array, mask: Array, num_hidden: int) -> Keys:
    """Returns the keys z_i, eqs. (1) to (3); gradients of (3) by (4) and (5).

    Args:
        params: the weights.
        xs: `[M, B, I]` embeddings.
        mask: `[M, B]` bool, which words there are: the first ones of each document.
        num_hidden: H.

    Raises:
        ValueError: naming the argument.
    """
    most, num_words = len(params.positions), len(xs)
    expect(num_words <= most, "xs", f"at most {most} positions", num_words)
    fits = params.B.shape[0] == num_hidden
    expect(fits, "params.B", f"shape [{num_hidden}, q I]", describe(params.B))
    positions = params.positions[:num_words, None]
    summed = xs + jnp.broadcast_to(positions, xs.shape)
    return Keys(convolve(params.B, zero_unless(mask, summed)), mask)  # (1)


def convolve(filters: Array, inputs: Array) -> Array:
    """Returns z_i, eqs. (2) and (3); gradients by (4) and (5).

    Args:
        filters: `[H, q I]` B.
        inputs: `[M, ..., I]` a_i.

    Returns:
        `[M, ..., H]`.
    """
    marked = reverse_only(
        "jaxseq.summarize.ras_encoder.convolve",
        "jaxseq.summarize.ras_encoder.convolve_plain, with the same arguments",
        alike(filters, inputs),
    )
    return _convolve(*marked)


def convolve_plain(filters: Array, inputs: Array) -> Array:
    """Returns z_i as `convolve` does; gradients by JAX, forward mode too."""
    width = filters.shape[1] // inputs.shape[-1]
    return product(_windows(width, inputs), filters.T)  # (3)


def _windows(width: int, inputs: Array) -> Array:
    """Returns w_i, eq. (2): `[M, ..., I]` to `[M, ..., q I]`."""
    reach, num_words = width // 2, len(inputs)
    outside = [(reach, reach), *[(0, 0)] * (inputs.ndim - 1)]
    padded = jnp.pad(inputs, outside)
    shifted = [padded[first : first + num_words] for first in range(width)]
    return jnp.concatenate(shifted, axis=-1)  # (2)


_convolve = jax.custom_vjp(convolve_plain)


def _forward(filters, inputs):
    return convolve_plain(filters, inputs), (filters, inputs)


def _backward(residuals, deltas):
    filters, inputs = residuals
    num_inputs, num_filters = inputs.shape[-1], len(filters)
    width = filters.shape[1] // num_inputs
    d_filters = sum_outer(deltas, _windows(width, inputs))  # (4)
    turned = filters.reshape(num_filters, width, num_inputs)[:, ::-1]
    turned = turned.swapaxes(0, 1).reshape(width * num_filters, num_inputs)
    return d_filters, product(_windows(width, deltas), turned)  # (5)


_convolve.defvjp(_forward, _backward)


def _init_nothing(
    key: Key, num_inputs: int, num_hidden: int, dtype: DTypeLike
) -> tuple[()]:
    del key, num_inputs, num_hidden, dtype
    return ()


def _encode_nothing(params: tuple[()], xs: Array, mask: Array, num_hidden: int) -> Keys:
    del params
    return Keys(jnp.zeros((*mask.shape, num_hidden), xs.dtype), jnp.zeros_like(mask))
