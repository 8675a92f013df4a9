"""Compiled updates, one a shape of batch; what does not fit is refused before it runs.

XLA says what a program needs before anything is computed. A batch of a new shape costs
a compilation, seconds to minutes: a training that pads its batches to few lengths has
few, and one that does not is told so.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from jaxseq import host_memory
from jaxseq.train.state import State
from jaxseq.types import Tree


class TooLarge(MemoryError):
    """An update does not fit into the memory; the message is one line."""


class TooManyShapes(ValueError):
    """Batches have more shapes than was said; the message is one line."""


class Program(NamedTuple):
    """A compiled update.

    Attributes:
        call: takes what it was compiled for.
        num_flops: of one call, as XLA counts, which takes a loop of unknown length for
            one round; 0 if it does not count.
    """

    call: Callable[..., Any]
    num_flops: float


class Programs:
    """Compiles an update when a batch has a shape that none before had."""

    def __init__(
        self, update: Callable[..., Any], state: State, max_shapes: int, advice: str
    ):
        """Takes what to compile.

        Args:
            update: `(state, ...) -> (state, report)`; the state is given away.
            state: says where a state lies, before and after.
            max_shapes: compilations at most.
            advice: how to need less memory.
        """
        where = jax.tree.map(lambda leaf: leaf.sharding, state)
        self._jitted = jax.jit(
            update,
            donate_argnums=0,
            out_shardings=(where, state.skips.total.sharding),
        )
        self._max_shapes, self._advice = max_shapes, advice
        self._compiled: dict[Any, Program] = {}

    def find(self, *args: Tree) -> Program:
        """Returns the program for these arguments, compiled now or before.

        Args:
            *args: of `update`, the state first.

        Raises:
            TooLarge: if XLA says that it needs more memory than there is.
            TooManyShapes: if it would be one program more than was said.
        """
        leaves, structure = jax.tree.flatten(args[1:])
        shape = (structure, *((leaf.shape, leaf.dtype) for leaf in leaves))
        if shape not in self._compiled:
            if len(self._compiled) >= self._max_shapes:
                raise TooManyShapes(
                    f"batches of more than {self._max_shapes} shapes, the last "
                    f"{[leaf.shape for leaf in leaves]}: pad them to few lengths, or "
                    "allow more by max_shapes"
                )
            self._compiled[shape] = self._compile(*args)
        return self._compiled[shape]

    def _compile(self, *args: Tree) -> Program:
        try:
            compiled = self._jitted.lower(*args).compile()
        except jax.errors.JaxRuntimeError as error:
            raise self.explained(error) from error
        needed, free = _num_needed(compiled), num_free()
        if free is not None and needed > free:
            raise TooLarge(
                f"an update needs {needed / 1e9:.1f} GB of memory beyond the weights, "
                f"{free / 1e9:.1f} are free: {self._advice}"
            )
        costs = compiled.cost_analysis()
        return Program(compiled, float((costs or {}).get("flops", 0.0)))

    def explained(self, error: Exception) -> Exception:
        """Returns what to say of an error of the runtime: itself, or `TooLarge`.

        Args:
            error: of a compilation, or of a call.
        """
        if "RESOURCE_EXHAUSTED" not in str(error):
            return error
        return TooLarge(f"not enough memory for an update: {self._advice}")


def num_free() -> int | None:
    """Returns the free memory of a device, or of this machine; None if unknown."""
    device = jax.local_devices()[0]
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    return host_memory.num_free() if device.platform == "cpu" else None


def _num_needed(compiled: Any) -> int:
    # What is given away is reused: it lies in `alias`.
    sizes = compiled.memory_analysis()
    if sizes is None:
        return 0
    new = sizes.output_size_in_bytes - sizes.alias_size_in_bytes
    return sizes.temp_size_in_bytes + max(new, 0)
