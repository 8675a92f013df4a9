"""Checks of a decoder before it is run: what it is given and what it gives."""

import jax
import jax.numpy as jnp

from jaxseq.checks import describe, expect
from jaxseq.summarize.constraints import Options, check_options
from jaxseq.summarize.decoder import Decoder, Memory, Params, State, Step
from jaxseq.types import Tree


def check_calls(
    decoder: Decoder, params: Params, memory: Memory, options: Options, size: int
) -> Step:
    """Checks what a search is called with.

    Args:
        decoder: the model.
        params: its parameters.
        memory: leaves `[B, ...]`.
        options: the options.
        size: K.

    Returns:
        The shapes of a step of K hypotheses.

    Raises:
        ValueError: naming the argument.
    """
    kind = type(decoder).__name__
    is_decoder = isinstance(decoder, Decoder)
    expect(is_decoder, "decoder", "a jaxseq.summarize.decoder.Decoder", kind)
    check_options(options)
    leaves = jax.tree.leaves(memory)
    sizes = {jnp.shape(leaf)[:1] for leaf in leaves}
    is_batch = len(sizes) == 1 and () not in sizes and (0,) not in sizes
    came = ", ".join(map(describe, leaves)) or "no arrays"
    expect(is_batch, "memory", "leaves [B, ...], one B ≥ 1 for all", came)
    batch = jnp.shape(leaves[0])[0]
    state = jax.eval_shape(decoder.start, params, memory)
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        name = f"decoder.start's state{jax.tree_util.keystr(path)}"
        fits = leaf.shape[:2] == (batch, 1)
        expect(fits, name, f"shape [{batch}, 1, ...]", describe(leaf))
    wide = jax.eval_shape(lambda state: start_all(state, size), state)
    words = jax.ShapeDtypeStruct((batch, size), jnp.int32)
    step = jax.eval_shape(decoder.step, params, memory, wide, words)
    expect(
        isinstance(step, Step),
        "decoder.step",
        "to return a jaxseq.summarize.decoder.Step",
        type(step).__name__,
    )
    for field, axis in (("log_probs", "R"), ("weights", "M")):
        name, array = f"decoder.step's {field}", getattr(step, field)
        check_shaped_floats(name, array, (batch, size), axis)
    _check_same("decoder.step's state", step.state, wide)
    return step


def check_shaped_floats(
    argument: str, array: object, shape: tuple[int, ...], axis: str
) -> None:
    """Checks floats of a known shape but for one more axis of any size.

    Args:
        argument: its name, for the error's message.
        array: of shape `[*shape, axis]`.
        shape: the axes that are known.
        axis: the name of the one that is not.
    """
    dtype = getattr(array, "dtype", None)
    is_float = dtype is not None and jnp.issubdtype(dtype, jnp.floating)
    array_shape = getattr(array, "shape", ())
    fits = is_float and array_shape[:-1] == shape
    expected = f"floats [{', '.join(map(str, shape))}, {axis}]"
    expect(fits, argument, expected, describe(array))


def start_all(state: State, size: int) -> State:
    """Repeats the first state over the K hypotheses: `[B, 1, ...]` to `[B, K, ...]`.

    Args:
        state: leaves `[B, 1, ...]`.
        size: K.
    """
    return jax.tree.map(lambda leaf: jnp.repeat(leaf, size, axis=1), state)


def _check_same(argument: str, tree: Tree, like: Tree) -> None:
    expected, came = jax.tree.structure(like), jax.tree.structure(tree)
    expect(came == expected, argument, f"{expected}, as its first", came)
    for (path, leaf), before in zip(
        jax.tree_util.tree_leaves_with_path(tree), jax.tree.leaves(like), strict=True
    ):
        name = f"{argument}{jax.tree_util.keystr(path)}"
        fits = leaf.shape == before.shape and leaf.dtype == before.dtype
        expect(fits, name, f"{describe(before)}, as its first", describe(leaf))
