"""What `python -m experiments.bench summarize` takes, and what is trained by it."""

import dataclasses
from pathlib import Path

from .. import cli
from ..summarize_config import ArchitectureName, Config as Training


@dataclasses.dataclass(frozen=True)
class Config:
    """Time a summarizer's training beside eager PyTorch, and its beam search."""

    architecture: ArchitectureName = "copy"
    """Which summarizer."""

    model: Path | None = None
    """Weights that write, of `experiments.summarize`; none: after an epoch."""

    batch_size: int = 128
    """Pairs of an update."""

    num_inputs: int = 96
    """I, size of the embedding."""

    num_hidden: int = 128
    """H, hidden units."""

    dropout: float = 0.2
    """Rate, in training."""

    beam_size: int = 5
    """Summaries of a document that are looked at side by side."""

    repetitions: int = 20
    """Rounds; in each one everybody runs an update."""

    num_one_by_one: int = 100
    """Documents that are read one by one too."""

    pairs: tuple[Path, ...] = ()
    """As `experiments.summarize` takes them; none: the shipped ones."""

    out: Path = Path("out")
    """Folder of the results: they go to OUT/bench/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        enough = self.repetitions >= 20
        cli.expect(enough, "repetitions", "20 or more", self.repetitions)
        num = self.num_one_by_one
        cli.expect(num >= 1, "num_one_by_one", "1 or more", num)
        # What both have in common is checked where it is used.
        make_training(self)


def make_training(config: Config) -> Training:
    """Returns the settings, as `experiments.summarize` takes them."""
    common = {field.name for field in dataclasses.fields(Training)}
    given = dataclasses.asdict(config)
    given = {name: given[name] for name in given.keys() & common - {"model", "out"}}
    return Training(**given, num_epochs=1)
