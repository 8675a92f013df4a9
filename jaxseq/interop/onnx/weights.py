"""The weights of a recurrent node, W, R, B and P, from and to parameters of a cell.

Of D directions, each stacked by gates in ONNX's order, i o f c of an LSTM and z r h of
a GRU:

    W [D, G, I] U    R [D, G, H] W    B [D, 2G] b_x, b_h    P [D, 3H] p_i p_o p_f  (1)

B and P may be absent: zeros. What becomes of two biases, and of `like`, is said in
`jaxseq.interop.gates`. Under `input_forget` an LSTM's forget gate has weights that
nothing reads: jaxseq drops them, and writes zeros, or those of `like`.

Reference: as `jaxseq.interop.onnx`.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxseq.cells import elman, gru, lstm, lstm_peephole
from jaxseq.checks import describe, expect
from jaxseq.interop.gates import (
    Orders,
    Stacks,
    as_like,
    on_device,
    on_host,
    params_of,
    stacks_of,
)
from jaxseq.interop.onnx.cells import Form
from jaxseq.interop.onnx.form import COUPLED, Recurrent, num_gates
from jaxseq.types import Tree


class Weights(NamedTuple):
    """A node's inputs that are weights.

    Attributes:
        W: `[D, G, I]` from the inputs.
        R: `[D, G, H]` from the last output.
        B: `[D, 2G]` biases, or None.
        P: `[D, 3H]` peepholes, or None.
    """

    W: Any
    R: Any
    B: Any = None
    P: Any = None


_ORDERS = Orders(lstm="iofg", gru="zrn")


def read(forms: tuple[Form, ...], weights: Weights) -> tuple[Tree, ...]:
    """Converts weights of a node to the parameters of each direction's cell.

    Args:
        forms: one a direction.
        weights: arrays of NumPy or JAX.

    Returns:
        A direction's parameters each, of JAX's arrays, copied, to the bit.

    Raises:
        ValueError: naming the array whose shape or dtype does not fit.
    """
    arrays = _checked(forms, weights)
    params = [_params(form, _of(arrays, d)) for d, form in enumerate(forms)]
    return tuple(on_device("W, R, B, P", params))


def write(recurrent: Recurrent, like: Weights | None = None) -> Weights:
    """Converts parameters to the weights of a node; inverts `read`, to the bit.

    Args:
        recurrent: the node.
        like: weights that were read: biases that have not changed since are written as
            the two that they were. None for b and 0.
    """
    old = None if like is None else _checked(recurrent.forms, like)
    pairs = zip(recurrent.forms, recurrent.params, strict=True)
    each = [
        _weights(form, params, None if old is None else _of(old, d))
        for d, (form, params) in enumerate(pairs)
    ]
    columns = zip(*each, strict=True)
    stacked = Weights(*(None if c[0] is None else np.stack(c) for c in columns))
    had_none = not any(form.has_peepholes for form in recurrent.forms)
    # Training may have moved what the node did not have.
    is_zero = stacked.P is None or not stacked.P.any()
    return stacked._replace(P=None) if had_none and is_zero else stacked


def _params(form: Form, one: Weights) -> Tree:
    b_x, b_h = (None, None) if one.B is None else np.split(one.B, 2)
    stacks = Stacks(one.W, one.R, b_x, b_h)  # (1)
    plain = params_of(_plain_cell(form), stacks, _ORDERS)
    if form == COUPLED:
        keep = plain.W.shape[1]  # all but the first gate, f
        return lstm.Params(*(leaf[keep:] for leaf in plain))
    if _has_peepholes(form):
        num_hidden = plain.W.shape[1]
        P = np.zeros(3 * num_hidden, plain.W.dtype) if one.P is None else one.P
        peepholes: Any = np.split(P, 3)
        p_i, p_o, p_f = peepholes  # (1)
        return lstm_peephole.Params(*plain, p_f=p_f, p_i=p_i, p_o=p_o)
    return plain


def _weights(form: Form, params: Tree, old: Weights | None) -> Weights:
    P = None
    plain = params
    if form == COUPLED:
        before = (
            None if old is None else _params(form._replace(input_forget=False), old)
        )
        num_hidden = params.W.shape[1]
        rows = [
            np.zeros((num_hidden, *leaf.shape[1:]), leaf.dtype)
            if before is None
            else np.asarray(before[k])[:num_hidden]
            for k, leaf in enumerate(params)
        ]
        plain = lstm.Params(
            *(jnp.concatenate(pair) for pair in zip(rows, params, strict=True))
        )
    elif _has_peepholes(form):
        plain = lstm.Params(*params[:3])
        P = np.concatenate([params.p_i, params.p_o, params.p_f])  # (1)
    cell = _plain_cell(form)
    stacks = stacks_of(cell, plain, _ORDERS)
    if old is not None:
        b_x, b_h = (None, None) if old.B is None else np.split(old.B, 2)
        stacks = as_like("like", cell, stacks, Stacks(old.W, old.R, b_x, b_h), _ORDERS)
    B = None if stacks.b_x is None else np.concatenate([stacks.b_x, stacks.b_h])  # (1)
    return Weights(np.asarray(stacks.U), np.asarray(stacks.W), B, P)


def _plain_cell(form: Form) -> Any:
    """Returns the cell whose U, W and biases a form has."""
    resets = gru.reset_after() if form.linear_before_reset else gru.reset_before()
    return {"RNN": elman.cell(), "LSTM": lstm.cell(), "GRU": resets}[form.kind]


def _has_peepholes(form: Form) -> bool:
    """Says whether the parameters have: all of `cells.lstm_whole` do."""
    plain = form.clip is None and form.activations == COUPLED.activations
    is_lstm = plain and not form.has_peepholes  # of lstm, or lstm_coupled
    return form.kind == "LSTM" and not is_lstm


def _of(arrays: Weights, direction: int) -> Weights:
    return Weights(*(None if a is None else a[direction] for a in arrays))


def _checked(forms: tuple[Form, ...], weights: Weights) -> Weights:
    """Copies weights to NumPy, and checks their shapes against each other."""
    pairs = zip(weights._fields, weights, strict=True)
    arrays = Weights(*(None if a is None else on_host(n, a) for n, a in pairs))
    W, R = arrays.W, arrays.R
    expect(R.ndim == 3 and R.size > 0, "R", "shape [D, G, H]", describe(R))
    num_hidden = R.shape[2]
    num_rows = num_gates(forms[0].kind) * num_hidden
    expect(W.ndim == 3 and W.size > 0, "W", "shape [D, G, I]", describe(W))
    wanted = Weights(
        (len(forms), num_rows, W.shape[2]),
        (len(forms), num_rows, num_hidden),
        (len(forms), 2 * num_rows),
        (len(forms), 3 * num_hidden),
    )
    for name, array, shape in zip(Weights._fields, arrays, wanted, strict=True):
        if array is not None:
            fits = array.shape == shape and array.dtype == W.dtype
            expect(fits, name, f"{W.dtype}{list(shape)}", describe(array))
    return arrays
