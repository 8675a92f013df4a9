"""Where a training is: what an update changes, and what is counted beside it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxseq.checks import check_floats, describe, expect
from jaxseq.types import Array, Tree


class Skips(NamedTuple):
    """Updates that were not applied, as something of them was not finite.

    Attributes:
        total: scalar int32.
        in_a_row: scalar int32, since the last one that was applied.
    """

    total: Array
    in_a_row: Array


class State(NamedTuple):
    """What an update changes; given away whole, so that no copy is kept.

    Attributes:
        params: the weights.
        optimizer_state: of optax.
        carry: what goes from one batch to the next, as the states of a recurrent
            network do; `()` for nothing.
        skips: updates that were not applied.
    """

    params: Tree
    optimizer_state: Tree
    carry: Tree
    skips: Skips


class Position(NamedTuple):
    """How far a training is, on the host; fit for JSON.

    Attributes:
        number: updates done, applied or not: the number of the next one, from 0.
        num_counted: what the batches held so far: tokens, examples.
        seconds: spent so far, in all runs together.
        best: the lowest held-out cost; None before the first.
        best_number: updates before it.
        num_worse: held-out costs since then.
        total: sum of costs since the last record.
        num_targets: what they are of.
        records: what the log holds, thinned out if there are many; so a checkpoint can
            draw the curve, and write the log again.
    """

    number: int = 0
    num_counted: float = 0.0
    seconds: float = 0.0
    best: float | None = None
    best_number: int = 0
    num_worse: int = 0
    total: float = 0.0
    num_targets: float = 0.0
    records: tuple[dict[str, Any], ...] = ()

    @classmethod
    def read(cls, host: Mapping[str, Any]) -> "Position":
        """Returns what a checkpoint holds.

        Args:
            host: the fields by name, as JSON gives them back.
        """
        return cls(**host)._replace(records=tuple(host["records"]))


class Training(NamedTuple):
    """All that is needed to go on.

    Attributes:
        state: what an update changes, on the devices.
        position: what is counted beside it, on the host.
    """

    state: State
    position: Position


def begin(
    params: Tree, optimizer: optax.GradientTransformation, carry: Tree = ()
) -> Training:
    """Returns the beginning of a training.

    Args:
        params: the first weights; given away with the first update.
        optimizer: what the updates will be made by.
        carry: what the first batch starts from; likewise.

    Raises:
        ValueError: if the optimizer is none, or naming a leaf that is no array of
            numbers, and of the weights one that is not of floats.
    """
    check_optimizer("optimizer", optimizer)
    params, carry = _arrays("params", params), _arrays("carry", carry)
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        check_floats(f"params{jax.tree_util.keystr(path)}", leaf)
    skips = Skips(jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))
    # Some optimizers keep the first weights: an array can be given away only once.
    moments = jax.tree.map(jnp.copy, optimizer.init(params))
    return Training(State(params, moments, carry, skips), Position())


def check_optimizer(argument: str, optimizer: optax.GradientTransformation) -> None:
    """Checks that an optimizer is one of optax, made and not only named.

    Args:
        argument: its name, for errors.
        optimizer: what should be one.

    Raises:
        ValueError: naming the argument.
    """
    is_one = isinstance(optimizer, optax.GradientTransformation)
    expected = "an optax.GradientTransformation"
    expect(is_one, argument, expected, type(optimizer).__name__)


def _arrays(argument: str, tree: Tree) -> Tree:
    """Returns the leaves as arrays, with an error that names one that is none."""

    def array(path, leaf):
        try:
            return jnp.asarray(leaf)
        except TypeError:
            name = f"{argument}{jax.tree_util.keystr(path)}"
            got = describe(leaf)
        raise ValueError(f"{name}: expected an array of numbers, got {got}")

    return jax.tree_util.tree_map_with_path(array, tree)
