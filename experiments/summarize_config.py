"""What the summarizer's command line takes, and what it means."""

import dataclasses
import math
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxseq.summarize import beam, constraints, risk
from jaxseq.summarize.constraints import Options
from jaxseq.summarize.risk import Choose
from jaxseq.summarize.setting import Setting
from jaxseq.text.tokens import Tokenizer
from jaxseq.text.vocab import BOS, UNK

from . import cli, runs
from .tokenizers import TOKENIZERS, TokenName


ArchitectureName = Literal[
    "copy",
    "abs",
    "abs_plus",
    "abs_bag_of_words",
    "abs_convolution",
    "feed_forward_lm",
    "ras_lstm",
    "ras_elman",
    "ras_lstm_without_attention",
]
_FEED_FORWARD = (
    *("abs", "abs_plus", "abs_bag_of_words", "abs_convolution"),
    "feed_forward_lm",
)


@dataclasses.dataclass(frozen=True)
class Config(runs.Options):
    """Train a summarizer, and measure it; or have one summarize a text."""

    text: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Texts to summarize with MODEL, each in quotation marks; none: train."""

    model: Path | None = None
    """A model that was trained before; its vocabulary lies beside it. What is left out
    below is as in its file, and so is the search."""

    file: Path | None = None
    """Texts to summarize with MODEL, one a line (plain, .gz, .bz2, .xz)."""

    heatmaps: Path | None = None
    """A page to write, with MODEL: the attention of every summary."""

    pairs: tuple[Path, ...] = ()
    """JSONL or TSV of documents and summaries, or a file of each, line by line; JSONL
    may say the split of each, train, valid or test."""

    valid: tuple[Path, ...] = ()
    """As PAIRS, to choose the best weights by; none: some of PAIRS."""

    test: tuple[Path, ...] = ()
    """As PAIRS, to measure on; none: some of PAIRS."""

    architecture: ArchitectureName = "copy"
    """Which summarizer: one that copies, or one of 2015 and 2016."""

    tokens: TokenName | Literal["auto"] = "auto"
    """What a token is; auto: words, but of two files of PAIRS, which are tokenized by
    custom, as Gigaword's, what is between spaces."""

    max_vocab: int = 5000
    """V: different tokens at most; the others can be copied only."""

    num_inputs: int = 96
    """I, size of the embedding."""

    num_hidden: int = 128
    """H, hidden units of the decoder and of each direction of the encoder."""

    num_members: int = 1
    """Summarizers that learn side by side and write together."""

    num_context: int = 5
    """C, words of the summary that ABS sees."""

    radius: int = 2
    """Q, places to each side that ABS reads together."""

    num_layers: int = 3
    """L, layers of the convolutional encoder of ABS."""

    max_words: int = 60
    """Words of a document that are read; the rest is cut off."""

    max_targets: int = 16
    """Words of a summary that are learnt, its end included; the rest is cut off."""

    batch_size: int = 128
    """Pairs of an update."""

    num_epochs: int = 8
    """How often the pairs are read; the learning rate falls to 0 over them."""

    learning_rate: float = 0.002
    """The largest, after a rise over the first updates."""

    warmup: float = 0.05
    """Share of the updates over which it rises."""

    dropout: float = 0.2
    """Rate at which inputs and what the output layer reads are dropped."""

    coverage_weight: float = 0.0
    """What attending to the same words again costs, of one that copies; 0: nothing."""

    coverage_share: float = 0.25
    """Share of the epochs, the last ones, in which it costs that."""

    clip_norm: float = 2.0
    """A gradient that is longer is cut to this length."""

    patience: int = 2
    """Epochs without a lower held-out cost that end the training."""

    num_shards: int = 0
    """Parts of a batch, each on a core of its own; 0: 2, but 1 for ABS, which trains
    faster so, and writes a little slower."""

    accumulate: int = 1
    """Parts of what a core has of a batch, one after the other: less memory."""

    beam_size: int = 16
    """Summaries of a document that are looked at side by side."""

    min_length: int = 1
    """Words of a summary at least."""

    max_length: int = 14
    """Words of a summary at most."""

    length_norm: float = 1.0
    """Summaries are ranked by their score over this power of their length."""

    sharpness: float | None = 0.4
    """Of the hypotheses the one that is most like the others is taken, each counting by
    this power of its probability; None: the first by score."""

    no_repeat: int = 2
    """No sequence of so many words is written twice, UNK counted as a word, whatever
    comes in its place; 0 allows it."""

    num_candidates: int = 32
    """Weights of the features of ABS+ that are tried on held-out pairs."""

    num_tuned: int = 500
    """Held-out pairs that they are tried on, at most."""

    num_shown: int = 10
    """Examples to show."""

    seed: int = 0
    """Of all that is drawn."""

    out: Path = Path("out")
    """Folder of the results: they go to OUT/summarize/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        super().__post_init__()
        if self.smoke:
            small = {"num_epochs": 1, "num_candidates": 2, "num_shown": 2}
            for name, value in small.items():
                object.__setattr__(self, name, value)
        if self.tokens == "auto":
            tokens = "spaces" if len(self.pairs) == 2 else "words"
            object.__setattr__(self, "tokens", tokens)
        num = self.num_shards
        cli.expect(0 <= num < 2**31, "num_shards", "0 or more", num)
        if num == 0:
            num_shards = 1 if self.architecture in _FEED_FORWARD else 2
            object.__setattr__(self, "num_shards", num_shards)
        for name in _COUNTS:
            count = getattr(self, name)
            cli.expect(1 <= count < 2**31, name, "1 or more", count)
        for name in ("no_repeat", "num_shown", "min_length", "radius", "seed"):
            count = getattr(self, name)
            cli.expect(0 <= count < 2**31, name, "0 to 2^31 - 1", count)
        # The four special ids and one word.
        cli.expect(self.max_vocab >= 5, "max_vocab", "5 or more", self.max_vocab)
        expected = f"--max-length {self.max_length} or less"
        # A model's own file may say more.
        fits = self.min_length <= self.max_length or self.model is not None
        cli.expect(fits, "min_length", expected, self.min_length)
        num_parts = self.num_shards * self.accumulate
        expected = f"a multiple of --num-shards {self.num_shards}"
        if self.accumulate > 1:
            expected += f" x --accumulate {self.accumulate}"
        divides = self.batch_size % num_parts == 0
        cli.expect(divides, "batch_size", expected, self.batch_size)
        for name in ("learning_rate", "clip_norm"):
            value = getattr(self, name)
            is_positive = value > 0 and math.isfinite(value)
            cli.expect(is_positive, name, "a number above 0", value)
        for name in ("dropout", "warmup"):
            value = getattr(self, name)
            cli.expect(0 <= value < 1, name, "a rate in [0, 1)", value)
        weight, share = self.coverage_weight, self.coverage_share
        cli.expect(0 <= weight < math.inf, "coverage_weight", "0 or more", weight)
        cli.expect(0 < share <= 1, "coverage_share", "a share in (0, 1]", share)
        has_coverage = not weight or self.architecture == "copy"
        cli.expect(has_coverage, "coverage_weight", "--architecture copy", weight)
        tau = self.sharpness
        is_power = tau is None or 0 <= tau < math.inf
        cli.expect(is_power, "sharpness", "0 or more, or None", tau)
        alpha = self.length_norm
        cli.expect(0 <= alpha < math.inf, "length_norm", "0 or more", alpha)
        for name in ("pairs", "valid", "test"):
            num = len(getattr(self, name))
            cli.expect(num <= 2, name, "one file, or documents and summaries", num)
        for name in ("valid", "test"):
            is_alone = getattr(self, name) and not self.pairs
            cli.expect(not is_alone, name, "--pairs beside it", "none")
        is_one = self.num_members == 1 or self.architecture != "abs_plus"
        expected = "1, as the tuned weights of abs_plus are of one"
        cli.expect(is_one, "num_members", expected, self.num_members)
        has_text = bool(self.text) or self.file is not None
        has_model = self.model is not None or not has_text
        cli.expect(has_model, "model", "one to summarize the texts with", "none")
        has_maps = self.heatmaps is None or self.model is not None
        cli.expect(has_maps, "heatmaps", "--model beside it", "none")
        has_use = self.model is None or has_text
        cli.expect(has_use, "model", "a text or --file to summarize", "none")


_COUNTS = (
    "num_members",
    "num_inputs",
    "num_hidden",
    *("num_context", "num_layers", "num_candidates", "num_tuned"),
    "max_words",
    "max_targets",
    "batch_size",
    "num_epochs",
    "patience",
    "accumulate",
    "beam_size",
    "max_length",
)
# What decides the weights, whatever devices there are: of another, no run goes on.
_TRAINED = (
    *(
        "architecture",
        "tokens",
        "max_vocab",
        "num_inputs",
        "num_hidden",
        "num_members",
        *("num_context", "radius", "num_layers"),
        "max_words",
        "max_targets",
    ),
    *("batch_size", "num_epochs", "learning_rate", "warmup", "dropout", "clip_norm"),
    *("patience", "accumulate", "seed", "coverage_weight", "coverage_share"),
    *("smoke", "overfit"),
)
# Where a model attends, the word attended to comes in the place of UNK; who copies
# needs none, and for the others there is nothing to put there.
_FORBIDDEN: dict[ArchitectureName, tuple[int, ...]] = {
    "abs": (BOS,),
    "abs_plus": (BOS,),
    "ras_lstm": (BOS,),
    "ras_elman": (BOS,),
}
# What a model must be told to be used.
_OF_MODEL = (
    *("architecture", "tokens", "num_inputs", "num_hidden", "max_words"),
    "num_members",
    *("num_context", "radius", "num_layers"),
)
# How it is searched, unless it is told otherwise.
_OF_SEARCH = (
    *("beam_size", "min_length", "max_length", "length_norm", "sharpness"),
    "no_repeat",
)


def make_setting(config: Config) -> Setting:
    """Returns how to train."""
    names = set(Setting._fields)
    return Setting(
        **{n: v for n, v in dataclasses.asdict(config).items() if n in names}
    )


def make_options(config: Config) -> Options:
    """Returns how to search."""
    return constraints.Options(
        beam_size=config.beam_size,
        min_length=config.min_length,
        max_length=config.max_length,
        length_norm=config.length_norm,
        no_repeat_ngram_size=config.no_repeat,
        forbidden=_FORBIDDEN.get(config.architecture, (UNK, BOS)),
    )


def make_choice(config: Config) -> Choose:
    """Returns how one of the hypotheses is chosen."""
    if config.sharpness is None:
        return beam.best
    return risk.least(config.sharpness, config.length_norm)


def trained_settings(config: Config) -> dict:
    """Returns what decides the weights, fit for JSON."""
    return {name: getattr(config, name) for name in _TRAINED}


def model_settings(config: Config) -> dict:
    """Returns what a model's file must say for the model to be used."""
    return {name: getattr(config, name) for name in _OF_MODEL}


def search_settings(config: Config) -> dict:
    """Returns what a model's file says of how it is searched."""
    return {name: getattr(config, name) for name in _OF_SEARCH}


def tokenizer(config: Config) -> Tokenizer:
    """Returns what makes tokens of a text, and a text of tokens."""
    assert config.tokens != "auto"  # settled as the config was made
    return TOKENIZERS[config.tokens]


def attended_radius(config: Config) -> int:
    """Returns how far from its maximum attention may be meant.

    ABS smooths its values over ± Q words, RAS its keys over ± 2.
    """
    if config.architecture in ("abs", "abs_plus"):
        return config.radius
    return 2 if config.architecture in ("ras_lstm", "ras_elman") else 0
