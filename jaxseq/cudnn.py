"""cuDNN's LSTM behind the face of `jaxseq.unroll.unroll`: NVIDIA GPUs, float32.

    from jaxseq import cudnn
    ys, state = cudnn.unroll(lstm.cell(), params, None, xs)

It is called like `unroll`, and can be given to `jaxseq.network.stack` in its place.
What cuDNN cannot do runs by `jaxseq.unroll.unroll`, with a warning that says why;
`why_not` tells beforehand. Its gradients are cuDNN's own and cannot be differentiated
again; forward mode and `jax.vmap` it has not, nor products in bfloat16, which
`jax_default_matmul_precision` may ask for.

cuDNN stacks the gates as i, f, c̃, o and adds two biases: ours is the first one, the
other is 0.

References:
    Chetlur et al., cuDNN: efficient primitives for deep learning, 2014.
    `jax.experimental.rnn`, which calls it.
"""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import rnn

from jaxseq.cells import lstm
from jaxseq.cells.cell import Cell
from jaxseq.cells.checks import check_cell, check_unroll
from jaxseq.cells.lstm import Params, State
from jaxseq.checks import check_flag, check_inputs
from jaxseq.interop.gates import reorder
from jaxseq.types import Array, Tree
from jaxseq.unroll import Unrolled, unroll as unroll_by_deltas


def unroll(
    cell: Cell,
    params: Tree,
    state_0: Tree | None,
    xs: Array,
    *,
    lengths: Array | None = None,
    resets: Array | None = None,
    reset_state: Tree | None = None,
    reverse: bool = False,
) -> Unrolled:
    """Unrolls an LSTM over time by cuDNN, or anything by `jaxseq.unroll.unroll`.

    Arguments, results and errors are those of `jaxseq.unroll.unroll`; what is kept for
    the backward pass cannot be chosen, so there is no `memory`.

    Warns:
        UserWarning: where cuDNN cannot do it, with the reason.
    """
    reason = why_not(cell, xs, lengths=lengths, resets=resets)
    if reason is not None:
        warnings.warn(f"not by cuDNN: {reason}", stacklevel=2)
        return unroll_by_deltas(
            *(cell, params, state_0, xs),
            lengths=lengths,
            resets=resets,
            reset_state=reset_state,
            reverse=reverse,
        )
    check_flag("reverse", reverse)
    state_0, _ = check_unroll(cell, params, state_0, xs, None, None, reset_state)
    return _unroll(params, state_0, xs, reverse)


def why_not(
    cell: Cell,
    xs: Array,
    *,
    lengths: Array | None = None,
    resets: Array | None = None,
) -> str | None:
    """Says why cuDNN cannot do it, or returns None.

    Args:
        cell: the cell.
        xs: `[T, ..., I]` the inputs.
        lengths: `[...]` how many steps of each sequence count.
        resets: `[T, ...]` bool, where a new sequence begins.

    Raises:
        ValueError: naming the argument, if there is no such cell or no such inputs.
    """
    check_cell("cell", cell)
    check_inputs("xs", xs)
    if jax.default_backend() != "gpu":
        return f"it needs an NVIDIA GPU, and JAX runs on {jax.default_backend()}"
    if cell is not lstm.cell():
        return f"it has the cell of jaxseq.cells.lstm alone, not {cell.name}"
    if xs.dtype != jnp.float32:
        return f"jax.experimental.rnn takes float32 alone, not {xs.dtype}"
    if lengths is not None:
        return "it takes no empty sequences, which lengths may ask for"
    if resets is not None:
        return "it cannot reset the state within a sequence"
    if 0 in xs.shape:
        return f"it takes no empty arrays, and xs is {list(xs.shape)}"
    return None


def _unroll(params: Params, state_0: Tree, xs: Array, reverse: bool) -> Unrolled:
    """Runs cuDNN on `[T, ..., I]`, whatever the batch axes."""
    num_steps, *batch, num_inputs = xs.shape
    num_hidden = params.W.shape[1]
    flat = xs.reshape(num_steps, -1, num_inputs)
    if reverse:
        flat = flat[::-1]
    h_0, c_0 = (leaf.reshape(1, -1, num_hidden) for leaf in state_0)
    outputs: Any = rnn.lstm(
        *(jnp.swapaxes(flat, 0, 1), h_0, c_0, packed(params)),
        seq_lengths=jnp.full(flat.shape[1], num_steps, jnp.int32),
        input_size=num_inputs,
        hidden_size=num_hidden,
        num_layers=1,
        dropout=0.0,
        bidirectional=False,
    )
    ys, h_T, c_T = outputs
    ys = jnp.swapaxes(ys, 0, 1)
    if reverse:
        ys = ys[::-1]
    state_T = State(*(leaf.reshape(*batch, num_hidden) for leaf in (h_T, c_T)))
    return Unrolled(ys.reshape(num_steps, *batch, num_hidden), state_T)


def packed(params: Params) -> Array:
    """Packs the weights in cuDNN's order: U, W, b, and a second bias of zeros.

    Args:
        params: its weights.

    Returns:
        `[n]` all of them.
    """
    U, W, b = (reorder(leaf, "fiog", "ifgo") for leaf in params)
    return jnp.concatenate([U.ravel(), W.ravel(), b, jnp.zeros_like(b)])
