"""What the language model's command line takes, and what it means."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from jaxseq.cells import (
    Cell,
    elman,
    gru,
    jordan,
    lstm,
    lstm_1997,
    lstm_coupled,
    lstm_peephole,
)
from jaxseq.cells.activations import tanh
from jaxseq.train import precision
from jaxseq.train.precision import Precision

from . import cli, runs
from .tokenizers import TOKENIZERS, TokenName


CellName = Literal[
    "elman",
    "jordan",
    "lstm",
    "lstm_1997",
    "lstm_coupled",
    "lstm_peephole",
    "gru",
    "gru_before",
]
PrecisionName = Literal["float32", "bfloat16"]

CELLS: dict[CellName, Callable[[int], Cell]] = {
    "elman": lambda num_hidden: elman.cell(),
    # As many outputs as hidden units: what comes back is not the next word, which has
    # thousands of entries, but a layer below the softmax.
    "jordan": lambda num_hidden: jordan.cell(num_hidden, hidden=tanh, out=tanh),
    "lstm": lambda num_hidden: lstm.cell(),
    "lstm_1997": lambda num_hidden: lstm_1997.cell(),
    "lstm_coupled": lambda num_hidden: lstm_coupled.cell(),
    "lstm_peephole": lambda num_hidden: lstm_peephole.cell(),
    "gru": lambda num_hidden: gru.reset_after(),
    "gru_before": lambda num_hidden: gru.reset_before(),
}
"""The cells by name, for a layer of so many hidden units."""

PRECISIONS: dict[PrecisionName, Precision] = {
    "float32": precision.FLOAT32,
    "bfloat16": precision.BFLOAT16,
}


@dataclasses.dataclass(frozen=True)
class Config(runs.Options):
    """Train a recurrent language model and compare it with a smoothed bigram."""

    cell: CellName = "lstm"
    """The recurrent cell."""
    num_layers: int = 1
    """Cells on top of each other."""
    num_hidden: int = 128
    """Hidden units of each layer."""
    num_inputs: int = 128
    """Size of the embedding."""
    dropout: float = 0.0
    """Rate, before each layer and before the readout, not over time."""
    text: Path | None = None
    """A UTF-8 text to train on, one text a line; left out: the Debian corpus."""
    valid: Path | None = None
    """The held-out text that goes with TEXT; left out: the last 5 % of TEXT."""
    tokens: TokenName = "words"
    """What a token is."""
    max_vocab: int = 5000
    """Different tokens at most; the rarer ones are one token, unknown."""
    batch_size: int = 32
    """Places of the text that are read side by side."""
    num_steps: int = 32
    """Steps after which the gradient is cut; the state is carried on."""
    resets: bool = True
    """Whether each line starts from the zero state, or from that of the line before."""
    num_updates: int = 1200
    """Updates of the weights; the learning rate falls to 0 over them."""
    learning_rate: float = 0.01
    """Largest learning rate, after a rise over the first 5 % of the updates."""
    weight_decay: float = 0.0
    """AdamW's; 0 makes it Adam."""
    clip_norm: float = 1.0
    """A gradient that is longer is cut to this length."""
    minutes: float | None = None
    """Stop training after so many minutes, wherever the learning rate is."""
    num_evaluations: int = 10
    """How often to measure the held-out perplexity."""
    num_sampled: int = 120
    """How many tokens to write in the end."""
    temperature: float = 0.7
    """Of what is written: below 1 the likely tokens become likelier."""
    seed: int = 0
    """Of all that is random."""
    precision: PrecisionName = "float32"
    """Of products; weights and sums are float32."""
    accumulate: int = 1
    """Parts of a batch that are computed one after the other, to save memory."""
    devices: int = 1
    """Devices that share a batch, each with its own parts of it; of all processes."""
    address: str | None = None
    """HOST:PORT where the processes of one training meet, given to each of them; auto
    where Slurm, Open MPI or a TPU pod says who they are."""
    num_processes: int = 1
    """Processes that meet at ADDRESS."""
    process: int = 0
    """Number of this one, from 0."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/language_model/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        super().__post_init__()
        if self.smoke:
            small = {"num_updates": 2, "num_evaluations": 1, "num_sampled": 20}
            for name, value in small.items():
                object.__setattr__(self, name, value)
        cli.expect(self.cell in CELLS, "cell", f"one of {', '.join(CELLS)}", self.cell)
        known = ", ".join(TOKENIZERS)
        cli.expect(self.tokens in TOKENIZERS, "tokens", f"one of {known}", self.tokens)
        for name in _COUNTS:
            count = getattr(self, name)
            cli.expect(count >= 1, name, "1 or more", count)
            most = _MOST.get(name, 2**31 - 1)
            cli.expect(count <= most, name, f"{most} or less", count)
        for name in ("learning_rate", "clip_norm", "temperature", "minutes"):
            value = getattr(self, name)
            is_positive = value is None or (value > 0 and math.isfinite(value))
            cli.expect(is_positive, name, "a number above 0", value)
        is_normal = 2.0**-126 <= self.temperature <= 2.0**127
        expected = "2^-126 to 2^127, as float32 has them"
        cli.expect(is_normal, "temperature", expected, self.temperature)
        alone = self.num_processes == 1 and self.process == 0
        meets = self.address not in (None, "auto")
        expected = "HOST:PORT beside --num-processes and --process"
        cli.expect(alone or meets, "address", expected, self.address)
        rest = self.batch_size % self.accumulate
        expected = f"a divisor of --batch-size {self.batch_size}"
        cli.expect(rest == 0, "accumulate", expected, self.accumulate)
        rest = self.batch_size % (self.accumulate * self.devices)
        expected = f"--batch-size {self.batch_size} to be a multiple of it"
        if self.accumulate > 1:
            expected += f" times --accumulate {self.accumulate}"
        cli.expect(rest == 0, "devices", expected, self.devices)
        decay = self.weight_decay
        cli.expect(0 <= decay < math.inf, "weight_decay", "0 or more", decay)
        cli.expect(0 <= self.dropout < 1, "dropout", "a rate in [0, 1)", self.dropout)
        cli.expect(0 <= self.seed < 2**31, "seed", "0 to 2^31 - 1", self.seed)
        # The four special ids and one word.
        cli.expect(self.max_vocab >= 5, "max_vocab", "5 or more", self.max_vocab)
        has_text = self.text is not None or self.valid is None
        cli.expect(
            has_text, "valid", "a text to train on beside it (--text)", self.valid
        )


_COUNTS = (
    "num_layers",
    "num_hidden",
    "num_inputs",
    "batch_size",
    "num_steps",
    "num_updates",
    "num_evaluations",
    "num_sampled",
    "accumulate",
    "devices",
)
# Each layer is compiled apart; what is wider or longer than this no memory holds, and
# it would be seen when the training is over, or not in one line.
_MOST = {
    "num_layers": 100,
    "num_hidden": 10**6,
    "num_inputs": 10**6,
    "num_sampled": 10**6,
}


def demo_config(cell: CellName, out: Path = Path("out")) -> Config:
    """Returns the short setting: about 40 seconds a cell on two idle cores."""
    return Config(
        cell=cell,
        max_vocab=2000,
        num_updates=500,
        num_evaluations=4,
        learning_rate=0.02 if cell != "elman" else 0.01,
        out=out,
    )


def make_cells(config: Config) -> tuple[Cell, ...]:
    """Returns the L cells of the stack."""
    return (CELLS[config.cell](config.num_hidden),) * config.num_layers
