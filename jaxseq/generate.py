"""Text that a language model writes: each word drawn, and read to draw the next.

    w_{t+1} ~ softmax(a_t / τ) over the allowed words                              (1)

with a_t of `jaxseq.language_model`, eq. (3), and the temperature τ: below 1 the likely
words become likelier.

Reference: Graves, Generating sequences with recurrent neural networks, 2013: words
drawn from the model's own distribution and fed back.
"""

import numbers
from collections.abc import Sequence
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from jaxseq import language_model
from jaxseq.cells.cell import Cell
from jaxseq.checks import check_count, check_ids, check_key, check_mask, expect
from jaxseq.types import Array, DTypeLike, Key


NO_ID = -1  # what stands where none can be drawn


def generate(
    key: Key,
    cells: Sequence[Cell],
    params: language_model.Params,
    first_id: Array | int,
    num_steps: int,
    *,
    allowed: Array,
    temperature: Array | float = 1.0,
    restart_id: Array | int | None = None,
) -> Array:
    """Draws a text from the model, word by word.

    Inside `jit` a wrong value cannot be refused. There an id that is none, no word
    allowed, or a temperature not above 0 give `NO_ID`, as do logits that are not finite
    (NaN weights), and from the first `NO_ID` on there is no other.

    Args:
        key: random key, consumed.
        cells: L cells; static under `jit`.
        params: the weights.
        first_id: integer scalar, what the model reads first, from zero states.
        num_steps: T, how many words to draw, one at least; static under `jit`.
        allowed: `[V]` bool, which words may be drawn, one at least.
        temperature: scalar above 0; a_t is divided by it: below 1 the likely words
            become likelier.
        restart_id: scalar, the id that is read from zero states wherever it comes, for
            a model that was trained with `resets` there; None for none.

    Returns:
        `[T]` ids, without the first; `NO_ID` where none can be drawn.

    Raises:
        ValueError: naming the argument.
    """
    check_key("key", key)
    language_model.check_model(cells, params)
    num_ids = params.embedding.shape[0]
    first_id = _scalar_id("first_id", first_id, num_ids)
    check_count("num_steps", num_steps)
    check_mask("allowed", allowed, (num_ids,))
    if not isinstance(allowed, jax.core.Tracer):
        expect(bool(np.any(allowed)), "allowed", "one True at least", "none")
    temperature = _in_dtype(temperature, params.embedding.dtype)
    tiny = jnp.finfo(temperature.dtype).tiny
    allowed = jnp.asarray(allowed) & (temperature >= tiny)
    if restart_id is not None:
        restart_id = _scalar_id("restart_id", restart_id, num_ids)
        allowed &= restart_id != NO_ID

    def body(carry, key_t):
        states, id_t = carry
        ids = id_t[None]
        resets = None if restart_id is None else ids == restart_id
        logits, states = language_model.predict(
            cells, params, states, ids, resets=resets
        )
        largest = jnp.max(logits[0], where=allowed, initial=-jnp.inf)
        # What is read as NO_ID is NaN, so that nothing is drawn after it.
        can_draw = jnp.isfinite(largest)
        # Less the largest: over a small temperature the others may overflow, to 0.
        weights = jnp.where(allowed, (logits[0] - largest) / temperature, -jnp.inf)
        drawn = jax.random.categorical(key_t, weights).astype(id_t.dtype)  # (1)
        id_t = jnp.where(can_draw, drawn, jnp.full_like(drawn, NO_ID))
        return (states, id_t), id_t

    start = (language_model.zero_states(cells, params, ()), first_id)
    return jax.lax.scan(body, start, jax.random.split(key, num_steps))[1]


def _scalar_id(argument: str, given: Array | int, num_ids: int) -> Array:
    """Checks one id, 0 to V - 1, where concrete; a traced one that is none: NO_ID."""
    array: Any = np.asarray(given) if isinstance(given, int) else given
    check_ids(argument, array, num_ids, ())
    if not isinstance(array, jax.Array):
        array = jnp.asarray(array.astype(np.int32))
    small = array.astype(jnp.int32)
    # Compared as it came too: of more bits, it may be an id by its last 32 only.
    is_same = small.astype(array.dtype) == array
    is_id = is_same & (small >= 0) & (small < num_ids)
    return jnp.where(is_id, small, jnp.full_like(small, NO_ID))


def _in_dtype(temperature: Array | float, dtype: DTypeLike) -> Array:
    """Returns the temperature in the model's dtype, where it is a normal number too."""
    is_scalar = isinstance(temperature, numbers.Real) or (
        isinstance(temperature, jax.Array | np.ndarray)
        and jnp.issubdtype(temperature.dtype, jnp.floating)
        and temperature.shape == ()
    )
    is_traced = isinstance(temperature, jax.core.Tracer)
    tiny = float(jnp.finfo(dtype).tiny)  # what is smaller may be 0 to XLA
    is_positive = is_scalar and (is_traced or float(temperature) >= tiny)
    expected = f"a number above 0, of {jnp.dtype(dtype)} {tiny:.1e} at least"
    expect(bool(is_positive), "temperature", expected, repr(temperature))
    with np.errstate(over="ignore"):  # infinite: all that is allowed is as likely
        return jnp.asarray(temperature, dtype)
