"""A recurrent node run by jaxseq: `unroll` of its cell in each direction.

Sequences of length T_b < T end in their last valid step, and Y beyond it is 0. A
sequence of length 0 ends in 0, as in onnxruntime, not in its initial state, as
elsewhere in jaxseq.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

from jaxseq.cells.lstm import State
from jaxseq.checks import check_inputs, check_lengths, describe, expect
from jaxseq.interop.onnx.form import Recurrent, cell
from jaxseq.types import Array
from jaxseq.unroll import unroll


class Outputs(NamedTuple):
    """What a node gives, in the axes of layout 0 or 1.

    Attributes:
        Y: `[T, D, B, H]` or `[B, T, D, H]`, the outputs of all steps.
        Y_h: `[D, B, H]` or `[B, D, H]`, the last outputs.
        Y_c: `[D, B, H]` or `[B, D, H]`, the last cells of an LSTM, or else None.
    """

    Y: Array
    Y_h: Array
    Y_c: Array | None


def run(
    recurrent: Recurrent,
    X: Array,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    initial_c: Array | None = None,
) -> Outputs:
    """Runs a node; differentiable in the parameters, X and the initial states.

    Args:
        recurrent: the node.
        X: `[T, B, I]`, or `[B, T, I]` of layout 1.
        sequence_lens: `[B]` integers; None for T.
        initial_h: `[D, B, H]`, or `[B, D, H]` of layout 1; None for zeros.
        initial_c: the same shape, of an LSTM.

    Raises:
        ValueError: naming the input that does not fit.
    """
    num_directions = len(recurrent.forms)
    expect(jnp.ndim(X) == 3, "X", "shape [T, B, I] or [B, T, I]", describe(X))
    num_hidden = recurrent.params[0].W.shape[1]
    batch_first = recurrent.layout == 1
    xs = jnp.asarray(X)
    xs = jnp.swapaxes(xs, 0, 1) if batch_first else xs
    check_inputs("X", xs)
    num_inputs = recurrent.params[0].U.shape[1]
    expected = f"I = {num_inputs}, as the node's weights have"
    expect(xs.shape[-1] == num_inputs, "X", expected, describe(X))
    if sequence_lens is not None:
        lengths = jnp.asarray(sequence_lens)
        check_lengths(lengths, len(xs), xs.shape[1:2], "sequence_lens")
    shape = (num_directions, xs.shape[1], num_hidden)
    states = {
        name: _initial(name, given, shape, batch_first)
        for name, given in {"initial_h": initial_h, "initial_c": initial_c}.items()
    }
    is_lstm = recurrent.forms[0].kind == "LSTM"
    expected = "none, as the node is no LSTM"
    expect(is_lstm or initial_c is None, "initial_c", expected, "one")
    each = []
    for d, (form, params) in enumerate(
        zip(recurrent.forms, recurrent.params, strict=True)
    ):
        h_0, c_0 = (
            jnp.zeros(shape[1:], xs.dtype) if state is None else state[d]
            for state in states.values()
        )
        state_0: Any = State(h=h_0, c=c_0) if is_lstm else h_0
        reverse = d == 1 or recurrent.direction == "reverse"
        ys, state = unroll(
            *(cell(form), params, state_0, xs), lengths=sequence_lens, reverse=reverse
        )
        each.append((ys, *state) if is_lstm else (ys, state))
    Y = jnp.stack([ys for ys, *_ in each], axis=1)
    ends = [jnp.stack(state) for state in zip(*(end for _, *end in each), strict=True)]
    if sequence_lens is not None:
        started = (jnp.asarray(sequence_lens) > 0)[None, :, None]
        ends = [jnp.where(started, end, jnp.zeros_like(end)) for end in ends]
    if batch_first:
        Y = jnp.transpose(Y, (2, 0, 1, 3))
        ends = [jnp.swapaxes(end, 0, 1) for end in ends]
    Y_h, Y_c = ends if is_lstm else (ends[0], None)
    return Outputs(Y, Y_h, Y_c)


def _initial(
    name: str, given: Array | None, shape: tuple[int, ...], batch_first: bool
) -> Array | None:
    if given is None:
        return None
    wanted = (shape[1], shape[0], shape[2]) if batch_first else shape
    expect(jnp.shape(given) == wanted, name, f"shape {list(wanted)}", describe(given))
    given = jnp.asarray(given)
    return jnp.swapaxes(given, 0, 1) if batch_first else given
