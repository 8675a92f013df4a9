"""Peers and contenders: a library, and what it runs at one point of the grid."""

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .forms import CellName, Form
from .problem import Answer, Point, Problem


class Memory(NamedTuple):
    """Bytes of a compiled program."""

    temp: int
    output: int
    argument: int


class Program(NamedTuple):
    """Something that can be run again and again."""

    run: Callable[[], Any]  # one call; returns when its result is there
    compile_seconds: float | None = None  # None where nothing is compiled
    memory: Memory | None = None  # None where the library does not say


class Contender(NamedTuple):
    """A library's layer with a problem's weights and inputs, ready to run."""

    forward: Program  # outputs alone, nothing kept for a backward pass
    backward: Program  # outputs, and gradients of all weights and of the inputs
    answer: Callable[[], Answer]  # runs both and writes what they return as jaxseq's


class Peer(NamedTuple):
    """A library that the benchmark knows."""

    name: str
    packages: tuple[str, ...]  # whose versions matter, as the registry calls them
    forms: Mapping[CellName, Form]  # what it computes; no entry, no such cell
    missing: Callable[[Point], str | None]  # why it cannot run here, or None
    build: Callable[[Problem], Contender]


def installed(point: Point) -> None:
    """Is the `missing` of a peer that is always there."""


def missing_package(module: str, package: str) -> str | None:
    """Says that a package is not installed, or returns None."""
    if importlib.util.find_spec(module) is None:
        return f"{package} is not installed (make bench, or the extra `bench`)"
    return None
