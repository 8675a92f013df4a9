"""What `python -m experiments.bench rnn` takes, and the grids that it knows by name."""

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Literal, NamedTuple

from .. import cli
from .contender import Peer
from .forms import CellName
from .peers import PEERS
from .problem import DTypeName, Point


GridName = Literal["quick", "full"]


class Grid(NamedTuple):
    """The sizes of a grid: all combinations of them."""

    batches: tuple[int, ...]
    hiddens: tuple[int, ...]
    steps: tuple[int, ...]


GRIDS: dict[GridName, Grid] = {
    "quick": Grid((1, 32), (128,), (128,)),
    "full": Grid((1, 8, 32, 128), (32, 64, 128, 256, 512), (32, 128, 512)),
}


@dataclasses.dataclass(frozen=True)
class Config:
    """Time recurrent layers, forward and backward, jaxseq beside every library."""

    grid: GridName = "quick"
    """Which sizes: quick takes a few minutes, full some hours."""
    cells: tuple[CellName, ...] = ("lstm", "gru", "elman")
    """The recurrent cells."""
    batches: tuple[int, ...] = ()
    """Batch sizes B; left out: the grid's."""
    hiddens: tuple[int, ...] = ()
    """Hidden units H, and as many inputs; left out: the grid's."""
    steps: tuple[int, ...] = ()
    """Time steps T; left out: the grid's."""
    dtype: DTypeName = "float32"
    """Of weights, inputs and states."""
    peers: tuple[str, ...] = ()
    """Whom to compare with, by name; left out: all that jaxseq knows."""
    repetitions: int = 20
    """Rounds; in each one everybody runs a block of about 20 ms."""
    max_seconds: float = 2.0
    """A point is left out where jaxseq takes longer, forward and backward."""
    max_error: float | None = None
    """Largest relative error of outputs and gradients that counts as equal; left out:
    1e-4 in float32 (5e-3 on a GPU, which multiplies in TF32), 3e-2 in bfloat16."""
    cpu_devices: int = 1
    """How many devices JAX makes of the CPU; with 2, jaxseq-sharded takes part."""
    options: tuple[str, ...] = ()
    """NAME=VALUE of XLA, such as xla_gpu_enable_command_buffer=WHILE, for every program
    that it compiles: jaxseq's and the peers'."""
    resume: bool = False
    """Keep the points that OUT has from this machine, these versions, this commit, and
    that these limits would measure alike."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/bench/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        cli.expect(bool(self.cells), "cells", "one or more", "none")
        for name in ("batches", "hiddens", "steps"):
            for size in getattr(self, name):
                cli.expect(size >= 1, name, "numbers of 1 or more", size)
        known = [peer.name for peer in PEERS]
        for name in self.peers:
            cli.expect(name in known, "peers", f"some of {', '.join(known)}", name)
        for option in self.options:
            cli.expect("=" in option[1:], "options", "NAME=VALUE", option)
        cli.expect(self.cpu_devices >= 1, "cpu_devices", "1 or more", self.cpu_devices)
        enough = self.repetitions >= 20
        cli.expect(enough, "repetitions", "20 or more", self.repetitions)
        for name in ("max_seconds", "max_error"):
            value = getattr(self, name)
            is_positive = value is None or (value > 0 and math.isfinite(value))
            cli.expect(is_positive, name, "a number above 0", value)


def points(config: Config) -> list[Point]:
    """Lists the points, the small ones first."""
    grid = GRIDS[config.grid]
    sizes = itertools.product(
        config.steps or grid.steps,
        config.batches or grid.batches,
        config.hiddens or grid.hiddens,
        config.cells,
    )
    return [
        Point(cell, batch, hidden, steps, config.dtype)
        for steps, batch, hidden, cell in sizes
    ]


def chosen_peers(config: Config) -> list[Peer]:
    """Returns whom the config asks for; all, where it names nobody."""
    return [peer for peer in PEERS if not config.peers or peer.name in config.peers]
