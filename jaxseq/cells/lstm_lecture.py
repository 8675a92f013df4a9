"""The LSTM's weights as the lecture writes them, one matrix a gate.

    f_t = σ(W_f [h_{t-1}, x_t] + b_f), and so with i, o and c̃

where `jaxseq.cells.lstm` has U_f x_t + W_f h_{t-1} + b_f, the gates stacked: the
lecture's W_f is [W_f, U_f] of there.

Sizes: I inputs, H cells.

Reference: Greff et al., as `jaxseq.cells.lstm`, have U and W apart.
"""

from typing import NamedTuple

import jax.numpy as jnp

from jaxseq.cells import lstm
from jaxseq.checks import check_floats, describe, expect
from jaxseq.types import Array


class LectureParams(NamedTuple):
    """The lecture's weights, on the concatenation [h_{t-1}, x_t].

    Attributes:
        W_f: `[H, H + I]` of the forget gate.
        W_i: `[H, H + I]` of the input gate.
        W_o: `[H, H + I]` of the output gate.
        W_c: `[H, H + I]` of the candidate.
        b_f, b_i, b_o, b_c: `[H]` their biases.
    """

    W_f: Array
    W_i: Array
    W_o: Array
    W_c: Array
    b_f: Array
    b_i: Array
    b_o: Array
    b_c: Array


def from_lecture(weights: LectureParams) -> lstm.Params:
    """Converts the lecture's weights on [h_{t-1}, x_t].

    Args:
        weights: the lecture's.

    Raises:
        ValueError: naming the weights whose shape or dtype does not fit the others'.
    """
    is_lecture = isinstance(weights, LectureParams)
    expect(is_lecture, "weights", "LectureParams", type(weights).__name__)
    for name, array in zip(weights._fields, weights, strict=True):
        check_floats(name, array)
        dtype = weights.W_f.dtype
        expect(array.dtype == dtype, name, f"{dtype}, as W_f", describe(array))
    expect(weights.b_f.ndim == 1, "b_f", "shape [H]", describe(weights.b_f))
    num_hidden = weights.b_f.shape[0]
    for name, matrix in zip(weights._fields[:4], weights[:4], strict=True):
        fits = matrix.ndim == 2 and matrix.shape[0] == num_hidden < matrix.shape[1]
        fits = fits and matrix.shape == weights.W_f.shape
        expected = f"shape [H, H + I] with H = {num_hidden}, as W_f"
        expect(fits, name, expected, describe(matrix))
    for name, bias in zip(weights._fields[4:], weights[4:], strict=True):
        fits = bias.shape == weights.b_f.shape
        expect(fits, name, f"shape [{num_hidden}], as b_f", describe(bias))
    stacked = jnp.concatenate(weights[:4])
    return lstm.Params(
        U=stacked[:, num_hidden:],
        W=stacked[:, :num_hidden],
        b=jnp.concatenate(weights[4:]),
    )


def to_lecture(params: lstm.Params) -> LectureParams:
    """Converts to the lecture's weights on [h_{t-1}, x_t]; inverts `from_lecture`.

    Args:
        params: the weights.

    Raises:
        ValueError: if the parameters are not those of an LSTM with four gates.
    """
    is_lstm = isinstance(params, lstm.Params)
    expect(is_lstm, "params", "lstm.Params", type(params).__name__)
    num_hidden = params.W.shape[-1]
    for name, array in zip(params._fields, params, strict=True):
        expected = f"4H = {4 * num_hidden} rows, a gate H"
        expect(array.shape[0] == 4 * num_hidden, name, expected, describe(array))
    stacked = jnp.concatenate([params.W, params.U], axis=1)
    return LectureParams(*jnp.split(stacked, 4), *jnp.split(params.b, 4))
